import tensorflow as tf

def masked_bce(y_true, y_pred):
    keep = tf.cast(y_true != 0, tf.float32)
    p = tf.clip_by_value(y_pred, 1e-3, 1 - 1e-3)
    bce = -(y_true * tf.math.log(p) + (1 - y_true) * tf.math.log(1 - p))
    return tf.reduce_mean(bce * keep, axis=-1)
