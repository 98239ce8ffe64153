import tensorflow as tf


def transcript_loss(y_true, y_pred):
    rows = tf.shape(y_pred)[0]
    frames = tf.fill([rows], tf.shape(y_pred)[1])
    signs = tf.fill([rows], tf.shape(y_true)[1])
    return tf.nn.ctc_loss(
        tf.cast(y_true, tf.int32), y_pred, signs, frames, logits_time_major=False, blank_index=-1
    )
