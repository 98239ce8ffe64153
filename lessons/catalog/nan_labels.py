"""Lesson E: a mask multiplies, it does not select, and NaN · 0 is NaN. Replace NaN before the arithmetic."""

import numpy as np

from lessons.course.exercise import FindSetting, Goal, MendLoss, OrderLines
from lessons.course.experiment import Experiment, Measured, value_and_gradient
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.recurrent import Recurrent


def multiplied_by_mask(y_true, y_pred):
    """squared error, both sides times (label is not NaN)"""
    from keras import ops

    known = ops.cast(ops.logical_not(ops.isnan(y_true)), y_pred.dtype)
    return ops.mean(ops.square(y_true * known - y_pred * known), axis=-1)


def where_outside(y_true, y_pred):
    """where(label is NaN, 0, squared error)"""
    from keras import ops

    return ops.mean(ops.where(ops.isnan(y_true), 0.0, ops.square(y_true - y_pred)), axis=-1)


def where_inside(y_true, y_pred):
    """squared error of labels without NaN, then 0 where NaN was"""
    from keras import ops

    missing = ops.isnan(y_true)
    safe = ops.where(missing, 0.0, y_true)
    return ops.mean(ops.where(missing, 0.0, ops.square(safe - y_pred)), axis=-1)


def filled_with_zero(y_true, y_pred):
    """squared error, NaN labels filled with 0"""
    from keras import ops

    return ops.mean(ops.square(ops.where(ops.isnan(y_true), 0.0, y_true) - y_pred), axis=-1)


def filled_with_mean(y_true, y_pred):
    """squared error, NaN labels filled with the mean label"""
    from keras import ops

    missing = ops.isnan(y_true)
    known = ops.sum(ops.cast(ops.logical_not(missing), y_pred.dtype))
    mean = ops.sum(ops.where(missing, 0.0, y_true)) / ops.maximum(known, 1.0)
    return ops.mean(ops.square(ops.where(missing, mean, y_true) - y_pred), axis=-1)


def mean_over_known(y_true, y_pred, epsilon):
    """squared error, one scalar: sum / (number of known labels + epsilon)"""
    from keras import ops

    missing = ops.isnan(y_true)
    safe = ops.where(missing, 0.0, y_true)
    error = ops.where(missing, 0.0, ops.square(safe - y_pred))
    return ops.sum(error) / (ops.sum(ops.cast(ops.logical_not(missing), error.dtype)) + epsilon)


# Texts of an exercise: what the learner mends, and one way to do it.
def cut_out_after(y_true, y_pred):
    """squared error of the labels that are known, NaN cut out of the result"""
    from keras import ops

    known = ops.logical_not(ops.isnan(y_true))
    error = ops.where(known, ops.square(y_true - y_pred), 0.0)
    return ops.sum(error) / ops.maximum(ops.sum(ops.cast(known, error.dtype)), 1.0)


def replaced_before(y_true, y_pred):
    """squared error of the labels that are known, NaN replaced before the arithmetic"""
    from keras import ops

    known = ops.logical_not(ops.isnan(y_true))
    y_true = ops.where(known, y_true, 0.0)
    error = ops.where(known, ops.square(y_true - y_pred), 0.0)
    return ops.sum(error) / ops.maximum(ops.sum(ops.cast(known, error.dtype)), 1.0)


def gaps_everywhere():
    """NaN in inputs and labels, Masking(0) and 0/1 sample weights; besides, each part repaired on its own."""
    import keras

    series = np.array([[1, 2, np.nan, 4], [2, np.nan, 4, 5], [3, 4, 5, np.nan]], "float32")[..., None]
    weights = (~np.isnan(series)).astype("float32")  # (batch, time, 1)
    filled = np.nan_to_num(series)
    rows, losses = [], []
    glorot, orthogonal = keras.initializers.GlorotUniform(0), keras.initializers.Orthogonal(seed=0)
    for x, y in ((series, series), (filled, series), (series, filled), (filled, filled)):
        lstm = keras.layers.LSTM(8, kernel_initializer=glorot, recurrent_initializer=orthogonal)
        model = keras.Sequential([keras.layers.Masking(0.0), lstm, keras.layers.Dense(1, kernel_initializer=glorot)])
        model.compile("adam", "mse")
        losses.append(model.fit(x, y, sample_weight=weights, epochs=1, verbose=0).history["loss"][0])
        gaps = {"inputs": "NaN" if x is series else "filled", "labels": "NaN" if y is series else "filled"}
        rows.append(gaps | {"first loss": losses[-1]})
    sentence = (
        f"As published the first loss is {losses[0]:g}. Filling the inputs gives {losses[1]:g}, filling the labels "
        f"{losses[2]:g}, filling both {losses[3]:.3g}. Besides, one output of shape {model.output_shape[1:]} "
        f"per sequence is held against labels of shape {series.shape[1:]}."
    )
    numbers = dict(zip(("as published", "inputs filled", "labels filled", "both filled"), losses, strict=True))
    return Measured(sentence, numbers, tuple(rows))


