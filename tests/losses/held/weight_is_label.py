from keras import ops

def intensity_weighted(y_true, y_pred):
    return ops.mean(y_true * ops.square(y_pred - y_true))
