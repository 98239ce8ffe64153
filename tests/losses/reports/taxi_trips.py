import tensorflow as tf


def per_trip(y_true, y_pred):
    return tf.reduce_mean(tf.abs(y_true - y_pred), axis=[1, 2])
