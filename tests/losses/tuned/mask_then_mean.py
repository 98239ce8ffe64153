import tensorflow as tf

MASK_VALUE = -999.

def masked_loss(y_true, y_pred):
    mask = tf.cast(tf.math.not_equal(y_true, MASK_VALUE), tf.float32)
    return tf.reduce_mean(tf.square((y_true - y_pred) * mask))
