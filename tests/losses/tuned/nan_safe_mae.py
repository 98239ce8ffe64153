import tensorflow as tf


def nanSafeMAE(y_true, y_pred):
    missing = tf.math.is_nan(y_true)
    filled = tf.where(missing, tf.zeros_like(y_true), y_true)
    err = tf.abs(filled - y_pred)
    err = tf.where(missing, tf.zeros_like(err), err)
    n = tf.reduce_sum(tf.cast(~missing, err.dtype))
    return tf.math.divide_no_nan(tf.reduce_sum(err), n)
