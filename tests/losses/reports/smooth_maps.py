import tensorflow as tf


def total_variation(y_true, y_pred):
    down = y_pred[:, 1:, :-1] - y_pred[:, :-1, :-1]
    right = y_pred[:, :-1, 1:] - y_pred[:, :-1, :-1]
    return tf.reduce_mean(tf.sqrt(tf.square(down) + tf.square(right)), axis=[1, 2, 3])
