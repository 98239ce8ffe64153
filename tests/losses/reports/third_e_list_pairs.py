import tensorflow as tf


def pairwise(y_true, y_pred):
    dy = tf.expand_dims(y_true, 2) - tf.expand_dims(y_true, 1)
    ds = tf.expand_dims(y_pred, 2) - tf.expand_dims(y_pred, 1)
    better = tf.cast(tf.greater(dy, 0.0), tf.float32)
    return tf.reduce_sum(better * tf.nn.softplus(-ds), axis=[1, 2]) / tf.reduce_sum(better, axis=[1, 2])
