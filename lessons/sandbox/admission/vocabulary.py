"""What a pasted loss may call: functions named one by one, each bound by itself. No module reaches the pasted code.

`families` has their table; here is what else the text may name, and why other names are refused. TensorFlow, Keras and
NumPy are imported only when a name is resolved.
"""

import builtins
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

from lessons.sandbox.admission.families import LOSS_CLASSES, LOSSES, TABLE

# A root of dotted names, and the package behind it.
PACKAGES = {"tf": "tensorflow", "keras": "keras", "np": "numpy", "math": "math", "functools": "functools"}
ROOTS = {package: root for root, package in PACKAGES.items()}

# People paste only the function: these are known without an import. The K of such answers is the old backend.
KNOWN = {
    "tf": "tf",
    "keras": "keras",
    "K": "tf.keras.backend",
    "ops": "keras.ops",
    "np": "np",
    "math": "math",
    "functools": "functools",
    "tensorflow": "tf",
    "numpy": "np",
}

# What is known by its bare name. `print` is dropped where it is called.
BUILTINS = {
    name: getattr(builtins, name)
    for name in (
        "abs all any bool complex dict divmod enumerate filter float int isinstance len list map max min pow range "
        "reversed round set slice sorted str sum tuple zip ValueError TypeError NotImplementedError"
    ).split()
}

# The code may name them, so that the clinic can say what they do to a gradient; nothing is run when it gets there.
NEVER_RUN = frozenset(
    {"tf.py_function", "tf.numpy_function", "tf.compat.v1.py_func", "tf.py_func"}
    | {f"{root}.backend.{name}" for root in ("keras", "tf.keras") for name in ("eval", "get_value", "batch_get_value")}
)

# Calls that only show something: they are left out.
SILENT = frozenset({"print", "tf.print", "tf.compat.v1.print", "tf.keras.backend.print_tensor"})

# Decorators that change nothing in what a loss computes: they are left out.
IDLE_DECORATORS = frozenset(
    {"tf.function", "functools.wraps", "tf.autograph.experimental.do_not_convert"}
    | {
        f"{root}.{package}.register_keras_serializable"
        for root in ("keras", "tf.keras")
        for package in ("saving", "utils")
    }
)
GRADIENT_DECORATORS = frozenset({"tf.custom_gradient", "keras.ops.custom_gradient", "tf.keras.ops.custom_gradient"})

# Blocks that may stand after `with`.
SCOPES = frozenset({"tf.name_scope", "tf.keras.backend.name_scope", "tf.control_dependencies"})

_LOSS_FAMILIES = ("keras.losses", "tf.keras.losses", "tf.losses")
LOSS_BASES = frozenset(
    {f"{root}.Loss" for root in ("keras.losses", "tf.keras.losses", "tf.losses", "keras", "tf.keras")}
)

_FILES = "a loss reads and writes no files"
_MODEL = "paste the loss only, without the model around it"
_TAPE = "the clinic takes the gradient itself: leave the tape out"
_PURE = "a loss may only compute with its tensors"

# Said at once, without loading a library. What is in neither table is looked up when the code is built.
DENIED = {
    _FILES: """
        tf.io tf.saved_model tf.data tf.summary tf.train tf.audio tf.profiler tf.lookup tf.debugging.experimental
        np.load np.loadtxt np.save np.savez np.savez_compressed np.savetxt np.genfromtxt np.fromfile np.fromregex
        np.memmap np.lib keras.saving keras.datasets keras.preprocessing keras.utils
    """,
    _MODEL: """
        keras.models keras.layers keras.Model keras.Sequential keras.Input keras.optimizers keras.callbacks
        keras.applications keras.initializers keras.regularizers keras.constraints keras.export keras.Layer
        keras.Optimizer tf.Module tf.optimizers tf.initializers tf.distribute tf.tpu tf.lite
    """,
    _TAPE: "tf.GradientTape tf.autodiff",
    _PURE: """
        tf.raw_ops tf.strings tf.config tf.sysconfig tf.experimental tf.load_library tf.load_op_library tf.function
        tf.autograph tf.import_graph_def tf.graph_util tf.feature_column tf.mlir tf.xla tf.queue tf.test tf.types
        tf.nest tf.dtensor tf.compat.v2 tf.init_scope tf.device tf.Graph tf.python tf.tools tf.version tf.as_string
        tf.make_ndarray tf.random.set_seed keras.src keras.distribution keras.tree keras.dtype_policies keras.legacy
        np.ctypeslib np.f2py np.testing np.core np.vectorize np.frompyfunc np.bmat np.fromstring np.frombuffer
        np.fromfunction np.matrix np.r_ np.c_ np.set_printoptions np.seterrcall np.errstate np.random.seed
    """,
}
REASONS = {prefix: reason for reason, prefixes in DENIED.items() for prefix in prefixes.split()} | {
    f"keras.{family}.{name}": _PURE
    for family in ("losses", "metrics", "activations")
    for name in ("get", "serialize", "deserialize")
}


@dataclass(frozen=True)
class Vocabulary:
    """The names of libraries that one kind of text, `what`, may say.

    `table`: family -> names. `known`: what is bound without an import. `reasons`: why names below a prefix are refused.
    `canonical`: the path that stands for another.
    """

    what: str
    table: Mapping[str, frozenset[str]]
    known: Mapping[str, str]
    reasons: Mapping[str, str]
    canonical: Callable[[str], str] = str

    @cached_property
    def modules(self) -> frozenset[str]:
        """Every dotted name that leads to a family: it may be given a shorter name, but it is no value."""
        families = (family.split(".") for family in self.table)
        return frozenset(".".join(parts[:count]) for parts in families for count in range(1, len(parts) + 1))

    def is_allowed(self, path: str) -> bool:
        """Whether the value behind this dotted name may be given to pasted code."""
        family, _, name = path.rpartition(".")
        return name in self.table.get(family, ())

    def denial(self, path: str) -> str | None:
        """Why a dotted name that is not allowed is refused out of hand; None if only the library can say."""
        parts = path.replace("tf.keras.", "keras.", 1).split(".")
        prefixes = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        return next((self.reasons[prefix] for prefix in prefixes if prefix in self.reasons), None)


LOSS = Vocabulary("loss", TABLE, KNOWN, REASONS)
is_allowed = LOSS.is_allowed


def is_loss_class(path: str | None) -> bool:
    """Whether this is one of Keras' own loss classes, such as `tf.keras.losses.Huber`."""
    family, _, name = (path or "").rpartition(".")
    return family in _LOSS_FAMILIES and name in LOSS_CLASSES.split()


def is_loss_base(path: str | None) -> bool:
    """Whether a pasted class may inherit from this: keras.losses.Loss, or one of Keras' own loss classes."""
    return path in LOSS_BASES or is_loss_class(path)


def is_loss_function(path: str | None) -> bool:
    """Whether this is one of Keras' own loss functions, such as `keras.losses.huber`."""
    family, _, name = (path or "").rpartition(".")
    return family in _LOSS_FAMILIES and name in LOSSES.split()


def resolve(path: str) -> object:
    """What the installed library has under this dotted name; AttributeError in the library's own words if nothing."""
    root, *names = path.split(".")
    value: object = importlib.import_module(PACKAGES[root])
    for position, name in enumerate(names):
        if position and not isinstance(value, ModuleType) and not is_allowed(path):
            return value  # Inside a class: that it exists is all there is to know.
        value = getattr(value, name)
    return value
