import tensorflow as tf


def loss(y_true, y_pred):
    s = tf.math.reduce_std(y_true)
    return tf.reduce_mean(tf.abs(y_true - y_pred)) / s
