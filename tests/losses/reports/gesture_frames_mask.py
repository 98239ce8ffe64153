import tensorflow as tf


def joint_loss(y_true, y_pred):
    cost = tf.reduce_mean(tf.abs(y_true - y_pred), axis=-1)
    mask = getattr(y_pred, "_keras_mask", None)
    if mask is None:
        return tf.reduce_mean(cost)
    kept = tf.cast(mask, tf.float32)
    return tf.reduce_sum(cost * kept) / tf.reduce_sum(kept)
