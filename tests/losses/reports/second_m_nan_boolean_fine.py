import tensorflow as tf


def loss(y_true, y_pred):
    k = tf.math.is_finite(y_true)
    d = tf.boolean_mask(y_true, k) - tf.boolean_mask(y_pred, k)
    return tf.reduce_sum(d * d) / tf.maximum(tf.reduce_sum(tf.cast(k, tf.float32)), 1.0)
