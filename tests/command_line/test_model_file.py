"""`examine MODEL.py`: models in files, as people write them; and what cannot be looked at."""

import json

import pytest

from lessons.__main__ import main
from lessons.own_data import sample
from tests.tools.selection import first

FUNCTION = """
import keras
from keras import layers


def build(timesteps, features):
    inputs = keras.Input((timesteps, features))
    x = layers.LSTM(4, return_sequences=True)(layers.Masking(-1.0)(inputs))
    x = x * 1.0
    return keras.Model(inputs, layers.LSTM(3)(x))
"""
SEQUENTIAL = """
from tensorflow import keras

model = keras.Sequential()
model.add(keras.layers.Embedding(30, 4, mask_zero=True))
model.add(keras.layers.LSTM(4))
model.add(keras.layers.Dense(1))
model.compile("adam", "mse")
"""
SUBCLASSED = """
import keras


class Tagger(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = keras.layers.Embedding(30, 4, mask_zero=True)
        self.dense = keras.layers.Dense(3)

    def call(self, ids):
        x = self.embedding(ids)
        x = keras.ops.concatenate([x, x], axis=-1)
        return self.dense(x)


model = Tagger()
"""
TWO_INPUTS = """
import keras
from keras import layers

x, mask = keras.Input((6, 2)), keras.Input((6,), dtype="bool")
model = keras.Model([x, mask], layers.GRU(3)(x, mask=mask))
"""
FOUND = {  # text -> what is said, without names and advice
    "a function": (
        FUNCTION,
        ["lost in multiply (Multiply, model.py:9)", "Padding enters at lstm_1 (LSTM, model.py:10)"],
    ),
    "sequential": (SEQUENTIAL, ["The mask goes through"]),
    "subclassed": (SUBCLASSED, ["lost before dense (Dense, model.py:14)", "No mask comes with the predictions"]),
    "a mask as an input": (TWO_INPUTS, ["The mask goes through"]),
}


@pytest.mark.parametrize("case", first(1, [*FOUND]))
def test_a_model_is_looked_at(case, tmp_path, capsys):
    text, wanted = FOUND[case]
    file = tmp_path / "model.py"
    file.write_text(text)
    assert main(["examine", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["says"]) == len(wanted), told["says"]
    assert all(part in said for part, said in zip(wanted, told["says"], strict=True)), told["says"]
    assert told["calls"][0]["depth"] == 0 and len(told["calls"]) > 1


REFUSED = {
    "no model": ("x = 1", "holds no model; takes a Python file with `def build"),
    "no Python": ("def f(:", ", line 1: SyntaxError"),
    "it raises": ("x = 1\ny = 1 / 0", ", line 2: ZeroDivisionError: division by zero"),
    "build raises": (
        "def build(timesteps, features):\n    raise ValueError('no such thing')",
        ", line 2: no such thing",
    ),
    "it takes no such inputs": (
        SEQUENTIAL.replace("Embedding(30, 4, mask_zero=True)", "Conv2D(3, 3)"),
        "does not take inputs of",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_looked_at_is_one_sentence(case, tmp_path, capsys):
    text, wanted = REFUSED[case]
    file = tmp_path / "model.py"
    file.write_text(text)
    assert main(["examine", str(file)]) == 2
    told = capsys.readouterr().err
    assert wanted in told and told.count("\n") == 1, told


def test_neither_a_model_nor_data_is_told(capsys):
    assert main(["examine"]) == 2
    assert "takes --data FILE, MODEL.py, or both" in capsys.readouterr().err


@pytest.mark.verify
def test_it_is_trained_too_on_own_data_and_with_an_own_loss(tmp_path, capsys):
    model, loss, data = tmp_path / "model.py", tmp_path / "loss.py", tmp_path / "data.csv"
    model.write_text(FUNCTION.replace("layers.LSTM(3)(x)", "layers.Dense(1)(x)").replace("Masking(-1.0)", "Masking()"))
    loss.write_text("import keras\n\n\ndef mine(y_true, y_pred):\n    return keras.ops.mean((y_true - y_pred) ** 2)\n")
    data.write_bytes(sample.sample())
    asked = ["examine", str(model), "--data", str(data), "--loss", str(loss), "--set", "epochs=4", "--json"]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["loss"]) == 4 and told["loss"][-1] < told["loss"][0] and "def mine" in told["source"]
    assert "mask_dropped" in [found["code"] for found in told["findings"]] and told["calls"][0]["shape"][1] == 16
    assert main(["examine", str(model), "--set", "epochs=3"]) == 0
    assert "your_case: 3 epochs" in capsys.readouterr().out


def test_what_is_not_trained_is_said(tmp_path, capsys):
    file = tmp_path / "model.py"
    file.write_text(
        FUNCTION.replace(
            "keras.Model(inputs, layers.LSTM(3)(x))", "keras.Model(inputs, layers.Reshape((timesteps, 1, 4))(x))"
        )
    )
    assert main(["examine", str(file)]) == 0
    assert "It is not trained here. It puts out (8, 12, 1, 4)" in capsys.readouterr().out
