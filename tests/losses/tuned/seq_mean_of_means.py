import tensorflow as tf


def per_sequence_mae(y_true, y_pred):
    m = tf.cast(y_true >= 0, tf.float32)
    err = tf.abs(y_true - y_pred) * m
    per_seq = tf.math.divide_no_nan(tf.reduce_sum(err, axis=[1, 2]), tf.reduce_sum(m, axis=[1, 2]))
    return per_seq
