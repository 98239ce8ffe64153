"""Public files, brought as they are: all of them train with what is guessed, and as plain Keras does."""

import keras
import numpy as np
import pytest
from keras import layers

from lessons.course.own_case import START
from lessons.engine.train import trained
from lessons.own_data.brought import Brought
from lessons.recipe.data import training_batch, validation_batch
from lessons.recipe.recipe import Recipe
from lessons.recipe.table import Table
from tests.tools import public_data
from tests.tools.public_data import FILES
from tests.tools.selection import first

pytestmark = pytest.mark.skipif(not public_data.here(), reason="python -m tests.tools.public_data fetches the files")


def recipe_of(table: Table, **changes) -> Recipe:
    return Recipe(START.with_changes({**table.care(START), **table.outset, **changes}), table)


@pytest.mark.parametrize("name", first(1, list(FILES)))
def test_a_public_file_trains_as_it_is(name):
    run = trained(recipe_of(Brought.parse(public_data.file(name), name).table))
    assert np.isfinite(run.snapshot.loss).all() and np.isfinite(run.snapshot.val_loss).all()
    assert run.snapshot.error[-1] < 0.7 * run.baseline


ROLES = {
    "CO2": ("", "date", "co2", 1),
    "sunspots": ("", "YEAR", "SUNACTIVITY", 1),
    "El Niño": ("YEAR", "time", "value", 1),
    "Grunfeld": ("firm", "year", "capital", 0),
}


@pytest.mark.parametrize("name", FILES)
def test_what_its_columns_are_is_guessed(name):
    roles = Brought.parse(public_data.file(name), name).roles
    assert (roles.sequence, roles.time, roles.label, roles.ahead) == ROLES[name]


@pytest.fixture(scope="module")
def vowels() -> Table:
    return Brought.parse(public_data.vowels_csv(), "vowels.csv").table


def plain_keras(recipe: Recipe) -> tuple[keras.Model, dict]:
    """The model of these settings as a learner writes it, trained on the same arrays."""
    s, batch, held_out = recipe.settings, training_batch(recipe), validation_batch(recipe)
    glorot, orthogonal = keras.initializers.GlorotUniform(s.seed), keras.initializers.Orthogonal(seed=s.seed)
    x, mask = keras.Input(batch.x.shape[1:]), keras.Input(batch.mask.shape[1:], dtype="bool")
    every = s.output == "every_step"
    hidden = layers.GRU(s.units, return_sequences=every, kernel_initializer=glorot, recurrent_initializer=orthogonal)(
        x, mask=mask
    )
    model = keras.Model([x, mask], layers.Dense(9, kernel_initializer=glorot)(hidden))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(s.learning_rate), loss, jit_compile=False)
    given = {"epochs": s.epochs, "batch_size": len(batch.x), "shuffle": False, "verbose": 0}
    held = ([held_out.x, held_out.mask], held_out.y)
    return model, model.fit([batch.x, batch.mask], batch.y, validation_data=held, **given).history


@pytest.mark.verify
def test_the_speakers_of_vowels_are_told_apart_as_by_plain_keras(vowels):
    recipe = recipe_of(vowels)
    assert vowels.sizes(recipe.settings) == (180, 90) and recipe.settings.output == "last_step"
    model, history = plain_keras(recipe)
    run = trained(recipe)
    np.testing.assert_allclose(run.snapshot.loss[:30], history["loss"][:30], rtol=1e-3)
    np.testing.assert_allclose(run.snapshot.loss[:5], history["loss"][:5], rtol=1e-5)
    held_out = validation_batch(recipe)
    found = model.predict([held_out.x, held_out.mask], verbose=0).argmax(axis=-1)
    assert (found == held_out.y[:, 0]).mean() >= 0.9


@pytest.mark.parametrize(
    "changes", first(1, [{}, {"padding": "pre", "loss": "scalar_mse"}]), ids=["each step", "one scalar"]
)
def test_classes_of_every_step_train_as_in_plain_keras(vowels, changes):
    recipe = recipe_of(vowels, output="every_step", epochs=4, **changes)
    assert recipe.settings.predicts.classes == 9
    run = trained(recipe)
    if not changes:
        np.testing.assert_allclose(run.snapshot.loss, plain_keras(recipe)[1]["loss"], rtol=1e-5)
        assert run.leak[0] == 0
    else:
        assert run.settings.loss == "scalar_cross_entropy" and run.leak[0] > 0.1, "one number: the padding is learned"
    assert run.snapshot.error[-1] < run.snapshot.error[0]
