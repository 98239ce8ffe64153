import tensorflow as tf


def pairwise(y_true, y_pred):
    dy = y_true[:, :, None] - y_true[:, None, :]
    ds = y_pred[:, :, None] - y_pred[:, None, :]
    better = tf.cast(dy > 0, tf.float32)
    loss = tf.reduce_sum(better * tf.nn.relu(1.0 - ds), axis=[1, 2])
    return loss / tf.maximum(tf.reduce_sum(better, axis=[1, 2]), 1.0)
