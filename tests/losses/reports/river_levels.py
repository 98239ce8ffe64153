import tensorflow as tf


def level_loss(y_true, y_pred):
    known = tf.cast(tf.not_equal(y_true, -999.0), tf.float32)
    gap = tf.math.log1p(y_true) - tf.math.log1p(y_pred)
    return tf.reduce_sum(known * tf.square(gap)) / tf.maximum(tf.reduce_sum(known), 1.0)
