"""A pasted model is trained as plain `fit` trains it: the same text, run twice."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

from lessons.course.model_examples import EXAMPLES
from lessons.doctor.run import diagnose
from lessons.engine import pasted_training
from lessons.engine.pasted_model import inspect
from lessons.engine.train import trained
from lessons.families.own import Own
from lessons.families.recurrent import Recurrent
from lessons.figures.run_figures import run_words
from lessons.own_data import sample
from lessons.own_data.brought import Brought
from lessons.recipe.bad_input import BadInput
from lessons.recipe.data import training_batch, validation_batch
from lessons.recipe.interface import Interface
from lessons.recipe.losses import find
from lessons.recipe.model import Model, outset
from lessons.recipe.otherwise import left_out
from lessons.recipe.recipe import Pasted, Recipe
from lessons.recipe.weights import Weights, class_weight_of
from lessons.runs.run import Run
from lessons.sandbox.admission.model.compiled_loss import loss_itself
from tests.tools.selection import first
from tests.tools.strangers_losses import ADDED_LOSSES

EPOCHS = 12
OWN_CLASSES = """
import tensorflow as tf
from tensorflow.keras import layers

class Pool(layers.Layer):
    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, x, mask=None):
        weight = tf.cast(mask, x.dtype)[..., None]
        return tf.reduce_sum(x * weight, axis=1) / tf.reduce_sum(weight, axis=1)

    def compute_mask(self, x, mask=None):
        return None

class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.masking = layers.Masking()
        self.lstm = layers.LSTM(6, return_sequences=True, kernel_regularizer="l2")
        self.norm = layers.BatchNormalization()
        self.pool = Pool()
        self.out = layers.Dense(1, activation="sigmoid")

    def call(self, x):
        return self.out(self.pool(self.norm(self.lstm(self.masking(x)))))

model = Net()
model.compile(loss="binary_crossentropy", optimizer=tf.keras.optimizers.RMSprop(0.005))
"""
BARE = """
def build(timesteps, features, classes):
    inputs = keras.Input((timesteps, features))
    x = layers.GRU(5, return_sequences=True)(inputs)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))
