import tensorflow as tf


def loss(y_true, y_pred):
    n = tf.sqrt(tf.reduce_sum(tf.square(y_pred), -1) + 1e-4)
    return tf.square(tf.maximum(n - 1.0, 0.0))
