from keras import ops


def relative_square(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred) / (ops.square(y_true) + 1e-12), axis=-1)
