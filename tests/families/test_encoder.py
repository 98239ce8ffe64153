"""The family Encoder: trained beside plain `fit`, its script, its warm weights, and its attention mask in NumPy."""

from dataclasses import replace

import numpy as np
import pytest

from lessons.engine.train import trained
from lessons.families.encoder import OWN, Encoder
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.spec import Choice
from tests.engine.test_engine import assert_draws_as_new, assert_like_fit
from tests.tools.selection import first
from tests.tools.taken_home import assert_script_gives_the_apps_numbers

TINY = Encoder(sequences=5, timesteps=4, epochs=4, units=4, seed=3, padded_inputs="random")

# Together they have every option of every field of the family, with masks on every way.
FORMS = (
    {"attention_mask": "keys", "masked_score": "inf", "heads": 2, "validation_mask": "none", "batch_size": 2},
    {"attention_mask": "inverted", "masked_score": "1e9", "score_dtype": "float16", "padding": "pre"},
    {"attention_mask": "queries", "pooling": "average", "mask": "inputs", "padded_inputs": "zero"},
    {"pooling": "max", "mask": "shifted", "masked_score": "returned", "heads": 2},
    {"attention_mask": "none", "pooling": "max_all", "masked_score": "3e4"},
    {"masked_score": "inf"},
    {"masked_score": "zeroed"},
    {"pooling": "average_all", "mask_route": "multiplied"},
    {"mask": "none", "attention_mask": "inverted", "masked_score": "returned"},
    {"sample_weight": "besides", "loss": "scalar_mse", "attention_mask": "none"},
    {"pooling": "average", "mask": "inverted", "masked_score": "3e4", "score_dtype": "float16"},
)


@pytest.mark.parametrize("changes", first(1, FORMS))
def test_it_trains_as_plain_keras_does(changes):
    assert_like_fit(replace(TINY, **changes))


@pytest.mark.parametrize("changes", first(1, FORMS))
def test_its_script_prints_the_apps_curve(changes):
    assert_script_gives_the_apps_numbers(replace(TINY, **changes))


def test_the_forms_have_every_option():
    met = [replace(TINY, **changes) for changes in FORMS]
    for name in ("attention_mask", "pooling", "masked_score", "score_dtype"):
        spec = Encoder.specs()[name]
        assert isinstance(spec, Choice) and set(spec.options) == {getattr(one, name) for one in met}


@pytest.mark.parametrize("masked_score", ["layer", "inf"])
def test_a_warm_model_draws_the_weights_that_a_new_one_has(masked_score):
    settings = replace(TINY, masked_score=masked_score, heads=2, seed=41)
    assert_draws_as_new(settings)


@pytest.mark.verify
def test_by_hand_is_the_layer_where_every_query_has_a_key():
    """The same first weights and the same answer; they part only where a row has no key."""
    layer, hand = (trained(Recipe(replace(TINY, attention_mask="keys", masked_score=one))) for one in ("layer", "inf"))
    np.testing.assert_allclose(hand.snapshot.loss, layer.snapshot.loss, rtol=1e-5)


@pytest.mark.parametrize("attention_mask", first(2, [*Encoder.specs()["attention_mask"].options]))
def test_the_attention_mask_lets_gradient_through_where_it_is_true(attention_mask):
    """The real steps' predictions depend on a padded input exactly where `attends` says that they may look there."""
    settings = replace(TINY, attention_mask=attention_mask)
    batch = training_batch(Recipe(settings))
    real = batch.real
    looked_at = (settings.attends(batch.mask) & real[:, :, None]).any(axis=1) & ~real
    if attention_mask == "inverted":  # a row without any key: the layer looks everywhere
        looked_at |= ~settings.attends(batch.mask).any(axis=2)[:, :1] & ~real
    assert np.array_equal(trained(Recipe(settings)).snapshot.input_gradient[0][~real] > 0, looked_at[~real])


@pytest.mark.parametrize(("masked_score", "weights"), [("layer", 1 / 3), ("returned", 0.0), ("1e9", 1 / 3)])
def test_what_a_row_without_a_key_is_given(masked_score, weights):
    """Keras 3.15 has two answers: equal weights from the fused attention, none where scores are returned."""
    settings = Encoder(timesteps=3, units=4, attention_mask="keys", masked_score=masked_score)
    model, x = settings.build(), np.random.default_rng(0).normal(size=(1, 3, 2)).astype("float32")
    nothing = np.zeros((1, 3), bool)
    x_other = x.copy()
    x_other[0, 2] += 1
    first, other = (model([one, nothing]).numpy()[0, :2, 0] for one in (x, x_other))
    assert (np.abs(first - other) > 1e-4).all() == (weights > 0)
    if not weights:
        assert np.array_equal(first, other)


def test_what_a_masked_score_is_does_not_matter_where_none_is_masked():
    assert "masked_score" in Recipe(replace(TINY, attention_mask="none")).idle()
    assert "score_dtype" in Recipe(TINY).idle() and "layer" in OWN
    assert "score_dtype" not in Recipe(replace(TINY, masked_score="inf")).idle()
