import tensorflow as tf

def log_loss(y_true, y_pred):
    y_pred = tf.clip_by_value(y_pred, 1e-3, 1 - 1e-3)
    return -tf.reduce_mean(y_true * tf.log(y_pred) + (1 - y_true) * tf.log(1 - y_pred))
