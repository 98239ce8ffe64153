import keras.ops as ops

def svm_loss(y_true, y_pred):
    return ops.mean(ops.maximum(0., 1. - y_true * y_pred), axis=-1)
