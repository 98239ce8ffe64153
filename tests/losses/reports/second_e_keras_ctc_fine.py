import keras
ctc = keras.losses.CTC()


def loss(y_true, y_pred):
    return ctc(y_true, y_pred)
