import tensorflow as tf


def loss(y_true, y_pred):
    t, e = y_true[:, 0] + 0.1, y_true[:, 1]
    a, b = y_pred[:, 0] + 0.1, tf.minimum(y_pred[:, 1], 5.0) + 0.1
    r = tf.pow(t / a, b)
    return r - e * (tf.math.log(b / a) + (b - 1.0) * tf.math.log(t / a))
