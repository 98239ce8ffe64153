import tensorflow as tf


def reach(y_true, y_pred):
    square = tf.reduce_sum(tf.square(y_true - y_pred), axis=-1)
    return tf.where(square > 0.0, tf.sqrt(square), tf.zeros_like(square))
