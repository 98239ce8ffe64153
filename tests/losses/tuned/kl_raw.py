import tensorflow as tf

def kl(y_true, y_pred):
    return tf.reduce_sum(y_true * tf.math.log(y_true / y_pred), axis=-1)
