"""The names of libraries that a pasted model may say: those of a loss, and Keras' layers and what they are given."""

import re

from lessons.sandbox.admission import vocabulary
from lessons.sandbox.admission.families import TABLE
from lessons.sandbox.admission.model import layers

_ROOTS = ("keras", "tf.keras")
MODELS = frozenset({"Sequential", "Model"})
_OURS = {
    "layers": frozenset(layers.LAYERS) | frozenset(layers.MERGES) | {"Input"},
    "models": MODELS,
    "": MODELS | {"Input"},
    "initializers": layers.INITIALIZERS | {"get"},
    "regularizers": layers.REGULARIZERS | {"get"},
    "constraints": layers.CONSTRAINTS | {"get"},
    "activations": TABLE["keras.activations"] | {"get"},
    "random": TABLE["keras.random"] | {"SeedGenerator"},
}
_TABLE = TABLE | {(f"{root}.{part}" if part else root): names for root in _ROOTS for part, names in _OURS.items()}

# Where layers stood in older Keras, or stand in its inside.
_OLD = re.compile(r"^(?:tf\.python\.keras|tf\.keras|keras)\.(?:src\.)?(?:[a-z_0-9]+\.)*([A-Z]\w*)$")
_OLD_ROOTS = ("tf.python.keras.", "keras.engine.", "tf.compat.v1.keras.")
_CLASSES = frozenset(layers.LAYERS) | {"Layer", "Input"}


def _canonical(path: str) -> str:
    """`keras.layers.LSTM` for `tf.python.keras.layers.recurrent.LSTM`; any other path as it is."""
    found = _OLD.match(path)
    if found and (".layers." in path or ".engine." in path) and found[1] in _CLASSES:
        return f"keras.layers.{found[1]}"
    if found and (".engine." in path or ".models." in path) and found[1] in MODELS:
        return f"keras.models.{found[1]}"
    for root in _OLD_ROOTS:
        if path.startswith(root):
            return "keras." + path.removeprefix(root)
    return path


# A text without its imports is read too.
_BARE = {name: f"keras.layers.{name}" for name in (*layers.LAYERS, *layers.MERGES, "Layer", "Input")} | {
    "Sequential": "keras.models.Sequential",
    "Model": "keras.models.Model",
    **{
        part: f"keras.{part}"
        for part in ("layers", "models", "initializers", "regularizers", "constraints", "activations")
    },
}

_HERE = "only the model is built here: leave it out"
_LAYER = "it is not among the layers and functions that a model may have here"
_REASONS = {prefix: reason.replace("a loss", "a model") for prefix, reason in vocabulary.REASONS.items()}
_REASONS |= dict.fromkeys(
    ("keras.optimizers", "keras.callbacks", "keras.utils", "keras.metrics", "tf.GradientTape"), _HERE
)
_REASONS |= dict.fromkeys(("keras.applications", "keras.models", "keras.export"), "a model reads and writes no files")
_REASONS |= dict.fromkeys(
    [f"keras.{part}" for part in "layers initializers regularizers constraints engine".split()] + ["tf.Module"],
    _LAYER,
)
_REASONS |= dict.fromkeys(
    ("keras.Layer", "keras.layers.Layer"), "it is a base for classes here: call a layer that computes something"
)
MODEL = vocabulary.Vocabulary("model", _TABLE, vocabulary.KNOWN | _BARE, _REASONS, _canonical)

LAYER_BASES = frozenset(f"{root}.{name}" for root in _ROOTS for name in ("Layer", "layers.Layer"))
MODEL_BASES = frozenset(f"{root}.{name}" for root in _ROOTS for name in ("Model", "models.Model"))


def is_layer(path: str | None) -> bool:
    """Whether this is one of the layers in the table."""
    family, _, name = (path or "").rpartition(".")
    return family in ("keras.layers", "tf.keras.layers") and name in layers.LAYERS


def makes_model(path: str | None) -> bool:
    """Whether calling this makes a model: `keras.Sequential`, `keras.models.Model`."""
    family, _, name = (path or "").rpartition(".")
    return family in ("keras", "tf.keras", "keras.models", "tf.keras.models") and name in MODELS
