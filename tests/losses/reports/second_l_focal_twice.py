import tensorflow as tf


def loss(y_true, y_pred):
    p = tf.sigmoid(y_pred)
    pt = y_true * p + (1 - y_true) * (1 - p)
    return -tf.reduce_mean(tf.square(1 - pt) * tf.math.log(pt + 1e-3), axis=[1, 2, 3])
