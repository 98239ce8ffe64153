import tensorflow as tf


def symmetric_relative(y_true, y_pred):
    return tf.reduce_mean(tf.abs(y_true - y_pred) / (1.0 + y_true + y_pred), axis=-1)
