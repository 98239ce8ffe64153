import tensorflow as tf


def poissonLoss(y_true, y_pred):
    return tf.reduce_mean(y_pred - y_true * tf.math.log(y_pred + 1e-3), axis=-1)
