import tensorflow as tf

def masked_mse_nan(y_true, y_pred):
    mask = tf.cast(tf.logical_not(tf.math.is_nan(y_true)), tf.float32)
    diff = (y_true - y_pred) * mask
    return tf.reduce_sum(tf.square(diff)) / tf.maximum(tf.reduce_sum(mask), 1.)
