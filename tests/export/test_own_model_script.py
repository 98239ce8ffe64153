"""A run with a model of the learner's own, as a script: it prints the app's numbers."""

from dataclasses import replace

import pytest

from lessons.course.model_examples import EXAMPLES
from lessons.export.bundle import Bundle
from lessons.export.script import script
from lessons.families.own import Own
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.weights import Weights
from tests.engine.test_pasted_training import BARE, OWN_CLASSES, SOFTMAX, looked_at
from tests.tools.more_strangers import MORE_STRANGERS
from tests.tools.selection import first
from tests.tools.taken_home import assert_gives_the_apps_numbers

LOSS = "def loss(y_true, y_pred):\n    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)\n"
PER_STEP = "model = keras.Sequential([keras.Input((9, 2)), layers.LSTM(4, return_sequences=True), layers.Dense(1)])"
CASES = {  # text, settings, own loss
    "a class of its own": (OWN_CLASSES.replace("def call(self, x)", "def call(self, x, training=None)"), {}, None),
    "a mask that is given, its own loss": (SOFTMAX, {"mask": "shifted", "validation_mask": "none"}, Pasted(LOSS)),
    "ids and one label": (EXAMPLES["Flatten"], {"batch_size": 5}, None),
    "both directions": (EXAMPLES["Both directions, a label per step"], {"sample_weight": "besides"}, None),
    "ids and a label per step": (EXAMPLES["Attention with a residual"], {"optimizer": "sgd"}, None),
    "multiplied": (PER_STEP, {"mask": "aligned", "mask_route": "multiplied", "padding": "pre"}, None),
    "several numbers": (MORE_STRANGERS["autoencoder with a mask at both ends"], {}, None),
    "several 0/1 labels": (MORE_STRANGERS["labels of several kinds"], {}, None),
    "two sequences": (MORE_STRANGERS["masks of different marks"], {"padding": "pre"}, None),
    "numbers beside a sequence": (MORE_STRANGERS["sequence and static features"], {"batch_size": 3}, None),
    "ids and their mask": (MORE_STRANGERS["tokens and a mask"], {}, None),
    "two Embeddings": (MORE_STRANGERS["two embeddings in each step"], {}, None),
    "losses and weights": (
        MORE_STRANGERS["two outputs, a list of losses"],
        {"batch_size": 3, "padded_labels": "random", "validation_labels": "zero"},
        None,
    ),
    "outputs by name": (MORE_STRANGERS["outputs by name in a dictionary"], {"reduction": "sum"}, None),
    "an output that is not trained": (MORE_STRANGERS["one loss and the attention beside it"], {}, None),
    "a forecast": (MORE_STRANGERS["a forecast of six steps"], {}, None),
    "frames": (MORE_STRANGERS["frames of a video"], {}, None),
    "build": (BARE, {"nan_share": 0.2, "nan_fill": "zero", "seed": 4}, None),
}


def bundle_of(text: str, changes: dict, loss: Pasted | None = None) -> Bundle:
    model, begins = looked_at(text)
    settings = Own(**begins | {"epochs": 4, "sequences": 8} | changes)
    return Bundle("your_case", "start", Recipe(settings, None, loss, model))


@pytest.mark.parametrize("name", first(1, list(CASES)))
def test_it_prints_the_apps_numbers(name):
    bundle = bundle_of(*CASES[name])
    text = script(bundle)
    assert_gives_the_apps_numbers(bundle, text)
    assert "def own_model():" in text and "The link does not carry your model." in text


WEIGHED = [
    (PER_STEP, Weights("steps", 4.0), {}),
    (PER_STEP, Weights("sequences"), {"batch_size": 3}),
    (PER_STEP, Weights("columns"), {}),
    (OWN_CLASSES.replace("(self, x)", "(self, x, training=None)"), Weights("labels"), {"batch_size": 5}),
    (OWN_CLASSES.replace("(self, x)", "(self, x, training=None)"), Weights(classes=((0, 5.0), (1, 0.5))), {}),
    (MORE_STRANGERS["labels of several kinds"], Weights(classes=((0, 5.0), (2, 0.5))), {}),
    (MORE_STRANGERS["two outputs, a list of losses"], Weights("sequences", 4.0), {"batch_size": 3}),
]


@pytest.mark.verify
@pytest.mark.parametrize(("text", "weights", "changes"), WEIGHED)
def test_weights_come_along(text, weights, changes):
    bundle = bundle_of(text, changes)
    recipe = bundle.recipe
    weighed = replace(recipe, settings=recipe.asked, model=replace(recipe.model, weights=weights))
    bundle = Bundle("your_case", "start", weighed)
    assert_gives_the_apps_numbers(bundle, script(bundle))


def test_what_cannot_come_along_says_why():
    with pytest.raises(BadInput, match="takes no training"):
        script(bundle_of(OWN_CLASSES, {}))
    with pytest.raises(BadInput, match="words inside sentences"):
        script(bundle_of(EXAMPLES["Words inside sentences"], {}))
    with pytest.raises(BadInput, match="without the mask as sample_weight"):
        script(bundle_of(MORE_STRANGERS["masks of different marks"], {"sample_weight": "besides"}))
    layer = "class Own(layers.Layer):\n    def call(self, x):\n        return x[..., :1]\n"
    with pytest.raises(BadInput, match="a layer alone"):
        script(bundle_of(layer, {}))
