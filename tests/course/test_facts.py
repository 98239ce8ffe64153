"""What the lessons state of functions, layers and numbers, each sentence beside a measurement of it.

A sentence that is changed has to be changed here too, together with what it is measured by.
"""

import numpy as np
import pytest

from lessons.catalog import first_iteration, nan_labels, never_stops, not_learning, row_is_nan, useless_alone
from lessons.course.discovery import LESSONS
from lessons.course.exercise import FindSetting, MendLoss, MendModel, OrderLines
from lessons.families.recurrent import Recurrent

FACTS = []
SMALL = 1e-4  # of an error on either side of 0: a corner shows as two slopes


def fact(slug: str, *sentences: str):
    """The function measures whether these sentences of a lesson are true."""

    def note(measure):
        FACTS.append(pytest.param(slug, sentences, measure, id=measure.__name__))
        return measure

    return note


def said(slug: str) -> str:
    """Every text of a lesson."""
    lesson = LESSONS[slug]
    texts = [lesson.text, *lesson.aims, lesson.notes]
    texts += [text for answer in lesson.prediction.answers for text in (answer.text, answer.belief)]
    for preset in lesson.presets:
        texts += [preset.label, preset.says, preset.claimed, preset.truth]
        texts += [preset.published.explains, preset.published.says] if preset.published else []
    for exercise in lesson.exercises:
        assert isinstance(exercise, FindSetting | MendLoss | MendModel | OrderLines)
        texts += [exercise.title, exercise.asks, *exercise.hints]
    return "\n".join(texts)


