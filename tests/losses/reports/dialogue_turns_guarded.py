import keras
from keras import ops


def turn_loss(y_true, y_pred):
    cost = keras.losses.binary_crossentropy(y_true, y_pred)
    mask = getattr(y_pred, "_keras_mask", None)
    if mask is None:
        return ops.mean(cost)
    kept = ops.cast(mask, "float32")
    return ops.sum(ops.where(mask, cost, 0.0)) / ops.maximum(ops.sum(kept), 1.0)
