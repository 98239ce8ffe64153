import tensorflow as tf


def entropy(y_true, y_pred):
    return -tf.reduce_sum(y_pred * tf.math.log(y_pred), axis=-1)
