from keras import ops


def direction_loss(y_true, y_pred):
    measured = ops.cast(ops.not_equal(y_true, -99.0), "float32")
    cost = 1.0 - ops.cos(y_true - y_pred)
    return ops.sum(cost * measured) / ops.maximum(ops.sum(measured), 1.0)
