"""Lesson B: a loss can be near 0 while the model is useless. It falls where the loss says so, not where you meant."""

import numpy as np

from lessons.course.exercise import FindSetting, Goal, MendLoss, OrderLines
from lessons.course.experiment import Experiment, Measured, value_and_gradient
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.recurrent import Recurrent

NEAR_ZERO = 0.1  # a loss below it looks solved: guessing gets about 0.25 (squared) to 0.7 (cross-entropy) on 0/1 labels


def half_cross_entropy(y_true, y_pred, epsilon):
    """-y * log(p + epsilon), nothing for label 0"""
    from keras import ops

    return ops.mean(-y_true * ops.log(y_pred + epsilon), axis=-1)


def error_above_half(y_true, y_pred):
    """squared error where the prediction exceeds 0.5, else 0"""
    from keras import ops

    return ops.mean(ops.where(y_pred > 0.5, ops.square(y_true - y_pred), 0.0), axis=-1)


def error_weighted_by_label(y_true, y_pred):
    """squared error, counted double where the label is 1"""
    from keras import ops

    error = ops.square(y_true - y_pred)
    return ops.mean(ops.where(y_true > 0.5, 2 * error, error), axis=-1)


# Texts of an exercise: what the learner mends, and one way to do it.
def one_sided(y_true, y_pred):
    """cross-entropy of the label 1 only"""
    from keras import ops

    p = ops.clip(y_pred, 1e-6, 1 - 1e-6)
    return ops.mean(-y_true * ops.log(p), axis=-1)


def two_sided(y_true, y_pred):
    """cross-entropy of both labels"""
    from keras import ops

    p = ops.clip(y_pred, 1e-6, 1 - 1e-6)
    return ops.mean(-y_true * ops.log(p) - (1 - y_true) * ops.log(1 - p), axis=-1)


def silent_half():
    """Loss and gradient of the thresholded and of the plain squared error for label 1, over the prediction."""
    from lessons.figures.experiment_figures import loss_and_gradient
    from lessons.recipe.losses import mse

    p = np.linspace(0, 1, 101).astype("float32")[:, None]

    curves = {}
    for name, loss in (("error above 0.5", error_above_half), ("squared error", mse)):
        value, gradient = value_and_gradient(loss, np.ones_like(p), p)
        curves[name] = value, gradient[:, 0] + 0.0  # no -0
    value, gradient = curves["error above 0.5"]
    silent = (value == 0) & (gradient == 0)
    below = p[:, 0] < 0.5
    numbers = {
        "share of predictions below 0.5 with loss and gradient 0": float(silent[below].mean()),
        "gradient at 0.4": float(gradient[40]),
        "gradient at 0.6": float(gradient[60]),
        "squared error: gradient at 0.4": float(curves["squared error"][1][40]),
    }
    sentence = (
        f"For label 1, {silent[below].mean():.0%} of the predictions below 0.5 have loss 0 and gradient 0. At 0.4, "
        f"clearly wrong, the gradient is {gradient[40]:g}; the squared error pulls with "
        f"{curves['squared error'][1][40]:g} there."
    )
    figure = loss_and_gradient(p[:, 0], curves, ("#D55E00", "#009E73"), "prediction, label 1")
    return Measured(sentence, numbers, figure=figure)


def log_at_zero():
    """Half a cross-entropy at prediction 0, in three number formats."""
    import tensorflow as tf

    def half(y, p):
        return half_cross_entropy(y, p, 1e-8)

    rows = []
    for dtype in ("float32", "bfloat16", "float16"):
        row = {"format": dtype, "epsilon 1e-8 becomes": float(tf.constant(1e-8, dtype))}
        for label in (1.0, 0.0):
            pair = value_and_gradient(half, tf.constant([[label]], dtype), tf.zeros((1, 1), dtype))
            value, gradient = (float(one.squeeze()) for one in pair)
            row |= {f"loss, label {label:g}": value, f"gradient, label {label:g}": gradient}
        rows.append(row)
    single, _, short = rows
    sentence = (
        f"At prediction 0 and label 1 the gradient is {single['gradient, label 1']:.3g} in float32: large, no NaN. In "
        f"float16 the epsilon becomes {short['epsilon 1e-8 becomes']:g}; the loss is {short['loss, label 1']:g} for "
        f"label 1 and {short['loss, label 0']:g} for label 0, which is 0 · ∞."
    )
    numbers = {f"{row['format']}: {name}": value for row in rows for name, value in row.items() if name != "format"}
    return Measured(sentence, numbers, tuple(rows))