def slope(loss, y, p, **more) -> float:
    """d loss / d prediction at one label and prediction, in a graph as `fit` has it. Shapes (1, 1, 1)."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def measure(label, given):
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = loss(label, given, **more)
        return tape.gradient(value, given)

    found = measure(tf.constant([[[y]]], tf.float32), tf.constant([[[p]]], tf.float32))
    return float(found[0, 0, 0])


def value(loss, y, p, **more) -> float:
    return float(np.mean(loss(np.full((1, 1, 1), y, "float32"), np.full((1, 1, 1), p, "float32"), **more)))


def jump(loss, **more) -> float:
    """By how much the slope changes at error 0."""
    return slope(loss, 0.0, SMALL, **more) - slope(loss, 0.0, -SMALL, **more)


# --- first_iteration


@fact(
    "first_iteration",
    "at error 0 it has a corner, half as sharp as that of abs",
    "Softplus of |error| still has a corner at 0, half as sharp, and its least value is log 2 instead of 0",
    "Huber and log-cosh are smooth and end at 0",
)
def corners():
    from lessons.recipe.losses import huber, log_cosh, mae

    softplus = first_iteration.softplus_error
    assert jump(mae) == pytest.approx(2, abs=0.01)
    assert jump(softplus) == pytest.approx(jump(mae) / 2, rel=0.01)
    assert (
        value(softplus, 0, 0) == pytest.approx(np.log(2)) == min(value(softplus, 0, e) for e in (-1, -0.1, 0, 0.1, 1))
    )
    for smooth in (huber, log_cosh):
        assert jump(smooth) < 0.01 and value(smooth, 0, 0) == pytest.approx(0, abs=1e-6)


@fact(
    "first_iteration",
    "The slope at error 0 is 0 divided by the root of epsilon.",
    "is $\\frac00$ without epsilon",
    "Any epsilon that is not 0 in float32 ends the NaN here",
    "its slope is bounded",
)
def a_root():
    root = first_iteration.root_of_square
    assert np.isnan(slope(root, 0, 0, epsilon=0.0)) and np.isnan(slope(root, 0, 0, epsilon=1e-50))
    for epsilon in (1e-30, 1e-12, 1e-7, 1.0):
        assert slope(root, 0, 0, epsilon=epsilon) == 0
        assert all(abs(slope(root, 0, e, epsilon=epsilon)) <= 1 for e in (-10, -1e-3, 1e-3, 10))


@fact(
    "first_iteration",
    "the gradient is about 1/(error + epsilon), tiny for large errors and huge for small ones",
    "epsilon alone keeps the loss from falling for ever",
    "the pull is about 1 / (error + 1e-7)",
    "abs leaves no negative number",
)
def a_log_of_an_error():
    from lessons.recipe.losses import log_error

    for error in (1e-4, 0.1, 10.0):
        assert slope(log_error, 0, error, epsilon=1e-7) == pytest.approx(1 / (error + 1e-7), rel=1e-3)
        assert np.isfinite(value(log_error, error, 0, epsilon=1e-7)) and np.isfinite(
            value(log_error, 0, error, epsilon=1e-7)
        )
    depths = [value(log_error, 0, 0, epsilon=epsilon) for epsilon in (1e-2, 1e-7, 1e-30, 0.0)]
    assert depths == sorted(depths, reverse=True) and depths[-1] == -np.inf


@fact("first_iteration", "NaN at once, wherever a prediction lies above its label; yet every gradient stays finite.")
def a_log_without_abs():
    loss = first_iteration.log_of_difference
    assert np.isnan(value(loss, 0, 0.5, epsilon=1e-7)) and np.isfinite(slope(loss, 0, 0.5, epsilon=1e-7))
    assert np.isfinite(value(loss, 0.5, 0, epsilon=1e-7))


@fact(
    "first_iteration",
    "The root of a negative number is NaN",
    "A constant that is added after the root leaves its slope infinite.",
    "The log needs an argument that is never below 1, and flat at error 0.",
)
def roots_and_logs():
    from keras import ops

    assert np.isnan(float(ops.sqrt(-1.0)))
    assert np.isinf(slope(lambda y, p: ops.sqrt(p) + 1e-7, 0, 0))
    mended = first_iteration.log_of_one_plus_square
    assert slope(mended, 0, 0) == 0 == value(mended, 0, 0)
    assert all(np.isfinite(value(mended, 0, e)) and value(mended, 0, e) > 0 for e in (-1e3, -1e-2, 1e-2, 1e3))


# --- not_learning


@fact(
    "not_learning",
    "says nothing about label 0: answer 1 for everything, and the loss is as good as 0",
    "In float32 it stays a number",
)
def half_a_cross_entropy():
    half = not_learning.half_cross_entropy
    for p in (0.0, 0.3, 1.0):
        assert value(half, 0, p, epsilon=1e-8) == 0 == slope(half, 0, p, epsilon=1e-8)
        assert np.isfinite(value(half, 1, p, epsilon=1e-8))
    assert abs(value(half, 1, 1, epsilon=1e-8)) < 1e-6


@fact(
    "not_learning",
    "An error that counts only where $p>0.5$ says nothing below: loss and gradient are exactly 0 there",
    "The absolute error has a corner at 0 and learns.",
    "The log of a probability is never above 0",
    "the weight depends on the label, which no update can change",
)
def thresholds_and_corners():
    from lessons.recipe.losses import mae

    for y in (0, 1):
        for p in (-2.0, 0.2, 0.5):
            assert value(not_learning.error_above_half, y, p) == 0 == slope(not_learning.error_above_half, y, p)
        assert slope(not_learning.error_above_half, y, 0.7) != 0
        for p in (-2.0, 0.2, 0.7, 2.0):
            assert slope(not_learning.error_weighted_by_label, y, p) != 0
    assert jump(mae) > 1 and abs(slope(mae, 0, 3)) == 1
    assert np.log(1.0) == 0 and np.log(0.999) < 0


@fact("not_learning", "In float16 this epsilon is 0, and relu gives predictions that are exactly 0: NaN at once.")
def an_epsilon_in_float16():
    assert np.float16(1e-8) == 0 and np.maximum(np.float16(-1), 0) == 0


# --- small_epsilon


@fact(
    "small_epsilon",
    "Too small and $1+\\epsilon$ *is* 1, so the epsilon is **absorbed**; smaller still and it is **zero**.",
    "The smallest power of ten that 1 does not absorb",
    "In float32 anything from about 1e-7 on is not absorbed.",
    "1 - 1e-8 is 1 in float32",
    "In float16 1e-8 is 0",
    "In float16 the number 1 - 1e-6 is 1.",
    "A smaller float type absorbs more, not less.",
    "An epsilon that float16 can add to small numbers",
)
def what_float_types_absorb():
    one, half = np.float32(1), np.float16(1)
    assert one + np.float32(1e-8) == one - np.float32(1e-8) == 1 and one + np.float32(1e-7) > 1
    assert np.float32(1e-50) == 0 and np.float16(1e-8) == 0 and half - np.float16(1e-6) == 1
    assert half + np.float16(1e-4) == 1 and one + np.float32(1e-4) > 1 and np.float16(0) + np.float16(1e-4) > 0


@fact(
    "small_epsilon",
    "finite; at a sure wrong answer its gradient is huge",
    "the gradient at a wrong answer is $1/\\epsilon$: it **explodes**. Clip instead and it is 0: **dead**.",
    "From logits you need no epsilon.",
)
def sure_and_wrong():
    from lessons.recipe.losses import bce_added, bce_clipped, bce_from_logits

    for y, p in ((0.0, 1.0), (1.0, 0.0)):
        assert np.isfinite(value(bce_added, y, p, epsilon=1e-7))
        assert abs(slope(bce_added, y, p, epsilon=1e-7)) == pytest.approx(1e7, rel=0.3)
        assert np.isfinite(value(bce_clipped, y, p, epsilon=1e-6))
        assert slope(bce_clipped, y, p + 0.01 * (1 if p else -1), epsilon=1e-6) == 0
        z = 400 * p - 200
        assert abs(slope(bce_from_logits, y, z)) == pytest.approx(1) and value(bce_from_logits, y, z) == pytest.approx(
            200
        )


# --- nan_labels


@fact(
    "nan_labels",
    "NaN times 0 is NaN: one missing label makes the loss NaN.",
    "`where` around the result repairs the value only: the gradient still runs through the branch that was not taken",
    "The gradient runs through both branches of where, and 0 times NaN is NaN.",
    "NaN is gone before the arithmetic starts; value and gradient are finite.",
    "Masking(0) looks for 0, not for NaN.",
)
def missing_labels():
    import keras

    nan = float("nan")
    assert np.isnan(value(nan_labels.multiplied_by_mask, nan, 0.5))
    assert value(nan_labels.where_outside, nan, 0.5) == 0 and np.isnan(slope(nan_labels.where_outside, nan, 0.5))
    assert value(nan_labels.where_inside, nan, 0.5) == 0 == slope(nan_labels.where_inside, nan, 0.5)
    rows = np.array([[[nan, nan], [0, 0], [1, 0]]], "float32")
    assert keras.layers.Masking(0).compute_mask(rows).numpy().tolist() == [[True, False, True]]


@fact("nan_labels", "Keras 3 dropped mean_squared_error from tf.keras.losses; keras.losses has it.")
def a_name_that_moved():
    import keras
    import tensorflow as tf

    assert not hasattr(tf.keras.losses, "mean_squared_error") and hasattr(keras.losses, "mean_squared_error")


@fact("mask_and_loss", "Keras 3 took these functions out of `keras.backend`; `keras.ops` has them")
def names_of_the_backend():
    import keras

    for name in ("cast", "mean", "square"):
        assert not hasattr(keras.backend, name) and hasattr(keras.ops, name)


# --- masks: what a loss divides by, and what layers hand on


def masked(prediction: np.ndarray, mask: np.ndarray):
    import keras

    tensor = keras.ops.convert_to_tensor(prediction)
    tensor._keras_mask = keras.ops.convert_to_tensor(mask)
    return tensor


@fact(
    "divided_by",
    "With a Keras mask it is the number of **valid** steps.",
    "it is **all** steps: the more padding, the smaller the loss, and the smaller every gradient",
    "mean_with_sample_weight divides by the sum of the weights",
    "A sum grows with the number of valid steps",
    "Averaging each **sequence** first lets a step of a short sequence weigh more.",
)
def denominators():
    import keras

    from lessons.catalog.divided_by import per_sequence_mse

    y, p = np.zeros((2, 4, 1), "float32"), np.array([[2, 2, 2, 2], [6, 9, 9, 9]], "float32")[..., None]
    mask = np.array([[True] * 4, [True] + [False] * 3])
    squares, weights = (p[..., 0] ** 2)[mask], mask.astype("float32")
    loss = keras.losses.MeanSquaredError
    assert float(loss()(y, masked(p, mask))) == pytest.approx(squares.mean())
    assert float(loss()(y, p, weights)) == pytest.approx(squares.sum() / mask.size)
    assert float(loss(reduction="mean_with_sample_weight")(y, p, weights)) == pytest.approx(squares.mean())
    assert float(loss(reduction="sum")(y, p, weights)) == pytest.approx(squares.sum())
    each = float(per_sequence_mse(y, masked(p, mask), epsilon=0.0))
    assert each == pytest.approx((4 + 36) / 2) and each > squares.mean(), "the short sequence has the larger error"


@fact(
    "mask_and_loss",
    "Keras multiplies the mask into the values that your loss returns.",
    "**One value per step** can be masked; **one scalar** has the padding mixed in already.",
)
def one_value_per_step():
    from lessons.engine.models import build_loss

    mask, p = np.array([[True, False]]), np.zeros((1, 2, 1), "float32")
    clean, garbage = (np.array([[[1], [held]]], "float32") for held in (0, 1000))
    of = {name: build_loss(Recurrent(loss=name)) for name in ("mse", "scalar_mse")}
    assert float(of["mse"](clean, masked(p, mask))) == float(of["mse"](garbage, masked(p, mask)))
    assert float(of["scalar_mse"](garbage, masked(p, mask))) > 1000 * float(of["scalar_mse"](clean, masked(p, mask)))


@fact(
    "layer_ate_mask",
    "Python operators, `keras.ops`, slices and `Add` with one unmasked input say nothing.",
    "Dense, normalisation, recurrent layers with return_sequences=True and attention hand it on.",
    "Dense, TimeDistributed(Dense), LayerNormalization and attention hand it on.",
    "Each layer says for itself whether it supports masks.",
    "Conv1D loses the mask too, but Keras warns.",
    "The same multiplication inside a Lambda layer: lost as well, now with a warning.",
)
def what_hands_the_mask_on():
    import warnings

    import keras
    from keras import layers, ops

    x = keras.Input((4, 3))
    t, bare = layers.Masking()(x), keras.Input((4, 3))

    def outcome(call) -> tuple[bool, bool]:
        """Whether the mask is there afterwards, and whether Keras warned."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            kept = getattr(call(t), "_keras_mask", None) is not None
        return kept, any("mask" in str(one.message) for one in caught)

    keeps = (
        layers.Dense(3),
        layers.TimeDistributed(layers.Dense(3)),
        layers.LayerNormalization(),
        layers.BatchNormalization(),
        layers.LSTM(3, return_sequences=True),
        layers.GRU(3, return_sequences=True),
        lambda t: layers.MultiHeadAttention(1, 3)(t, t),
    )
    silent = (lambda t: t * 1.0, lambda t: ops.multiply(t, 1.0), lambda t: t[:, 1:], lambda t: layers.Add()([t, bare]))
    warned = (layers.Conv1D(3, 3), layers.Lambda(lambda t: t * 1.0))
    assert [outcome(one) for one in keeps] == [(True, False)] * len(keeps)
    assert [outcome(one) for one in silent] == [(False, False)] * len(silent)
    assert [outcome(one) for one in warned] == [(False, True)] * len(warned)


