"""The first wall before a model: hostile text is refused with an answer, a model as people write it is built."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lessons.sandbox.admission.model import MODEL_FILENAME, MOST_WEIGHTS, Refused, admit_model, counted, layers, objects
from tests.sandbox.test_admission import ROOT
from tests.tools.attacks import REFUSED, TRACE
from tests.tools.model_attacks import MODEL_ATTACKS
from tests.tools.patience import patient

HOSTILE = [pytest.param(text, id=name) for name, text, fate in MODEL_ATTACKS if fate == REFUSED]

SEQUENTIAL = """
import pandas as pd
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import LSTM, Dense, Masking
from tensorflow.keras.optimizers import Adam

df = pd.read_csv("weather.csv")
X_train, y_train = windows(df, 10)
model = Sequential()
model.add(Masking(mask_value=0.0, input_shape=(X_train.shape[1], X_train.shape[2])))
for i in range(2):
    model.add(LSTM(4, return_sequences=True, name=f"lstm_{i}"))
model.add(Dense(1))
opt = Adam(learning_rate=0.01)
model.compile(loss="mse", optimizer=opt, metrics=["mae"], weighted_metrics=["mse"])
print(model.summary())
history = model.fit(X_train, y_train, epochs=3)
"""

OWN = """
import keras
from keras import layers, ops

class Pool(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True

    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(input_shape[-1], self.units), initializer="ones")
        super().build(input_shape)

    def call(self, x, mask=None):
        x = ops.matmul(x, self.w)
        if mask is None:
            return ops.sum(x, axis=1)
        return ops.sum(x * ops.cast(mask, x.dtype)[:, :, None], axis=1)

    def compute_mask(self, x, mask=None):
        return None

    def get_config(self):
        return {**super().get_config(), "units": self.units}

class Tagger(keras.Model):
    def __init__(self, units=3):
        super().__init__()
        self.mask = layers.Masking()
        self.blocks = [layers.LSTM(units, return_sequences=True) for _ in range(2)]
        self.pool = Pool(units)

    def call(self, inputs, training=None):
        x = self.mask(inputs)
        for block in self.blocks:
            x = block(x)
        return self.pool(x)

    def train_step(self, data):
        with tf.GradientTape() as tape:
            pass
