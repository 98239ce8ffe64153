import tensorflow as tf

def bias_loss(y_true, y_pred):
    return tf.reduce_mean(y_true - y_pred)
