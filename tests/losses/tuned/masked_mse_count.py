import tensorflow as tf

PAD_VALUE = -999.0


def masked_mse(y_true, y_pred):
    """MSE over the steps that are really there."""
    valid = tf.cast(tf.not_equal(y_true, PAD_VALUE), tf.float32)
    sq = tf.square(y_true - y_pred) * valid
    return tf.reduce_sum(sq) / tf.maximum(tf.reduce_sum(valid), 1.0)
