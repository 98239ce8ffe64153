import tensorflow as tf


def root_gap(y_true, y_pred):
    known = tf.not_equal(y_true, -999.0)
    safe = tf.where(known, y_true, tf.ones_like(y_true))
    gap = tf.sqrt(safe + 0.01) - tf.sqrt(y_pred + 0.01)
    weight = tf.cast(known, tf.float32)
    return tf.reduce_sum(weight * tf.square(gap)) / tf.maximum(tf.reduce_sum(weight), 1.0)
