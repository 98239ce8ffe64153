import tensorflow as tf

def threshold_loss(y_true, y_pred):
    err = tf.square(y_true - y_pred)
    return tf.reduce_mean(tf.where(y_pred > 0.5, err, tf.zeros_like(err)))
