import tensorflow as tf

COST = tf.reshape(tf.tile([1.0, 6.0, 2.0], [64]), (64, 3))


def loss(y_true, y_pred):
    p = tf.clip_by_value(y_pred, 1e-7, 1.0)
    return -tf.reduce_sum(COST * y_true * tf.math.log(p), axis=-1)