# --- recurrent states


@fact(
    "pre_or_post",
    "The forget gate of an LSTM starts more open than shut",
    "the state starts at 0 and stays there as long as the biases are 0: $f(0,0)=0$",
    "With a **mask** the state is carried through unchanged on either side.",
    "Pre-padding is harmless because zeros leave a zero state alone. Other values do not.",
)
def states():
    import keras

    rng = np.random.default_rng(0)
    zeros, x = np.zeros((1, 3, 2), "float32"), rng.normal(size=(1, 4, 2)).astype("float32")
    sides = {"post": ([x, zeros], [True] * 4 + [False] * 3), "pre": ([zeros, x], [False] * 3 + [True] * 4)}
    for cell in (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN):
        layer = cell(3)
        wanted = layer(x)
        assert np.abs(layer(zeros)).max() == 0
        for parts, mask in sides.values():
            held = layer(np.concatenate(parts, axis=1), mask=np.array([mask]))
            np.testing.assert_allclose(held, wanted, atol=1e-6)
        assert np.abs(layer(np.concatenate([x, zeros], axis=1)) - wanted).max() > 0.01
        assert np.abs(layer(np.concatenate([zeros + 1, x], axis=1)) - wanted).max() > 1e-3
    layer = keras.layers.LSTM(3)
    layer(x)
    bias = layer.cell.bias.numpy().reshape(4, 3)  # input, forget, candidate, output
    assert (bias[1] == 1).all() and (bias[[0, 2, 3]] == 0).all() and 1 / (1 + np.exp(-1)) > 0.5


