"""The first wall of the clinic: hostile text is refused with an answer, a loss is rewritten and stays the same loss."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from lessons.sandbox.admission import NeverRun, Refused, admit, grammar, line_of, rewriter
from lessons.sandbox.admission.rewriter import Rewriter
from tests.tools import first_wall
from tests.tools.attacks import ATTACKS, LIMITED, REFUSED, TRACE, UNWRITTEN
from tests.tools.patience import patient
from tests.tools.selection import first
from tests.tools.strangers import STRANGERS

ROOT = Path(__file__).parent.parent.parent
HEADER = """
import math
import numpy as np
import tensorflow as tf
import keras
from keras import ops
from tensorflow.keras import backend as K
"""


def names_and_texts(expected: str) -> list:
    return [pytest.param(text, id=name) for name, text, kind in ATTACKS if kind == expected]


@pytest.mark.parametrize("text", names_and_texts(REFUSED))
def test_a_hostile_text_is_refused_and_told_what_is_allowed(text):
    with pytest.raises(Refused) as refusal:
        admit(text).build()
    error = refusal.value
    assert error.line is None or 1 <= error.line <= text.count("\n") + 1
    assert (error.line is None) == (str(error) == error.message)
    found, _, instead = error.message.partition(":")
    assert found and instead and "\n" not in error.message
    assert not Path(TRACE).exists()


def test_most_refusals_need_no_library():
    """What loads files, models or processes is refused before anything is imported; the rest when the code is built."""
    program = (
        "import sys\nfrom tests.tools.attacks import ATTACKS\nfrom lessons.sandbox.admission import Refused, admit\n"
        "admitted = 0\n"
        "for name, text, kind in ATTACKS:\n"
        "    try:\n        admit(text)\n        admitted += kind == 'refused'\n"
        "    except Refused:\n        assert kind == 'refused', name\n"
        "assert not {'tensorflow', 'keras', 'streamlit'} & set(sys.modules)\n"
        "print(admitted)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=patient(120)
    )
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) <= 12


@pytest.mark.parametrize("version", first(1, ["3.13", "3.12", "3.11"]))
def test_the_wall_is_closed_on_every_python(version):
    """Each has a grammar of its own. What one of them does not know is refused there as no Python."""
    program = first_wall.interpreter(version)
    if program is None:
        pytest.skip(f"no python{version} starts here, neither one on PATH nor one of pyenv's")
    findings = first_wall.asked(program)
    late = [name for name, text, kind in ATTACKS if kind == REFUSED and is_admitted(text)]
    assert set(findings.pop("attacks")) <= set(late)  # refused when they are built, which needs the libraries
    assert findings == {"fields": [], "nodes": [], "slow": []}


def is_admitted(text: str) -> bool:
    try:
        admit(text)
    except Refused:
        return False
    return True


def test_something_planted_in_a_tree_is_found_by_this_test():
    """The sweep over the grammar reaches all that the table admits; else it would find nothing for a wrong reason."""
    planted = {field for field, _ in first_wall.trees_with_something_planted(first_wall.SAMPLER)}
    fields = {f"{node}.{name}" for node, names in grammar._FIELDS.items() for name in names}
    known = first_wall.grammar()
    holds_no_code = {
        f"{node}.{name}"
        for node, names in known.items()
        for name, sort in names.items()
        if first_wall.planted(sort) is None
    }
    assert len(known) > 100 and set(grammar._FIELDS) <= set(known)
    assert fields - holds_no_code - {"Expression.body"} <= planted


def test_syntax_of_a_python_to_come_is_refused():
    """A node that the table does not have, and a field of a node that it has: Python 3.14 brings `t"{x}"`."""

    class TemplateStr(ast.expr):
        _fields = ("values",)

    class Return(ast.Return):
        _fields = ("value", "afterwards")

    grammar.check(ast.Module([Return(ast.Constant(1), None)], []))
    for node in (ast.Expr(TemplateStr([])), Return(ast.Constant(1), ast.Constant(2))):
        with pytest.raises(Refused):
            Rewriter().module(ast.Module([node], []))


@pytest.mark.parametrize("code", ["x.graph", "x ** 2", "import os", "f'{x}'", "x: int = 1", "class X: pass"])
def test_what_the_rewriter_would_forget_is_refused_all_the_same(code):
    with pytest.raises(Refused, match="not understood"):
        grammar.check_rewritten(ast.parse(f"def loss(a, b=lambda: [1]):\n    if a:\n        {code}"))


def test_no_text_is_visited_for_ever(monkeypatch):
    monkeypatch.setattr(rewriter, "MAX_VISITS", 20)
    with pytest.raises(Refused, match="too long"):
        admit(one_line("+".join(["y_pred"] * 20)))


def test_the_list_of_attacks_is_long_and_has_no_name_twice():
    assert len(ATTACKS) >= 60
    assert len({name for name, _, _ in ATTACKS}) == len(ATTACKS)
    assert {kind for _, _, kind in ATTACKS} == {REFUSED, LIMITED}


@pytest.mark.parametrize(
    "name",
    [
        *("tower of powers", "power by the built-in", "shift", "repeated list", "repeated list in place"),
        *("format width", "power in a list", "power in a table", "power in an object", "shift in a list"),
        *("list in a list", "text in a list in place"),
    ],
)
def test_a_number_or_list_of_absurd_size_is_stopped_before_it_is_made(name):
    text = next(text for attack, text, _ in ATTACKS if attack == name)
    with pytest.raises(OverflowError):
        admit(text).build()([[1.0]], [[1.0]])


# Losses as people write them. Each is run as it stands, and admitted: value, gradient and graph must be the same.
LOSSES = {
    "mse": "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred))",
    "K": "def loss(y_true, y_pred):\n    return K.mean(K.square(y_true - y_pred), axis=-1)",
    "ops": "def loss(y_true, y_pred):\n    return ops.mean(ops.abs(y_true - y_pred) ** 1.5)",
    "lambda": "loss = lambda y_true, y_pred: -K.sum(y_true * K.log(y_pred + 1e-7))",
    "focal": """
