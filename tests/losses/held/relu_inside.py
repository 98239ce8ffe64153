import keras.ops as ops

def positive_mse(y_true, y_pred):
    y_pred = ops.relu(y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)
