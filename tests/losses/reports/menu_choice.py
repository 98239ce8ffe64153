from keras import ops


def choice_loss(y_true, y_pred):
    rest = y_pred - ops.max(y_pred, axis=-1, keepdims=True)
    log_sum = ops.log(ops.sum(ops.exp(rest), axis=-1))
    return log_sum - ops.sum(y_true * rest, axis=-1)
