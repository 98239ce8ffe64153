from tensorflow.keras import backend as K

def epsilon_insensitive(y_true, y_pred, tube=0.1):
    return K.mean(K.relu(K.abs(y_true - y_pred) - tube), axis=-1)
