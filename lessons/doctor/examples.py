"""Losses to try the clinic with, as people paste them. None declares an option: all of them are inferred."""

from dataclasses import dataclass

from lessons.recipe.bad_input import BadInput


@dataclass(frozen=True)
class Example:
    """`name` is what an address calls it, `label` what its button says."""

    name: str
    label: str
    text: str


ZEROS = """\
from tensorflow.keras import backend as K

def masked_mse(y_true, y_pred):
    # 0 is padding
    mask = K.cast(K.not_equal(y_true, 0), K.floatx())
    return K.mean(K.square((y_true - y_pred) * mask), axis=-1)
"""

NAN_LABELS = '''\
import tensorflow as tf

def nan_mse(y_true, y_pred):
    """Skips labels that are missing."""
    valid = tf.cast(~tf.math.is_nan(y_true), tf.float32)
    error = tf.square(y_true - y_pred) * valid
    return tf.reduce_sum(error) / tf.reduce_sum(valid)
'''

LOG = """\
from keras import ops

def cross_entropy(y_true, y_pred):
    return -ops.mean(y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred))
"""

FROZEN = """\
import tensorflow as tf

def threshold_error(y_true, y_pred):
    error = tf.abs(y_true - y_pred)
    return tf.reduce_mean(tf.where(y_pred > 0.5, error, 0.0))
"""

BOTTOMLESS = """\
import tensorflow as tf

def log_error(y_true, y_pred):
    return tf.reduce_mean(tf.math.log(tf.abs(y_true - y_pred) + 1e-7))
"""

CROSSED = """\
import tensorflow as tf

def mean_of_heads(y_true, y_pred):
    guess = tf.reduce_mean(y_pred, axis=-1)
    return tf.reduce_mean(tf.square(y_true - guess))
"""

NUMPY = """\
import numpy as np

def rmse(y_true, y_pred):
    return np.sqrt(np.mean(np.square(y_true - y_pred)))
"""

HEALTHY = """\
import tensorflow as tf

MASK_VALUE = -999.0

def masked_mse(y_true, y_pred):
    valid = tf.cast(tf.not_equal(y_true, MASK_VALUE), tf.float32)
    error = tf.square(y_true - y_pred) * valid
    return tf.reduce_sum(error) / tf.maximum(tf.reduce_sum(valid), 1.0)
"""

EXAMPLES = {
    example.name: example
    for example in (
        Example("zeros", "masks zeros", ZEROS),
        Example("missing", "skips NaN labels", NAN_LABELS),
        Example("log", "log without a floor", LOG),
        Example("threshold", "counts above 0.5", FROZEN),
        Example("bottomless", "log of the error", BOTTOMLESS),
        Example("crossed", "mean of the heads", CROSSED),
        Example("numpy", "NumPy inside", NUMPY),
        Example("healthy", "a healthy one", HEALTHY),
    )
}


def find(name: str) -> Example:
    """Raises BadInput for a name that none has."""
    if name not in EXAMPLES:
        raise BadInput(f"example: got “{name[:40]}”; there are {', '.join(EXAMPLES)}.")
    return EXAMPLES[name]
