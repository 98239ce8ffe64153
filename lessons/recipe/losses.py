"""The losses on offer: plain functions `(y_true, y_pred)`, as a learner would write them.

One public function = one loss; its docstring's first line is its label, and names one that returns a single number
“one scalar”. A parameter `epsilon` makes the epsilon
control work, a name that ends in `_from_logits` says that predictions are logits. Keras is imported inside each
function, so that importing this file stays cheap and the page can list the losses without TensorFlow.
A lesson file may add its own, named `<slug>.<function>`. Shapes: y_true, y_pred (batch, time, 1).
"""

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any


def mse(y_true, y_pred):
    """squared error, one value per step"""
    from keras import ops

    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def scalar_mse(y_true, y_pred):
    """squared error, one scalar"""
    from keras import ops

    return ops.mean(ops.square(y_true - y_pred))


def label_masked_mse(y_true, y_pred):
    """squared error where y_true != 0, mean over the last axis"""
    from keras import ops

    mask = ops.cast(ops.not_equal(y_true, 0), y_pred.dtype)
    return ops.mean(ops.square(y_true * mask - y_pred * mask), axis=-1)


def mask_reading_mse(y_true, y_pred, epsilon):
    """squared error, one scalar that reads the mask itself"""
    from keras import ops

    error = ops.square(y_true - y_pred)
    mask = getattr(y_pred, "_keras_mask", None)
    if mask is None:
        return ops.mean(error)
    mask = ops.expand_dims(ops.cast(mask, error.dtype), axis=-1)
    return ops.sum(error * mask) / (ops.sum(mask) + epsilon)


def mae(y_true, y_pred):
    """absolute error, one value per step"""
    from keras import ops

    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def root_error(y_true, y_pred, epsilon):
    """sqrt(squared error + epsilon), one value per step"""
    from keras import ops

    return ops.mean(ops.sqrt(ops.square(y_true - y_pred) + epsilon), axis=-1)


def huber(y_true, y_pred):
    """Huber, one value per step"""
    import keras

    return keras.losses.huber(y_true, y_pred, delta=1.0)


def log_cosh(y_true, y_pred):
    """log-cosh, one value per step"""
    import keras

    return keras.losses.log_cosh(y_true, y_pred)


def log_error(y_true, y_pred, epsilon):
    """log(|error| + epsilon)"""
    from keras import ops

    return ops.mean(ops.log(ops.abs(y_true - y_pred) + epsilon), axis=-1)


def bce_clipped(y_true, y_pred, epsilon):
    """cross-entropy, probability clipped at epsilon"""
    from keras import ops

    p = ops.clip(y_pred, epsilon, 1 - epsilon)
    return ops.mean(-y_true * ops.log(p) - (1 - y_true) * ops.log(1 - p), axis=-1)


def bce_added(y_true, y_pred, epsilon):
    """cross-entropy, epsilon added inside the log"""
    from keras import ops

    return ops.mean(-y_true * ops.log(y_pred + epsilon) - (1 - y_true) * ops.log(1 - y_pred + epsilon), axis=-1)


def bce_from_logits(y_true, y_pred):
    """cross-entropy from logits"""
    import keras

    return keras.losses.binary_crossentropy(y_true, y_pred, from_logits=True)


def cross_entropy(y_true, y_pred):
    """cross-entropy of the right class, one value per step"""
    import keras

    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)


def scalar_cross_entropy(y_true, y_pred):
    """cross-entropy of the right class, one scalar"""
    import keras

    return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True))


def cross_entropy_clipped(y_true, y_pred, epsilon):
    """cross-entropy of the right class, probability clipped at epsilon"""
    from keras import ops

    right = ops.one_hot(ops.cast(y_true[..., 0], "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    return -ops.sum(right * ops.log(ops.clip(y_pred, epsilon, 1 - epsilon)), axis=-1)


Loss = Callable[..., Any]  # of tensors, of whatever float type; see above


# For the classes of a learner's own data or model.
OF_CLASSES = ("cross_entropy", "scalar_cross_entropy", "cross_entropy_clipped")
LABELS = {
    name: (inspect.getdoc(function) or "").partition("\n")[0]
    for name, function in list(globals().items())
    if inspect.isfunction(function) and function.__module__ == __name__ and name not in OF_CLASSES
}


def find(name: str) -> Loss:
    """The loss function of that name. Raises KeyError."""
    if name in LABELS or name in OF_CLASSES:
        return globals()[name]
    slug, _, function = name.partition(".")
    if not slug.isidentifier() or slug.startswith("_") or not function.isidentifier():
        raise KeyError(name)
    try:
        return getattr(importlib.import_module(f"lessons.catalog.{slug}"), function)
    except (ModuleNotFoundError, AttributeError):
        raise KeyError(name) from None


def exists(name: str) -> bool:
    """Whether a function with the parameters of a loss has that name; nothing is raised."""
    try:
        function = find(name)
    except KeyError:
        return False
    return inspect.isfunction(function) and _parameters(function)[:2] == ("y_true", "y_pred")


def label(name: str) -> str:
    """The label in the list of losses: the docstring's first line. Raises KeyError."""
    return (inspect.getdoc(find(name)) or "").partition("\n")[0]


def uses_epsilon(name: str) -> bool:
    """Whether the function takes an epsilon. Raises KeyError."""
    return "epsilon" in _parameters(find(name))


def takes_logits(name: str) -> bool:
    """Whether predictions are logits to it, which its name says."""
    return name.endswith("_from_logits")


def scalar(name: str) -> bool:
    """Whether it returns one number and not one per step or sequence; its label says so. Raises KeyError."""
    return "one scalar" in label(name)


def fitting(name: str, classes: bool) -> str:
    """This loss, or where labels are classes and it takes numbers, or the other way round, the one that is as it is in
    this: one number, or one for each step. Raises KeyError.
    """
    if classes == (name in OF_CLASSES):
        return name
    one, each = ("scalar_cross_entropy", "cross_entropy") if classes else ("scalar_mse", "mse")
    return one if scalar(name) else each


def reads_mask(name: str) -> bool:
    """Whether it looks for the mask of the prediction itself.

    Keras hangs it on the tensor: keras/src/backend/common/masking.py. Raises KeyError.
    """
    return "_keras_mask" in source(name)


def bound(name: str, epsilon: float) -> Loss:
    """The function `(y_true, y_pred)` that is compiled: epsilon enters as the Python number a learner would write.

    Raises KeyError.
    """
    function = find(name)
    return functools.partial(function, epsilon=epsilon) if uses_epsilon(name) else function


def source(name: str) -> str:
    """The text of the function that runs, never a second copy. Raises KeyError."""
    return _text(find(name))


# Of each function they are looked up once: settings ask whenever they are made.


@functools.cache
def _parameters(function: Loss) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


@functools.cache
def _text(function: Loss) -> str:
    return inspect.getsource(function).rstrip()
