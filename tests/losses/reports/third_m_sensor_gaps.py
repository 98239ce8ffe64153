from keras import ops


def sensors(y_true, y_pred):
    e = ops.square(y_true - y_pred)
    e = ops.where(ops.isnan(e), 0.0, e)
    return ops.mean(e, axis=-1)
