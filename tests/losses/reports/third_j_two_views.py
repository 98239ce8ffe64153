import tensorflow as tf


def nt_xent(y_true, y_pred):
    z = tf.math.l2_normalize(y_pred, axis=1, epsilon=1e-6)
    a, b = tf.split(z, 2, axis=0)
    logits = tf.matmul(a, b, transpose_b=True) / 0.2
    target = tf.range(tf.shape(a)[0])
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits))
