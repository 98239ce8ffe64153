"""Claims of answer E, “Can NaN labels be masked?”."""

from lessons.claims.apparatus import dense, lstm, padded_batch, stack, training
from lessons.claims.claim import ROUNDING, TWICE, beyond, claims_of, finite, near, under, whole
from lessons.claims.readings import change, mean_error, probe
from lessons.recipe.losses import mse

claim = claims_of("E")

STEPS = 100  # enough for these sixteen sequences to be learned


def selecting_mse(y_true, y_pred):
    """squared error that replaces a NaN label before it is used: nothing is left to multiply by 0"""
    from keras import ops

    known = ops.where(ops.isnan(y_true), ops.stop_gradient(y_pred), y_true)
    return ops.mean(ops.square(known - y_pred), axis=-1)


def labels_with_gaps(fill=float("nan"), share: float = 0.3):
    """A batch without padding, its labels with some missing, and where they are there (batch, time)."""
    import numpy as np

    batch = padded_batch(padding_share=0)
    there = np.random.default_rng(1).random(batch.real.shape) >= share
    return batch, np.where(there[..., None], batch.truth, fill).astype("float32"), there


# --- 29


def nothing_for_nan(n):
    return under(
        {
            "for a mask": not finite(n["loss_mask"]),
            "for sample_weight": not finite(n["loss_weight"]),
            "for reduction=“mean_with_sample_weight”": not finite(n["loss_weighted_mean"]),
        }
    )


@claim(
    29,
    "Keras has no mechanism for NaN labels",
    rule=nothing_for_nan,
    says="NaN labels that are left out: the loss is {loss_mask:.3g} with a mask, {loss_weight:.3g} with "
    "sample_weight 0, {loss_weighted_mean:.3g} with reduction “mean_with_sample_weight”. Filled with 0 first, "
    "the three are {filled_mask:.3g}, {filled_weight:.3g} and {filled_weighted_mean:.3g}.",
    counter={"loss": selecting_mse},
    counter_says="a loss that replaces NaN labels before it uses them",
)
def mechanisms_for_nan(loss=mse):
    import keras
    from keras.src.losses.losses import LossFunctionWrapper  # what compile() makes of a function

    numbers: dict[str, float] = {}
    for name, fill in (("loss", float("nan")), ("filled", 0.0)):
        batch, y, there = labels_with_gaps(fill)
        x = batch.x * there[..., None]  # steps without a label are zeros: Masking leaves them out
        masked = stack(keras.layers.Masking(0.0), lstm(), dense())
        unmasked = stack(lstm(), dense())
        weight = there.astype("float32")
        weighted_mean = LossFunctionWrapper(loss, reduction="mean_with_sample_weight")
        numbers |= {
            f"{name}_mask": probe(masked, loss, x, y).loss,
            f"{name}_weight": probe(unmasked, loss, batch.x, y, weight).loss,
            f"{name}_weighted_mean": probe(unmasked, weighted_mean, batch.x, y, weight).loss,
        }
    return numbers


# --- 30


def only_valid_contribute(n):
    return under(
        {
            "with numbers in the labels of weight 0": near(n["gradient_change_filled"], ROUNDING),
            "with NaN in the labels of weight 0": near(n["gradient_change_nan"], ROUNDING),
        }
    )


@claim(
    30,
    "sample_weight makes only valid labels contribute",
    example="E1",
    rule=only_valid_contribute,
    says="Labels of weight 0 set from 0 to a million change the gradient by {gradient_change_filled:.2g} (loss "
    "{loss_zero:.3g} and {loss_million:.3g}); set to NaN, by an amount that is {gradient_change_nan:.2g} "
    "(loss {loss_nan:.3g}).",
    counter={"loss": selecting_mse},
    counter_says="a loss that replaces NaN labels before it uses them",
)
def weights_of_zero(loss=mse):
    model = stack(lstm(), dense())

    def look(fill):
        batch, y, there = labels_with_gaps(fill)
        return probe(model, loss, batch.x, y, there.astype("float32"))

    zero, million, nan = look(0.0), look(1e6), look(float("nan"))
    return {
        "loss_zero": zero.loss,
        "loss_million": million.loss,
        "loss_nan": nan.loss,
        "gradient_change_filled": change(zero.gradient, million.gradient),
        "gradient_change_nan": change(zero.gradient, nan.gradient),
    }


# --- 31


def marks_missing(n):
    return under(
        {
            "where a missing step is a row of zeros": n["marked_zeros"] == 1,
            "where one of its features is 0": n["marked_partly"] == 1,
            "where a missing step is NaN, as in E1": n["marked_nan"] == 1,
        }
    )


