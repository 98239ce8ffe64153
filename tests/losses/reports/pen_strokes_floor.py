import tensorflow as tf


def strokes(y_true, y_pred):
    centre = tf.reshape(y_pred[:, :4], [-1, 2, 2])
    scale = tf.nn.softplus(y_pred[:, 4:6]) + 0.1
    log_share = tf.nn.log_softmax(y_pred[:, 6:])
    square = tf.reduce_sum(tf.square(y_true[:, None, :] - centre), axis=-1)
    log_bell = -square / (2.0 * tf.square(scale)) - 2.0 * tf.math.log(scale) - 1.8379
    return -tf.reduce_logsumexp(log_share + log_bell, axis=-1)
