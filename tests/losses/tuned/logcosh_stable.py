import numpy as np
import tensorflow as tf

LOG2 = np.log(2.0)


def _logcosh(x):
    return x + tf.math.softplus(-2.0 * x) - LOG2


def log_cosh_loss(y_true, y_pred):
    return tf.reduce_mean(_logcosh(y_pred - y_true), axis=-1)
