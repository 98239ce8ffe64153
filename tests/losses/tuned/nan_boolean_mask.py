import tensorflow as tf

def multitask_mse(y_true, y_pred):
    ok = tf.math.is_finite(y_true)
    return tf.reduce_mean(tf.square(tf.boolean_mask(y_true, ok) - tf.boolean_mask(y_pred, ok)))
