import tensorflow as tf


def loss(y_true, y_pred):
    time, failed = y_true[:, 0], y_true[:, 1]
    rate = y_pred[:, 0] + 1e-3
    return rate * time - failed * (tf.math.log(rate) + 0.1 * tf.math.log(time))
