import tensorflow as tf

IGNORE = -1

def seq_ce(y_true, y_pred):
    ids = tf.cast(y_true, tf.int32)
    keep = tf.cast(ids != IGNORE, tf.float32)
    ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.maximum(ids, 0), logits=y_pred)
    return tf.reduce_sum(ce * keep) / tf.maximum(tf.reduce_sum(keep), 1.0)
