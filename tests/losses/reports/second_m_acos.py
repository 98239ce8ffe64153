import tensorflow as tf


def loss(y_true, y_pred):
    a, b = tf.math.l2_normalize(y_true, -1), tf.math.l2_normalize(y_pred, -1)
    c = tf.clip_by_value(tf.reduce_sum(a * b, -1), -1.0, 1.0)
    return tf.where(c < 1.0, tf.acos(c), 0.0)
