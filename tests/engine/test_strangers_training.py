"""Strangers' models are trained as plain `fit` trains the same text, or refused in a sentence."""

import ast
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from lessons.engine.labels_of_loss import of_ids
from lessons.engine.pasted_model import inspect
from lessons.export.model import made
from lessons.families.own import Own
from lessons.recipe.data import PaddedBatch, training_batch, validation_batch
from lessons.recipe.interface import IDS, Interface
from lessons.recipe.losses import find
from lessons.recipe.model import Model, outset
from lessons.recipe.otherwise import left_out
from lessons.recipe.recipe import Recipe
from lessons.sandbox.admission import screening
from lessons.sandbox.admission.model import text as model_text
from lessons.sandbox.admission.model.compiled_loss import loss_itself
from lessons.sandbox.admission.model.needed import shape_of_data, sizes_of
from tests.engine.test_pasted_training import train
from tests.tools.model_strangers import MODEL_STRANGERS
from tests.tools.more_strangers import MORE_STRANGERS
from tests.tools.selection import first
from tests.tools.strangers_losses import ADDED_LOSSES, LABELS_OF

EPOCHS = 4
UNTRAINED = {  # name -> a part of the sentence
    "stateful": "Leave out batch_shape",
}
DRAWS = "tf.random.normal(tf.shape(mean))"  # TensorFlow numbers its draws by graph: another in every process
TEXTS = {name: text.replace(DRAWS, "tf.ones_like(mean)") for name, (text, fate) in MODEL_STRANGERS.items() if not fate}
TEXTS |= MORE_STRANGERS | ADDED_LOSSES
CHIEF = ["two outputs, a list of losses"]
KERAS = {"bce_clipped": "binary_crossentropy", "cross_entropy_clipped": "sparse_categorical_crossentropy"}


def looked_at(text: str) -> tuple[dict, Interface | None]:
    found = inspect(text)
    assert not found["refused"], found["refused"]
    return found, Interface.read(found["interface"]) if found["interface"] else None


def recipe_of(text: str, interface: Interface, found: dict, **changes) -> Recipe:
    begins = outset(interface, found["compiled"]) | {"epochs": EPOCHS} | changes
    return Recipe(Own(**begins), model=Model(text, found["choice"], interface))


def as_python(text: str, choice: str, timesteps: int, features: int, classes: int) -> keras.Model:
    """The model of a text as Python runs it, with what stands for sizes; without the lines of data and training."""
    found = model_text.read(screening.parse(text), text)
    order = (timesteps, features, classes)
    sizes = sizes_of(*order)
    names: dict = {"keras": keras, "layers": keras.layers, "np": np}
    exec("import tensorflow as tf\nfrom tensorflow.keras.models import *\nfrom tensorflow.keras.layers import *", names)
    names |= {name: sizes[name] for name in found.needed.sizes}
    names |= {name: np.zeros(shape_of_data(name, *order), "float32") for name in found.needed.data}
    exec(ast.unparse(found.needed.tree), names)
    return eval(made(found, choice, sizes, order), names)


def plain_fit(
    recipe: Recipe, sample_weight: list | None = None, own: object = None, flat: bool = False
) -> dict[str, list[float]]:
    """What `fit` says of the same text: all inputs, all outputs, a loss for each. `flat`: labels (batch, time)."""
    settings, interface = recipe.settings, recipe.model.interface
    named = isinstance(compiled := inspect(recipe.model.text)["compiled"], dict) and isinstance(compiled["loss"], dict)
    keras.utils.set_random_seed(settings.seed)  # after that has built the model: one without an Input is drawn by `fit`
    order = settings.timesteps, settings.features, settings.predicts.columns
    model = as_python(recipe.model.text, recipe.model.choice, *order)
    kinds = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}
    losses = [None] * len(interface.outputs)
    for place in interface.trained:
        name = settings.loss if place == interface.at else interface.outputs[place].loss
        losses[place] = KERAS.get(name) or find(name)
    weights = [out.weight if loss else None for out, loss in zip(interface.outputs, losses, strict=True)]
    names = [out.name for out in interface.outputs]

    def each(values: list) -> object:
        """As `fit` takes what belongs to the outputs."""
        return values[0] if len(values) == 1 else dict(zip(names, values, strict=True)) if named else values

    optimizer = kinds[settings.optimizer](settings.learning_rate)
    model.compile(optimizer, own or each(losses), each(weights), jit_compile=False)
    parts = (fed(recipe, part) for part in (training_batch(recipe), validation_batch(recipe)))
    train_data, held = ((x, each([one[..., 0] for one in y] if flat else y)) for x, y in parts)
    size = settings.batch_size or settings.sequences
    how = {"epochs": settings.epochs, "batch_size": size, "shuffle": False, "verbose": 0}
    if sample_weight:
        how["sample_weight"] = each(sample_weight)
    return model.fit(*train_data, validation_data=held, validation_batch_size=size, **how).history


