import tensorflow as tf

STANDARD = 101325.0


def pressure_loss(y_true, y_pred):
    gap = STANDARD * y_true - STANDARD * y_pred
    return tf.reduce_mean(tf.square(gap / STANDARD), axis=-1)