"""


@pytest.fixture(scope="module", autouse=True)
def _names_begin_anew():
    """Keras numbers the classes of one name in a process."""
    import keras

    yield
    keras.utils.clear_session()


def batch(features: int = 3) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(2, 6, features)).astype("float32")
    x[1, 4:] = 0
    return x


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_model_is_refused_and_told_what_is_allowed(text):
    with pytest.raises(Refused) as refusal:
        admit_model(text).build(6, 3, 2)
    error = refusal.value
    assert error.line is None or 1 <= error.line <= text.count("\n") + 1
    found, _, instead = error.message.partition(":")
    assert found and instead and "\n" not in error.message and len(error.message) < 400
    assert not Path(TRACE).exists()


def test_there_are_forty_of_them_and_most_need_no_library():
    program = (
        "import sys\nfrom tests.tools.model_attacks import MODEL_ATTACKS\n"
        "from lessons.sandbox.admission.model import Refused, admit_model\n"
        "refused = 0\n"
        "for name, text, fate in MODEL_ATTACKS:\n"
        "    try:\n        admit_model(text)\n"
        "    except Refused:\n        assert fate == 'refused', name\n        refused += 1\n"
        "assert not {'tensorflow', 'keras', 'streamlit'} & set(sys.modules)\n"
        "print(refused)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=patient(120)
    )
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) >= 60
    assert len({name for name, *_ in MODEL_ATTACKS}) == len(MODEL_ATTACKS) >= 100


def test_the_lines_around_a_model_go_and_its_compile_is_read():
    admitted = admit_model(SEQUENTIAL)
    model = admitted.build(6, 3)
    assert model(batch()).shape == (2, 6, 1) and model.input_shape == (None, 6, 3)
    assert [layer.name for layer in model.layers][1:3] == ["lstm_0", "lstm_1"]
    assert (admitted.candidates, admitted.default) == (("model",), "model")
    told = admitted.compiled
    assert (told.model, told.loss, told.metrics, told.weighted_metrics) == ("model", "mse", ["mae"], ["mse"])
    assert (told.optimizer, told.learning_rate) == ("Adam", 0.01)


def test_classes_of_the_text_compute_what_the_same_classes_of_keras_do():
    import keras

    names: dict = {}
    exec(OWN, names)
    plain = names["Tagger"]()
    admitted = admit_model(OWN)
    ours = admitted.build(6, 3)
    x = batch()
    with counted():
        ours(x)
    plain(x)
    assert [v.shape for v in ours.trainable_weights] == [v.shape for v in plain.trainable_weights]
    ours.set_weights(plain.get_weights())
    np.testing.assert_array_equal(ours(x), plain(x))
    garbage = np.where(x == 0, 7.0, x)
    assert np.abs(ours(garbage) - ours(x)).max() > 0  # the mask is at work
    assert isinstance(ours, keras.Model) and not hasattr(ours, "train_step_of_the_text")
    assert list(admitted.steps) == ["Tagger.train_step"] and "GradientTape" in admitted.steps["Tagger.train_step"]
    assert type(ours).train_step is keras.Model.train_step


def test_functions_of_the_text_are_given_the_sizes():
    text = (
        "def create_model(max_len, n_features, num_classes, units=4):\n"
        "    inputs = keras.Input((max_len, n_features), name='x')\n"
        "    x = layers.GRU(units)(inputs)\n"
        "    return keras.Model({'x': inputs}, {'a': layers.Dense(num_classes)(x), 'b': layers.Dense(1)(x)})\n"
    )
    model = admit_model(text).build(6, 3, 5)
    assert {name: tuple(out.shape) for name, out in model({"x": batch()}).items()} == {"a": (2, 5), "b": (2, 1)}
    with pytest.raises(Refused, match=r"create needs `units`: .* `model = create\(…\)`"):
        admit_model("def create(units):\n    return keras.Sequential([Dense(units)])").build(6, 3)


def test_a_layer_alone_is_put_on_an_input():
    model = admit_model(OWN.partition("class Tagger")[0].replace("self, units,", "self, units=2,")).build(6, 3)
    assert model(batch()).shape == (2, 2)


def test_weights_are_counted_where_they_arise():
    def text(units: int) -> str:
        return f"model = keras.Sequential([Dense({units}, use_bias=False), Dense(1, use_bias=False)])\n"

    fits = (MOST_WEIGHTS - 0) // 4  # 3 inputs and 1 output
    for units, refused in ((fits, False), (fits + 1, True)):
        with counted() as count:
            model = admit_model(text(units)).build(6, 3)
            try:
                model(batch())
                assert model.count_params() == count.weights == 4 * units and not refused
            except Refused as refusal:
                assert refused and "at most 200,000" in refusal.message


def test_a_stack_frame_tells_the_line_of_the_text():
    with pytest.raises(Refused) as refusal:
        admit_model("import keras\n\nmodel = keras.Sequential([\n    keras.layers.Dense(2, name='{}'),\n])\n").build(
            6, 3
        )
    assert refusal.value.line == 4
    function = admit_model("def build(timesteps, features):\n    return keras.Sequential([Dense(1)])\n")
    assert function._tree.body[0].lineno == 1 and MODEL_FILENAME == "<pasted model>"


def test_a_name_that_nothing_binds_is_told():
    with pytest.raises(Refused, match="line 1: `units` is used and not defined here: add a line such as `units = 10`"):
        admit_model("model = keras.Sequential([Dense(units)])")


def test_the_table_says_only_what_keras_has():
    import keras

    for name, takes in layers.LAYERS.items():
        parameters = inspect.signature(getattr(keras.layers, name).__init__).parameters
        older = any(one.kind is one.VAR_KEYWORD for one in parameters.values())  # then Keras refuses it itself
        assert older or takes <= parameters.keys(), name
    assert not {"TFSMLayer", "StringLookup", "Hashing", "TextVectorization", "Layer"} & layers.LAYERS.keys()
    assert not {"save", "load_weights", "_tracker", "get_config", "export", "fit"} & objects.READABLE


def test_what_keras_asks_a_layer_for_may_stand_in_its_class():
    text = (
        "import keras\n\nclass Passes(keras.layers.Layer):\n    supports_masking = True\n\n"
        "    def call(self, x):\n        return x\n\n"
        "model = keras.Sequential([keras.Input((6, 3)), keras.layers.Masking(), Passes()])\n"
    )
    assert admit_model(text).build(6, 3)(batch())._keras_mask.shape == (2, 6)
    with pytest.raises(Refused, match="it is bool"):
        admit_model(text.replace("masking = True", "masking = 'yes'")).build(6, 3)
