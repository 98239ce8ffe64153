"""Claims of answer C, “Why does masking not affect the loss?”."""

from lessons.claims.apparatus import dense, lstm, padded_batch, stack, training
from lessons.claims.claim import ROUNDING, beyond, claims_of, near, under, whole
from lessons.claims.readings import accuracy, change, moved_by_garbage, probe
from lessons.recipe.losses import label_masked_mse, mse, scalar_mse

claim = claims_of("C")

NEARLY_ALL = 0.8  # “the standard losses” do something when at least four in five of them do it


def masking_of_zeros():
    """What everybody writes."""
    import keras

    return keras.layers.Masking(0.0)


def no_masking():
    """A layer that leaves the padding in."""
    import keras

    return keras.layers.Identity()


# --- 17


def standard_losses() -> dict:
    """Every class of keras.losses that compares labels and predictions step by step, with the labels it takes.

    Left out: CTC and Circle, which want sequences of symbols and pairs of embeddings.
    """
    import keras

    kinds = {"Categorical": "one_hot", "CategoricalGeneralized": "index", "SparseCategorical": "index"}
    found = {}
    for name, kind in vars(keras.losses).items():
        if isinstance(kind, type) and kind not in (keras.Loss, keras.losses.CTC, keras.losses.Circle):
            labels = [label for start, label in kinds.items() if name.startswith(start)]
            found[name] = (kind, labels[-1] if labels else "number")
    return found


def losses_include_padding(n):
    share = n["including"] / n["losses"]
    if share >= NEARLY_ALL or share <= 1 - NEARLY_ALL:
        return whole({"nearly all of them change with the labels of masked steps": share >= NEARLY_ALL})
    return under(
        {f"with {name}": True for name in n["names_including"]}
        | {f"with {name}": False for name in n["names_leaving_out"]}
    )


def predictions_with_mask(x, answers):
    """Predictions of a model that begins with Masking; the mask comes with them."""
    return stack(masking_of_zeros(), lstm(), answers)(x)


def predictions_without_mask(x, answers):
    """The same, from a library that does not carry masks to the loss."""
    import tensorflow as tf

    return tf.identity(predictions_with_mask(x, answers))


@claim(
    17,
    "Standard Keras losses include the masked steps",
    rule=losses_include_padding,
    says="Other labels on the masked steps change {including} of {losses} losses of keras.losses: "
    "{list_including}. The mean squared error goes from {mse_before:.6g} to {mse_after:.6g}.",
    counter={"predictions": predictions_without_mask},
    counter_says="a library that does not carry the mask to the loss",
)
def masked_steps_in_losses(predictions=predictions_with_mask):
    import numpy as np

    batch = padded_batch()
    rng = np.random.default_rng(0)
    index = rng.integers(0, 3, batch.real.shape)
    other = np.where(batch.real, index, (index + 1) % 3)  # another label where there is no step
    labels = {
        "number": [(a[..., None] > 0).astype("float32") for a in (index, other)],
        "one_hot": [np.eye(3, dtype="float32")[a] for a in (index, other)],
        "index": [index, other],
    }
    answers = {
        "number": predictions(batch.x, dense(1, "sigmoid")),
        "one_hot": predictions(batch.x, dense(3, "softmax")),
    }
    answers["index"] = answers["one_hot"]
    including: list[str] = []
    leaving_out: list[str] = []
    values = {}
    for name, (kind, label) in standard_losses().items():
        values[name] = [float(kind()(y, answers[label])) for y in labels[label]]
        before, after = values[name]
        (leaving_out if near(after - before, ROUNDING * abs(before)) else including).append(name)
    return {
        "losses": len(values),
        "including": len(including),
        "names_including": including,
        "names_leaving_out": leaving_out,
        "list_including": ", ".join(including) or "none",
        "mse_before": values["MeanSquaredError"][0],
        "mse_after": values["MeanSquaredError"][1],
    }


# --- 18


def still_contributes(n):
    return under(
        {
            "with MSE, one value per step": beyond(n["gradient_change_per_step"], ROUNDING),
            "with a custom loss that returns a scalar": beyond(n["gradient_change_scalar"], ROUNDING),
            "where an operation lost the mask (t * 1.0)": beyond(n["gradient_change_times_one"], ROUNDING),
        }
    )


