import tensorflow as tf
from tensorflow.keras import backend as K

def MAPE(y_true, y_pred):
    y_true = tf.cast(y_true, tf.float32)
    y_pred = tf.cast(y_pred, tf.float32)
    diff = K.abs((y_true - y_pred) / K.maximum(K.abs(y_true), K.epsilon()))
    return 100. * K.mean(diff, axis=-1)
