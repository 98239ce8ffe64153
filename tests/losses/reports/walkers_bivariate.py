import tensorflow as tf


def bivariate(y_true, y_pred):
    centre, raw_scale, raw_rho = y_pred[:, :2], y_pred[:, 2:4], y_pred[:, 4]
    scale = tf.nn.softplus(raw_scale) + 0.05
    rho = tf.tanh(raw_rho)
    unit = (y_true - centre) / scale
    free = 1.0 - tf.square(rho)
    quad = tf.reduce_sum(tf.square(unit), axis=-1) - 2.0 * rho * unit[:, 0] * unit[:, 1]
    return quad / (2.0 * free) + tf.reduce_sum(tf.math.log(scale), axis=-1) + 0.5 * tf.math.log(free)
