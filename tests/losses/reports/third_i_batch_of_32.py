import tensorflow as tf
import keras


BATCH = 32


def rows(y_true, y_pred):
    a = tf.reshape(y_true, [BATCH, 4])
    b = tf.reshape(y_pred, [BATCH, 4])
    return keras.losses.categorical_crossentropy(a, b)
