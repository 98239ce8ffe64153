import keras

scce = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def loss(y_true, y_pred):
    return scce(y_true, y_pred)
