"""sample_weight of every shape with a pasted model: trained, and refused, as plain `fit` does with the same."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from lessons.families.own import Own
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.weights import KINDS, Weights, fits, offered, read, said_of_sample
from tests.engine.test_pasted_training import looked_at, plain_fit, train
from tests.engine.test_strangers_training import CHIEF, fed
from tests.engine.test_strangers_training import TEXTS as STRANGERS
from tests.tools.selection import first

STEP = "layers.LSTM(3, return_sequences=True)"
TEXTS = {
    "a step": f"[keras.Input((4, 2)), layers.Masking(), {STEP}, layers.Dense(1, activation='sigmoid')]",
    "classes": f"[keras.Input((4, 2)), {STEP}, layers.Dense(3, activation='softmax')]",
    "columns": f"[keras.Input((4, 2)), {STEP}, layers.Dense(4, activation='tanh')]",
    "a sequence": "[keras.Input((4, 2)), layers.Masking(), layers.LSTM(3), layers.Dense(1, activation='sigmoid')]",
    "a head of four": "[keras.Input((4, 2)), layers.LSTM(3), layers.Dense(4, activation='tanh')]",
}
TEXTS = {name: f"model = keras.Sequential({text})\n" for name, text in TEXTS.items()}
CASES = [  # text, kind, sequences
    ("a step", "sequences", 6),
    ("a head of four", "columns", 4),  # as many as columns: Keras weighs sequences, without a word
    *[("a step", kind, 6) for kind in ("steps", "labels")],
    ("a step", "flat", 4),  # as many as steps: it weighs steps
    *[("classes", kind, 6) for kind in ("sequences", "steps", "labels")],
    *[("columns", kind, 6) for kind in ("sequences", "steps")],
    ("columns", "columns", 4),
    *[("a sequence", kind, 6) for kind in ("sequences", "flat", "labels", "columns")],
    ("a sequence", "steps", 4),
    *[("a head of four", kind, 6) for kind in ("sequences", "flat")],
]


def recipe_of(name: str, kind: str, **changes) -> Recipe:
    model, begins = looked_at(TEXTS[name])
    settings = Own(**begins | {"epochs": 3} | changes)
    return Recipe(settings, model=replace(model, weights=Weights(kind, 5.0)))


def written(recipe: Recipe) -> np.ndarray:
    """The same weights in NumPy's words."""
    kind, y = recipe.model.weights.sample, training_batch(recipe).y
    rows, steps, columns = len(y), recipe.settings.timesteps, recipe.model.interface.columns
    if kind == "labels":
        return 1 + y[..., 0] * 4 / (max(columns, 2) - 1)
    return {
        "sequences": np.linspace(1, 5, rows)[:, None],
        "flat": np.linspace(1, 5, rows),
        "steps": np.tile(np.linspace(1, 5, steps), (rows, 1)),
        "columns": np.ones((*y.shape[:-1], 1)) * (np.linspace(1, 5, columns) if columns > 1 else 1.0),
    }[kind]


@pytest.mark.parametrize(("name", "kind", "sequences"), first(1, CASES))
@pytest.mark.parametrize("batched", first(1, [False, True]))
def test_they_train_as_plain_fit_does(name, kind, sequences, batched):
    size = {"sequences": 2 * sequences, "batch_size": sequences} if batched else {"sequences": sequences}
    recipe = recipe_of(name, kind, **size)
    run, history = train(recipe), plain_fit(recipe.model.text, recipe, sample_weight=written(recipe))
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)
    np.testing.assert_allclose(run.snapshot.val_loss, history["val_loss"], rtol=1e-5)
    if kind != "columns" or recipe.model.interface.columns > 1:
        bare = train(replace(recipe, model=replace(recipe.model, weights=Weights())))
        assert abs(run.snapshot.loss[0] / bare.snapshot.loss[0] - 1) > 0.05


REFUSED = [("a step", "flat"), ("a head of four", "columns"), ("columns", "columns"), ("a head of four", "steps")]


@pytest.mark.parametrize(("name", "kind"), first(1, REFUSED))
def test_what_keras_refuses_is_refused_in_a_sentence_that_says_what_fits(name, kind):
    recipe = recipe_of(name, kind, sequences=6)
    with pytest.raises(ValueError, match="must be equal|ncompatible|broadcast"):
        plain_fit(recipe.model.text, recipe, sample_weight=written(recipe))
    with pytest.raises(BadInput, match="refused. ") as raised:
        train(recipe)
    assert "without a word" in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(("name", "kind"), first(1, [(name, kind) for name in TEXTS for kind in KINDS]))
def test_what_is_said_not_to_fit_weighs_something_else(name, kind):
    """Of zeros and a 1 Keras' own loss tells what a weight is of."""
    model, _ = looked_at(TEXTS[name])
    interface = model.interface
    if kind not in offered(interface) or kind in ("none", "labels"):
        return
    steps, columns = 4, interface.columns
    shape = (4, steps, columns) if interface.per_step else (4, columns)
    y = np.zeros(shape, "float32")
    weights = Weights(kind, 0.0).of(interface, steps, y)
    off = np.zeros(shape, "float32")  # 1 at what weighs nothing: the last sequence, step or column
    at = {"sequences": (-1,), "flat": (-1,), "steps": (slice(None), -1), "columns": (..., -1)}[kind]
    off[at] = 1.0
    try:
        loss = float(keras.losses.MeanSquaredError()(y, off, weights))
    except (ValueError, tf.errors.InvalidArgumentError):
        loss = np.inf
    trivial = kind == "columns" and columns == 1
    assert (loss == 0 or trivial) == fits(kind, interface) == (not said_of_sample(kind, interface))


@pytest.mark.verify
def test_of_several_outputs_the_one_that_is_looked_at_is_weighed():
    from tests.engine.test_strangers_training import plain_fit as fit_of_several

    model, begins = looked_at(STRANGERS[CHIEF[0]])
    recipe = Recipe(Own(**begins | {"epochs": 3}), model=replace(model, weights=Weights("sequences", 5.0)))
    _, labels = fed(recipe, training_batch(recipe))
    rows = np.linspace(1, 5, len(labels[0]))[:, None]
    weights = [rows if place == model.interface.at else np.ones((len(rows), 1)) for place in range(len(labels))]
    history = fit_of_several(recipe, sample_weight=weights)
    np.testing.assert_allclose(train(recipe).snapshot.loss, history["loss"], rtol=1e-5)


def test_they_are_read_as_they_are_typed():
    assert read("steps:5") == Weights("steps", 5.0) and read("none", ((0, 1.0), (1, 5.0))).classes
    for text in ("paths", "steps:x", "steps:-1", "steps:nan"):
        with pytest.raises(BadInput):
            read(text)
    with pytest.raises(BadInput, match="Keras takes one of the two"):
        Weights("steps", classes=((0, 1.0), (1, 5.0)))
