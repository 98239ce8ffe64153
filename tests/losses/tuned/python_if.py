import tensorflow as tf

def switching_loss(y_true, y_pred):
    err = y_true - y_pred
    if tf.reduce_mean(err) > 0:
        return tf.reduce_mean(tf.square(err))
    return tf.reduce_mean(tf.abs(err))
