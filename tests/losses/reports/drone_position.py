import tensorflow as tf


def metres(y_true, y_pred):
    return tf.sqrt(tf.reduce_sum(tf.square(y_true - y_pred), axis=-1) + 1e-6)
