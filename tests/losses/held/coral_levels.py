import tensorflow as tf

def coral(levels, logits):
    ll = tf.math.log_sigmoid(logits) * levels + (tf.math.log_sigmoid(logits) - logits) * (1.0 - levels)
    return -tf.reduce_sum(ll, axis=1)
