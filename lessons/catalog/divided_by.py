"""Lesson G: the same errors divided by all steps, by the valid ones, per sequence, or by the sum of the weights."""

from lessons.course.exercise import FindSetting, Goal, MendLoss, OrderLines, mse_where_marked
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.recurrent import Recurrent

BASE = Recurrent(optimizer="sgd", learning_rate=0.5, padding_share=0.9, timesteps=24, epochs=200)


def per_sequence_mse(y_true, y_pred, epsilon):
    """squared error, one scalar: mean over each sequence's valid steps, then over sequences"""
    from keras import ops

    error = ops.mean(ops.square(y_true - y_pred), axis=-1)  # (batch, time)
    mask = getattr(y_pred, "_keras_mask", None)
    if mask is None:
        return ops.mean(error)
    mask = ops.cast(mask, error.dtype)
    return ops.mean(ops.sum(error * mask, axis=-1) / (ops.sum(mask, axis=-1) + epsilon))


# Text of an exercise: what the learner mends.
def over_all_steps(y_true, y_pred):
    """squared error where the label is not 1000, over all steps"""
    from keras import ops

    valid = ops.cast(ops.not_equal(y_true, 1000.0), y_pred.dtype)
    error = ops.square(y_true - y_pred) * valid
    return ops.mean(error)


def toy_batch():
    """Inputs, labels (3, 6, 1) and the true steps (3, 6) of three sequences; inputs on padding are -9."""
    import numpy as np

    rng = np.random.default_rng(4)
    real = np.arange(6) < np.array([[6], [4], [1]])
    x = np.where(real, rng.normal(size=real.shape), -9)[..., None].astype("float32")
    y = np.where(real, rng.normal(size=real.shape) * [[2], [0.7], [0.4]], 0)[..., None].astype("float32")
    return x, y, real


def denominators() -> Measured:
    """One batch, one model, one squared error: what Keras divides by in each of the usual ways."""
    import keras
    import numpy as np

    from lessons.figures.experiment_figures import fractions

    x, y, real = toy_batch()
    masked = keras.layers.Masking(-9.0)
    same = keras.layers.Dense(1, kernel_initializer="ones")  # predicts its input
    bare, carrying = same(keras.ops.convert_to_tensor(x)), same(masked(x))  # the second one carries the mask
    step = real.astype("float32")
    share = step / step.sum(axis=1, keepdims=True)  # every sequence weighs 1
    late = step * np.linspace(0.5, 2.0, 6, dtype="float32")  # later steps count more

    def loss(prediction, weight=None, reduction="sum_over_batch_size"):
        return float(keras.losses.MeanSquaredError(reduction=reduction)(y, prediction, sample_weight=weight))

    def by_hand(prediction):  # mask, multiply, mean: the padded zeros are counted
        return float(keras.ops.mean(keras.ops.square(y - prediction) * step[..., None]))

    mean = "mean_with_sample_weight"
    measured = {  # way: (sum of the weighted errors, loss)
        "all steps": ("sample_weight=mask", loss(bare, step, "sum"), loss(bare, step)),
        "all steps, by hand": ("mean(error * mask)", loss(bare, step, "sum"), by_hand(bare)),
        "valid steps": ("Keras mask", loss(carrying, None, "sum"), loss(carrying)),
        "sum of weights": (f"sample_weight=mask, {mean}", loss(bare, step, "sum"), loss(bare, step, mean)),
        "each sequence": (f"sample_weight=1/length, {mean}", loss(bare, share, "sum"), loss(bare, share, mean)),
        "unequal weights": (f"weights 0.5 to 2, {mean}", loss(bare, late, "sum"), loss(bare, late, mean)),
        "mask and weights": ("Keras mask, weights 0.5 to 2", loss(carrying, late, "sum"), loss(carrying, late)),
    }
    rows = tuple(
        {"divided by": way, "in Keras": how, "sum": total, "denominator": total / value, "loss": value}
        for way, (how, total, value) in measured.items()
    )
    all_padding = same(masked(np.full_like(x, -9)))
    numbers = {row["divided by"]: row["loss"] for row in rows} | {
        "valid_share": float(real.mean()),
        "all_masked": loss(all_padding),
        "per_sequence_by_hand": float(per_sequence_mse(y, carrying, 0.0)),
    }
    sentence = (
        f"With {real.mean():.0%} valid steps the same errors give {numbers['all steps']:.3g} (all {real.size} steps), "
        f"{numbers['valid steps']:.3g} (the {real.sum()} valid ones) or {numbers['each sequence']:.3g} (each sequence "
        f"first). A batch of nothing but padding gives {numbers['all_masked']:.3g}, without a word."
    )
    ways, _, tops, bottoms, values = (list(column) for column in zip(*(row.values() for row in rows), strict=True))
    return Measured(sentence, numbers, rows, fractions(ways, tops, bottoms, values))


