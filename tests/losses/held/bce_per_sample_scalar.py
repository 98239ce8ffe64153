import tensorflow as tf

def elbo_like(x, x_logits):
    ce = tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=x_logits)
    return tf.reduce_mean(tf.reduce_sum(ce, axis=[1, 2]))
