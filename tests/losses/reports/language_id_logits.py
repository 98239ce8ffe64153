import keras

cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")


def language_loss(y_true, y_pred):
    return cross_entropy(y_true, y_pred)
