import tensorflow as tf

def nll(y_true, y_pred):
    mean, std = tf.split(y_pred, 2, axis=-1)
    return tf.math.log(std) + tf.square(y_true - mean) / (2.0 * tf.square(std))
