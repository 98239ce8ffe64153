import tensorflow as tf


def mse_with_mask(y_true, y_pred):
    se = tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)
    mask = getattr(y_pred, "_keras_mask", None)
    if mask is None:
        return tf.reduce_mean(se)
    m = tf.cast(mask, se.dtype)
    return tf.reduce_sum(se * m) / tf.maximum(tf.reduce_sum(m), 1.0)
