"""A model as text: what plain Keras makes of the same text is made of it, and nothing else of a text is done."""

import time

import keras
import numpy as np
import pytest

from lessons.course.model_examples import EXAMPLES
from lessons.engine.mask_xray import xray
from lessons.engine.model_batch import batch_for
from lessons.sandbox.admission import Refused
from lessons.sandbox.model_text import MOST_WEIGHTS, built
from lessons.sandbox.schema import fits
from lessons.server import walled_tasks

IN = "inputs = keras.Input((12, 3))\n"
OUT = "\nmodel = keras.Model(inputs, x)"
WRITTEN = {  # as people write models
    "added one by one": "model = Sequential()\nmodel.add(Masking(mask_value=-1., input_shape=(10, 4)))\n"
    "model.add(LSTM(16))\nmodel.add(Dense(2, activation='softmax'))\nmodel.compile('adam', 'mse')\n"
    "model.summary()\nmodel.fit(X, y, epochs=3)",
    "a function": "def build(timesteps, features):\n    i = keras.Input((timesteps, features))\n"
    "    x = layers.Masking()(i)\n    x = layers.GRU(4)(x)\n    return keras.Model(i, layers.Dense(1)(x))",
    "operations": f"{IN}x = layers.LSTM(4, return_sequences=True)(layers.Masking()(inputs))\n"
    f"x = ops.tanh(x) * 0.5 + 1\nx = ops.mean(x, axis=1){OUT}",
    "a mask as an input": "x, m = keras.Input((6, 2)), keras.Input((6,), dtype='bool')\n"
    "model = keras.Model([x, m], layers.LSTM(3)(x, mask=m))",
    "a layer that is used twice": f"{IN}dense = layers.Dense(3)\nx = dense(dense(layers.Masking()(inputs))){OUT}",
}


@pytest.mark.parametrize("text", [*EXAMPLES.values(), *WRITTEN.values()], ids=[*EXAMPLES, *WRITTEN])
def test_plain_keras_makes_the_same_of_it(text):
    mine = built(text, 12, 3)
    names = {"keras": keras, "layers": keras.layers, "ops": keras.ops, "X": None, "y": None, **vars(keras.layers)}
    import tensorflow as tf

    kept = "\n".join(line for line in text.splitlines() if not line.startswith(("model.fit", "model.summary", "from ")))
    names |= {"Sequential": keras.Sequential, "tf": tf}
    exec(kept, names)  # ours, written above
    theirs = names["build"](12, 3) if "build" in names else names["model"]
    batch, real = batch_for(mine.model)
    theirs(batch), mine.model(batch)
    assert [type(layer) for layer in mine.model.layers] == [type(layer) for layer in theirs.layers]
    theirs.set_weights(mine.model.get_weights())
    np.testing.assert_array_equal(mine.model(batch), theirs(batch))
    told, plain = xray(mine.model, batch, real, mine.lines), xray(theirs, batch, real)
    assert [(call.layer, call.verdict, call.moved) for call in told.calls] == [
        (call.layer, call.verdict, pytest.approx(call.moved, nan_ok=True)) for call in plain.calls
    ]
    assert all(call.line.startswith("line ") for call in told.calls[1:] if call.verdict), str(told)