def in_batches() -> Measured:
    """The same masked model and data evaluated in batches of different sizes: each batch divides by its own steps."""
    import keras

    x, y, _ = toy_batch()
    inputs = keras.Input((6, 1))
    outputs = keras.layers.Dense(1, kernel_initializer="ones")(keras.layers.Masking(-9.0)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile(loss="mse")
    rows = [{"batch size": size, "loss": float(model.evaluate(x, y, batch_size=size, verbose=0))} for size in (1, 2, 3)]
    one, _, whole = (row["loss"] for row in rows)
    sentence = (
        f"model.evaluate reports {whole:.3g} for the whole batch and {one:.3g} one sequence at a time: each batch is "
        "divided by its own valid steps, and the batches are averaged by their number of sequences."
    )
    return Measured(sentence, {"whole": whole, "one_by_one": one}, tuple(rows))


def ragged_and_bucketed(seed=3) -> Measured:
    """The same 64 sequences and model, padded by tf.data in three ways: how much padding, and what the loss is."""
    import keras
    import numpy as np
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 25, 64)
    values = tf.ragged.constant([rng.normal(size=(length, 1)).tolist() for length in lengths], ragged_rank=1)
    sequences = tf.data.Dataset.from_tensor_slices(values).map(lambda x: tf.ensure_shape(x, (None, 1)))
    one_by_one = sequences.map(lambda x: (x, x * 0.5))
    shapes = ([None, 1], [None, 1])
    ways = {
        "all to the longest": one_by_one.padded_batch(64, shapes, (-9.0, 0.0)),
        "padded_batch(8)": one_by_one.padded_batch(8, shapes, (-9.0, 0.0)),
        "bucket_by_sequence_length": one_by_one.bucket_by_sequence_length(
            lambda x, y: tf.shape(x)[0], [7, 13, 19], [8] * 4, shapes, (-9.0, 0.0)
        ),
    }
    rows = []
    for way, batches in ways.items():
        told = {}
        for name, first in {"masked": keras.layers.Masking(-9.0), "not masked": keras.layers.Identity()}.items():
            inputs = keras.Input((None, 1))
            model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(first(inputs)))
            model.compile(loss="mse")
            told[name] = float(model.evaluate(batches, verbose=0))
        steps = sum(int(np.prod(x.shape[:2])) for x, _ in batches)
        row = {"padded by": way, "batches": len([*batches]), "steps": steps, "padding": 1 - lengths.sum() / steps}
        rows.append(row | {"loss, masked": told["masked"], "loss, not masked": told["not masked"]})
    first, _, last = rows
    sentence = (
        f"Padded to the longest, {first['padding']:.0%} of the steps are padding; in buckets {last['padding']:.0%}. "
        f"Masked, the loss is {first['loss, masked']:.4g} and {last['loss, masked']:.4g}, for each batch is divided by "
        f"its own steps; not masked, {first['loss, not masked']:.3g} and {last['loss, not masked']:.3g}."
    )
    return Measured(sentence, {row["padded by"]: row["padding"] for row in rows}, tuple(rows))


def first_loss(run) -> int | None:
    """0: equal to the loss on real steps, 1: smaller, 2: larger or NaN; None where that is no finite number."""
    loss, real = float(run.snapshot.loss[0]), float(run.snapshot.real_loss[0])
    if loss == loss and not abs(real) < float("inf"):
        return None
    if abs(loss - real) <= 1e-3 * abs(real):
        return 0
    return 1 if loss < real else 2


