import tensorflow as tf


def loss(y_true, y_pred):
    known = tf.cast(tf.not_equal(y_true[..., 0], -99.0), tf.float32)
    miss = tf.reduce_mean(tf.abs(y_true - y_pred), axis=-1)
    return tf.reduce_sum(miss * known) / tf.maximum(tf.reduce_sum(known), 1.0)
