from keras import ops


def soft_f1(y_true, y_pred):
    tp = ops.sum(y_true * y_pred, axis=0)
    fp = ops.sum((1 - y_true) * y_pred, axis=0)
    fn = ops.sum(y_true * (1 - y_pred), axis=0)
    return 1.0 - ops.mean((2 * tp + 1e-3) / (2 * tp + fp + fn + 1e-3))
