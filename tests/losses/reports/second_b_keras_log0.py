import tensorflow as tf


def loss(y_true, y_pred):
    return tf.reduce_mean(tf.abs(tf.math.log(y_true) - tf.math.log(y_pred + 0.01)), axis=-1)
