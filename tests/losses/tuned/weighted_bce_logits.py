import tensorflow as tf


def weighted_bce(pos_weight):
    def weighted_bce_fixed(y_true, y_pred):
        ce = tf.nn.weighted_cross_entropy_with_logits(labels=y_true, logits=y_pred, pos_weight=pos_weight)
        return tf.reduce_mean(ce, axis=-1)
    return weighted_bce_fixed
