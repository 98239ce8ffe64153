import keras

inner = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def loss(y_true, y_pred):
    return 0.5 * inner(y_true, y_pred)
