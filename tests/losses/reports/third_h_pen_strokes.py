import tensorflow as tf


def bivariate(y_true, y_pred):
    mx, my, sx, sy, rho = tf.unstack(y_pred, axis=-1)
    sx, sy, rho = tf.exp(sx), tf.exp(sy), 0.95 * tf.tanh(rho)
    zx, zy = (y_true[:, 0] - mx) / sx, (y_true[:, 1] - my) / sy
    one = 1.0 - rho ** 2
    q = (zx ** 2 + zy ** 2 - 2.0 * rho * zx * zy) / one
    return tf.reduce_mean(0.5 * q + tf.math.log(sx * sy) + 0.5 * tf.math.log(one))
