from keras import ops


def counts(y_true, y_pred):
    w = ops.cast(ops.not_equal(y_true, -1), "float32")
    d = ops.log1p(y_true) - ops.log1p(y_pred)
    return ops.sum(w * d * d) / ops.maximum(ops.sum(w), 1.0)
