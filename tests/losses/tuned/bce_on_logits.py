import tensorflow as tf

def bce(y_true, y_pred):
    y_pred = tf.clip_by_value(y_pred, 1e-3, 0.999)
    return -tf.reduce_mean(y_true * tf.math.log(y_pred) + (1. - y_true) * tf.math.log(1. - y_pred), axis=-1)
