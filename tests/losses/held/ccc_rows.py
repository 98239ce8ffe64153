import tensorflow as tf

def ccc_loss(y_true, y_pred):
    mt = tf.reduce_mean(y_true, axis=1, keepdims=True)
    mp = tf.reduce_mean(y_pred, axis=1, keepdims=True)
    vt = tf.reduce_mean((y_true - mt) ** 2, axis=1)
    vp = tf.reduce_mean((y_pred - mp) ** 2, axis=1)
    cov = tf.reduce_mean((y_true - mt) * (y_pred - mp), axis=1)
    gap = tf.squeeze(tf.square(mt - mp), axis=1)
    return 1.0 - (2.0 * cov + 1e-3) / (vt + vp + gap + 1e-3)
