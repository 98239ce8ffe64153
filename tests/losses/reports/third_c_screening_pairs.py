import tensorflow as tf


def auc_surrogate(y_true, y_pred):
    y = tf.reshape(y_true, [-1])
    s = tf.reshape(y_pred, [-1])
    pos = tf.boolean_mask(s, y > 0.5)
    neg = tf.boolean_mask(s, y < 0.5)
    return tf.reduce_mean(tf.nn.softplus(neg[None, :] - pos[:, None]))
