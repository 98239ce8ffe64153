from tensorflow.keras import backend as K

def bounded_mse(y_true, y_pred):
    return K.mean(K.square(y_true - K.clip(y_pred, 0., 1.)), axis=-1)
