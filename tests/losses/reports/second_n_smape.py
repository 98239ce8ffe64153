import tensorflow as tf


def loss(y_true, y_pred):
    return tf.reduce_mean(2.0 * tf.abs(y_true - y_pred) / (tf.abs(y_true) + tf.abs(y_pred)), -1)
