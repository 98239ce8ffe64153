import tensorflow as tf


def loss(y_true, y_pred):
    mean, log_scale = tf.split(y_pred, 2, axis=-1)
    return tf.reduce_mean(log_scale + 0.5 * tf.square((y_true - mean) / tf.exp(log_scale)), axis=-1)
