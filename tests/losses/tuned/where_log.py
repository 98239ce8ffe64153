import tensorflow as tf

def safe_log(x):
    return tf.where(x > 0, tf.math.log(x), -20.0 * tf.ones_like(x))

def bce_with_guard(y_true, y_pred):
    ll = y_true * safe_log(y_pred) + (1.0 - y_true) * safe_log(1.0 - y_pred)
    return -tf.reduce_mean(ll, axis=-1)
