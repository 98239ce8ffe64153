"""Claims of answer A, “Why does my masked LSTM fail after the first iteration?”."""

from lessons.claims.apparatus import dense, lstm, masked_model, padded_batch, stack, training
from lessons.claims.claim import ROUNDING, TWICE, beyond, claims_of, finite, near, under, whole
from lessons.claims.readings import change, mean_error, moved_by_garbage, probe, slope
from lessons.recipe.losses import huber, log_cosh, log_error, mask_reading_mse, mse, scalar_mse

claim = claims_of("A")

VISIBLE = 0.01  # a gradient that is off by less than a hundredth trains as well as the right one
STEEP = 1.0  # |error| itself has slope 1: a loss that is nowhere steeper cannot explode


def masking_of_zeros():
    """What everybody writes."""
    import keras

    return keras.layers.Masking(0.0)


def multiplying():
    """A layer that sets padded steps to zero and tells nobody: no mask is attached."""
    import keras

    return keras.layers.Lambda(lambda x: x * keras.ops.cast(keras.ops.any(x != 0, axis=-1, keepdims=True), x.dtype))


# --- 1


def contributes_nothing(n):
    return under(
        {
            "in the state of an LSTM that gets the mask": near(n["state_change"], ROUNDING),
            "in a loss of one value per step": near(n["gradient_change_per_step"], ROUNDING),
            "in a loss that returns a scalar": near(n["gradient_change_scalar"], ROUNDING),
            "behind a layer that drops the mask (Conv1D)": near(n["gradient_change_conv1d"], ROUNDING),
        }
    )


@claim(
    1,
    "Keras masking sets the contribution of padded elements to zero",
    rule=contributes_nothing,
    says="Cutting the padding off changes the last LSTM state by {state_change:.2g}. Writing 1000 into the padded "
    "labels changes the gradient by {gradient_change_per_step:.3g} times its size with one loss value per "
    "step, by {gradient_change_scalar:.3g} with a scalar loss and by {gradient_change_conv1d:.3g} behind a "
    "Conv1D.",
    counter={"masking": multiplying},
    counter_says="a layer that sets padded steps to zero without attaching a mask",
)
def contribution_of_padding(masking=masking_of_zeros):
    import keras

    def gradient_change(loss, *between):
        return moved_by_garbage(stack(masking(), lstm(), *between, dense()), loss)

    batch = padded_batch()
    row = batch.real.sum(axis=1).argmin()  # the shortest sequence
    length = batch.real[row].sum()
    state = stack(masking(), lstm(return_sequences=False))
    convolution = keras.layers.Conv1D(8, 3, padding="same", kernel_initializer=keras.initializers.GlorotUniform(0))
    return {
        "state_change": change(state(batch.x[[row], :length]), state(batch.x[[row]])),
        "gradient_change_per_step": gradient_change(mse),
        "gradient_change_scalar": gradient_change(scalar_mse),
        "gradient_change_conv1d": gradient_change(mse, convolution),
    }


# --- 2


def misaligned_ruins(n):
    def ruined(name):
        wrong = beyond(n[f"gradient_change_{name}"], VISIBLE)
        return wrong and beyond(n[f"error_{name}"], TWICE * n["error_aligned"])

    return under(
        {
            "for an array that is passed to nothing": ruined("unused"),
            "one step late over padded labels of 0": ruined("zero"),
            "one step late over padded labels of 1000": ruined("garbage"),
        }
    )


@claim(
    2,
    "A misaligned mask array leads to wrong gradients and failing training",
    example="A1",
    rule=misaligned_ruins,
    says="Error on real steps after 150 steps: {error_aligned:.3g} with the right mask, {error_unused:.3g} with a "
    "wrong array that nothing receives, {error_zero:.3g} with the mask one step late over padded labels of 0, "
    "{error_garbage:.3g} over padded labels of 1000.",
    counter={"late": 0},
    counter_says="a mask array that is aligned after all",
)
def misaligned_mask(late=1):
    import numpy as np

    clean, garbage = padded_batch("zero"), padded_batch("garbage")
    late_mask = np.roll(clean.real, late, axis=1)  # (batch, time)
    late_mask[:, :late] = True
    by_array = masked_model(lstm(), dense())  # the array is handed to the LSTM
    by_data = stack(masking_of_zeros(), lstm(), dense())  # as in A1: the array is handed to nothing
    train_by_array, train_by_data = training(by_array, "mse"), training(by_data, "mse")

    def gradient(mask, batch):
        return probe(by_array, "mse", [batch.x, mask], batch.y).gradient

    def error(mask, batch):
        train_by_array([batch.x, mask], batch.y, 150)
        return mean_error(by_array([batch.x, mask]).numpy(), batch.truth, batch.real)

    right = gradient(clean.real, clean)
    numbers = {
        "gradient_change_unused": change(right, probe(by_data, "mse", clean.x, clean.y).gradient),
        "gradient_change_zero": change(right, gradient(late_mask, clean)),
        "gradient_change_garbage": change(right, gradient(late_mask, garbage)),
        "error_aligned": error(clean.real, clean),
        "error_zero": error(late_mask, clean),
        "error_garbage": error(late_mask, garbage),
    }
    train_by_data(clean.x, clean.y, 150)
    return numbers | {"error_unused": mean_error(by_data(clean.x).numpy(), clean.truth, clean.real)}


