import tensorflow as tf

ALLOWED = tf.constant([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])


def move_loss(y_true, y_pred):
    allowed = tf.cast(ALLOWED, y_pred.dtype)
    logits = y_pred - tf.cast(1e4, y_pred.dtype) * (1 - allowed)
    return -tf.reduce_sum(y_true * tf.nn.log_softmax(logits), axis=-1)
