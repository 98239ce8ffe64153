from tensorflow.keras import backend as K

def acc_loss(y_true, y_pred):
    hits = K.cast(K.equal(y_true, K.round(y_pred)), 'float32')
    return 1. - K.mean(hits)