# --- 3


def log_abs(y_true, y_pred):
    """log|error|, as claimed: without a constant"""
    from keras import ops

    return ops.log(ops.abs(y_true - y_pred))


def guarded_log(y_true, y_pred):
    """log(|error| + 1e-7), the loss of A2"""
    return log_error(y_true, y_pred, 1e-7)


def halts(n):
    """A loss that is no number does not halt anything yet: a slope that is none makes every weight NaN."""
    return under(
        {
            "where y - p is negative": not finite(n["loss_negative"]) and not finite(n["slope_negative"]),
            "where y - p is exactly 0": not finite(n["loss_zero"]) and not finite(n["slope_zero"]),
        }
    )


@claim(
    3,
    "log(|y-p|): a zero or negative y-p gives undefined or complex values and halts training",
    example="A2",
    rule=halts,
    says="At y - p = -2 the loss is {loss_negative:.3g} and its slope {slope_negative:.3g}; at y - p = 0 the loss "
    "is {loss_zero:.3g} and its slope {slope_zero:.3g}.",
    counter={"loss": guarded_log},
    counter_says="the constant 1e-7 inside the logarithm",
)
def log_of_difference(loss=log_abs):
    at_negative, at_zero = slope(loss, y=1.0, p=3.0), slope(loss, y=1.0, p=1.0)
    return {
        "loss_negative": at_negative[0],
        "slope_negative": at_negative[1],
        "loss_zero": at_zero[0],
        "slope_zero": at_zero[1],
    }


# --- 4


def still_inaccurate(n):
    failed = not finite(n["loss"]) or beyond(n["error"], TWICE * n["error_mse"])
    return whole({"it fails, or its error is twice that of MSE": failed})


@claim(
    4,
    "With the constant it may still fail or be inaccurate",
    example="A2",
    rule=still_inaccurate,
    says="Targets 10, 20, 30 after 600 steps: mean error {error:.3g} with a loss of {loss:.3g}; MSE reaches "
    "{error_mse:.2g}. The slope is {slope_far:.2g} at error 10 and {slope_near:.2g} at error 0.0001.",
    counter={"loss": log_cosh},
    counter_says="log-cosh, whose minimum is at the truth and whose slope never exceeds 1",
)
def log_with_constant(loss=guarded_log):
    import numpy as np

    x, y = np.array([[1], [2], [3]], "float32"), np.array([[10], [20], [30]], "float32")

    def trained(loss):
        model = stack(dense(8, "relu"), dense(), shape=(1,))
        losses = training(model, loss)(x, y, 600)
        return losses[-1], mean_error(model(x).numpy(), y)

    (last, error), (_, error_mse) = trained(loss), trained("mse")
    return {
        "loss": last,
        "error": error,
        "error_mse": error_mse,
        "slope_far": abs(slope(loss, y=0.0, p=10.0)[1]),
        "slope_near": abs(slope(loss, y=0.0, p=1e-4)[1]),
    }


# --- 5


def softplus_abs(y_true, y_pred):
    """softplus(|error|), the loss of A3"""
    from keras import ops

    return ops.mean(ops.softplus(ops.abs(y_true - y_pred)), axis=-1)


def smooth_and_robust(n):
    return whole(
        {
            "smooth: no jump of the slope at error 0": near(n["jump"], VISIBLE),
            "its minimum is 0, at the truth": near(n["loss_at_truth"], VISIBLE),
            "robust: nowhere steeper than |e|": near(n["slope_far"], STEEP + ROUNDING),
        }
    )


@claim(
    5,
    "softplus(|e|) is a smooth approximation of |e| and the robust choice",
    example="A3",
    rule=smooth_and_robust,
    says="The slope goes from {slope_left:.3g} to {slope_right:.3g} at error 0, the loss at the truth is "
    "{loss_at_truth:.3g}, and at error 100 the slope is {slope_far:.3g}.",
    counter={"loss": huber},
    counter_says="Huber, which is smooth at 0",
)
def softplus_of_error(loss=softplus_abs):
    step = 1e-4
    left, right = slope(loss, y=0.0, p=-step)[1], slope(loss, y=0.0, p=step)[1]
    return {
        "slope_left": left,
        "slope_right": right,
        "jump": right - left,
        "loss_at_truth": slope(loss, y=0.0, p=0.0)[0],
        "slope_far": abs(slope(loss, y=0.0, p=100.0)[1]),
    }


