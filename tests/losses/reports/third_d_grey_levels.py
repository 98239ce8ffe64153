import tensorflow as tf


def grey(y_true, y_pred):
    y_true = tf.cast(y_true, y_pred.dtype)
    d = 255.0 * y_true - 255.0 * y_pred
    return tf.reduce_mean(tf.square(d)) / 65025.0
