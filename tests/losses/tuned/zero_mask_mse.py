from tensorflow.keras import backend as K

def masked_mean_squared_error(y_true, y_pred):
    mask = K.cast(K.not_equal(y_true, 0), K.floatx())
    return K.mean(K.square(y_true * mask - y_pred * mask), axis=-1)
