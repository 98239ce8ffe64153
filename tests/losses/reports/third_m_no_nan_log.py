import tensorflow as tf


def xlogy(y_true, y_pred):
    a = tf.math.multiply_no_nan(tf.math.log(y_pred), y_true)
    b = tf.math.multiply_no_nan(tf.math.log(1.0 - y_pred), 1.0 - y_true)
    return -tf.reduce_mean(a + b)
