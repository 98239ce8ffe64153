"""Lesson A: a finite loss with an infinite slope. The first update is NaN, and no mask stops it: 0 · ∞ is NaN."""

import numpy as np

from lessons.course.exercise import FindSetting, Goal, MendLoss, OrderLines
from lessons.course.experiment import Experiment, Measured, value_and_gradient
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.recurrent import Recurrent

ERRORS = (10.0, 1.0, 1e-4, 1e-7)  # from far off to as good as exact


def root_of_square(y_true, y_pred, epsilon):
    """(squared error + epsilon) ** 0.5"""
    from keras import ops

    return ops.mean((ops.square(y_true - y_pred) + epsilon) ** 0.5, axis=-1)


def log_of_difference(y_true, y_pred, epsilon):
    """log(error + epsilon), without abs"""
    from keras import ops

    return ops.mean(ops.log(y_true - y_pred + epsilon), axis=-1)


def softplus_error(y_true, y_pred):
    """softplus(|error|)"""
    from keras import ops

    return ops.mean(ops.softplus(ops.abs(y_true - y_pred)), axis=-1)


# Text of an exercise: what the learner mends, and one way to do it.
def log_of_difference_only(y_true, y_pred):
    """log of the difference, one value per step"""
    from keras import ops

    error = y_true - y_pred
    return ops.mean(ops.log(error + 1e-7), axis=-1)


def log_of_one_plus_square(y_true, y_pred):
    """log of 1 plus the squared error, one value per step"""
    from keras import ops

    error = y_true - y_pred
    return ops.mean(ops.log(1 + ops.square(error)), axis=-1)


def flat_integers():
    """Masking, LSTM and Dense on integers without a feature axis, and a mask that nothing is given."""
    import keras

    x = np.array([[5, 3, 8, 0], [7, 2, 0, 0], [4, 9, 6, 1]])  # (batch, time)
    y = np.array([10.0, 20.0, 30.0])
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 1, 1]])  # noqa: F841 - made with care, passed to nothing
    model = keras.Sequential([keras.layers.Masking(0.0), keras.layers.LSTM(8), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    loss = model.fit(x, y, epochs=2, verbose=0).history["loss"]
    return Measured(f"The loss went from {loss[0]:.3g} to {loss[-1]:.3g}.", {"first": loss[0], "last": loss[-1]})


def unused_mask():
    """The same data with a feature axis: which mask does Keras use, and does the model learn?"""
    import keras

    x = np.array([[5, 3, 8, 0], [7, 2, 0, 0], [4, 9, 6, 1]], "float32")[..., None]  # (batch, time, 1)
    y = np.array([10.0, 20.0, 30.0])
    by_hand = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 1, 1]], bool)
    masking = keras.layers.Masking(0.0)
    glorot, orthogonal = keras.initializers.GlorotUniform(0), keras.initializers.Orthogonal(seed=0)
    lstm = keras.layers.LSTM(8, kernel_initializer=glorot, recurrent_initializer=orthogonal)
    model = keras.Sequential([masking, lstm, keras.layers.Dense(1, kernel_initializer=glorot)])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    first = model.evaluate(x, y, verbose=0)
    steps = 1000  # the same batch again and again, as one epoch: an epoch for each would take ten times as long
    model.fit(np.tile(x, (steps, 1, 1)), np.tile(y, steps), batch_size=len(x), shuffle=False, verbose=0)
    last = model.evaluate(x, y, verbose=0)
    used = np.array(masking.compute_mask(x))
    apart = int((used != by_hand).sum())
    rows = tuple(
        {"sequence": k, "mask by hand": str(hand.astype(int)), "mask in use": str(real.astype(int))}
        for k, (hand, real) in enumerate(zip(by_hand, used, strict=True))
    )
    sentence = (
        f"The mask made by hand differs from the one that Masking computed in {apart} of {used.size} steps, nobody "
        f"reads it, and the loss goes from {first:.3g} to {last:.3g}."
    )
    return Measured(sentence, {"steps apart": apart, "first loss": first, "last loss": last}, rows)


