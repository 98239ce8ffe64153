import keras.ops as ops

POS_WEIGHT = 2.0


def weighted_log_loss(y_true, y_pred):
    pos = POS_WEIGHT * y_true * ops.log(y_pred + 1e-8)
    neg = (1.0 - y_true) * ops.log(1.0 - y_pred + 1e-8)
    return ops.mean(-(pos + neg), axis=-1)
