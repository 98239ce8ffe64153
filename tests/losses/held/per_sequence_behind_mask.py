import tensorflow as tf

def sequence_mse(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred), axis=[1, 2])
