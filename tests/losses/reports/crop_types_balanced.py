import tensorflow as tf

PRIOR = tf.constant([0.4, 0.3, 0.1, 0.1, 0.1])


def balanced(y_true, y_pred):
    share = tf.maximum(PRIOR, 1e-2)
    weight = tf.reduce_sum(y_true / (5.0 * share), axis=-1)
    return weight * tf.nn.softmax_cross_entropy_with_logits(y_true, y_pred)
