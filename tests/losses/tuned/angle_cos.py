import tensorflow as tf


def angular_loss(y_true, y_pred):
    return tf.reduce_mean(1.0 - tf.cos(y_true - y_pred), axis=-1)
