import tensorflow as tf

def smooth_cce(y_true, y_pred, smoothing=0.1):
    n = y_pred.shape[-1]
    soft = y_true * (1.0 - smoothing) + smoothing / n
    return -tf.reduce_sum(soft * tf.math.log(y_pred + 1e-4), axis=-1)
