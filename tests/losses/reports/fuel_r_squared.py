from keras import ops


def unexplained_share(y_true, y_pred):
    middle = ops.mean(y_true, axis=-1, keepdims=True)
    return ops.sum(ops.square(y_true - y_pred), axis=-1) / ops.sum(ops.square(y_true - middle), axis=-1)
