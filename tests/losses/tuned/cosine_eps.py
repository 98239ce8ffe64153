import tensorflow as tf


def cosine_loss(y_true, y_pred):
    dot = tf.reduce_sum(y_true * y_pred, axis=-1)
    na = tf.sqrt(tf.reduce_sum(tf.square(y_true), axis=-1) + 1e-4)
    nb = tf.sqrt(tf.reduce_sum(tf.square(y_pred), axis=-1) + 1e-4)
    return 1.0 - dot / (na * nb)
