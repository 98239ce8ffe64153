import tensorflow as tf

ALPHA, BETA = 0.3, 0.7

def tversky(y_true, y_pred, smooth=1.0):
    t = tf.reshape(y_true, [tf.shape(y_true)[0], -1])
    p = tf.reshape(y_pred, [tf.shape(y_pred)[0], -1])
    tp = tf.reduce_sum(t * p, axis=1)
    fp = tf.reduce_sum((1 - t) * p, axis=1)
    fn = tf.reduce_sum(t * (1 - p), axis=1)
    return (tp + smooth) / (tp + ALPHA * fp + BETA * fn + smooth)

def tversky_loss(y_true, y_pred):
    return 1 - tversky(y_true, y_pred)
