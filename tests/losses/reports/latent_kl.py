import tensorflow as tf


def to_standard_normal(y_true, y_pred):
    mean, log_var = tf.split(y_pred, 2, axis=-1)
    return 0.5 * tf.reduce_sum(tf.square(mean) + tf.exp(log_var) - log_var - 1.0, axis=-1)
