import tensorflow as tf

def mse_ignore_missing(y_true, y_pred):
    w = tf.cast(tf.logical_not(tf.math.is_nan(y_true)), y_pred.dtype)
    sq = tf.math.multiply_no_nan(tf.square(y_true - y_pred), w)
    return tf.math.divide_no_nan(tf.reduce_sum(sq), tf.reduce_sum(w))
