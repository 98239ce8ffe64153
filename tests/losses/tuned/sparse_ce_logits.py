import tensorflow as tf


@tf.function
def sparse_ce(y_true, y_pred):
    ids = tf.cast(tf.reshape(y_true, [-1]), tf.int32)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=ids, logits=y_pred)
