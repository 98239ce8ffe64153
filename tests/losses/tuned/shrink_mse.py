import tensorflow as tf

def mse_with_l2(y_true, y_pred):
    mse = tf.reduce_mean(tf.square(y_true - y_pred))
    reg = tf.reduce_mean(tf.square(y_pred))
    return mse + reg
