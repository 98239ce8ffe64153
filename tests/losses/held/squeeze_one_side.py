import tensorflow as tf

def mse_squeezed(y_true, y_pred):
    y_pred = tf.squeeze(y_pred)
    return tf.reduce_mean((y_true - y_pred) ** 2)