def slopes():
    """Value and gradient of four losses at one label 0, as fit computes them: inside a graph."""
    from lessons.figures.experiment_figures import loss_and_gradient
    from lessons.recipe.losses import huber, log_error

    functions = {
        "log(|e| + 1e-7)": lambda y, p: log_error(y, p, 1e-7),
        "softplus(|e|)": softplus_error,
        "(e²) ** 0.5": lambda y, p: root_of_square(y, p, 0.0),
        "Huber": huber,
    }

    def at(errors):
        error = np.reshape(errors, (-1, 1)).astype("float32")
        values = {name: value_and_gradient(loss, np.zeros_like(error), error) for name, loss in functions.items()}
        return {name: (value, gradient[:, 0]) for name, (value, gradient) in values.items()}

    points = at([*ERRORS, 0.0, -1e-4])
    rows = tuple(
        {"gradient of": name} | {f"at {error:g}": float(g) for error, g in zip([*ERRORS, 0.0], gradient, strict=False)}
        for name, (_, gradient) in points.items()
    )
    log_value, log_slope = points["log(|e| + 1e-7)"]
    soft_value, soft_slope = points["softplus(|e|)"]
    numbers = {
        "log: gradient at error 10": float(log_slope[0]),
        "log: gradient at error 1e-7": float(log_slope[3]),
        "log: loss at error 0": float(log_value[4]),
        "softplus: loss at error 0": float(soft_value[4]),
        "softplus: gradient right of 0": float(soft_slope[2]),
        "softplus: gradient left of 0": float(soft_slope[5]),
        "root: gradient at error 0": float(points["(e²) ** 0.5"][1][4]),
    }
    sentence = (
        f"The log pulls with {log_slope[0]:.3g} at an error of 10 and with {log_slope[3]:.3g} at 1e-7: hardest where "
        f"nothing is left to learn. Softplus bottoms out at {soft_value[4]:.3g}, and its gradient jumps from "
        f"{soft_slope[5]:.3g} to {soft_slope[2]:.3g} there: no smoother than abs."
    )
    grid = np.linspace(-3, 3, 121)  # 0 is among them
    figure = loss_and_gradient(grid, at(grid), ("#D55E00", "#0072B2", "#CC79A7", "#009E73"), "error", reach=4)
    return Measured(sentence, numbers, rows, figure)


def zero_times_infinity():
    """The gradient at a masked step where prediction and label are both 0: mask 0 times the slope of the loss."""
    import tensorflow as tf

    roots = {
        "(e² + epsilon) ** 0.5": lambda e, epsilon: (tf.square(e) + epsilon) ** 0.5,
        "tf.sqrt(e² + epsilon)": lambda e, epsilon: tf.sqrt(tf.square(e) + epsilon),
    }

    def gradient(root, epsilon, weight):
        return float(value_and_gradient(lambda m, error: m * root(error, epsilon), weight, 0.0)[1])

    rows = []
    for name, root in roots.items():
        for epsilon in (0.0, 1e-7):
            masked, real = (gradient(root, epsilon, weight) for weight in (0.0, 1.0))
            rows.append({"loss": name, "epsilon": epsilon, "masked step": masked, "real step": real})
    bare, _, guarded, _ = rows
    sentence = (
        f"Without epsilon, at a masked step, the gradient of `** 0.5` is {bare['masked step']:g} and that of "
        f"`tf.sqrt` {guarded['masked step']:g}: TensorFlow's sqrt lets a 0 pass back unharmed. At a real step with "
        f"error 0 they are {bare['real step']:g} and {guarded['real step']:g}. With epsilon: "
        + ", ".join(f"{row[step]:g}" for row in rows[1::2] for step in ("masked step", "real step"))
        + "."
    )
    numbers = {"** 0.5, masked": bare["masked step"], "tf.sqrt, masked": guarded["masked step"]}
    numbers |= {"tf.sqrt, real": guarded["real step"], "with epsilon, masked": rows[1]["masked step"]}
    return Measured(sentence, numbers, tuple(rows))


BASE = Recurrent(
    loss="first_iteration.root_of_square",
    epsilon=0.0,
    padding="pre",
    padded_labels="zero",
    padding_share=0.4,
    epochs=40,
)
POST = {"padding": "post", "mask": "inputs"}


def loss_and_error(run) -> int | None:
    """0: some loss was NaN, 1: it learned, 2: it did not; None where another number was not finite."""
    if np.isnan(run.snapshot.loss).any():
        return 0
    error = run.snapshot.error[-1]
    if not np.isfinite([*run.snapshot.loss, error, run.baseline]).all():
        return None
    return 1 if error <= run.baseline / 2 else 2


