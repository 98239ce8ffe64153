from keras import ops


def loss(y_true, y_pred):
    tp, tn = ops.sum(y_true * y_pred), ops.sum((1 - y_true) * (1 - y_pred))
    fp, fn = ops.sum((1 - y_true) * y_pred), ops.sum(y_true * (1 - y_pred))
    return 1 - (tp * tn - fp * fn) / ops.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