@fact(
    "validation",
    "with $x_t=0$ the state still moves",
    "NaN times 0 stays NaN",
    "every feature must hold the value, a mask per feature is refused, and a masked step repeats the output before it",
)
def masking_and_multiplying():
    import keras

    layer = keras.layers.LSTM(3, return_sequences=True)
    x = np.ones((1, 3, 2), "float32")
    x[0, 2] = 0
    moved = layer(x).numpy()
    assert np.abs(moved[0, 2] - moved[0, 1]).max() > 0.01
    held = layer(x, mask=np.array([[True, True, False]])).numpy()
    assert (held[0, 2] == held[0, 1]).all()
    assert np.isnan(np.float32("nan") * 0)
    partly = np.array([[[-1, -1], [-1, 5]]], "float32")
    assert keras.layers.Masking(-1).compute_mask(partly).numpy().tolist() == [[False, True]]
    with pytest.raises(Exception, match="mask|rank|shape|dimension"):
        layer(x, mask=np.ones((1, 3, 2), bool))


# --- attention and tokens


@fact(
    "row_is_nan",
    "NaN times 0 is NaN",
    "With −1e9 in place of −inf the row becomes a plain average, as long as the float type can hold −1e9: float16 "
    "cannot.",
    "Setting masked weights to 0 afterwards repairs the value and not the gradient.",
    "In float16 it is −inf.",
    "−3e4 is a number in float16.",
)
def rows_without_keys():
    assert np.isnan(np.nan * 0)
    with np.errstate(over="ignore"):
        assert np.float16(-1e9) == -np.inf and np.isfinite(np.float16(-3e4))
    found = row_is_nan.one_row()
    assert found.numbers == {
        "−inf": (False, False),
        "−inf, weights set to 0": (True, False),
        "−1e9": (True, True),
        "−1e9 in float16": (False, False),
        "−3e4 in float16": (True, True),
    }
    assert found.rows[2]["weights"] == "0.333, 0.333, 0.333"