# --- 6


def every_step():
    """The LSTM's answers as they are, one per step."""
    import keras

    return keras.layers.Identity()


def last_step():
    """The answer at the last step; masked steps repeat the one before, so it is that of the last real step."""
    import keras

    return keras.layers.Lambda(lambda t: t[:, -1])


def false_is_critical(n):
    def critical(labels):
        return beyond(n[f"error_{labels}_true"], TWICE * n[f"error_{labels}_false"])

    return under({"with one label per sequence": critical("sequence"), "with one label per step": critical("step")})


@claim(
    6,
    "return_sequences=False is critical here",
    example="A3",
    rule=false_is_critical,
    says="One label per sequence: error {error_sequence_false:.3g} with False; Keras trains it with True: "
    "{trained_sequence_true} (error {error_sequence_true:.3g}). One label per step: error {error_step_false:.3g} "
    "with False, {error_step_true:.3g} with True.",
    counter={"behind_true": last_step},
    counter_says="a layer behind return_sequences=True that picks the last step",
)
def return_sequences_false(behind_true=every_step):
    import numpy as np
    import tensorflow as tf

    numbers: dict[str, float | bool | None] = {}

    def measure(labels, batch, every):
        model = stack(masking_of_zeros(), lstm(return_sequences=every), *([behind_true()] if every else []), dense())
        name = f"{labels}_{str(every).lower()}"
        try:
            training(model, softplus_abs)(batch.x, batch.y, 100)
        except (ValueError, tf.errors.InvalidArgumentError):
            numbers.update({f"error_{name}": None, f"trained_{name}": False})
            return
        answers = model(batch.x).numpy()
        if batch.y.ndim == 3 and answers.ndim == 2:
            answers = np.broadcast_to(answers[:, None], batch.y.shape)  # one answer for all steps
        numbers.update({f"error_{name}": mean_error(answers, batch.truth, batch.label_real), f"trained_{name}": True})

    for every in (False, True):
        measure("sequence", padded_batch(output="last_step"), every)
        measure("step", padded_batch(), every)
    return numbers


# --- 7


def mask_reading(y_true, y_pred):
    """A scalar over the real steps alone."""
    return mask_reading_mse(y_true, y_pred, epsilon=0.0)


def ignoring_it_biases(n):
    return under(
        {
            "with one value per step, which Keras masks itself": beyond(n["gradient_change_per_step"], VISIBLE),
            "with a scalar": beyond(n["gradient_change_scalar"], VISIBLE),
        }
    )


@claim(
    7,
    "A custom loss that does not account for the mask biases the gradient",
    rule=ignoring_it_biases,
    says="The gradient of one padded batch against that of its real steps alone: changed by "
    "{gradient_change_per_step:.2g} with a loss of one value per step, by {gradient_change_scalar:.3g} with a "
    "scalar.",
    counter={"scalar": mask_reading},
    counter_says="a scalar loss that reads the mask itself",
)
def loss_without_mask(per_step=mse, scalar=scalar_mse):
    batch = padded_batch("random")
    model = stack(masking_of_zeros(), lstm(), dense())

    def bias(loss):
        return change(
            probe(model, "mse", batch.x, batch.truth).gradient,
            probe(model, loss, batch.x, batch.y).gradient,
        )

    return {"gradient_change_per_step": bias(per_step), "gradient_change_scalar": bias(scalar)}


# --- 8


def log_plain(y_true, y_pred):
    """log(error), without abs"""
    from keras import ops

    return ops.log(y_true - y_pred)


def negative_log_is_nan(n):
    return whole({"the loss is NaN": n["loss_is_nan"]})


@claim(
    8,
    "Logarithms of negative numbers in the loss give NaN",
    rule=negative_log_is_nan,
    says="At y - p = -2 the loss is {loss:.3g}. Its slope is {slope:.3g} all the same: after one step the model "
    "predicts {prediction_after:.3g} where it predicted {prediction_before:.3g}.",
    counter={"loss": log_abs},
    counter_says="abs inside the logarithm",
)
def log_of_negative(loss=log_plain):
    import keras
    import numpy as np

    x, y = np.array([[1.0]], "float32"), np.array([[1.0]], "float32")
    model = stack(keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(3.0)), shape=(1,))
    before = float(model(x)[0, 0])
    losses = training(model, loss)(x, y, 1)
    return {
        "loss": losses[0],
        "loss_is_nan": bool(np.isnan(losses[0])),
        "slope": slope(loss, y=1.0, p=before)[1],
        "prediction_before": before,
        "prediction_after": float(model(x)[0, 0]),
    }