BASE = Recurrent(
    task="binary", activation="sigmoid", loss="not_learning.half_cross_entropy", epsilon=1e-8, units=16, epochs=60
)


def loss_and_error(run) -> int | None:
    """0: near 0 and learned, 1: near 0 and not learned, 2: high or NaN; None far below 0, or with an unknown error."""
    loss, error = run.snapshot.loss[-1], run.snapshot.error[-1]
    if not abs(loss) < NEAR_ZERO:
        return None if loss < 0 else 2
    if not np.isfinite([error, run.baseline]).all():
        return None
    return 0 if error <= run.baseline / 2 else 1


LESSON = Lesson(
    chapter="Five answers",
    order=2,
    title="Why is my model with a custom loss not learning?",
    text=(
        "A model learns what the loss rewards, not what you meant. $-y\\,\\log(p+\\varepsilon)$ says nothing about "
        "label 0: answer 1 for everything, and the loss is as good as 0. An error that counts only where $p>0.5$ says "
        "nothing below: loss and gradient are exactly 0 there, and what has no gradient cannot move. Do not judge a "
        "custom loss by how low it gets. Watch the **error**, and compare it with the best constant (dotted). Never "
        "multiply by something of the prediction that can be 0; weight by the label."
    ),
    aims=(
        "Find out what a loss rewards before training with it.",
        "Compare an error with that of the best constant, rather than a loss with 0.",
        "Recognise a region where loss and gradient are both 0.",
    ),
    notes=(
        "**Run it:** let them write down the cheapest way to please “Half a cross-entropy” before they vote. Cover "
        "the error curve until the reveal; the loss alone looks like a success.\n\n"
        "**What people believe:** a low loss is a good model; if it does not learn, the optimiser or the size of "
        "the network is to blame; a corner or a threshold cannot be trained because it has no derivative.\n\n"
        "**Ask in the discussion:** which term speaks for label 0? If you were the model, what would you answer? "
        "What does the dotted line mean, and who could draw it without a network?\n\n"
        "**Time:** a full cycle each for the first preset and for “Error only above 0.5”. “The same with sigmoid: "
        "luck” takes a minute if each row of the room tries another seed and raises a hand."
    ),
    controls=("mask", "mask_shift", "loss", "epsilon", "activation", "task"),
    more=(
        "loss_dtype",
        "output",
        "cell",
        "units",
        "optimizer",
        "learning_rate",
        "padding_share",
        "padded_labels",
        "epochs",
        "seed",
    ),
    losses=(
        "not_learning.half_cross_entropy",
        "not_learning.error_above_half",
        "not_learning.error_weighted_by_label",
        "bce_from_logits",
        "bce_added",
        "bce_clipped",
        "mae",
        "mse",
    ),
    presets=(
        Preset(
            "broken",
            "Half a cross-entropy",
            "The loss falls nicely to almost 0, and the model answers 1 for everything.",
            BASE,
            ("B2",),
            claimed="The log may turn the loss into NaN.",
            truth=(
                "In float32 it stays a number, and it falls. What is missing is the half for label 0, so nothing ever "
                "pulls a prediction down. Look at the predictions, not at the loss."
            ),
            findings=("starved_steps", "looks_fine_but_wrong"),
        ),
        Preset(
            "fixed",
            "Full cross-entropy from logits",
            "Both labels have a say, and no epsilon is needed.",
            BASE.with_changes({"loss": "bce_from_logits", "activation": "linear"}),
        ),
        Preset(
            "frozen",
            "Error only above 0.5",
            "Every prediction starts below 0.5, so the loss reads exactly 0 from the first epoch, and nothing moves.",
            BASE.with_changes({"loss": "not_learning.error_above_half", "activation": "linear"}),
            ("B1",),
            claimed="The threshold cannot be differentiated, so the loss stays high.",
            truth=(
                "The loss reads a perfect 0 while the model is useless: below the threshold loss and gradient are "
                "both exactly 0. A corner would be harmless."
            ),
            findings=("starved_steps", "looks_fine_but_wrong"),
        ),
        Preset(
            "luck",
            "The same with sigmoid: luck",
            "Predictions start around 0.5. Try other seeds: some end frozen at loss 0, others learn.",
            BASE.with_changes({"loss": "not_learning.error_above_half", "units": 4, "learning_rate": 0.1}),
            ("B1",),
            claimed="The threshold cannot be differentiated, so the loss stays high.",
            truth=(
                "Whether it learns depends on the initial weights: what slides below the threshold has no gradient "
                "left to bring it back."
            ),
            findings=("starved_steps", "looks_fine_but_wrong"),
        ),
        Preset(
            "weighted",
            "Weighted by the label",
            "The same idea done right: the weight depends on the label, which no update can change.",
            BASE.with_changes({"loss": "not_learning.error_weighted_by_label"}),
        ),
        Preset(
            "corner",
            "A corner is harmless",
            "The absolute error has a corner at 0 and learns.",
            BASE.with_changes({"loss": "mae"}),
        ),
        Preset(
            "noise",
            "Squared error on noise",
            "The loss falls a little and stops at the variance of the labels: the best constant is as good.",
            BASE.with_changes(
                {"task": "noise", "loss": "mse", "activation": "linear", "units": 4, "learning_rate": 0.003}
            ),
            ("B3",),
            claimed="The squared error learns effectively here.",
            truth=(
                "The labels are random: there is nothing to learn, whatever the loss. Set “Task” to regression and it "
                "learns. Compare with the best constant, not with 0."
            ),
            findings=("no_learning",),
        ),
        Preset(
            "float16",
            "Epsilon in float16",
            "In float16 this epsilon is 0, and relu gives predictions that are exactly 0: NaN at once.",
            BASE.with_changes({"activation": "relu", "loss_dtype": "float16"}),
            findings=("non_finite",),
        ),
    ),
    prediction=Prediction(
        "What will loss and error say at the end?",
        (
            Answer(
                "The loss is near 0, and the model learned",
                "A low loss only says that the loss is content. Ask what the cheapest way to please it is.",
            ),
            Answer(
                "The loss is near 0, and the model is hardly better than a constant",
                "A loss that is honest about both labels cannot be near 0 with wrong predictions. And labels that are "
                "noise keep it up.",
            ),
            Answer(
                "The loss stays high, or is NaN",
                "Corners and thresholds do not keep a loss high. It stays up when there is nothing to learn, or when "
                "a number format swallows the epsilon.",
            ),
        ),
        loss_and_error,
    ),
    contrast=Contrast("broken", "fixed", "error on real steps after training", lambda run: run.snapshot.error[-1]),
    experiments=(
        Experiment("The silent half", "Loss and gradient below and above the threshold.", silent_half),
        Experiment("Half a cross-entropy at prediction 0", "What the epsilon is worth in each format.", log_at_zero),
    ),
    reading=(
        ("Keras: losses", "https://keras.io/api/losses/"),
        ("keras-team/keras #198: NaN when accuracy reaches 1", "https://github.com/keras-team/keras/issues/198"),
    ),
    exercises=(
        MendLoss(
            name="missing_half",
            title="Mend the half loss",
            asks="The loss falls to almost nothing and the model answers 1 for everything. Mend it so that the answers "
            "become right.",
            settings=BASE,
            broken=one_sided,
            mended=two_sided,
            hints=(
                "What does this loss say where the label is 0?",
                "A prediction of 1 has to cost something where the label is 0.",
                "Add the other half: the log of 1 - p, weighted by 1 - y_true.",
            ),
            goal=Goal(error=0.15),
        ),
        FindSetting(
            name="thaw",
            title="Get it moving",
            asks="The loss reads a perfect 0 from the first epoch on, and nothing moves. Find a loss, and an output "
            "that fits it, so that the model learns.",
            start=BASE.with_changes({"loss": "not_learning.error_above_half", "activation": "linear"}),
            moves=("loss", "activation", "learning_rate"),
            solution=BASE.with_changes({"loss": "bce_from_logits", "activation": "linear"}),
            hints=(
                "Where loss and gradient are both exactly 0, no learning rate helps.",
                "Choose a loss in which both labels have a say everywhere.",
                "A loss from logits wants a linear output, one of probabilities a sigmoid.",
            ),
            goal=Goal(error=0.15),
        ),
        OrderLines(
            name="both_labels",
            title="Cross-entropy, line by line",
            asks="Put together the cross-entropy of both labels. Two of the lines are better left out: each lets the "
            "loss fall without the model learning.",
            settings=BASE,
            lines=(
                "p = ops.clip(y_pred, 1e-6, 1 - 1e-6)",
                "said = y_true * ops.log(p)",
                "said = said + (1 - y_true) * ops.log(1 - p)",
                "return -ops.mean(said, axis=-1)",
            ),
            spare=(
                "said = ops.where(y_pred > 0.5, said, 0.0)",
                "return ops.mean(said, axis=-1)",
            ),
            hints=(
                "Nothing after the first return is run.",
                "The log of a probability is never above 0: a loss that is to be made small wants its opposite.",
                "Clip, label 1, label 0, and the mean with a minus. The line with where and the other return stay out.",
            ),
            goal=Goal(error=0.15),
        ),
    ),
)
