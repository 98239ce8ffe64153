import tensorflow as tf


def buoy_loss(y_true, y_pred):
    known = tf.logical_not(tf.math.is_nan(y_true))
    cost = tf.boolean_mask(tf.square(y_true - y_pred), known)
    return tf.reduce_sum(cost) / tf.maximum(tf.reduce_sum(tf.cast(known, tf.float32)), 1.0)
