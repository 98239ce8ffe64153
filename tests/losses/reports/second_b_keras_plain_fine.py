import tensorflow as tf


def loss(y_true, y_pred):
    return tf.reduce_mean(tf.abs(tf.math.log(y_true + 1.0) - tf.math.log(y_pred + 1.0)), axis=-1)
