"""Whether a mask goes into each layer and comes out: held against Keras running the very model."""

import io

import keras
import numpy as np
import pytest
from keras import layers

from lessons.engine import xray
from lessons.engine.train import train
from lessons.families.recurrent import Recurrent
from lessons.recipe.recipe import Pasted, Recipe
from lessons.runs.run import LayerMask
from lessons.sandbox.messages import Reader, encode
from lessons.server import walled_tasks

KEEP = ("none", "dense", "time_distributed", "layer_normalization", "attention")  # what Keras' documentation says
DROP = {
    "conv1d": "Conv1D",
    "lambda": "Lambda",
    "reshape": "Reshape",
    "permute": "Permute",
    "flatten": "Flatten",
    "max_pooling": "MaxPooling1D",
    "times_one": "Multiply operation",
}


def rows(**settings) -> tuple[LayerMask, ...]:
    """The x-ray that a training tells of first."""
    return next(train(Recipe(Recurrent(epochs=1, **settings)))).layers


def droppers(found: tuple[LayerMask, ...]) -> list[str]:
    return [row.layer for row in found if row.mask_in and not row.mask_out]


def test_every_choice_is_tested():
    assert {*KEEP, *DROP} == set(Recurrent.specs()["between"].options)


@pytest.mark.parametrize("between", KEEP)
def test_layers_that_hand_the_mask_on(between):
    found = rows(between=between)
    assert len(found) == (3 if between == "none" else 4)
    assert all(row.mask_in and row.mask_out for row in found)


@pytest.mark.parametrize(("between", "layer"), DROP.items())
def test_layers_that_drop_the_mask(between, layer):
    found = rows(between=between)
    assert droppers(found) == [layer]
    at = [row.layer for row in found].index(layer)
    assert all(row.mask_in for row in found[: at + 1])
    assert not any(row.mask_in or row.mask_out for row in found[at + 1 :])  # the prediction, the loss


@pytest.mark.filterwarnings("ignore:Layer")  # Keras warns of some, which is told elsewhere
@pytest.mark.parametrize("between", Recurrent.specs()["between"].options)
def test_the_prediction_of_the_running_model_says_the_same(between):
    """Run the layers on numbers: Keras attaches the masks anew, from compute_mask."""
    settings = Recurrent(between=between)
    model = settings.build()
    x = np.ones((2, settings.timesteps, 2), "float32")
    mask = np.arange(settings.timesteps) < [[5], [9]]
    prediction = model([x, mask])
    assert xray.layers_of(model)[-1].mask_out == (getattr(prediction, "_keras_mask", None) is not None)


def test_an_operator_is_written_out_and_is_no_layer():
    row = rows(between="times_one")[1]
    assert (row.name, row.layer) == ("ops.multiply(t, 1.0)", "Multiply operation")


def test_a_mask_that_masking_computes_comes_out_of_a_layer_that_was_given_none():
    x = keras.Input((4, 2))
    found = xray.layers_of(keras.Model(x, layers.Dense(1)(layers.Masking()(x))))
    assert [(row.layer, row.mask_in, row.mask_out) for row in found] == [
        ("Masking", False, True),
        ("Dense", True, True),
    ]


@pytest.mark.parametrize("change", [{"mask": "none"}, {"mask_route": "multiplied"}, {"sample_weight": "instead"}])
def test_where_no_mask_is_passed_none_goes_in(change):
    assert not any(row.mask_in or row.mask_out for row in rows(**change))


def test_a_mask_besides_a_weight_goes_in():
    assert all(row.mask_in and row.mask_out for row in rows(sample_weight="besides"))


def test_one_output_per_sequence_has_no_steps_to_mask():
    assert [(row.mask_in, row.mask_out) for row in rows(output="last_step")] == [
        (True, False),  # the LSTM uses it
        (False, False),
        (False, False),
    ]


@pytest.mark.parametrize(
    ("change", "heeded"),
    [
        ({"loss": "mse"}, True),
        ({"loss": "scalar_mse"}, False),
        ({"loss": "mask_reading_mse"}, True),
        ({"loss": "first_iteration.log_of_difference"}, True),
        ({"loss": "label_masked_mse"}, True),
        ({"loss": "mask_reading_mse", "loss_dtype": "float16"}, False),  # the cast leaves the mask behind
    ],
)
def test_whether_the_loss_heeds_the_mask_that_reaches_it(change, heeded):
    last = rows(**change)[-1]
    name = change["loss"].rpartition(".")[2]
    assert (last.name, last.layer, last.mask_in, last.mask_out) == ("loss", name, True, heeded)


def test_the_names_are_the_same_in_every_worker():
    rows(units=3)
    assert [row.name for row in rows(units=4)] == ["lstm", "dense", "loss"]


def test_the_rows_come_through_the_walls_with_a_pasted_loss():
    text = "def mine(y_true, y_pred):\n    import keras\n    return keras.ops.mean(keras.ops.square(y_true - y_pred))"
    first = next(walled_tasks.train(Recipe(Recurrent(epochs=1), pasted=Pasted(text))))
    last = walled_tasks.run_part(wire_message(encode(first))).layers[-1]
    assert last == LayerMask("loss", "mine", True, False)


def test_a_scalar_that_is_no_number_below_the_label_is_found_out():
    text = "def mine(y_true, y_pred):\n    import keras\n    return keras.ops.mean(keras.ops.log(y_pred - y_true))"
    first = next(walled_tasks.train(Recipe(Recurrent(epochs=1), pasted=Pasted(text))))
    assert first["layers"][-1] == ("loss", "mine", True, False)


def wire_message(message: bytes):
    return Reader(io.BytesIO(message)).read()
