import tensorflow as tf


def loss(y_true, y_pred):
    anchor, like, unlike = y_pred[::3], y_pred[1::3], y_pred[2::3]
    near = tf.sqrt(tf.reduce_sum(tf.square(anchor - like), axis=-1))
    far = tf.sqrt(tf.reduce_sum(tf.square(anchor - unlike), axis=-1))
    return tf.reduce_mean(tf.maximum(near - far + 0.2, 0.0))