@claim(
    18,
    "Masked values still contribute to the gradient",
    rule=still_contributes,
    says="1000 in the masked labels changes the gradient by {gradient_change_per_step:.3g} times its size with "
    "MSE, by {gradient_change_scalar:.3g} with a scalar loss, by {gradient_change_times_one:.3g} behind t * "
    "1.0.",
    counter={"masking": no_masking},
    counter_says="a model without the Masking layer",
)
def masked_values_in_gradient(masking=masking_of_zeros):
    import keras

    def gradient_change(loss, *between):
        return moved_by_garbage(stack(masking(), lstm(), *between, dense()), loss)

    return {
        "gradient_change_per_step": gradient_change(mse),
        "gradient_change_scalar": gradient_change(scalar_mse),
        "gradient_change_times_one": gradient_change(mse, lambda t: t * keras.ops.ones(())),
    }


# --- 19


def masking_of(value):
    """What Keras has."""
    import keras

    return keras.layers.Masking(value)


def mask_only(value):
    """A layer that attaches the mask and leaves the values as they are."""
    import keras

    class MaskOnly(keras.layers.Layer):
        def compute_mask(self, x, mask=None):
            return keras.ops.any(x != value, axis=-1)

        def call(self, x):
            return x * 1

    return MaskOnly()


def sets_to_zero(n):
    return whole({"what comes out at masked steps is exactly 0": n["largest_out"] == 0})


@claim(
    19,
    "The Masking layer sets masked steps to 0 before the next layer",
    rule=sets_to_zero,
    says="Masking({value:g}) gets {largest_in:.3g} at the masked steps and hands on {largest_out:.3g}. One layer "
    "later (Dense) they hold {largest_next:.3g}.",
    counter={"masking": mask_only},
    counter_says="a Masking layer that only attaches the mask",
)
def values_at_masked_steps(masking=masking_of, value=-1.0):
    import numpy as np

    batch = padded_batch(padded_inputs="minus_one")
    layer, following = masking(value), dense(4, "sigmoid")
    out = layer(batch.x)
    return {
        "value": value,
        "largest_in": np.abs(batch.x[~batch.real]).max(),
        "largest_out": np.abs(out.numpy()[~batch.real]).max(),
        "largest_next": np.abs(following(out).numpy()[~batch.real]).max(),
    }


# --- 20


def marked_masked_mse(y_true, y_pred):
    """the repair: padding is marked by a value no label has, and the sum is divided by the number of real steps"""
    from keras import ops

    real = ops.cast(ops.not_equal(y_true, -9.0), y_pred.dtype)
    return ops.sum(ops.square(y_true - y_pred) * real) / ops.sum(real)


def relevant_parts_only(n):
    return whole(
        {
            "no gradient on padding": n["gradient_on_padding"] == 0,
            "a gradient on every real step": n["real_steps_reached"] == 1,
            "the value is the mean over the real steps": near(n["loss"] - n["loss_real"], ROUNDING * n["loss_real"]),
        }
    )


@claim(
    20,
    "masked_mse (mask = y_true != 0, mean over axis -1) computes loss and gradient for the relevant parts only",
    example="C1",
    rule=relevant_parts_only,
    says="0/1 labels: the loss is {loss:.4g} where the mean over real steps is {loss_real:.4g}; "
    "{real_steps_reached:.0%} of the real steps get a gradient; on padding it is {gradient_on_padding:.2g}. "
    "After 100 steps {right:.0%} of the real steps are right.",
    counter={"loss": marked_masked_mse, "padded_value": -9.0},
    counter_says="padding marked by a value that is no label, and the sum divided by the number of real steps",
)
def mask_from_labels(loss=label_masked_mse, padded_value=0.0):
    import numpy as np

    batch = padded_batch(task="binary")
    y = np.where(batch.real[..., None], batch.truth, padded_value).astype("float32")
    model = stack(lstm(), dense())
    seen = probe(model, loss, batch.x, y)
    at = np.abs(seen.at_predictions[..., 0])
    train = training(model, loss)
    train(batch.x, y, 100)
    return {
        "loss": seen.loss,
        "loss_real": np.square(seen.predictions - batch.truth)[batch.real].mean(),
        "gradient_on_padding": at[~batch.real].max(),
        "real_steps_reached": (at[batch.real] > 0).mean(),
        "right": accuracy(model(batch.x).numpy()[batch.real], batch.truth[batch.real]),
    }


