import tensorflow as tf


def xyz(y_true, y_pred):
    tx, ty, tz = tf.unstack(y_true, axis=-1)
    px, py, pz = tf.unstack(y_pred, axis=-1)
    return tf.abs(tx - px) + tf.abs(ty - py) + 2.0 * tf.abs(tz - pz)
