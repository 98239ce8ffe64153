import tensorflow as tf

EPSILON = 1e-10

def xent(y_true, y_pred):
    pos = y_true * tf.math.log(y_pred + EPSILON)
    neg = (1 - y_true) * tf.math.log((1 - y_pred) + EPSILON)
    return -tf.reduce_mean(pos + neg, axis=-1)