@claim(
    31,
    "Masking(mask_value=0.0) marks the missing data",
    example="E1",
    rule=marks_missing,
    says="Of the missing steps Masking marks {marked_zeros:.0%} when they are rows of zeros, {marked_partly:.0%} "
    "when one of two features is 0, {marked_nan:.0%} when they are NaN.",
    counter={"mask_value": -1.0},
    counter_says="Masking(-1) on the same data",
)
def what_masking_marks(mask_value=0.0):
    import keras
    import numpy as np

    batch, _, there = labels_with_gaps()
    zeros, nan = np.zeros(2, "float32"), np.full(2, np.nan, "float32")

    def marked(missing):
        mask = keras.layers.Masking(mask_value).compute_mask(np.where(there[..., None], batch.x, missing))
        return 1 - float(np.asarray(mask)[~there].mean())

    return {
        "marked_zeros": marked(zeros),
        "marked_partly": marked(batch.x * np.array([0, 1], "float32")),
        "marked_nan": marked(nan),
    }


# --- 32


def masked_mse(y_true, y_pred):
    """the loss of E2: labels and predictions multiplied by “is not NaN”"""
    from keras import ops

    mask = ops.cast(ops.logical_not(ops.isnan(y_true)), y_pred.dtype)
    return ops.sum(ops.square(y_true * mask - y_pred * mask)) / ops.sum(mask)


def double_where_mse(y_true, y_pred):
    """the repair: NaN is replaced in the input of the arithmetic, then weighted with 0"""
    from keras import ops

    known = ops.logical_not(ops.isnan(y_true))
    mask = ops.cast(known, y_pred.dtype)
    return ops.sum(ops.square(ops.where(known, y_true, 0.0) - y_pred) * mask) / ops.sum(mask)


def ignores_nan(n):
    near_known = finite(n["loss"]) and near(n["loss"] - n["loss_known"], ROUNDING * n["loss_known"])
    return whole(
        {
            "the loss is the mean over the known labels": near_known,
            "the model still answers after one step": n["finite_answers"] == 1,
        }
    )


@claim(
    32,
    "masked_mse (multiply labels and predictions by not-NaN) ignores the NaN",
    example="E2",
    rule=ignores_nan,
    says="The loss is {loss:.4g}, over the known labels alone {loss_known:.4g}. After one step "
    "{finite_answers:.0%} of the model's answers are finite.",
    counter={"loss": double_where_mse},
    counter_says="NaN replaced by where before the arithmetic",
)
def nan_times_zero(loss=masked_mse):
    import numpy as np

    batch, y, there = labels_with_gaps()
    model = stack(lstm(), dense())
    known = np.square(model(batch.x).numpy() - batch.truth)[there].mean()
    losses = training(model, loss)(batch.x, y, 1)
    return {"loss": losses[0], "loss_known": known, "finite_answers": np.isfinite(model(batch.x)).mean()}


# --- 33, 34


def imputation_distorts(n):
    return under({"for imputed labels": beyond(n["label_apart"], ROUNDING)})


@claim(
    33,
    "Imputing labels and then masking with sample_weight should be avoided, the imputation still distorts",
    example="E3",
    rule=imputation_distorts,
    says="Missing labels imputed with 0, the mean or a million: trained predictions differ by up to "
    "{label_apart:.2g}. Missing inputs imputed with 0 or 3: by {input_apart:.2g}.",
    counter={"masked_weight": 1.0},
    counter_says="imputed labels that keep their weight",
)
def imputed_labels(masked_weight=0.0):
    import numpy as np

    model = stack(lstm(), dense())
    train = training(model, "mse")

    def answers(fill, input_fill=None):
        batch, y, there = labels_with_gaps(fill)
        x = batch.x if input_fill is None else np.where(there[..., None], batch.x, np.float32(input_fill))
        train(x, y, STEPS, np.where(there, 1.0, masked_weight).astype("float32"))
        return model(x).numpy()[there]

    batch, _, there = labels_with_gaps()
    mean = batch.truth[there].mean()
    zero = answers(0.0)
    return {
        "label_apart": max(np.abs(answers(fill) - zero).max() for fill in (mean, 1e6)),
        "input_apart": np.abs(answers(0.0, 3.0) - answers(0.0, 0.0)).max(),
    }


def always_misleads(n):
    return under(
        {
            "where the filled labels keep weight 1": beyond(n["error_kept"], TWICE * n["error_without"]),
            "where they get sample_weight 0": beyond(n["error_weighted_out"], TWICE * n["error_without"]),
        }
    )


@claim(
    34,
    "Replacing a NaN label by a fixed value always misleads the model",
    rule=always_misleads,
    says="Error on the known labels when nothing is missing: {error_without:.3g}. With missing labels set to "
    "{fill:g}: {error_kept:.3g} at weight 1, {error_weighted_out:.3g} at weight 0.",
    counter={"weight_of_filled": 1.0},
    counter_says="a model trained without sample_weight",
)
def fixed_value(weight_of_filled=0.0):
    import numpy as np

    model = stack(lstm(), dense())
    train = training(model, "mse")
    fill = 10.0
    batch, y, there = labels_with_gaps(fill)

    def error(labels, weight):
        train(batch.x, labels, STEPS, np.where(there, 1.0, weight).astype("float32"))
        return mean_error(model(batch.x).numpy(), batch.truth, there)

    return {
        "fill": fill,
        "error_without": error(batch.truth, 1.0),
        "error_kept": error(y, 1.0),
        "error_weighted_out": error(y, weight_of_filled),
    }
