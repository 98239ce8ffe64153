from tensorflow.keras import backend as K

MISSING = -1.0

def masked_rmse(y_true, y_pred):
    w = K.cast(K.not_equal(y_true, MISSING), K.floatx())
    mse = K.sum(w * K.square(y_pred - y_true)) / K.maximum(K.sum(w), 1.0)
    return K.sqrt(mse + 1e-3)
