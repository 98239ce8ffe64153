from tensorflow.keras import backend as K

def f1_loss(y_true, y_pred):
    pred = K.cast(K.greater(y_pred, 0.5), 'float32')
    tp = K.sum(y_true * pred, axis=-1)
    fp = K.sum((1 - y_true) * pred, axis=-1)
    fn = K.sum(y_true * (1 - pred), axis=-1)
    return 1 - 2 * tp / (2 * tp + fp + fn + 1e-3)
