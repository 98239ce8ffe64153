import tensorflow as tf

def cross_entropy(y_true, y_pred):
    return tf.reduce_mean(-y_true * tf.math.log(y_pred + 1e-8))
