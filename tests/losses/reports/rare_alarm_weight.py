import tensorflow as tf


def alarm_loss(y_true, y_pred):
    positive = tf.reduce_sum(y_true)
    negative = tf.reduce_sum(1.0 - y_true)
    weight = 1.0 + y_true * (negative / positive - 1.0)
    cost = tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=y_pred)
    return tf.reduce_mean(weight * cost)
