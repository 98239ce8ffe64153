import tensorflow as tf

def td_loss(y_true, y_pred):
    q = tf.stop_gradient(y_pred)
    return tf.reduce_mean(tf.square(y_true - q))
