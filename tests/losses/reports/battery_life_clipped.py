import tensorflow as tf


def heteroscedastic(y_true, y_pred):
    mean, log_var = tf.split(y_pred, 2, axis=-1)
    log_var = 6.0 * tf.tanh(log_var / 6.0)
    return tf.reduce_mean(0.5 * tf.square(y_true - mean) * tf.exp(-log_var) + 0.5 * log_var, axis=-1)
