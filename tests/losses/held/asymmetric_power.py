import tensorflow as tf

def asymmetric(y_true, y_pred):
    e = y_true - y_pred
    under = e ** 0.5
    over = tf.square(e)
    return tf.reduce_mean(tf.where(e > 0, under, over), axis=-1)
