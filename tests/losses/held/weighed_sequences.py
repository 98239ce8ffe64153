# Tide gauges, one error for each hour; fit is given one sample_weight for each gauge.
from keras import ops


def loss(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)
