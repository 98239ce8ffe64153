import tensorflow as tf

def mse_no_nan(y_true, y_pred):
    y_true = tf.where(tf.math.is_nan(y_true), tf.zeros_like(y_true), y_true)
    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)
