import keras

ce = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")


def token_loss(y_true, y_pred):
    return ce(y_true, y_pred)