def a_name_that_is_gone():
    """A masked squared error that calls its function by the name it once had in tf.keras.losses."""
    import tensorflow as tf

    def masked_mse(y_true, y_pred):
        known = tf.cast(~tf.math.is_nan(y_true), tf.float32)
        return tf.keras.losses.mean_squared_error(y_true * known, y_pred * known)

    loss = float(tf.reduce_mean(masked_mse(tf.constant([[1.0], [np.nan]]), tf.constant([[0.5], [0.5]]))))
    return Measured(f"The loss is {loss:g}.", {"loss": loss})


def two_wheres():
    """Value and gradient of four losses on two labels, one of them NaN, inside a graph as in fit."""
    from keras import ops

    losses = (multiplied_by_mask, where_outside, filled_with_zero, where_inside)
    labels, predictions = (np.array(column, "float32") for column in ([[1.0], [np.nan]], [[0.5], [0.5]]))
    rows = []
    for loss in losses:
        value, gradient = value_and_gradient(lambda y, p, loss=loss: ops.mean(loss(y, p)), labels, predictions)
        known, missing = gradient[:, 0].tolist()
        rows.append({"loss": loss.__name__, "value": float(value), "gradient, known": known, "gradient, NaN": missing})
    multiplied, outside, filled, inside = rows
    sentence = (
        f"Multiplied by the mask the loss is {multiplied['value']:g}. A `where` around the result makes it "
        f"{outside['value']:g} and leaves a gradient of {outside['gradient, NaN']:g} at the NaN label; a `where` "
        f"before the arithmetic makes that {inside['gradient, NaN']:g}. Filling alone gives "
        f"{filled['gradient, NaN']:g}: it needs a weight of 0."
    )
    numbers = {f"{row['loss']}: {name}": value for row in rows for name, value in row.items() if name != "loss"}
    return Measured(sentence, numbers, tuple(rows))


def imputed():
    """One missing label of weight 0 and one missing input, each filled with 0, with the mean and with 1e6."""
    import keras

    series = np.array([[1, 2, np.nan, 4], [2, np.nan, 4, 5], [3, 4, 5, np.nan]], "float32")[..., None]
    weights = (~np.isnan(series[..., 0])).astype("float32")  # (batch, time)
    glorot, orthogonal = keras.initializers.GlorotUniform(0), keras.initializers.Orthogonal(seed=0)
    lstm = keras.layers.LSTM(8, return_sequences=True, kernel_initializer=glorot, recurrent_initializer=orthogonal)
    model = keras.Sequential([lstm, keras.layers.Dense(1, kernel_initializer=glorot)])
    mse = keras.losses.MeanSquaredError()
    zero = np.nan_to_num(series)

    def loss(x, y):
        return float(mse(y, model(x), sample_weight=weights))

    rows = []
    for name, value in (("0", 0.0), ("mean", float(np.nanmean(series))), ("1e6", 1e6)):
        filled = np.where(np.isnan(series), np.float32(value), series)
        rows.append(
            {"filled with": name, "in the labels: loss": loss(zero, filled), "in the inputs: loss": loss(filled, zero)}
        )
    labels, inputs = ([row[f"in the {side}: loss"] for row in rows] for side in ("labels", "inputs"))
    sentence = (
        f"Labels of weight 0 filled three ways: the loss is {labels[0]:.6g}, {labels[1]:.6g}, {labels[2]:.6g}. Inputs "
        f"filled the same three ways: {inputs[0]:.6g}, {inputs[1]:.6g}, {inputs[2]:.6g}."
    )
    found = {"labels": labels, "inputs": inputs}
    numbers = {f"{side}: spread of the loss": max(losses) - min(losses) for side, losses in found.items()}
    return Measured(sentence, numbers, tuple(rows))


BASE = Recurrent(loss="nan_labels.multiplied_by_mask", nan_share=0.2, padded_labels="nan", padding_share=0.3, epochs=60)
WEIGHTS = {"mask": "not_nan", "sample_weight": "instead"}


