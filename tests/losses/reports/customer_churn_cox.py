import tensorflow as tf


def cox(y_true, y_pred):
    order = tf.argsort(y_true[:, 0], direction="DESCENDING")
    left = tf.gather(y_true[:, 1], order)
    risk = tf.gather(y_pred[:, 0], order)
    log_sum = tf.math.cumulative_logsumexp(risk)
    return tf.reduce_sum((log_sum - risk) * left) / tf.maximum(tf.reduce_sum(left), 1.0)
