from keras import ops


def loss(y_true, y_pred):
    m = ops.cast(y_true >= 0, "float32")
    p = ops.clip(y_pred, 1e-3, 1 - 1e-3)
    cost = -(y_true * ops.log(p) + (1 - y_true) * ops.log(1 - p))
    return ops.sum(cost * m) / ops.sum(m)
