import tensorflow as tf

def wasserstein(y_true, y_pred):
    return -tf.reduce_mean(y_true * y_pred)