@fact(
    "never_stops",
    "Their gradient is exactly 0.",
    "a batch of which nothing is left is 0 in Keras and 0/0 by hand.",
    "An epsilon in the denominator ends the NaN.",
)
def ends_and_batches_without_labels():
    from lessons.engine.train import trained
    from lessons.recipe.recipe import Recipe

    run = trained(Recipe(never_stops.SHARED.with_changes({"epochs": 5})))
    ends = run.batch.real & (run.batch.truth[..., 0] == 0)
    assert ends.sum() == len(ends) and not run.snapshot.gradient[:, ends].any() and run.snapshot.gradient.any()
    told = never_stops.nothing_left().numbers
    assert told["ignore_class"] == told["a Keras mask"] == 0 and np.isnan(told["mean by hand"])
    assert never_stops.mean_by_hand(np.zeros((1, 2, 1)), np.zeros((1, 2, 4), "float32"), 1e-7) == 0


@fact(
    "useless_alone",
    "Two mistakes make the loss fall to almost 0",
    "With either of them the loss is as good as with both.",
    "whose loss is the worse one",
)
def mistakes_that_a_loss_does_not_tell():
    from lessons.engine.train import trained
    from lessons.recipe.recipe import Recipe

    ahead, same = {"causal_mask": "none"}, {"shift": "same"}
    last = [
        float(trained(Recipe(useless_alone.BASE.with_changes(one))).snapshot.loss[-1])
        for one in (ahead, same, ahead | same, {})
    ]
    assert max(last[:3]) < 0.01 < 0.1 < last[3]


@pytest.mark.parametrize(("slug", "sentences", "measure"), FACTS)
def test_what_a_lesson_states_is_measured(slug, sentences, measure):
    import keras

    for sentence in sentences:
        assert sentence in said(slug)
    keras.utils.set_random_seed(0)  # a layer's own weights are drawn: what is measured is the sentence, not luck
    measure()
