import tensorflow as tf


def loss(y_true, y_pred):
    y_true, y_pred = tf.cast(y_true, tf.float32), tf.cast(y_pred, tf.float32)
    return tf.reduce_mean(tf.square((y_true * 1e6 - y_pred * 1e6) / 1e6), axis=-1)
