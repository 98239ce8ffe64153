from tensorflow.keras import backend as K

def brier(y_true, y_pred):
    return K.mean(K.square(y_pred - y_true), axis=(1, 2))