def turns_nan(run) -> int | None:
    """0: the loss of the first epoch, 1: a later one, 2: none; None where the next loss may be NaN."""
    nan = np.isnan(run.snapshot.loss)
    if nan.any():
        return 0 if nan[0] else 1
    known = run.predictions[run.batch.known]
    return 2 if np.isfinite([*run.snapshot.loss, *known]).all() else None


LESSON = Lesson(
    chapter="Five answers",
    order=5,
    title="Can NaN labels be masked?",
    text=(
        "Not by multiplying. A mask, a sample weight and `y_true * mask` all multiply, and $\\mathrm{NaN}\\cdot "
        "0=\\mathrm{NaN}$. `where` around the result repairs the value only: the gradient still runs through the "
        "branch that was not taken, and the first update makes every weight NaN. Replace the NaN **before the "
        "arithmetic**, then weight it with 0: $\\ell_t=m_t\\,(\\tilde y_t-p_t)^2$ with $\\tilde y_t=0$ where the "
        "label is missing. What you fill in then makes no difference. And a missing label is no missing step: leave "
        "it out of the loss, not out of the layers."
    ),
    aims=(
        "Explain why multiplying by 0 does not remove a NaN, in value and in gradient.",
        "Put `where` on the right side of the arithmetic.",
        "Keep apart a label that is missing and a step that is missing.",
    ),
    notes=(
        "**Run it:** vote on “Labels times mask”, then at once on “where around the result”: those who have just "
        "learned that 0 times NaN is NaN will trust `where`. Show its first epoch before the others.\n\n"
        "**What people believe:** a weight of 0 switches a label off, whatever it holds; `where` computes one "
        "branch only; filling in a value always falsifies what is learned.\n\n"
        "**Ask in the discussion:** what is the derivative of the branch that was not taken, and what is it "
        "multiplied by? If a filled label has weight 0, can the model tell which value you chose? What does the "
        "LSTM lose when it skips a step that only had no label?\n\n"
        "**Time:** two full cycles for the first two votes; the repair and the imputed presets can be run one "
        "after the other without a vote. Leave time for labels of their own that have gaps."
    ),
    controls=("mask", "mask_shift", "loss", "epsilon", "sample_weight", "nan_share", "nan_fill"),
    more=(
        "padded_labels",
        "padding_share",
        "padding",
        "output",
        "reduction",
        "activation",
        "cell",
        "units",
        "epochs",
        "seed",
    ),
    losses=(
        "nan_labels.multiplied_by_mask",
        "nan_labels.where_outside",
        "nan_labels.where_inside",
        "nan_labels.filled_with_zero",
        "nan_labels.filled_with_mean",
        "nan_labels.mean_over_known",
        "mse",
        "huber",
    ),
    presets=(
        Preset(
            "broken",
            "Labels times mask",
            "Label and prediction are multiplied by 0 where the label is NaN: NaN from the first step.",
            BASE,
            ("E2",),
            claimed="Multiplying labels and predictions by “not NaN” leaves only the valid steps in the loss.",
            truth="NaN times 0 is NaN: one missing label makes the loss NaN. As published it does not get that far, "
            "for the function it calls has lost that name.",
            published=Experiment(
                "As published: a name that is gone",
                "It stops at the name of the function.",
                a_name_that_is_gone,
                explains="Keras 3 dropped mean_squared_error from tf.keras.losses; keras.losses has it. With the name "
                "mended the loss runs, and is NaN.",
            ),
            findings=("non_finite",),
        ),
        Preset(
            "fixed",
            "Replace first, then weight",
            "NaN is gone before the arithmetic starts; value and gradient are finite.",
            BASE.with_changes({"loss": "nan_labels.where_inside"}),
        ),
        Preset(
            "outside",
            "where around the result",
            "The first loss is right, its gradient is NaN, and so is everything after the first update.",
            BASE.with_changes({"loss": "nan_labels.where_outside"}),
            findings=("non_finite",),
        ),
        Preset(
            "weights",
            "What the answer said: sample weights",
            "Weights of 0 work once the labels are filled: here inside the loss, with 0.",
            BASE.with_changes(WEIGHTS | {"loss": "nan_labels.filled_with_zero"}),
            ("E1",),
            claimed="With Masking(0) and weights of 0, the masked values do not contribute.",
            truth="As published the loss is NaN from the first step: NaN stands in the inputs, and NaN times weight 0 "
            "is NaN. Masking(0) looks for 0, not for NaN. Fill the labels, keep the weights.",
            published=Experiment(
                "As published: NaN on both sides",
                "Which of the two NaN is to blame.",
                gaps_everywhere,
            ),
        ),
        Preset(
            "imputed",
            "Impute, then weight with 0",
            "Filled with the mean instead of 0: the same curve, for the weight is 0.",
            BASE.with_changes(WEIGHTS | {"loss": "nan_labels.filled_with_mean"}),
            ("E3",),
            claimed="Imputing labels before masking distorts what the model learns.",
            truth="An imputed label of weight 0 makes no difference at all, whatever its value. An imputed input does: "
            "say which of the two is imputed.",
        ),
        Preset(
            "counted",
            "Impute and count it",
            "Without a weight the filled labels are taught as if they were true.",
            BASE.with_changes({"loss": "mse", "nan_fill": "mean", "padded_labels": "zero"}),
            findings=("imputed_labels",),
        ),
        Preset(
            "skipped",
            "The NaN mask given to the layers",
            "The LSTM now skips every step without a label, and with it an input that the next step needs.",
            BASE.with_changes({"mask": "not_nan", "loss": "nan_labels.where_inside"}),
            findings=("mask_misaligned",),
        ),
    ),
    prediction=Prediction(
        "When does the loss turn NaN?",
        (
            Answer(
                "At the first step",
                "It does when NaN is still in the labels while the loss computes. Where it was replaced before, or "
                "cut out of the value after, the first loss is a number.",
            ),
            Answer(
                "After the first step",
                "That is the mark of a repaired value with an unrepaired gradient: `where` around the result.",
            ),
            Answer(
                "Never",
                "A mask does not remove a NaN. It multiplies, and NaN times 0 is NaN, in the loss and in its gradient.",
            ),
        ),
        turns_nan,
    ),
    contrast=Contrast("broken", "fixed", "error on real steps after training", lambda run: run.snapshot.error[-1]),
    experiments=(
        Experiment("where: around the result, or before", "The value, and the gradient at the NaN label.", two_wheres),
        Experiment("Does the imputed value matter?", "Filled in labels of weight 0, and filled in inputs.", imputed),
    ),
    reading=(
        ("Keras guide: masking and padding", "https://keras.io/guides/understanding_masking_and_padding/"),
        (
            "tensorflow #38349: NaN gradient when tf.where is used",
            "https://github.com/tensorflow/tensorflow/issues/38349",
        ),
        ("tensorflow #20091: NaN from the branch not taken", "https://github.com/tensorflow/tensorflow/issues/20091"),
        ("keras-team/keras #15323: loss values with Masking", "https://github.com/keras-team/keras/issues/15323"),
    ),
    exercises=(
        MendLoss(
            name="before_the_arithmetic",
            title="Mend the where",
            asks="The first loss is right; after the first update every weight is NaN. Mend the loss so that missing "
            "labels have no say in value and gradient; what it is divided by may stay.",
            settings=BASE,
            broken=cut_out_after,
            mended=replaced_before,
            hints=(
                "The gradient runs through both branches of where, and 0 times NaN is NaN.",
                "No NaN may be left when the difference is taken.",
                "Replace the missing labels by 0 first; the rest may stay as it is.",
            ),
            goal=Goal(error=0.15, leak=0),
        ),
        OrderLines(
            name="replace_first",
            title="Missing labels, line by line",
            asks="Put the lines in order. Some orders end in NaN after the first update, others teach the "
            "filled-in zeros.",
            settings=BASE,
            lines=(
                "known = ops.logical_not(ops.isnan(y_true))",
                "y_true = ops.where(known, y_true, 0.0)",
                "error = ops.square(y_true - y_pred)",
                "error = ops.where(known, error, 0.0)",
                'count = ops.maximum(ops.sum(ops.cast(known, "float32")), 1.0)',
                "return ops.sum(error) / count",
            ),
            hints=(
                "Ask which labels are known before you replace the others: afterwards all of them look known.",
                "NaN has to be gone before the first subtraction.",
                "Ask, replace, square, cut out, count, divide.",
            ),
            goal=Goal(error=0.15, leak=0),
        ),
        FindSetting(
            name="do_not_teach_it",
            title="Imputed is not known",
            asks="The missing labels are filled in and taught as if they were true. Find settings under which the "
            "model learns the labels that are known.",
            start=BASE.with_changes({"loss": "mse", "nan_fill": "garbage", "padded_labels": "zero"}),
            moves=("nan_fill", "loss", "mask"),
            solution=BASE.with_changes({"loss": "nan_labels.where_inside", "padded_labels": "zero"}),
            hints=(
                "What is filled in counts like any other label. Which filling says that nothing is known?",
                "Leave the NaN where it is, and choose a loss that can bear it.",
                "The loss has to replace NaN before the arithmetic, and to give it no weight.",
            ),
            goal=Goal(error=0.11),
        ),
    ),
)
