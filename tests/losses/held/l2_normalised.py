import tensorflow as tf

def cos_dist(y_true, y_pred):
    a = tf.nn.l2_normalize(y_true, axis=-1)
    b = tf.nn.l2_normalize(y_pred, axis=-1)
    return 1.0 - tf.reduce_sum(a * b, axis=-1)