LESSON = Lesson(
    chapter="Behind the answers",
    order=2,
    title="Divided by what?",
    text=(
        "A loss is a fraction. The mask decides what stands above the line; something else decides what stands below. "
        "$L=\\frac{\\sum_t m_t\\,\\ell_t}{?}$. With a Keras mask it is the number of **valid** steps. With the same "
        "mask as `sample_weight`, or multiplied in by hand, it is **all** steps: the more padding, the smaller the "
        "loss, and the smaller every gradient. Adam hides that, SGD learns slower. Averaging each **sequence** first "
        "lets a step of a short sequence weigh more. Compare losses only if they have the same denominator."
    ),
    aims=(
        "Read a reduced loss as a fraction and name its denominator.",
        "Predict how more padding changes a loss that divides by all steps.",
        "Say which two loss values may be compared.",
    ),
    notes=(
        "**Run it:** write the fraction on the board with an empty denominator before you open “The mask as a "
        "weight”, and let pairs fill it in. The experiment “One batch, several denominators” settles what is left.\n\n"
        "**What people believe:** a weight of 0 and a mask are the same thing; a constant factor in front of a "
        "loss does not matter; the smaller loss belongs to the better model.\n\n"
        "**Ask in the discussion:** for which optimisers does a factor matter? With twice the padding, what "
        "happens to the loss, and what to each gradient? Which sequence has more say: the long one or the short "
        "one?\n\n"
        "**Time:** one full cycle and a short one for “Adam hides it”. “Each sequence first” has no wrong side; "
        "close with it if you want an argument about what a fair average is."
    ),
    controls=("mask", "mask_shift", "sample_weight", "reduction", "loss", "epsilon"),
    more=(
        "padding_share",
        "padding",
        "batch_size",
        "optimizer",
        "learning_rate",
        "padded_labels",
        "timesteps",
        "task",
        "cell",
        "epochs",
        "seed",
    ),
    losses=(
        "mse",
        "divided_by.per_sequence_mse",
        "mask_reading_mse",
        "label_masked_mse",
        "scalar_mse",
        "root_error",
        "mae",
    ),
    presets=(
        Preset(
            "broken",
            "The mask as a weight",
            "The weight takes padding out of the sum and leaves it in the count: a small loss, slow learning.",
            BASE.with_changes({"sample_weight": "instead"}),
            findings=("wrong_normalisation",),
        ),
        Preset(
            "fixed",
            "The mask as a mask",
            "Keras divides by the valid steps: both loss curves agree, and the same learning rate goes further.",
            BASE,
        ),
        Preset(
            "weighted",
            "Divide by the weights",
            "mean_with_sample_weight divides by the sum of the weights: the weight does what the mask did.",
            BASE.with_changes({"sample_weight": "instead", "reduction": "mean_with_sample_weight"}),
        ),
        Preset(
            "by_hand",
            "Masked by hand",
            "Labels decide the mask, the mean runs over all steps: the same wrong divisor, written by yourself.",
            BASE.with_changes({"loss": "label_masked_mse", "mask": "none", "padded_labels": "zero"}),
            findings=("wrong_normalisation",),
        ),
        Preset(
            "adam",
            "Adam hides it",
            "Adam divides each gradient by its own size: the loss is still too small, the learning is not slower.",
            BASE.with_changes({"sample_weight": "instead", "optimizer": "adam", "learning_rate": 0.02}),
            findings=("wrong_normalisation",),
        ),
        Preset(
            "per_sequence",
            "Each sequence first",
            "A mean per sequence, then over sequences: every sequence counts the same, however short.",
            BASE.with_changes({"loss": "divided_by.per_sequence_mse", "padding_share": 0.5}),
        ),
        Preset(
            "sum",
            "No denominator",
            "A sum grows with the number of valid steps: it wants a smaller learning rate and compares with no mean.",
            BASE.with_changes({"reduction": "sum", "learning_rate": 0.003}),
        ),
        Preset(
            "batches",
            "Batch by batch",
            "Each batch divides by its own valid steps: batches of short sequences weigh as much as long ones.",
            BASE.with_changes({"batch_size": 8, "learning_rate": 0.1, "padding_share": 0.5}),
        ),
    ),
    prediction=Prediction(
        "In the first epoch, how will the loss compare with the same loss on real steps only?",
        (
            Answer(
                "They are equal",
                "Leaving the padding out of the sum does not leave it out of the count. That takes a mask, or a "
                "reduction that divides by the weights.",
            ),
            Answer(
                "The loss is smaller",
                "Padding makes a loss smaller only where it is counted below the line and not above it.",
            ),
            Answer(
                "The loss is larger, or not a number",
                "Padding makes a loss larger where its errors are in the sum, or where nothing is divided at all.",
            ),
        ),
        first_loss,
    ),
    contrast=Contrast("broken", "fixed", "error on real steps", lambda run: run.snapshot.error[-1]),
    experiments=(
        Experiment(
            "One batch, several denominators",
            "The bars below the line: what the same errors are divided by.",
            denominators,
        ),
        Experiment(
            "Batch by batch",
            "The same model and data; only the batch size of evaluate differs.",
            in_batches,
        ),
        Experiment(
            "Ragged and bucketed",
            "Less padding, other batches, another divisor: which losses can be compared?",
            ragged_and_bucketed,
        ),
    ),
    reading=(
        ("Keras guide: masking and padding", "https://keras.io/guides/understanding_masking_and_padding/"),
        ("tensorflow #34491: incorrect loss with Masking", "https://github.com/tensorflow/tensorflow/issues/34491"),
        ("keras-team/keras #15323: the same, later", "https://github.com/keras-team/keras/issues/15323"),
    ),
    exercises=(
        MendLoss(
            name="right_divisor",
            title="Mend the mean",
            asks="Padded labels hold 1000, and the loss leaves them out of the sum. It learns far too slowly. Mend "
            "what stands below the line; learning rate and epochs stay as they are.",
            settings=BASE.with_changes({"mask": "none", "padded_labels": "garbage"}),
            broken=over_all_steps,
            mended=mse_where_marked,
            hints=(
                "What does mean divide by, and how many of those steps are padding?",
                "Take the sum of the errors and divide it yourself.",
                "Divide by the sum of valid, and keep that away from 0 for a batch of nothing but padding.",
            ),
            goal=Goal(error=0.2, leak=0),
        ),
        FindSetting(
            name="same_weight_other_divisor",
            title="Find the divisor",
            asks="The mask is handed over as a weight: out of the sum, still in the count. Find settings under which "
            "the same learning rate goes as far as with a mask.",
            start=BASE.with_changes({"sample_weight": "instead"}),
            moves=("reduction", "sample_weight", "mask"),
            solution=BASE.with_changes({"sample_weight": "instead", "reduction": "mean_with_sample_weight"}),
            hints=(
                "The reduction decides what the sum is divided by.",
                "A sum that is divided by nothing is too large for this learning rate.",
                "Divide by the sum of the weights, or hand the mask over as a mask.",
            ),
            goal=Goal(error=0.2),
        ),
        OrderLines(
            name="fraction_in_order",
            title="A fraction, line by line",
            asks="Build the loss from its numerator and its denominator. Padded labels hold 1000. One of the lines "
            "counts the wrong steps and is better left out.",
            settings=BASE.with_changes({"mask": "none", "padded_labels": "garbage"}),
            lines=(
                "valid = ops.cast(ops.not_equal(y_true, 1000.0), y_pred.dtype)",
                "error = ops.square(y_true - y_pred)",
                "error = error * valid",
                "count = ops.maximum(ops.sum(valid), 1.0)",
                "return ops.sum(error) / count",
            ),
            spare=("count = ops.sum(ops.ones_like(valid))",),
            hints=(
                "An error that is not yet multiplied by valid has the garbage in it.",
                "Of two counts the later one is used.",
                "Valid, error, multiply, count the valid ones, divide.",
            ),
            goal=Goal(error=0.2, leak=0),
        ),
    ),
)
