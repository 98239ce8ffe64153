import tensorflow as tf


def overlap(y_true, y_pred):
    both = tf.reduce_sum(y_true * y_pred, axis=[1, 2, 3])
    either = tf.reduce_sum(y_true + y_pred - y_true * y_pred, axis=[1, 2, 3])
    return 1.0 - tf.math.divide_no_nan(both, either)
