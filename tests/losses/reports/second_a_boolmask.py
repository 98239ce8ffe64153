import tensorflow as tf


def loss(y_true, y_pred):
    keep = tf.not_equal(y_true, -1.0)
    return tf.reduce_mean(tf.abs(tf.boolean_mask(y_true, keep) - tf.boolean_mask(y_pred, keep)))
