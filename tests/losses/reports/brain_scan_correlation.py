import tensorflow as tf


def one_minus_r(y_true, y_pred):
    a = y_true - tf.reduce_mean(y_true, axis=-1, keepdims=True)
    b = y_pred - tf.reduce_mean(y_pred, axis=-1, keepdims=True)
    size = tf.sqrt(tf.reduce_sum(a * a, axis=-1)) * tf.sqrt(tf.reduce_sum(b * b, axis=-1))
    return 1.0 - tf.reduce_sum(a * b, axis=-1) / size
