import tensorflow as tf


def gauge_loss(y_true, y_pred):
    known = tf.math.is_finite(y_true)
    error = tf.where(known, y_true, 0.0) - tf.where(known, y_pred, 0.0)
    total = tf.reduce_sum(tf.abs(error), axis=[1, 2])
    return tf.reduce_mean(total / tf.reduce_sum(tf.cast(known, tf.float32), axis=[1, 2]))