"""
SOFTMAX = BARE + "model = build(12, 3, 4)\nmodel.compile(loss='sparse_categorical_crossentropy')\n"

SEVERAL = ("Two sequences in a row", "Two outputs", "Words inside sentences")  # in test_strangers_training
TRAINED = ["Attention with a residual", "Flatten", *(name for name in EXAMPLES if name not in SEVERAL)]
TEXTS = {"own": OWN_CLASSES, "softmax": SOFTMAX} | {name: EXAMPLES[name] for name in TRAINED}


def looked_at(text: str, *batch) -> tuple[Model, dict]:
    """The model of a text as a page takes it, and what its runs begin with."""
    found = inspect(text, None, *batch)
    assert not found["refused"] and found["interface"], found["refused"] or found["untrained"]
    interface = Interface.read(found["interface"])
    return Model(text, found["choice"], interface), outset(interface, found["compiled"])


def recipe_of(text: str, **changes) -> Recipe:
    model, begins = looked_at(text)
    return Recipe(Own(**begins | {"epochs": EPOCHS} | changes), model=model)


def train(recipe: Recipe) -> Run:
    return Run.gather(recipe, training_batch(recipe), pasted_training.train(recipe))


def plain_fit(text: str, recipe: Recipe, loss: object = None, **more) -> dict:
    """What `fit` says of the same text, run as Python runs it, with this loss or that of the settings."""
    settings = recipe.settings
    keras.utils.set_random_seed(settings.seed)
    names: dict = {"keras": keras, "layers": keras.layers}
    exec(text, names)
    model = names["model"]
    kinds = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD, "rmsprop": keras.optimizers.RMSprop}
    kept = {"bce_clipped": "binary_crossentropy", "cross_entropy_clipped": "sparse_categorical_crossentropy"}
    loss = loss or kept.get(settings.loss) or find(settings.loss)
    model.compile(kinds[settings.optimizer](settings.learning_rate), loss, jit_compile=False)
    parts = training_batch(recipe), validation_batch(recipe)
    (x, y), validation = (((part.x[..., 0].astype(int) if settings.words else part.x), part.y) for part in parts)
    size = settings.batch_size or len(x)
    how = {"epochs": settings.epochs, "batch_size": size, "shuffle": False, "verbose": 0} | more
    return model.fit(x, y, validation_data=validation, validation_batch_size=size, **how).history


@pytest.mark.parametrize("name", first(2, list(TEXTS)))
def test_it_trains_as_plain_fit_does(name):
    recipe = recipe_of(TEXTS[name])
    run, history = train(recipe), plain_fit(TEXTS[name], recipe)
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)
    np.testing.assert_allclose(run.snapshot.val_loss, history["val_loss"], rtol=1e-5)


@pytest.mark.verify
def test_in_batches_too():
    recipe = recipe_of(EXAMPLES["Attention with a residual"], batch_size=5)
    run, history = train(recipe), plain_fit(recipe.model.text, recipe)
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)
    assert run.snapshot.input_gradient[0].any(), "of ids the gradient is taken at what the Embedding makes of them"


def test_what_compile_says_is_what_a_run_begins_with():
    _, begins = looked_at(OWN_CLASSES)
    assert (begins["loss"], begins["optimizer"], begins["learning_rate"]) == ("bce_clipped", "rmsprop", 0.005)


@pytest.mark.parametrize("loss", first(1, ["keras.losses.Huber(delta=0.1)", "'poisson'"]))
def test_a_loss_of_keras_that_is_not_on_offer_is_the_loss_itself(loss):
    text = EXAMPLES["Flatten"] + f"\nmodel.compile(loss={loss}, optimizer='nadam')\n"
    (mine, begins), found = looked_at(text), inspect(text)
    pasted = loss_itself(mine.interface, found["compiled"])
    recipe = Recipe(Own(**begins | {"epochs": 3}), pasted=pasted, model=mine)
    run = train(recipe)
    history = plain_fit(EXAMPLES["Flatten"], recipe, eval(loss))
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)
    (otherwise,) = left_out(mine.interface, found["compiled"], itself=True)
    assert otherwise == "The optimizer is Adam: nadam is not on offer here."


@pytest.mark.verify
@pytest.mark.parametrize("name", first(1, ["own", "classes"]))
def test_class_weight_is_what_fit_makes_of_it_and_not_in_validation(name):
    table = {0: 5.0, 1: 0.5, 2: 1.0}
    bare = {"own": OWN_CLASSES, "classes": SOFTMAX.replace("return_sequences=True", "return_sequences=False")}[name]
    text = f"{bare}\ntable = {table}\nmodel.fit(x, y, class_weight=table)\n"
    (mine, begins), found = looked_at(text), inspect(text)
    weights = class_weight_of(mine.interface, found["compiled"])
    assert dict(weights) == table
    assert len(list(left_out(mine.interface, found["compiled"], itself=False))) == (name == "classes")  # of class 3
    weighed = replace(mine, weights=Weights(classes=weights))
    recipe = Recipe(Own(**begins | {"epochs": 3, "batch_size": 5}), model=weighed)
    run, history = train(recipe), plain_fit(bare, recipe, class_weight=table)
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)
    np.testing.assert_allclose(run.snapshot.val_loss, history["val_loss"], rtol=1e-5)
    plain = train(replace(recipe, model=mine))
    assert abs(run.snapshot.loss[0] / plain.snapshot.loss[0] - 1) > 0.1


def test_of_labels_per_step_keras_makes_no_weight_per_step():
    labels = np.array([[1, 0, 0], [0, 0, 1]])  # (batch, time)
    table = {0: 7.0, 1: 1.0, 2: 5.0}
    assert class_weight_to_sample_weights(labels, table).tolist() == [7.0, 5.0]  # by the place of the 1
    with pytest.raises(TypeError):
        class_weight_to_sample_weights(labels[..., None], table)


def test_weights_of_samples_are_taken_for_those_of_steps_where_there_are_as_many():
    labels, predictions = np.zeros((3, 3, 1)), np.zeros((3, 3, 1))
    predictions[0] = 1.0  # of the first sample
    off = np.array([0.0, 1.0, 1.0])  # the first sample
    assert float(keras.losses.MeanSquaredError()(labels, predictions, off)) == pytest.approx(2 / 9)
    with pytest.raises(tf.errors.InvalidArgumentError):
        keras.losses.MeanSquaredError()(labels[:, :2], predictions[:, :2], off)


@pytest.mark.verify
def test_where_the_mask_is_lost_the_gradient_of_padding_is_found():
    found = {one.code: one for one in diagnose(train(recipe_of(EXAMPLES["Attention with a residual"])))}
    assert found["mask_dropped"].changes == {"sample_weight": "besides"}
    repaired = train(recipe_of(EXAMPLES["Attention with a residual"], **found["mask_dropped"].changes))
    assert not repaired.leak.any()
    healthy = train(recipe_of(EXAMPLES["Both directions, a label per step"]))
    assert not healthy.leak.any() and not healthy.input_leak.any()


@pytest.mark.verify
@pytest.mark.parametrize(
    ("label", "reason", "fix"),
    first(
        1,
        [
            ("Words inside sentences", "no layer makes a mask over these steps", "Make a mask"),
            ("A convolution", "a layer reads padded steps all the same", "where padding enters"),
        ],
    ),
)
def test_padding_that_a_model_reads_is_no_matter_of_the_loss(label, reason, fix):
    found = {one.code: one for one in diagnose(train(recipe_of(EXAMPLES[label])))}
    finding = found["gradient_on_padding"]
    assert finding.at == "inputs" and reason in finding.message and fix in finding.fix and not finding.changes


@pytest.mark.verify
def test_a_mask_is_given_to_a_model_that_makes_none():
    aligned, none = (train(recipe_of(SOFTMAX, mask=mask)) for mask in ("aligned", "none"))
    assert none.leak[0] > 0.05 and not aligned.leak.any()


def test_own_data_and_an_own_loss_go_with_it():
    table = Brought.parse(sample.sample(), sample.NAME).table
    plain = Recipe(Own(**table.care(Own())), table)
    batch = training_batch(plain)
    text = BARE.replace('Dense(classes, activation="softmax")', "Dense(1)")
    model, begins = looked_at(text, batch.x, batch.real, 2)
    loss = Pasted(
        "import tensorflow as tf\ndef loss(y_true, y_pred):\n    return tf.reduce_mean(tf.abs(y_true - y_pred))\n"
    )
    run = train(Recipe(plain.asked.with_changes(begins | {"epochs": EPOCHS}), table, loss, model))
    assert run.snapshot.loss[-1] < run.snapshot.loss[0] and run.opening.source == loss.text
    assert run.leak[0] > 0, "one number: no mask reaches it"


KEEPS = Pasted("from keras import ops\ndef kept(y_true, y_pred):\n    return ops.square(y_true - y_pred)\n")
THREE = (
    "i = keras.Input((12, 3))\nx = layers.LSTM(6, return_sequences=True)(i)\nmodel = keras.Model(i, layers.Dense(3)(x))"
)


@pytest.mark.verify
def test_a_loss_that_keeps_the_columns_is_trained_where_fit_does_and_refused_where_fit_fails():
    """(batch, time, columns), unreduced: Keras takes the mean of all; a mask (batch, time) does not fit it."""
    recipe = replace(recipe_of(THREE + "\nmodel.compile(loss='mse')"), pasted=KEEPS)
    history = plain_fit(THREE, recipe, lambda y_true, y_pred: keras.ops.square(y_true - y_pred))
    run = train(recipe)
    np.testing.assert_allclose(run.snapshot.loss, history["loss"], rtol=1e-5)
    np.testing.assert_allclose(run.snapshot.val_loss, history["val_loss"], rtol=1e-5)
    reduced = Pasted(
        KEEPS.text.replace("ops.square(y_true - y_pred)", "ops.mean(ops.square(y_true - y_pred), axis=-1)")
    )
    plain = train(replace(recipe, pasted=reduced))
    assert [one.code for one in diagnose(run)] == [one.code for one in diagnose(plain)] == ["gradient_on_padding"]
    np.testing.assert_allclose(run.leak, plain.leak, rtol=1e-4)
    masked = THREE.replace("(i)\nmodel", "(layers.Masking()(i))\nmodel")
    recipe = replace(recipe_of(masked + "\nmodel.compile(loss='mse')"), pasted=KEEPS)
    with pytest.raises(ValueError, match="Dimensions must be equal"):
        plain_fit(masked, recipe, lambda y_true, y_pred: keras.ops.square(y_true - y_pred))
    with pytest.raises(BadInput, match="does not fit what it returns, and `fit` fails here too.*Dimensions"):
        train(recipe)


@pytest.mark.verify
def test_a_loss_that_a_layer_adds_past_the_predictions_starves_no_step():
    text = ADDED_LOSSES["labels as an input of an endpoint layer"]
    run = train(recipe_of(text))
    assert run.past_predictions and not run.starved.any() and run.snapshot.loss[-1] < run.snapshot.loss[0]
    assert "starved_steps" not in [one.code for one in diagnose(run)]
    assert "past the predictions" in run_words(run)["gradient"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("i = keras.Input((6,))\nmodel = keras.Model(i, layers.Dense(2)(i))", "takes a sequence"),
        (
            "i = keras.Input((6, 2))\nmodel = keras.Model(i, layers.Softmax()(layers.Reshape((3, 4))(i)))\n"
            "model.compile(loss='sparse_categorical_crossentropy')",
            "puts out",
        ),
    ],
)
def test_what_is_not_trained_is_said(text, says):
    found = inspect(text)
    assert not found["refused"] and found["interface"] is None and says in found["untrained"]


def test_what_does_not_go_together_is_one_sentence():
    model, begins = looked_at(BARE)
    table = Brought.parse(sample.sample(), sample.NAME).table
    with pytest.raises(BadInput, match="Look at it again"):
        Recipe(Own(**begins), table, model=model)
    with pytest.raises(BadInput, match="“Your case” takes it"):
        Recipe(Recurrent(), model=model)
    recipe = recipe_of("i = keras.Input((12, 3))\nmodel = keras.Model(i, layers.Dense(1)(i))")
    wrong = Model(recipe.model.text.replace("(12, 3)", "(9, 3)"), "model", recipe.model.interface)
    with pytest.raises(BadInput, match="Keras says: .*shape") as raised:
        train(Recipe(recipe.asked, model=wrong))
    assert "\n" not in str(raised.value)


@pytest.mark.verify
def test_without_a_model_the_family_is_the_recurrent_one():
    one, other = (trained(Recipe(family(epochs=3))) for family in (Own, Recurrent))
    assert (one.snapshot.loss == other.snapshot.loss).all()
