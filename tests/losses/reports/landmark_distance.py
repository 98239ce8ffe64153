import tensorflow as tf


def distance(y_true, y_pred):
    return tf.sqrt(tf.reduce_sum(tf.square(y_true - y_pred), axis=-1) + 1e-12)
