from tensorflow.keras import backend as K

def rmsle(y_true, y_pred):
    return K.sqrt(K.mean(K.square(K.log(1. + y_pred) - K.log(1. + y_true))))
