import tensorflow as tf


def slope(x: tf.Tensor) -> tf.Tensor:
    return x[:, 1:] - x[:, :-1]


def shape_loss(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    level = tf.reduce_mean(tf.math.squared_difference(y_true, y_pred), axis=1)
    trend = tf.reduce_mean(tf.math.squared_difference(slope(y_true), slope(y_pred)), axis=1)
    return level + 0.5 * trend