def fed(recipe: Recipe, batch: PaddedBatch) -> tuple:
    """Inputs and labels of a batch as the model of the text takes them."""
    interface = recipe.model.interface
    others, labels = iter(batch.inputs), iter(batch.labels)
    given = []
    for place, one in enumerate(interface.inputs):
        values = batch.x if place == interface.place else batch.mask if interface.is_mask(one) else next(others)
        values = values.reshape(len(batch.x), *one.shape)
        given.append(values.astype(int) if one.kind == IDS else values)
    y = []
    for place, out in enumerate(interface.outputs):
        if place in interface.trained:
            values = batch.y if place == interface.at else next(labels)
            y.append(values.reshape(len(values), *out.shape[:-1], -1))
        else:
            y.append(np.zeros((len(batch.x), *out.shape), "float32"))
    return given[0] if len(given) == 1 else given, y


# A layer adds the loss before the model puts anything out: none of its gradient arrives at the predictions.
PAST_THE_PREDICTIONS = ("labels as an input of an endpoint layer",)


@pytest.mark.verify
@pytest.mark.parametrize("name", first(len(CHIEF), [*CHIEF, *(name for name in TEXTS if name not in CHIEF)]))
def test_a_stranger_is_trained_as_plain_fit_does_or_told_why_not(name):
    found, interface = looked_at(TEXTS[name])
    if name in UNTRAINED:
        assert interface is None and UNTRAINED[name] in found["untrained"]
        return
    assert interface, found["untrained"]
    recipe = recipe_of(TEXTS[name], interface, found)
    run, history = train(recipe), plain_fit(recipe)
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)
    np.testing.assert_allclose(run.snapshot.val_loss, history["val_loss"], rtol=1e-5)
    assert np.isfinite(run.snapshot.loss).all()
    assert run.snapshot.gradient.any() != (name in PAST_THE_PREDICTIONS)


@pytest.mark.verify
def test_whichever_output_is_looked_at_the_training_is_the_same_and_the_gradient_is_there():
    text = TEXTS[CHIEF[0]]
    found, interface = looked_at(text)
    looks = interface.choices()
    steps, kind = (train(recipe_of(text, one, found)) for one in looks)
    np.testing.assert_allclose(steps.snapshot.loss, kind.snapshot.loss, rtol=1e-6)
    recipe = recipe_of(text, looks[0], found)
    keras.utils.set_random_seed(recipe.settings.seed)
    model = as_python(text, "model", 12, 3, 1)
    x, labels = fed(recipe, training_batch(recipe))
    with tf.GradientTape() as tape:
        each, whole = model(x)
        whole = tf.identity(whole)  # else Keras takes the logits behind it, and no gradient arrives there
        loss = 0.3 * keras.losses.MeanAbsoluteError()(labels[0], each)
        right = tf.gather(whole, labels[1][:, 0].astype(int), batch_dims=1)
        loss += 2 * tf.reduce_mean(-tf.math.log(right))
    at_each, at_whole = tape.gradient(loss, [each, whole])
    np.testing.assert_allclose(steps.snapshot.gradient[0], np.abs(at_each[..., 0]), rtol=1e-4, atol=1e-8)
    norm = np.linalg.norm(tf.convert_to_tensor(at_whole), axis=-1, keepdims=True)
    np.testing.assert_allclose(kind.snapshot.gradient[0], norm, rtol=1e-3)


OWN_LOSSES = ["two outputs in one for a loss over both", "a function", "a class", "of ids"]
DENSE = "model = keras.Sequential([keras.Input((9, 2)), keras.layers.Dense({})])\nmodel.compile('adam', {})\n"
WRITTEN = {
    "a function": "def off(y, p):\n    return keras.ops.mean(keras.ops.abs(y - p) ** 1.5, axis=-1)\n"
    + DENSE.format(1, "off"),
    "a class": "class Off(keras.losses.Loss):\n    def __init__(self, power=2.0):\n        super().__init__()\n"
    "        self.power = power\n    def call(self, y, p):\n"
    "        return keras.ops.mean(keras.ops.abs(y - p) ** self.power, axis=-1)\n" + DENSE.format(2, "Off(power=3.0)"),
    "of ids": "def focal(y, p):\n    return keras.losses.sparse_categorical_crossentropy(y, p) ** 2\n"
    + DENSE.format("3, activation='softmax'", "focal"),
}


