"""Strangers' models are trained as plain `fit` trains the same text, or refused in a sentence."""

import ast

import keras
import numpy as np
import pytest
import tensorflow as tf

from lessons.engine.pasted_model import inspect
from lessons.export.model import made
from lessons.families.own import Own
from lessons.recipe.data import PaddedBatch, training_batch, validation_batch
from lessons.recipe.interface import IDS, Interface
from lessons.recipe.losses import find
from lessons.recipe.model import Model, outset
from lessons.recipe.recipe import Recipe
from lessons.sandbox.admission import screening
from lessons.sandbox.admission.model import text as model_text
from lessons.sandbox.admission.model.needed import shape_of_data, sizes_of
from tests.engine.test_pasted_training import train
from tests.tools.model_strangers import MODEL_STRANGERS
from tests.tools.more_strangers import MORE_STRANGERS
from tests.tools.selection import first

EPOCHS = 4
UNTRAINED = {  # name -> a part of the sentence
    "stateful": "Leave out batch_shape",
}
DRAWS = "tf.random.normal(tf.shape(mean))"  # TensorFlow numbers its draws by graph: another in every process
TEXTS = {name: text.replace(DRAWS, "tf.ones_like(mean)") for name, (text, fate) in MODEL_STRANGERS.items() if not fate}
TEXTS |= MORE_STRANGERS
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


def plain_fit(recipe: Recipe, sample_weight: list | None = None) -> dict[str, list[float]]:
    """What `fit` says of the same text: all inputs, all outputs, a loss for each."""
    settings, interface = recipe.settings, recipe.model.interface
    keras.utils.set_random_seed(settings.seed)
    order = settings.timesteps, settings.features, settings.predicts.columns
    model = as_python(recipe.model.text, recipe.model.choice, *order)
    kinds = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}
    losses = [None] * len(interface.outputs)
    for place in interface.trained:
        name = settings.loss if place == interface.at else interface.outputs[place].loss
        losses[place] = KERAS.get(name) or find(name)
    weights = [out.weight if loss else None for out, loss in zip(interface.outputs, losses, strict=True)]
    named = isinstance(compiled := inspect(recipe.model.text)["compiled"], dict) and isinstance(compiled["loss"], dict)
    names = [out.name for out in interface.outputs]

    def each(values: list) -> object:
        """As `fit` takes what belongs to the outputs."""
        return values[0] if len(values) == 1 else dict(zip(names, values, strict=True)) if named else values

    optimizer = kinds[settings.optimizer](settings.learning_rate)
    model.compile(optimizer, each(losses), each(weights) if len(weights) > 1 else None, jit_compile=False)
    parts = (fed(recipe, part) for part in (training_batch(recipe), validation_batch(recipe)))
    train_data, held = ((x, each(y)) for x, y in parts)
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
    assert np.isfinite(run.snapshot.loss).all() and run.snapshot.gradient.any()


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