# --- 21


def by_predict(model, x):
    """As C2 does it. predict() answers with NumPy arrays."""
    return model.predict(x, verbose=0)


def by_call(model, x):
    """The model called as a function."""
    return model(x)


def trains_on_real_steps(n):
    """The divisor (all steps) is the same wrong one as in C1; it scales the gradient and does not turn it."""
    return whole(
        {
            "padded labels change nothing": near(n["loss_change"], ROUNDING),
            "every weight gets a gradient": n["weights_reached"] == n["weights"],
        }
    )


@claim(
    21,
    "Masking model.predict output and applying a standard loss solves it",
    example="C2",
    rule=trains_on_real_steps,
    says="{weights_reached} of {weights} weights get a gradient. Garbage in padded labels changes the loss by "
    "{loss_change:.2g}; it is {loss:.4g} where the mean over real steps is {loss_real:.4g}.",
    counter={"forward": by_call},
    counter_says="the model called inside the tape instead of predict()",
)
def mask_on_predict(forward=by_predict):
    import keras
    import numpy as np
    import tensorflow as tf

    model = stack(lstm(), dense())
    values = []
    for held in ("zero", "garbage"):
        batch = padded_batch(held)
        mask = batch.real[..., None].astype("float32")
        with tf.GradientTape() as tape:
            predictions = tf.convert_to_tensor(forward(model, batch.x))
            value = keras.losses.MeanSquaredError()(batch.y * mask, predictions * mask)
        values.append(float(value))
    gradients = tape.gradient(value, [variable.value for variable in model.trainable_variables])
    return {
        "loss": values[0],
        "loss_change": values[1] - values[0],
        "loss_real": np.square(predictions - batch.truth)[batch.real].mean(),
        "weights_reached": sum(gradient is not None for gradient in gradients),
        "weights": len(gradients),
    }


# --- 22


def plain_dense():
    """What Keras has: Dense passes a mask on."""
    return dense()


def forgetful_dense():
    """A Dense that does not pass a mask on."""
    import keras

    class ForgetfulDense(keras.layers.Dense):
        def compute_mask(self, inputs, previous_mask=None):
            return None

    return ForgetfulDense(1, kernel_initializer=keras.initializers.GlorotUniform(0))


def only_time_distributed_masks(n):
    return whole(
        {
            "with TimeDistributed padding does not count": near(n["gradient_change_wrapped"], ROUNDING),
            "without it padding counts": beyond(n["gradient_change_bare"], ROUNDING),
        }
    )


@claim(
    22,
    "TimeDistributed is what makes the MSE aware of the mask; without it masking does not work",
    example="C3",
    rule=only_time_distributed_masks,
    says="Garbage in padded labels changes the gradient by {gradient_change_bare:.2g} with Dense and by "
    "{gradient_change_wrapped:.2g} with TimeDistributed(Dense). The losses are {loss_bare:.6f} and "
    "{loss_wrapped:.6f}; after 20 steps the weights are {weights_apart:.2g} apart.",
    counter={"head": forgetful_dense},
    counter_says="a Dense that does not pass the mask on",
)
def time_distributed(head=plain_dense):
    import keras
    import numpy as np

    clean, garbage = padded_batch("random"), padded_batch("garbage")
    numbers: dict[str, float] = {}
    weights = []
    for name, wrap in (("bare", lambda layer: layer), ("wrapped", keras.layers.TimeDistributed)):
        model = stack(masking_of_zeros(), lstm(), wrap(head()))
        before, after = (probe(model, "mse", batch.x, batch.y) for batch in (clean, garbage))
        numbers |= {f"loss_{name}": before.loss, f"gradient_change_{name}": change(before.gradient, after.gradient)}
        training(model, "mse")(clean.x, clean.y, 20)
        weights.append(np.concatenate([one.ravel() for one in model.get_weights()]))
    return numbers | {"weights_apart": np.abs(weights[0] - weights[1]).max()}
