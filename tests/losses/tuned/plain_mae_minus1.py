import keras.ops as ops

def seq_mae(y_true, y_pred):
    err = ops.abs(y_true - y_pred)
    return ops.mean(ops.squeeze(err, axis=-1), axis=-1)