ATTACKS = (
    "model = __import__('os').system('id')",
    "model = keras.utils.get_file('a', 'http://b')",
    "model = keras.models.load_model('/tmp/x.keras')",
    "model = keras.saving.deserialize_keras_object({'class_name': 'x'})",
    "model = keras.layers.deserialize({'class_name': 'Dense'})",
    "model = keras.layers.TFSMLayer('/tmp/x')",
    "model = keras.layers.StringLookup(vocabulary='/etc/passwd')",
    "model = keras.layers.Hashing(3)",
    "model = keras.layers.TextVectorization(vocabulary='/etc/passwd')",
    "model = keras.layers.TorchModuleWrapper(None)",
    "model = keras.Sequential([keras.layers.Dense(3, kernel_regularizer=print)])",
    "model = keras.Sequential([keras.layers.Dense(3, activation={'class_name': 'x'})])",
    "model = keras.Sequential([keras.layers.Dense(3, activation='/etc/passwd')])",
    "model = keras.Sequential([keras.layers.Dense(3, activation=lambda x, y: x)])",
    "model = keras.Sequential([keras.Input((12, 3)), keras.layers.Lambda(open)])",
    "x = keras.layers.Lambda(lambda t: open('/etc/passwd'))(keras.Input((12, 3)))",
    "model = keras.Sequential([keras.layers.Lambda(lambda t: t.__class__)])",
    "model = keras.Sequential([keras.layers.Lambda('lambda t: t')])",
    "class Mine(keras.layers.Layer):\n    def call(self, x):\n        return x",
    "class Mine(keras.Model):\n    def __init_subclass__(cls):\n        pass",
    "import os\nmodel = os.environ",
    "from os import system\nmodel = system('id')",
    "x = keras.layers.Dense(3)\nmodel = x._tracker",
    "x = keras.layers.Dense(3)\nx.call = print",
    "x = keras.layers.Dense(3)\nmodel = x.__dict__",
    "x = keras.layers.Dense(3)\nmodel = x.__class__.__base__.__subclasses__()",
    "keras.config.enable_unsafe_deserialization()",
    "keras.config.set_floatx('float16')\nmodel = 1",
    "keras.mixed_precision.set_global_policy('float16')",
    "for k in range(10 ** 9):\n    pass",
    "while True:\n    pass",
    "x = [0 for k in range(10 ** 9)]",
    "x = 9 ** 9 ** 9",
    "x = 'a' * 10 ** 9",
    "x = [1] * 10 ** 9",
    "x = f'{1:>1000000000}'",
    "def build(timesteps, features):\n    return build(timesteps, features)",
    "def build(a, b, c, d, e):\n    return 1",
    "@print\ndef build(timesteps):\n    return 1",
    "def build(timesteps=open('/etc/passwd')):\n    return timesteps",
    "build = lambda x: x",
    "model = keras.Sequential([keras.Input((12, 3)), keras.layers.Dense(10 ** 9)])",
    "model = keras.Sequential([keras.Input((12, 10 ** 9)), keras.layers.Dense(1)])",
    "model = keras.Sequential([keras.layers.Embedding(10 ** 10, 8)])",
    "model = keras.Sequential([keras.Input((12, 3)), keras.layers.LSTM(4000)])",
    "model = keras.Sequential([keras.Input((12, 3)), keras.layers.Conv1D(4096, 4096)])",
    "model = keras.Sequential([keras.Input((12, 3)), keras.layers.RepeatVector(10 ** 7)])",
    "model = keras.Sequential([keras.Input((12, 3)), keras.layers.ZeroPadding1D(10 ** 8)])",
    "model = keras.Sequential()\nmodel.add(model)\nmodel.add(model)\nx = model(model)",
    "eval('1')",
    "exec('x = 1')",
    "x = (lambda: 1)()",
    "x = keras.callbacks.ModelCheckpoint('/tmp/x')",
    "x = keras.ops.tanh.__globals__",
    "x = tf.io.read_file('/etc/passwd')",
    "x = tf.py_function(print, [1], float)",
    "x = np.load('/etc/passwd')",
    "with open('/etc/passwd') as x:\n    pass",
    "try:\n    x = 1\nexcept Exception:\n    pass",
    "global x\nx = 1",
    "del x",
    "x: int = 1",
    "x = 1 if True else 2",
    "a.b.c.d.e = 1",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_else_is_done(text):
    policy, floatx, started = keras.config.dtype_policy().name, keras.config.floatx(), time.process_time()
    with pytest.raises(Refused) as refusal:
        built(text, 12, 3)
    assert len(refusal.value.message) < 400 and "Traceback" not in refusal.value.message
    assert (keras.config.dtype_policy().name, keras.config.floatx()) == (policy, floatx)
    assert time.process_time() - started < 5, "no work for it"


def test_what_keras_itself_refuses_is_refused():
    """In a lambda a function of tf is given a tensor, in a functional model it is not."""
    text = "import tensorflow as tf\ni = keras.Input((12, 3))\nx = tf.reduce_mean(i, axis=1)\nmodel = keras.Model(i, x)"
    with pytest.raises(Refused, match="^line 3: Keras 3 takes no function of tf here: write keras.ops.mean"):
        built(text, 12, 3)
    with pytest.raises(ValueError, match="cannot be used as input to a TensorFlow function"):
        exec(text, {"keras": keras})
    mean = "keras.layers.Lambda(lambda t: tf.reduce_mean(t, axis=1))"
    made = built(f"model = keras.Sequential([{mean}, keras.layers.Dense(1)])", 12, 3)
    assert made.model(np.zeros((2, 5, 3))).shape == (2, 1)
    with pytest.raises(Refused, match="^line 2: Keras says: "):
        built("i = keras.Input((12, 3))\nx = keras.layers.Dense(3)(5)", 12, 3)


def test_weights_are_counted_before_they_are_made():
    text = "model = keras.Sequential([keras.Input((12, 3)), keras.layers.Dense(4000), keras.layers.Dense(4000)])"
    add_weight = keras.Layer.add_weight
    with pytest.raises(Refused, match=f"^line 1: the model has more than {MOST_WEIGHTS:,} weights"):
        built(text, 12, 3)
    assert keras.Layer.add_weight is add_weight
    within = built("model = keras.Sequential([keras.Input((12, 3)), keras.layers.Dense(4000)])", 12, 3)
    assert within.model.count_params() == 16_000


def test_what_a_walled_process_answers_has_the_form_that_is_believed():
    found = walled_tasks.xray_model(EXAMPLES["Times 2 between layers"])
    assert fits(found, walled_tasks.XRAY) and len(found["says"]) == 2 and "line 7" in found["says"][0]
    late = "model = keras.Sequential([keras.layers.Dense(4000), keras.layers.Dense(4000)])"
    for text in ("x = 1", late, "model = keras.Sequential([keras.layers.Lambda(lambda t: open(t))])", "def f("):
        refused = walled_tasks.xray_model(text)
        assert fits(refused, walled_tasks.XRAY) and "\x1b" not in refused["refused"]["message"]
