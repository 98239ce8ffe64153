import tensorflow as tf


def relative_square(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred) / tf.square(y_true), axis=-1)
