import tensorflow as tf

def kl_divergence(p, q):
    e = 1e-3
    return tf.reduce_sum((p + e) * (tf.math.log(p + e) - tf.math.log(q + e)), axis=-1)
