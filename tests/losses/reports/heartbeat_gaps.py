import tensorflow as tf


def beat_loss(y_true, y_pred):
    there = tf.cast(tf.not_equal(y_true, -999.0), tf.float32)
    miss = tf.where(there > 0, y_true - y_pred, 0.0)
    per_record = tf.math.divide_no_nan(tf.reduce_sum(miss * miss, axis=[1, 2]), tf.reduce_sum(there, axis=[1, 2]))
    return tf.math.divide_no_nan(
        tf.reduce_sum(per_record * tf.reduce_sum(there, axis=[1, 2])), tf.reduce_sum(there)
    )
