import tensorflow as tf

def pseudo_huber_nan(y_true, y_pred):
    e = tf.sqrt(1.0 + tf.square(y_true - y_pred)) - 1.0
    e = tf.where(tf.math.is_nan(y_true), 0.0, e)
    count = tf.reduce_sum(tf.cast(tf.math.is_finite(y_true), tf.float32))
    return tf.reduce_sum(e) / tf.maximum(count, 1.0)
