import tensorflow as tf

def msle(y_true, y_pred):
    first = tf.math.log1p(y_pred)
    second = tf.math.log1p(y_true)
    return tf.reduce_mean(tf.math.squared_difference(first, second), axis=-1)
