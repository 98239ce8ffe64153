from tensorflow.keras import backend as K

def dice(y_true, y_pred, smooth=1.):
    inter = K.sum(y_true * y_pred, axis=[1, 2, 3])
    union = K.sum(y_true, axis=[1, 2, 3]) + K.sum(y_pred, axis=[1, 2, 3])
    return (2. * inter + smooth) / (union + smooth)
