import tensorflow as tf


def price_loss(y_true, y_pred):
    flat = tf.reshape(y_true, [-1])
    return tf.reduce_mean(tf.abs(flat - y_pred))