def focal(gamma=2.0, alpha: float = 0.25):
    \"\"\"Lin et al.\"\"\"

    def inner(y_true, y_pred):
        y_pred = tf.clip_by_value(y_pred, K.epsilon(), 1.0 - K.epsilon())
        pt = tf.where(tf.equal(y_true, 1.0), y_pred, 1 - y_pred)
        return -tf.reduce_mean(alpha * tf.pow(1.0 - pt, gamma) * tf.math.log(pt))

    inner.__name__ = f"focal_{gamma}"
    return inner


loss = focal(gamma=2)
""",
    "dice": """
SMOOTH: float = 1e-6


def dice_coefficient(a, b, smooth=SMOOTH):
    a, b = K.flatten(a), K.flatten(b)
    overlap = K.sum(a * b)
    return (2.0 * overlap + smooth) / (K.sum(a) + K.sum(b) + smooth)


def loss(y_true, y_pred):
    return 1 - dice_coefficient(y_true, y_pred)
""",
    "tversky": """
def loss(y_true, y_pred, alpha=0.7, *, beta=0.3):
    axes = tuple(range(1, len(y_pred.shape)))
    tp = tf.reduce_sum(y_true * y_pred, axis=axes)
    fn = tf.reduce_sum(y_true * (1 - y_pred), axis=axes)
    fp = tf.reduce_sum((1 - y_true) * y_pred, axis=axes)
    return 1.0 - (tp + 1.0) / (tp + alpha * fn + beta * fp + 1.0)
""",
    "masked": """
def loss(y_true, y_pred):
    mask = tf.cast(tf.not_equal(y_true, 0.0), y_pred.dtype)
    error = tf.square(y_true - y_pred) * mask
    return tf.math.divide_no_nan(tf.reduce_sum(error), tf.reduce_sum(mask))
""",
    "keras mask": """
def loss(y_true, y_pred):
    mask = getattr(y_pred, "_keras_mask", None)
    error = tf.abs(y_true - y_pred)
    if mask is not None and hasattr(y_pred, "_keras_mask"):
        error = error * tf.cast(mask, error.dtype)
    return tf.reduce_mean(error)
""",
    "columns": """
WEIGHTS = [0.5, 0.3, 0.2]
NAMES = {"first": 0, "last": -1}


def loss(y_true, y_pred):
    total = 0.0
    for i, weight in enumerate(WEIGHTS):
        total += weight * tf.reduce_mean(tf.abs(y_true[..., i] - y_pred[..., i]))
    total -= 0.1 * tf.reduce_mean(y_pred[:, NAMES["last"]])
    return total
