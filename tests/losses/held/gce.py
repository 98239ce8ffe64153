import keras.ops as ops

Q = 0.7

def generalized_ce(y_true, y_pred):
    p = ops.sum(y_true * y_pred, axis=-1)
    return (1.0 - ops.power(p + 1e-3, Q)) / Q
