import keras.ops as ops


def charbonnier(y_true, y_pred, eps=1e-2):
    return ops.mean(ops.sqrt(ops.square(y_true - y_pred) + eps ** 2), axis=-1)