""",
    "list": """
def loss(y_true, y_pred):
    terms = []
    for q in (0.1, 0.5, 0.9):
        e = y_true - y_pred
        terms.append(tf.maximum(q * e, (q - 1) * e))
    assert len(terms) == 3, f"{len(terms)} terms"
    return tf.add_n([tf.reduce_mean(t) for t in terms]) / len(terms)
""",
    "gaussian": """
def loss(y_true, y_pred):
    mean, scale = y_pred[:, 0:1], tf.nn.softplus(y_pred[:, 1:2]) + 1e-6
    return tf.reduce_mean(0.5 * tf.math.log(2 * np.pi * scale**2) + (y_true[:, :1] - mean) ** 2 / (2 * scale**2))
""",
    "class": """
class Weighted(keras.losses.Loss):
    factor = 2.0

    def __init__(self, weight=3.0, name="weighted", reduction="sum", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.weight = weight
        self.weight *= 0.5
        self.base = tf.keras.losses.BinaryCrossentropy(reduction="none")

    def scale(self, y_true):
        return 1.0 + self.factor * self.weight * y_true

    def call(self, y_true, y_pred):
        return self.base(y_true, y_pred) * tf.reduce_mean(self.scale(y_true), axis=-1)

    def get_config(self):
        return {**super(Weighted, self).get_config(), "weight": self.weight}


loss = Weighted(weight=2.0)
""",
    "class without a constructor": """
class Plain(tf.keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.abs(y_true - y_pred), axis=-1)


loss = Plain()
""",
    "keras loss": "loss = tf.keras.losses.Huber(delta=0.3)",
    "values of keras": """
bce = tf.keras.losses.BinaryCrossentropy()


def loss(y_true, y_pred):
    return bce(y_true, y_pred) + keras.losses.mean_absolute_error(y_true, y_pred)
""",
    "shapes": """
def loss(y_true, y_pred):
    batch, width = tf.shape(y_pred)[0], y_pred.shape[-1]
    flat = tf.reshape(y_pred, [batch, width, 1])[:, :, tf.newaxis]
    if y_pred.get_shape().ndims == 2 and y_pred.shape.rank == 2 and y_pred.shape.as_list()[-1] == width:
        flat = tf.squeeze(flat) * (1.0 / float(width))
    return tf.reduce_mean(tf.square(y_true - flat))
""",
    "conditions": """
def loss(y_true, y_pred):
    error = tf.abs(y_true - y_pred)
    near = tf.cond(tf.reduce_mean(error) > 0.3, lambda: error * 2.0, lambda: error)
    return tf.reduce_mean(near if near.dtype == tf.float32 else error)
""",
    "map": """
def loss(y_true, y_pred):
    pairs = (y_true, y_pred)
    rows = tf.map_fn(lambda row: tf.reduce_max(row[0] - row[1]), pairs, fn_output_signature=tf.float32)
    return tf.reduce_mean(rows)
""",
    "custom gradient": """
@tf.custom_gradient
def flipped(x):
    def grad(upstream):
        return -upstream

    return tf.identity(x), grad


def loss(y_true, y_pred):
    return tf.reduce_mean(tf.square(flipped(y_pred) - y_true))
""",
    "decorated": """
@keras.saving.register_keras_serializable(package="mine", name="mine")
@tf.function
def loss(y_true, y_pred):
    with tf.name_scope("error"):
        return tf.reduce_mean(tf.square(y_true - y_pred))
""",
    "matrices": """
def loss(y_true, y_pred):
    a = tf.math.l2_normalize(y_true, axis=-1)
    b = tf.linalg.l2_normalize(y_pred, axis=-1)
    return tf.reduce_mean(a @ tf.transpose(b)) + tf.reduce_sum(tf.einsum("ij,ij->i", a, b)) % 3.0
""",
    "correlation": """
def loss(y_true, y_pred):
    x, y = y_true - tf.reduce_mean(y_true), y_pred - tf.reduce_mean(y_pred)
    r = tf.reduce_sum(x * y) / (tf.sqrt(tf.reduce_sum(x**2) * tf.reduce_sum(y**2)) + keras.config.epsilon())
    return 1 - r ** 2
""",
    "weights": """
def weighted(weights):
    weights = K.variable(weights)

    def inner(y_true, y_pred):
        y_pred /= K.sum(y_pred, axis=-1, keepdims=True)
        return -K.sum(y_true * K.log(K.clip(y_pred, 1e-7, 1)) * weights, -1)

    return inner


loss = weighted(np.array([1.0, 2.0, 3.0]))
""",
    "own names": """
def mse(tf, K=2.0):
    sum = tf * K
    return sum * sum


def loss(y_true, y_pred):
    max = 3.0
    return ops.mean([mse(y) for y in [y_true - y_pred]][0]) * max
""",
    "constants": """
WEIGHT = tf.constant([0.2, 0.3, 0.5])
LIMITS = {"low": np.float32(0.1), "high": math.sqrt(2)}


def loss(y_true, y_pred):
    bounded = tf.clip_by_value(y_pred, LIMITS["low"], LIMITS["high"])
    return tf.reduce_sum(tf.abs(y_true - bounded) * WEIGHT) + np.finfo(np.float32).eps
""",
    "imports inside": """
def loss(y_true, y_pred):
    import tensorflow.keras.backend as B
    from tensorflow.math import log1p as grow

    C = tf.keras.backend
    return C.mean(grow(B.abs(y_true - y_pred)))
""",
    "greek": "def loss(y_true, y_pred, δ=0.5):\n    return tf.reduce_mean(δ * (y_true - y_pred) ** 2)",
}


@pytest.mark.parametrize("name", LOSSES)
def test_an_admitted_loss_is_the_loss_that_was_written(name):
    """Only the first wall is new: the same text run plainly, with real imports, gives the same graph and numbers."""
    text = HEADER + LOSSES[name]
    plain: dict = {}
    exec(compile(text, "plain", "exec"), plain)
    written, admitted = traced(plain["loss"]), traced(admit(text).build("loss"))
    assert admitted[:2] == written[:2]
    assert admitted[2] == written[2]
    assert sum(map(abs, admitted[1])) > 0


def traced(loss) -> tuple:
    """Value, gradient and the kinds of operations in the graph."""
    import numpy as np
    import tensorflow as tf

    loss = getattr(loss, "python_function", loss)  # @tf.function: its body, as the clinic runs it
    y = tf.constant(np.random.default_rng(1).integers(0, 2, (4, 3)).astype("float32"))
    p = tf.constant(np.random.default_rng(2).uniform(0.1, 0.9, (4, 3)).astype("float32"))

    @tf.function(autograph=False)
    def measure(y_true, y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = loss(y_true, y_pred)
        return value, tape.gradient(value, y_pred)

    value, gradient = measure(y, p)
    operations = [operation.type for operation in measure.get_concrete_function(y, p).graph.get_operations()]
    return np.ravel(value).tolist(), np.ravel(gradient).tolist(), operations


CHOICES = [
    # text, candidates, default
    ("def a(x, y):\n    return x\ndef b(x, y, z=1):\n    return x\ndef c(x):\n    return x", ("a", "b"), "b"),
    ("a = lambda x, y: x\nb = lambda x: x", ("a",), "a"),
    ("def f(g):\n    def h(x, y):\n        return x\n    return h\nmine = f(2.0)", ("f", "mine"), "mine"),
    ("def f(g, h):\n    return lambda x, y: x\nk = f(1, 2)\nn = k", ("f", "k", "n"), "n"),
    ("def f(g=1):\n    return lambda x, y: x", ("f",), "f"),
    ("def f(g):\n    return lambda x, y: x", ("f",), None),
    ("class L(tf.keras.losses.Loss):\n    def call(self, a, b):\n        return a", ("L",), "L"),
    ("from keras.losses import Loss as Base\nclass L(Base):\n    def call(self, a, b):\n        return a", ("L",), "L"),
    ("loss = tf.keras.losses.Huber()\nx = tf.constant(1)", ("loss",), "loss"),
    ("def f(x, y):\n    return x\nf = 3\ndef g(x, y):\n    return x", ("g",), "g"),
    ("def all_(x, y):\n    return part(x, y)\ndef part(x, y):\n    return x", ("all_", "part"), "all_"),
    ("def a(x, y):\n    return x\ndef b(x, y):\n    return y\nm.compile('sgd', a)", ("a", "b"), "a"),
    ("m.compile(loss=lambda x, y: x)", ("loss",), "loss"),
    ("loss = 1\nm.compile(loss=lambda x, y: x + loss)", ("loss_",), "loss_"),
    ("def f(x, y):\n    return x\nm.compile(loss={'a': f, 'b': 'mse', 'c': 'Huber'})", ("f", "b", "c"), None),
    ("class L:\n    def f(self, x, y):\n        return x\n    def _g(self, x, y):\n        return x", ("L.f",), "L.f"),
    ("class L:\n    @staticmethod\n    def f(x, y):\n        return x", ("L.f",), "L.f"),
    ("class L:\n    def __call__(self, x, y):\n        return x", ("L",), "L"),
    ("class L:\n    def __init__(self, a):\n        pass\n    def f(self, x, y):\n        return x", ("L.f",), None),
    ("def f(x, y, z):\n    return x", ("f",), None),
]


@pytest.mark.parametrize("text,candidates,default", CHOICES)
def test_what_is_meant_as_the_loss(text, candidates, default):
    admitted = admit(text)
    assert (admitted.candidates, admitted.default) == (candidates, default)
    if default:
        assert callable(admitted.build())
    else:
        with pytest.raises(Refused, match=candidates[0].partition(".")[0]):
            admitted.build()


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.name)
def test_the_forms_in_which_people_paste_losses(stranger):
    """Each is built, or refused with a sentence that says what to do."""
    if stranger.raises:
        with pytest.raises(AttributeError, match=stranger.raises):
            admit(stranger.text).build(stranger.function)
        return
    if not stranger.fate:
        assert callable(admit(stranger.text).build(stranger.function))
        return
    with pytest.raises(Refused) as refusal:
        admit(stranger.text).build(stranger.function)
    assert stranger.fate in refusal.value.message


def test_a_factory_that_is_handed_over_uncalled():
    text = "def f(g=1):\n    return lambda x, y: x\nm.compile(loss=f)"
    with pytest.raises(Refused, match=r"write loss=f\(\)"):
        admit(text).build()


OBJECTS = """
class Base(keras.losses.BinaryCrossentropy):
    share = 0.5
    def __init__(self, weight=3.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
    def call(self, y_true, y_pred):
        return self.weight * super().call(y_true, y_pred) + 0 * self.share

class Over(keras.losses.Loss):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return 7.0

class Plain:
    scale = 2.0
    def __init__(self, shift, mean=1.0):
        self.shift, self.mean = shift, mean
    def __call__(self, y_true, y_pred):
        return self.scale * y_pred + self.shift + self.both(0, 0)
    def inner(self, y_true, y_pred):
        return self(y_true, y_pred)
    @staticmethod
    def both(y_true, y_pred):
        return Plain.scale - 2.0

plain = Plain(10.0)

def reads(y_true, y_pred):
    return plain.shift + Plain.scale + plain.mean + Base().weight
"""


def test_classes_of_the_text_do_what_python_does():
    import keras
    import numpy as np

    admitted = admit(OBJECTS)
    y, p = np.array([[1.0], [0.0]], "float32"), np.array([[0.2], [0.7]], "float32")
    base = admitted.build("Base(2.0)")
    assert isinstance(base, keras.losses.BinaryCrossentropy)
    assert float(base(y, p)) == pytest.approx(2 * float(keras.losses.BinaryCrossentropy()(y, p)))
    assert admitted.build("Over")(y, p) == 7.0
    assert admitted.build("Plain(1.0)")(0, 3.0) == 7.0
    assert admitted.build("Plain(1.0).inner")(0, 3.0) == 7.0
    assert admitted.build("Plain.both")(0, 0) == 0.0
    assert admitted.build("reads")(0, 0) == 10.0 + 2.0 + 1.0 + 3.0


def test_a_field_that_a_class_defines_opens_nothing_else():
    """`graph` and `_loss` are names of the text here: of a tensor and of a record they still give nothing."""
    import keras
    import tensorflow as tf

    text = (
        "class L(keras.losses.Loss):\n    graph = 1\n    def call(self, a, b):\n"
        "        return (lambda me: me._loss)(self)\n"
        "    def _loss(self):\n        return 1\ndef loss(a, b):\n    return b.graph\n"
    )
    with pytest.raises(AttributeError, match="no attribute 'graph'"):
        tf.function(admit(text).build("loss"), autograph=False)(tf.constant(1.0), tf.constant(1.0))
    made = admit(text).build("L")
    assert isinstance(made, keras.losses.Loss) and not isinstance(made.call(1, 1), keras.losses.Loss)
    assert made.call(1, 1)() == 1


def test_what_is_compiled_beside_the_loss_is_not_run():
    text = "def loss(a, b):\n    return 5.0\nmodel.compile(open('/x'), loss=loss, metrics=[eval('1')])"
    assert admit(text).build()(0, 0) == 5.0


SCRIPT = """
import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Dense
COSTS = [1.0]
COSTS.append(2.0)
COSTS[0] = 3.0
x = np.random.rand(10, 2)
def build():
    return tf.keras.Sequential([Dense(1)])
def loss(y_true, y_pred):
    return COSTS[0] + COSTS[1]
model = build()
print(model.summary())
model.compile(loss=loss)
history = model.fit(x, x, epochs=3)
"""


def test_model_data_and_training_go_where_the_loss_is_compiled():
    assert admit(SCRIPT).build()(0, 0) == 5.0
    with pytest.raises(Refused, match="without the model around it"):
        admit(SCRIPT.replace("model.compile(loss=loss)", ""))
    with pytest.raises(Refused, match="without the model around it"):  # what the loss is made of stays
        admit(SCRIPT.replace("loss=loss", "loss=lambda a, b: model(a)"))


FACTORIES = """
def focal(gamma, alpha=0.25):
    def loss(y_true, y_pred):
        return gamma * alpha
    return loss

class Own(keras.losses.Loss):
    def __init__(self, gamma=1.0, **kwargs):
        super(Own, self).__init__(**kwargs)
        self.gamma = gamma
    def call(self, y_true, y_pred):
        return y_pred * self.gamma
"""


def test_a_factory_is_named_as_a_call():
    import keras
    import numpy as np

    admitted = admit(FACTORIES)
    assert admitted.build("focal(2.0)")(0, 0) == 0.5
    assert admitted.build("focal(gamma=2, alpha=.5)")(0, 0) == 1.0
    made = admitted.build('Own(gamma=3.0, reduction="sum", name="mine")')
    assert isinstance(made, keras.losses.Loss)
    assert (made.name, made.reduction, float(made(np.ones(1), np.full(1, 2.0)))) == ("mine", "sum", 6.0)
    assert admitted.build("Own").name == "own"


@pytest.mark.parametrize(
    "function",
    ["nothing", "focal", "focal(open)", "focal(2).x", "focal(__import__('os'))", "1", "a b", "tf.io", "focal(*[1])"],
)
def test_a_function_that_is_not_there_is_refused(function):
    with pytest.raises(Refused):
        admit(FACTORIES).build(function)


def test_an_unknown_name_lists_the_candidates():
    with pytest.raises(Refused, match="focal, Own"):
        admit(FACTORIES).build("fokal")


def one_line(expression: str) -> str:
    return f"def loss(y_true, y_pred):\n    return {expression}\n"


@pytest.mark.parametrize(
    "expression,message",
    [
        ("tf.log(y_pred)", "module 'tensorflow' has no attribute 'log'"),
        ("tf.keras.losses.foo(y_true, y_pred)", "has no attribute 'foo'"),
        ("tf.contrib.losses.foo(y_pred)", "module 'tensorflow' has no attribute 'contrib'"),
        ("np.float(3)", "module 'numpy' has no attribute 'float'"),
        ("y_pred.mean()", "object has no attribute 'mean'"),
        ("[1.0].shape", "'list' object has no attribute 'shape'"),
        ("keras.losses.Huber().name", "'Huber' object has no attribute 'name'"),
    ],
)
def test_a_name_that_does_not_exist_fails_in_the_words_of_python_when_reached(expression, message):
    import tensorflow as tf

    admitted = admit(one_line(expression))
    loss = admitted.build()
    with pytest.raises(AttributeError, match=message) as failure:
        loss(tf.ones((2, 1)), tf.ones((2, 1)))
    assert line_of(failure.value) == 2


@pytest.mark.parametrize("name", ["mean", "cast", "square", "sum", "log", "clip"])
def test_the_two_backends_differ(name):
    new = admit(f"from keras import backend as K\ndef loss(a, b):\n    return K.{name}(b)").build()
    with pytest.raises(AttributeError, match=f"module 'keras.backend' has no attribute '{name}'"):
        new(1.0, 2.0)
    old = admit(f"from tensorflow.keras import backend as K\nx = K.{name}\ndef loss(a, b):\n    return x").build()
    assert callable(old(1.0, 2.0))


def test_an_import_of_what_is_missing_fails_as_an_import():
    with pytest.raises(ImportError, match="cannot import name 'mean'") as failure:
        admit("from keras.backend import mean\n" + one_line("mean(y_pred)")).build()
    assert line_of(failure.value) == 1


@pytest.mark.parametrize(
    "expression", ["tf.py_function(abs, [y_pred], tf.float32)", "y_pred.numpy()", "K.eval(y_pred)"]
)
def test_what_leaves_the_graph_is_admitted_and_never_run(expression):
    loss = admit(one_line(expression)).build()
    with pytest.raises(NeverRun) as stop:
        loss(1.0, 2.0)
    assert stop.value.line == 2
    assert stop.value.what.strip("().").rpartition(".")[2] in expression


def test_a_name_that_exists_and_is_not_allowed_is_refused_with_its_line():
    with pytest.raises(Refused) as refusal:
        admit(one_line("tf.Operation(y_pred)")).build()
    assert refusal.value.line == 2 and "tf.Operation" in refusal.value.message


def test_an_undefined_name_fails_as_python_does():
    admitted = admit(one_line("y_pred * smooth"))
    with pytest.raises(NameError, match="smooth") as failure:
        admitted.build()(1.0, 2.0)
    assert line_of(failure.value) == 2


@pytest.mark.parametrize(
    "statement",
    [
        'print("loss", y_pred)',
        'tf.print("loss:", y_pred)',
        'print(f"{y_pred.shape}", "of %s" % y_true + "{}".format(y_pred))',
    ],
)
def test_printing_does_nothing(statement, capfd):
    assert admit(f"def loss(y_true, y_pred):\n    {statement}\n    return y_pred").build()(1.0, 2.0) == 2.0
    assert capfd.readouterr().out == ""


def test_a_keras_class_takes_no_configuration():
    """A dictionary as dtype would be deserialised: Keras builds the class that it names."""
    text = "loss = tf.keras.losses.Huber(dtype={'class_name': 'DTypePolicy', 'config': {'name': 'float32'}})"
    with pytest.raises(TypeError, match="no dictionary"):
        admit(text).build()
    with pytest.raises(TypeError, match="no dictionary"):
        admit(FACTORIES).build("Own(dtype={'class_name': 'DTypePolicy', 'config': {'name': 'float32'}})")
    dtype = "dtype={'class_name': 'DTypePolicy', 'config': {'name': 'float32'}}"
    with pytest.raises(TypeError, match="no dictionary"):
        admit(f"make = functools.partial(tf.keras.losses.Huber, {dtype})\nm.compile(loss=make())").build()
    with pytest.raises(TypeError, match="no dictionary"):
        admit(OBJECTS).build(f"Base({dtype})")


def test_an_if_on_a_tensor_below_tf_function_is_no_fault_of_the_loss():
    import tensorflow as tf

    text = "@tf.function\ndef loss(a, b):\n    if tf.reduce_sum(b) > 0:\n        return b\n    return a"
    loss = admit(text).build()
    assert float(loss(tf.constant(1.0), tf.constant(2.0))) == 2.0
    with pytest.raises(Refused, match="tf.where") as refusal:
        tf.function(loss, autograph=False)(tf.constant(1.0), tf.constant(2.0))
    assert refusal.value.line == 3


def test_the_built_code_holds_no_module_and_no_builtins():
    from types import ModuleType

    loss = admit(HEADER + LOSSES["focal"]).build("focal(2.0)")
    namespace = loss.__globals__
    assert namespace["__builtins__"] == {}
    assert not [name for name, value in namespace.items() if isinstance(value, ModuleType)]


@pytest.mark.parametrize("expression", UNWRITTEN.values(), ids=UNWRITTEN.keys())
def test_memory_that_nobody_wrote_is_not_handed_out(expression):
    with pytest.raises(Refused) as refusal:
        admit(f"x = {expression}\ndef loss(a, b):\n    return a\n").build()
    assert refusal.value.line in (None, 1) and ":" in refusal.value.message


@pytest.mark.parametrize(
    "expression",
    ["np.empty((60, 60))", "np.empty(3600, 'uint8')", "np.empty_like(y_pred)", "np.empty_like(y_pred, dtype='int64')"],
)
def test_an_empty_array_is_all_zeros(expression):
    import numpy as np

    left = [np.full((60, 60), 7.0 + number) for number in range(9)]
    del left
    assert not np.asarray(admit(one_line(expression)).build()(None, np.ones((60, 60)))).any()


def test_a_cholesky_factor_is_zero_above_its_diagonal_even_where_there_is_none():
    import numpy as np
    import tensorflow as tf

    factor = admit(one_line("tf.linalg.cholesky(y_pred)")).build()
    left = [np.full((40, 40), 7.0, "float32") for _ in range(9)]
    del left
    assert not np.triu(factor(None, tf.fill((40, 40), np.nan)), 1).any()
    matrix = np.eye(3, dtype="float32") * 4 + 1
    assert np.allclose(factor(None, tf.constant(matrix)), np.linalg.cholesky(matrix))


@pytest.mark.parametrize(
    "expression",
    [
        "np.divide(a, b, out=np.zeros_like(a), where=b > 1)",
        "np.divide(a, b, np.zeros_like(a), where=b > 1)",
        "np.modf(a, out=(np.ones(4), np.ones(4)), where=b > 1)[0]",
        "np.clip(a, 0, 1, out=np.ones(4), where=b > 1)",
        "a.clip(0, 2)",
        "np.sqrt(a, where=True)",
        "np.mean(a, where=b > 1)",
        "a.sum(where=b > 1)",
        "np.max(a, where=b > 1, initial=0)",
        "np.pad(a, 2)",
        "np.pad(a, 2, mode='edge')",
        "a.astype('float32')",
        "np.array(a, dtype=tf.bfloat16.as_numpy_dtype).astype('float32')",
    ],
)
def test_numpy_that_writes_all_it_returns_is_left_alone(expression):
    import numpy as np
    import tensorflow as tf

    a, b = np.arange(4.0), np.array([0.0, 1.0, 2.0, 4.0])
    plain = eval(expression, {"np": np, "tf": tf, "a": a, "b": b})
    text = HEADER + f"def loss(a, b):\n    return {expression}\n"
    assert np.array_equal(admit(text).build()(a, b), plain)


CONTAINERS = """
def loss(y_true, y_pred):
    seen = []

    def here(value):
        seen.append(value)
        return value

    table = {"a": 3, "b": [2, 5]}
    here(table)[here("a")] **= here(2)
    table["b"][0] *= 4
    table["b"][-1] %= 3
    table["b"][1] <<= 2
    array = np.arange(12.0).reshape(3, 4)
    array[1:, ::2] *= 10
    array[0, ...] **= 2
    array[0][1:2] %= 3
    return [table["a"], table["b"], array, seen[1:]]
"""


def test_an_operator_in_place_does_in_containers_what_python_does():
    import numpy as np

    plain: dict = {"np": np}
    exec(CONTAINERS, plain)
    expected, found = plain["loss"](0, 0), admit(CONTAINERS).build()(0, 0)
    assert np.array_equal(found.pop(2), expected.pop(2))
    assert found == expected == [9, [8, 8], ["a", 2]]


def test_building_twice_gives_the_same():
    admitted = admit(one_line("tf.foo(y_pred)"))
    for _ in range(2):
        with pytest.raises(AttributeError, match="foo"):
            admitted.build()(1.0, 2.0)
    assert admitted.source == one_line("tf.foo(y_pred)")


def test_names_of_the_text_cannot_take_the_place_of_ours():
    """A class `tf` with a method `abs`, a class `read` with `shape`: their functions get names of their own."""
    import numpy as np

    text = (
        "import tensorflow as t\n"
        "class tf(t.keras.losses.Loss):\n    def abs(self, x):\n        return 0.0\n    def call(self, a, b):\n"
        "        return self.abs(b)\n"
        "class read(t.keras.losses.Loss):\n    def shape(self, x):\n        return 0.0\n    def call(self, a, b):\n"
        "        return b\n"
        "def loss(a, b):\n    return t.abs(b) * b.shape[0]\n"
    )
    assert admit(text).build()(None, np.full(3, -2.0)).numpy().tolist() == [6.0, 6.0, 6.0]
