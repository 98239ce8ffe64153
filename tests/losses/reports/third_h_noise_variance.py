import tensorflow as tf


def het(y_true, y_pred):
    mu, var = y_pred[:, 0], y_pred[:, 1]
    err = tf.square(y_true[:, 0] - mu)
    return tf.reduce_mean(0.5 * tf.math.log(var) + 0.5 * err / var)
