import tensorflow as tf


def loss(y_true, y_pred):
    y = tf.reshape(y_true, [-1, 1])
    e = tf.math.l2_normalize(y_pred, axis=1, epsilon=1e-6)
    logits = tf.matmul(e, e, transpose_b=True) / 0.1
    n = tf.shape(e)[0]
    off = 1.0 - tf.eye(n)
    same = tf.cast(tf.equal(y, tf.transpose(y)), tf.float32) * off
    logits = logits - 1e4 * tf.eye(n)
    logp = logits - tf.reduce_logsumexp(logits, axis=1, keepdims=True)
    return -tf.reduce_mean(tf.reduce_sum(same * logp, 1) / tf.reduce_sum(same, 1))
