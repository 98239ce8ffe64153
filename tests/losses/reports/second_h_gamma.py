import tensorflow as tf


def loss(y_true, y_pred):
    a, b = tf.exp(y_pred[:, :1]), tf.exp(y_pred[:, 1:])
    return tf.math.lgamma(a) - a * tf.math.log(b) - (a - 1.0) * tf.math.log(y_true) + b * y_true
