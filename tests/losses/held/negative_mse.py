from tensorflow.keras import backend as K

def neg_score(y_true, y_pred):
    return -K.mean(K.square(y_true - y_pred), axis=-1)
