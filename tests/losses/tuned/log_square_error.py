import tensorflow as tf

def log_mse(y_true, y_pred):
    se = tf.square(y_true - y_pred)
    return tf.reduce_mean(tf.math.log(se + 1e-9), axis=-1)
