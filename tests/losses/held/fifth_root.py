import tensorflow as tf

POWER = 0.2

def lp_loss(y_true, y_pred):
    return tf.reduce_mean(tf.pow(tf.abs(y_true - y_pred), POWER), axis=-1)
