import tensorflow as tf

def ranking_mse(y_true, y_pred):
    dt = tf.expand_dims(y_true, 2) - tf.expand_dims(y_true, 1)
    dp = tf.expand_dims(y_pred, 2) - tf.expand_dims(y_pred, 1)
    pair = tf.reduce_mean(tf.square(dt - dp), axis=[1, 2])
    point = tf.reduce_mean(tf.square(y_true - y_pred), axis=1)
    return point + 0.5 * pair
