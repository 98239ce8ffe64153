import tensorflow as tf

def combined(y_true, y_pred):
    return tf.keras.losses.mse(y_true, y_pred) + 0.3 * tf.keras.losses.mae(y_true, y_pred)
