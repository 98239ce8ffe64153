import tensorflow as tf


def loss(y_true, y_pred):
    r = tf.reduce_max(y_true, -1) - tf.reduce_min(y_true, -1)
    return tf.sqrt(tf.reduce_mean(tf.square(y_true - y_pred), -1) + 1e-6) / (r + 0.1)
