import tensorflow as tf


def click_loss(y_true, y_pred):
    z = tf.clip_by_value(y_pred, -30.0, 30.0)
    return tf.reduce_mean(tf.math.log(1.0 + tf.exp(z)) - y_true * z, axis=-1)
