import tensorflow as tf

def direction_loss(y_true, y_pred):
    wrong = tf.abs(tf.sign(y_true) - tf.sign(y_pred))
    return tf.reduce_mean(wrong / 2.0)
