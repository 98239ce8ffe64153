import tensorflow as tf


def hurdle(y_true, y_pred):
    bought, amount = y_true[:, 0], y_true[:, 1]
    p, mu = tf.clip_by_value(y_pred[:, 0], 1e-4, 1 - 1e-4), y_pred[:, 1]
    ce = -tf.reduce_mean(bought * tf.math.log(p) + (1 - bought) * tf.math.log(1 - p))
    err = tf.reduce_sum(bought * tf.square(amount - mu)) / tf.reduce_sum(bought)
    return ce + err
