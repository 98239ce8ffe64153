import tensorflow as tf


def loss(y_true, y_pred):
    s = tf.reduce_sum(tf.square(255.0 * y_true - 255.0 * y_pred), [1, 2, 3])
    return s / (255.0 * 255.0 * 49152.0)
