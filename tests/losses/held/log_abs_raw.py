import tensorflow as tf

def log_distance(y_true, y_pred):
    return tf.reduce_mean(tf.math.log(tf.abs(y_true - y_pred)))
