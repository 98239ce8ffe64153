import tensorflow as tf


def loss(y_true, y_pred):
    mean, spread = y_pred[..., :1], tf.clip_by_value(y_pred[..., 1:2], -5.0, 5.0)
    spread = spread + 0.01 * tf.square(y_pred[..., 1:2])
    return tf.square(y_true - mean) + 0.01 * tf.square(spread)
