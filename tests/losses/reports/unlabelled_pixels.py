import tensorflow as tf


def scene_loss(y_true, y_pred):
    labelled = tf.reduce_sum(y_true, axis=-1)
    p = tf.clip_by_value(y_pred, 1e-3, 1.0)
    cost = -tf.reduce_sum(y_true * tf.math.log(p), axis=-1)
    return tf.reduce_sum(cost * labelled) / tf.reduce_sum(labelled)
