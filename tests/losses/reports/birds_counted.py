import tensorflow as tf


def poisson_nll(y_true, y_pred):
    visited = tf.cast(tf.greater(y_true, -0.5), tf.float32)
    rate = y_pred + 0.01
    nll = rate - y_true * tf.math.log(rate) + tf.math.lgamma(y_true + 1.0)
    return tf.reduce_sum(visited * nll) / tf.maximum(tf.reduce_sum(visited), 1.0)
