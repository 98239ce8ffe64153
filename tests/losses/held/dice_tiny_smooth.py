import tensorflow as tf

SMOOTH = 1e-8

def dsc_loss(y_true, y_pred):
    num = 2. * tf.reduce_sum(y_true * y_pred, axis=(1, 2, 3)) + SMOOTH
    den = tf.reduce_sum(y_true, axis=(1, 2, 3)) + tf.reduce_sum(y_pred, axis=(1, 2, 3)) + SMOOTH
    return 1. - num / den