LESSON = Lesson(
    chapter="Five answers",
    order=1,
    title="Why does my masked LSTM fail after the first iteration?",
    text=(
        "The first loss is a number, every later one is NaN. Look for a loss with a finite value and an **infinite "
        "slope**. The mask is no protection: it multiplies, and $0\\cdot\\infty$ is NaN. Here the padding comes "
        "first, so the LSTM still passes on its initial zeros there; label and prediction are both exactly 0, and "
        "$\\frac{d}{de}\\sqrt{e^2+\\varepsilon}=\\frac{e}{\\sqrt{e^2+\\varepsilon}}$ is $\\frac00$ without epsilon. "
        "One NaN in the gradient reaches every weight. Then try what was answered: a mask array, a log, a softplus."
    ),
    aims=(
        "Tell a loss with a finite value from a loss with a finite slope.",
        "Say why a mask of 0 does not silence an infinite or undefined gradient.",
        "Judge a published fix by what it does to the gradient, not by whether the NaN went away.",
    ),
    notes=(
        "**Run it:** open “A root without epsilon” and let them read the code of the loss before they vote. After "
        "the reveal run “The root with epsilon”: the code is the same, and epsilon is all that differs.\n\n"
        "**What people believe:** the learning rate is too high; the data hold a NaN; a mask removes whatever is "
        "wrong on padded steps. Many have seen `0 * something` be 0 too often to doubt it.\n\n"
        "**Ask in the discussion:** what is the slope of a square root at 0? Where in this batch are label and "
        "prediction exactly equal, and why there? Through which weights does a single NaN travel?\n\n"
        "**Time:** a full cycle for the first preset. “log(|error| + epsilon)” makes a good second question, "
        "because nothing turns NaN there; the other two answers can be run without a vote."
    ),
    controls=("mask", "mask_shift", "loss", "epsilon", "padding", "padded_labels"),
    more=(
        "padding_share",
        "output",
        "task",
        "activation",
        "cell",
        "units",
        "loss_dtype",
        "batch_size",
        "epochs",
        "seed",
    ),
    losses=(
        "first_iteration.root_of_square",
        "first_iteration.log_of_difference",
        "first_iteration.softplus_error",
        "log_error",
        "root_error",
        "mae",
        "mse",
        "huber",
        "log_cosh",
    ),
    presets=(
        Preset(
            "broken",
            "A root without epsilon",
            "A correct mask, a finite first loss, and NaN from the first update on.",
            BASE,
            findings=("non_finite",),
        ),
        Preset(
            "fixed",
            "The root with epsilon",
            "The same loss with a small constant inside the root: its slope is bounded, and the model learns.",
            BASE.with_changes({"epsilon": 1e-7}),
        ),
        Preset(
            "array",
            "What the answer said: a misaligned mask",
            "As published it raises; with a feature axis the data train well, and the mask array is in no one's hands.",
            BASE.with_changes(POST | {"loss": "mse", "output": "last_step", "epochs": 60}),
            ("A1",),
            claimed="A mask array that does not line up with the data makes training fail after the first step.",
            truth="The array is passed to nothing. `Masking(0)` computes the mask in use from the data. What fails is "
            "the shape: an LSTM takes (batch, time, features).",
            published=Experiment(
                "As published: integers without a feature axis",
                "It stops before the first step, so no mask can be the cause.",
                flat_integers,
                explains="An LSTM wants three axes: batch, time, features. The data have two. Write x[..., None]; the "
                "mask array may go, Masking computes its own.",
            ),
        ),
        Preset(
            "log",
            "log(|error| + epsilon)",
            "Never NaN, and no use: it pulls hardest where the error is already gone, so the error stays.",
            BASE.with_changes(POST | {"loss": "log_error", "epsilon": 1e-7, "epochs": 100}),
            ("A2",),
            claimed="Logs of negative numbers make the loss unstable, and the small constant helps.",
            truth="abs leaves no negative number. The fault is the shape: the gradient is about 1/(error + epsilon), "
            "tiny for large errors and huge for small ones, and epsilon alone keeps the loss from falling for "
            "ever.",
            findings=("exploding",),
        ),
        Preset(
            "no_abs",
            "log(error) without abs",
            "NaN at once, wherever a prediction lies above its label; yet every gradient stays finite.",
            BASE.with_changes(POST | {"loss": "first_iteration.log_of_difference", "epsilon": 1e-7}),
            findings=("non_finite",),
        ),
        Preset(
            "softplus",
            "softplus(|error|)",
            "It learns, but its curve ends well above 0, and at error 0 it has a corner, half as sharp as that of abs.",
            BASE.with_changes(POST | {"loss": "first_iteration.softplus_error", "output": "last_step", "epochs": 60}),
            ("A3",),
            claimed="Softplus is a smooth stand-in for abs, and return_sequences=False is critical.",
            truth="Softplus of |error| still has a corner at 0, half as sharp, and its least value is log 2 instead of "
            "0. Set “Output” to every step: it trains as well. Huber and log-cosh are smooth and end at 0.",
        ),
    ),
    prediction=Prediction(
        "What will loss and error say at the end?",
        (
            Answer(
                "Some loss was NaN",
                "An infinite slope, or the log of a negative number, has to occur at one step only; a mask of 0 times "
                "it is NaN. Where no step meets one, a loss stays a number however badly it trains.",
            ),
            Answer(
                "Numbers all along, and the model learned",
                "A finite first loss says nothing about its gradient, and a finite loss says nothing about what it "
                "rewards.",
            ),
            Answer(
                "Numbers all along, and it did not learn",
                "A loss fails to teach when its gradient is small where the error is large. A corner or a minimum "
                "other than 0 does not keep a model from learning.",
            ),
        ),
        loss_and_error,
    ),
    contrast=Contrast("broken", "fixed", "error on real steps after training", lambda run: run.snapshot.error[-1]),
    experiments=(
        Experiment("0 · ∞", "Whether a mask of 0 silences an infinite slope.", zero_times_infinity),
        Experiment("How hard does each loss pull?", "The gradient at large and at small errors, and at 0.", slopes),
        Experiment("The mask that nobody reads", "Which mask Keras uses on the published data.", unused_mask),
    ),
    reading=(
        ("Keras guide: masking and padding", "https://keras.io/guides/understanding_masking_and_padding/"),
        ("keras-team/keras #3086: how does Masking work?", "https://github.com/keras-team/keras/issues/3086"),
        (
            "tensorflow #38349: NaN gradient when tf.where is used",
            "https://github.com/tensorflow/tensorflow/issues/38349",
        ),
        ("tensorflow #4914: the gradient of sqrt(x) at 0", "https://github.com/tensorflow/tensorflow/issues/4914"),
    ),
    exercises=(
        FindSetting(
            name="enough_epsilon",
            title="Find an epsilon",
            asks="The root has no epsilon, and after the first update everything is NaN. Find settings under which the "
            "same loss stays a number and the model learns.",
            start=BASE,
            moves=("epsilon", "mask", "mask_shift"),
            solution=BASE.with_changes({"epsilon": 1e-7}),
            hints=(
                "A mask multiplies what the loss returns. What is 0 times an infinite slope?",
                "The slope at error 0 is 0 divided by the root of epsilon.",
                "Any epsilon that is not 0 in float32 ends the NaN here; a small one hardly changes the loss.",
            ),
            goal=Goal(error=0.15),
        ),
        OrderLines(
            name="root_in_order",
            title="A root, line by line",
            asks="Six lines make a loss that is finite and has a finite slope. Once the difference stands first every "
            "order runs; few of them make such a loss.",
            settings=BASE,
            lines=(
                "error = y_true - y_pred",
                "error = ops.square(error)",
                "error = ops.mean(error, axis=-1)",
                "error = error + 1e-7",
                "error = ops.sqrt(error)",
                "return error",
            ),
            hints=(
                "The root of a negative number is NaN: what has to come before the root?",
                "A constant that is added after the root leaves its slope infinite.",
                "Difference, square, mean, constant, root, return.",
            ),
            goal=Goal(error=0.15),
        ),
        MendLoss(
            name="bounded_log",
            title="Mend the log",
            asks="NaN at once, wherever a prediction lies above its label. Mend the loss so that it is finite for "
            "every error, smallest at error 0, and hardly pulls there. A log may stay in it.",
            settings=BASE,
            broken=log_of_difference_only,
            mended=log_of_one_plus_square,
            hints=(
                "An absolute value ends the NaN. Look at the error then: the pull is about 1 / (error + 1e-7).",
                "The log needs an argument that is never below 1, and flat at error 0.",
                "Take the log of 1 plus the squared error.",
            ),
            goal=Goal(error=0.15),
        ),
    ),
)
