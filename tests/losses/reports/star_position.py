from keras import ops


def distance(y_true, y_pred):
    return ops.sqrt(ops.sum(ops.square(y_true - y_pred), axis=-1) + 1e-50)
