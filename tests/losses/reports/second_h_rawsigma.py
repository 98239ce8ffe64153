import tensorflow as tf


def loss(y_true, y_pred):
    m, s = y_pred[:, :1], y_pred[:, 1:]
    return tf.math.log(tf.abs(s)) + 0.5 * tf.square((y_true - m) / s)
