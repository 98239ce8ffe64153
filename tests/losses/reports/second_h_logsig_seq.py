from keras import ops


def loss(y_true, y_pred):
    m, lv = ops.split(y_pred, 2, axis=-1)
    return ops.mean(0.5 * ops.exp(-lv) * ops.square(y_true - m) + 0.5 * lv, axis=-1)
