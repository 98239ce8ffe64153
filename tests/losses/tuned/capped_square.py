from tensorflow.keras import backend as K

def robust_mse(y_true, y_pred):
    return K.mean(K.minimum(K.square(y_true - y_pred), 1.0), axis=-1)
