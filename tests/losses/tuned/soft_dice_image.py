from tensorflow.keras import backend as K

smooth = 1.


def dice_coef(y_true, y_pred):
    axes = (1, 2, 3)
    inter = K.sum(y_true * y_pred, axis=axes)
    total = K.sum(y_true, axis=axes) + K.sum(y_pred, axis=axes)
    return (2. * inter + smooth) / (total + smooth)


def dice_loss(y_true, y_pred):
    return 1. - dice_coef(y_true, y_pred)
