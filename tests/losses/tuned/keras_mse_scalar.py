from tensorflow.keras import backend as K

def custom_mse(y_true, y_pred):
    return K.mean(K.square(y_true - y_pred))
