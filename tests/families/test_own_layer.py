"""The family OwnLayer: trained beside plain `fit`, its script, and what becomes of the mask in each way to write it."""

from dataclasses import replace

import pytest

from lessons.engine.train import trained
from lessons.families.own_layer import HANDS_ON, OwnLayer
from lessons.recipe.recipe import Recipe
from tests.engine.test_engine import assert_draws_as_new, assert_like_fit
from tests.tools.selection import first
from tests.tools.taken_home import assert_script_gives_the_apps_numbers

TINY = OwnLayer(sequences=5, timesteps=4, epochs=4, units=4, seed=3, padded_inputs="random", padded_labels="random")
LAYERS = tuple(OwnLayer.specs()["layer"].options)
FORMS = (
    {"layer": "call", "validation_mask": "none", "batch_size": 2},
    {"layer": "computes", "mask": "inputs", "padded_inputs": "zero"},
    {"layer": "forgets", "padding": "pre"},
    {"layer": "both", "mask": "shifted", "sample_weight": "besides"},
    {"layer": "supports", "mask_route": "multiplied"},
    {"layer": "plain", "mask": "none", "loss": "scalar_mse"},
)


@pytest.mark.parametrize("changes", first(1, FORMS))
def test_it_trains_as_plain_keras_does(changes):
    assert_like_fit(replace(TINY, **changes))


@pytest.mark.parametrize("changes", first(1, FORMS))
def test_its_script_prints_the_apps_curve(changes):
    assert_script_gives_the_apps_numbers(replace(TINY, **changes))


def test_the_forms_have_every_layer():
    assert {changes["layer"] for changes in FORMS} == set(LAYERS)


@pytest.mark.verify
def test_a_warm_model_draws_the_weights_that_a_new_one_has():
    assert_draws_as_new(replace(TINY, seed=41))


@pytest.mark.parametrize("layer", first(0, LAYERS))
def test_a_mask_that_is_used_and_one_that_is_handed_on(layer):
    run = trained(Recipe(replace(TINY, layer=layer)))
    assert run.settings.keeps_mask == (layer in HANDS_ON) == (run.leak[0] == 0)
    uses = layer not in ("plain", "supports")
    assert (run.input_leak[0] == 0) == (uses and layer in HANDS_ON)
