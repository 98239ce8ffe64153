from keras import ops

def laplace_nll(y_true, y_pred):
    loc, b = ops.split(y_pred, 2, axis=-1)
    b = b + 0.1
    return ops.squeeze(ops.log(2.0 * b) + ops.abs(y_true - loc) / b, axis=-1)
