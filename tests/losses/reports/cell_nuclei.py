import tensorflow as tf


def both_halves(y_true, y_pred):
    p = tf.clip_by_value(y_pred, 1e-3, 1 - 1e-3)
    axes = [1, 2, 3]
    inside = tf.math.divide_no_nan(tf.reduce_sum(y_true * tf.math.log(p), axes), tf.reduce_sum(y_true, axes))
    outside = tf.math.divide_no_nan(
        tf.reduce_sum((1 - y_true) * tf.math.log(1 - p), axes), tf.reduce_sum(1 - y_true, axes)
    )
    return -(inside + outside)
