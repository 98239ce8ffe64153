from tensorflow.keras import backend as K

def correlation_coefficient_loss(y_true, y_pred):
    xm = y_true - K.mean(y_true)
    ym = y_pred - K.mean(y_pred)
    r_num = K.sum(xm * ym)
    r_den = K.sqrt(K.sum(K.square(xm)) * K.sum(K.square(ym)) + 1e-3)
    return 1. - r_num / r_den
