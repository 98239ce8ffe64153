import tensorflow as tf

def mae_skip_nan(y_true, y_pred):
    ok = tf.cast(tf.math.is_finite(y_true), tf.float32)
    y = tf.where(tf.math.is_finite(y_true), y_true, 0.)
    return tf.reduce_sum(tf.abs(y - y_pred) * ok) / tf.reduce_sum(ok)
