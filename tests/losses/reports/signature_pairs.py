import tensorflow as tf


def pair_loss(y_true, y_pred):
    genuine = tf.reduce_sum(y_true * tf.square(y_pred)) / tf.reduce_sum(y_true)
    short = tf.maximum(1.0 - y_pred, 0.0)
    forged = tf.reduce_sum((1 - y_true) * tf.square(short)) / tf.reduce_sum(1 - y_true)
    return genuine + forged
