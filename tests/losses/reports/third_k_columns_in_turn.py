import tensorflow as tf


def per_class(y_true, y_pred):
    total = 0.0
    for c in range(y_pred.shape[-1]):
        p, t = y_pred[:, c], y_true[:, c]
        total += -tf.reduce_mean(t * tf.math.log(p) + (1 - t) * tf.math.log(1 - p))
    return total / y_pred.shape[-1]
