from tensorflow.keras import backend as K

def log_error(y_true, y_pred):
    return K.mean(K.log(K.abs(y_true - y_pred) + K.epsilon()))
