import tensorflow as tf


def loss(y_true, y_pred):
    a = tf.reduce_sum(y_true * y_pred, [1, 2])
    b = tf.reduce_sum(y_true + y_pred, [1, 2])
    return 1.0 - tf.reduce_mean((2.0 * a + 1.0) / (b + 1.0), axis=-1)
