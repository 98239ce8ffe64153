from keras import ops


def tide_nll(y_true, y_pred):
    mean, variance = y_pred[:, 0:1], y_pred[:, 1:2]
    return ops.mean(0.5 * ops.log(variance) + 0.5 * ops.square(y_true - mean) / variance, axis=-1)
