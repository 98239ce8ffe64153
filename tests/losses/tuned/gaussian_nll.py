import tensorflow as tf

MIN_SIGMA = 0.05


def gaussian_nll(y_true, y_pred):
    mu = y_pred[:, 0:1]
    sigma = y_pred[:, 1:2] + MIN_SIGMA
    z = (y_true - mu) / sigma
    return tf.reduce_mean(0.5 * tf.square(z) + tf.math.log(sigma), axis=-1)
