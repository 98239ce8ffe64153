"""The examples of “Your case”: what is said of each, held against what plain Keras does with the same text."""

import re

import keras
import numpy as np
import pytest

from lessons.course.model_examples import EXAMPLES
from lessons.engine.pasted_model import inspect
from tests.tools.selection import first

LONGER = {"12": "16", "8,": "11,"}  # steps in the texts -> more of them
# label -> whether more padding changes what is predicted, and whether labels on padding change the loss; None: no steps
RIGHT = {
    "Times 2 between layers": (True, None),
    "A mean in a Lambda": (True, None),
    "Attention with a residual": (False, True),
    "A convolution": (True, None),
    "Two sequences in a row": (False, None),
    "Both directions, a label per step": (False, False),
    "Attention by hand": (True, None),
    "A mean of nothing": (False, None),
    "A layer with two inputs": (True, None),
    "An autoencoder": (False, True),
}
STEPS, PADDED, LENGTHS = 12, 16, (12, 9, 4)


def built(text: str, longer: bool = False) -> keras.Model:
    """The model of an example as Python runs it, perhaps for more steps; the same weights."""
    if longer:
        text = (
            re.sub(r"\(\(12", f"(({PADDED}", text)
            .replace("((8,))", "((11,))")
            .replace("input_shape=(12", "input_shape=(16")
        )
        text = text.replace("RepeatVector(12)", f"RepeatVector({PADDED})")
    keras.utils.set_random_seed(3)
    names: dict = {}
    exec(text, names)
    return names["model"]


def fed(label: str, steps: int) -> list[np.ndarray] | np.ndarray:
    """The same three sequences, padded to so many steps by what the example looks for."""
    rng, real = np.random.default_rng(1), np.arange(steps) < np.array(LENGTHS)[:, None]
    if label == "Two sequences in a row":
        real = np.arange(steps) < np.array((8, 5, 3))[:, None]
        ids = rng.integers(1, 50, (3, 8))
        ids = np.pad(ids, [(0, 0), (0, steps - 8)])
        return [np.where(real, ids, 0)] * 2
    if "Embedding" in EXAMPLES[label]:
        return np.where(real, np.pad(rng.integers(1, 50, (3, STEPS)), [(0, 0), (0, steps - STEPS)]), 0)
    mark = -1.0 if "mask_value=-1.0" in EXAMPLES[label] else 0.0
    x = np.pad(rng.normal(size=(3, STEPS, 3)), [(0, 0), (0, steps - STEPS), (0, 0)])
    return np.where(real[..., None], x, mark).astype("float32")


@pytest.mark.parametrize("label", first(2, [*RIGHT][1:] + [*RIGHT][:1]))
def test_padding_enters_where_more_of_it_moves_what_plain_keras_predicts(label):
    enters, _ = RIGHT[label]
    steps, more = (8, 11) if label == "Two sequences in a row" else (STEPS, PADDED)
    short, long = built(EXAMPLES[label])(fed(label, steps)), built(EXAMPLES[label], True)(fed(label, more))
    short, long = np.array(short), np.array(long)
    if short.ndim == 3:  # on the real steps
        real = np.arange(steps) < np.array(LENGTHS)[:, None]
        short, long = short[real], long[:, :steps][real]
    assert np.allclose(short, long, atol=1e-5) is not enters
    said = " ".join(inspect(EXAMPLES[label])["says"])
    assert ("Padding enters" in said) is enters, said


@pytest.mark.parametrize("label", first(2, [label for label, (_, counted) in RIGHT.items() if counted is not None]))
def test_a_loss_counts_labels_on_padding_where_that_is_said(label):
    model, x = built(EXAMPLES[label]), fed(label, STEPS)
    model.compile(loss="mse")
    y = np.zeros((3, STEPS, model.output_shape[-1]))
    other = y.copy()
    other[~(np.arange(STEPS) < np.array(LENGTHS)[:, None])] = 7.0
    counted = model.evaluate(x, y, verbose=0) != model.evaluate(x, other, verbose=0)
    assert counted is RIGHT[label][1]
    assert ("No mask comes with the predictions" in " ".join(inspect(EXAMPLES[label])["says"])) is counted


def test_of_what_is_left_when_nothing_is_left_plain_keras_makes_nan():
    found = inspect(EXAMPLES["A mean of nothing"])
    assert any("no step is left becomes NaN at global_average_pooling1d" in said for said in found["says"])
    predictions = np.array(built(EXAMPLES["A mean of nothing"])(np.array([[0, 0, 0], [4, 5, 0]])))
    assert np.isnan(predictions).tolist() == [[True], [False]]


def test_nan_is_no_mark():
    found = inspect(EXAMPLES["NaN as the mark"])
    assert "leaves no step out" in found["says"][0] and found["interface"]["inputs"][0]["mark"] is None
    x = np.array([[[1.0, 2.0], [np.nan, np.nan]]], "float32")
    assert keras.layers.Masking(float("nan")).compute_mask(x).numpy().all()


@pytest.mark.verify
def test_the_others_say_what_they_are_for():
    flat = inspect(EXAMPLES["Flatten"])
    assert "Padding enters at flatten" in flat["says"][0]
    assert [one["per_step"] for one in inspect(EXAMPLES["Two outputs"])["interface"]["outputs"]] == [True, False]
    words = inspect(EXAMPLES["Words inside sentences"])
    assert "No mask goes from layer to layer" in words["says"][0] and words["interface"]["inputs"][0]["shape"] == [5, 7]
    assert built(EXAMPLES["Words inside sentences"])(np.zeros((2, 5, 7), int)).shape == (2, 1)
    assert len(EXAMPLES) >= 12 and set(RIGHT) < set(EXAMPLES)


def test_a_sample_of_each_layer_comes_along():
    calls = {call["name"]: call for call in inspect(EXAMPLES["Both directions, a label per step"])["calls"]}
    assert calls["masking"]["sample"].shape == (12, 3) and calls["masking"]["on_padding"] == "zeros"
    assert calls["bidirectional"]["on_padding"] == "zeros", "it puts out zeros where the mask is False"
    lstm = "layers.LSTM(4, return_sequences=True)"
    per_step = inspect(f"model = keras.Sequential([keras.Input((12, 3)), layers.Masking(), {lstm}])")
    assert per_step["calls"][2]["on_padding"] == "the step before, again"
