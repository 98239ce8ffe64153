import tensorflow as tf


def loss(y_true, y_pred):
    d = y_pred - tf.transpose(y_pred)
    s = tf.cast(y_true > tf.transpose(y_true), tf.float32)
    return tf.reduce_sum(tf.nn.softplus(-d) * s) / tf.maximum(tf.reduce_sum(s), 1.0)
