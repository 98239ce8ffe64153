import tensorflow as tf


def pairwise(y_true, y_pred):
    better = tf.cast(y_true[:, :, None] > y_true[:, None, :], tf.float32)
    ahead = y_pred[:, :, None] - y_pred[:, None, :]
    cost = tf.nn.softplus(-ahead) * better
    return tf.reduce_sum(cost, axis=[1, 2]) / tf.reduce_sum(better, axis=[1, 2])
