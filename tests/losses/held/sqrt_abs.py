from keras import ops

def sqrt_error(y_true, y_pred):
    return ops.mean(ops.sqrt(ops.abs(y_true - y_pred)), axis=-1)