@pytest.mark.parametrize("name", first(1, OWN_LOSSES))
def test_the_loss_that_a_text_defines_is_trained_itself(name):
    text = {**TEXTS, **WRITTEN}[name]
    found, interface = looked_at(text)
    loss = loss_itself(interface, found["compiled"], text)
    assert loss and not list(left_out(interface, found["compiled"], itself=True))
    recipe = replace(recipe_of(text, interface, found), pasted=loss)
    names: dict = {"keras": keras}
    exec(loss.text, names)
    run, history = train(recipe), plain_fit(recipe, own=eval(loss.function, names))
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)


def test_a_loss_of_one_hot_labels_is_not_taken_for_one_of_ids():
    body = "def mine(y, p):\n    return -keras.ops.sum(y * keras.ops.log(p), -1)\n"
    text = body + DENSE.format("3, activation='softmax'", "mine")
    found, interface = looked_at(text)
    assert interface.put_out.labels == "class" and not loss_itself(interface, found["compiled"], text)
    (said,) = left_out(interface, found["compiled"], itself=False)
    assert "mine of your text is not taken from there" in said


def test_whether_a_loss_takes_ids_is_found_out_by_calling_it():
    """By words (“sparse”, “one_hot”) five of these were taken for the other kind."""
    for name, (ids, body) in LABELS_OF.items():
        text = "import tensorflow as tf\n" + body
        function = body.removeprefix("def ").partition("(")[0]
        assert of_ids(text, {"loss": {"out": f"def {function}"}}) == ([function] if ids else [], []), name


@pytest.mark.verify
@pytest.mark.parametrize("name", [name for name, (ids, _) in LABELS_OF.items() if ids])
def test_a_loss_of_ids_is_trained_itself_whatever_words_it_uses(name):
    body = LABELS_OF[name][1]
    function = body.removeprefix("def ").partition("(")[0]
    layer = "3" if "softmax" in body else "3, activation='softmax'"
    text = "import tensorflow as tf\n" + body + DENSE.format(layer, function)
    found, interface = looked_at(text)
    loss = loss_itself(interface, found["compiled"], text)
    assert interface.put_out.labels == "class" and loss
    recipe = replace(recipe_of(text, interface, found), pasted=loss)
    names: dict = {"tf": tf}
    exec(body, names)
    run, history = train(recipe), plain_fit(recipe, own=names[function])
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)


FLAT = """
inner = keras.losses.SparseCategoricalCrossentropy(reduction="none")

def left_out(real, guess):
    counted = tf.math.logical_not(tf.math.equal(real, 0))
    each = inner(real, guess)
    counted = tf.cast(counted, each.dtype)
    return tf.reduce_sum(each * counted) / tf.reduce_sum(counted)

"""


def test_a_loss_of_ids_without_an_axis_of_their_own_is_trained_as_fit_does():
    """(batch, time) beside (batch, time, class), as tutorials of translation have them."""
    text = "import tensorflow as tf\nimport keras\n" + FLAT + DENSE.format("3, activation='softmax'", "left_out")
    found, interface = looked_at(text)
    assert (found["compiled"]["of_ids"], found["compiled"]["of_flat_ids"]) == ([], ["left_out"])
    recipe = replace(recipe_of(text, interface, found), pasted=loss_itself(interface, found["compiled"], text))
    names: dict = {"tf": tf, "keras": keras}
    exec(FLAT, names)
    run, history = train(recipe), plain_fit(recipe, own=names["left_out"], flat=True)
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)


@pytest.mark.verify
def test_what_is_added_is_all_of_the_loss_where_compile_names_none():
    name = "labels as an input of an endpoint layer"
    found, interface = looked_at(TEXTS[name])
    recipe = recipe_of(TEXTS[name], interface, found)
    keras.utils.set_random_seed(recipe.settings.seed)
    model = as_python(TEXTS[name], found["choice"], 12, 3, 1)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    x, _ = fed(recipe, training_batch(recipe))
    how = {"epochs": EPOCHS, "batch_size": len(x[0]), "shuffle": False, "verbose": 0}
    np.testing.assert_allclose(train(recipe).snapshot.loss, model.fit(x, **how).history["loss"], rtol=1e-5)


def test_add_loss_of_a_functional_model_is_told_of():
    text = "i = keras.Input((5, 2))\nmodel = keras.Model(i, keras.layers.Dense(1)(i))\nmodel.add_loss(i)\n"
    assert "call self.add_loss" in inspect(text)["refused"]["message"]
