import keras.ops as ops

def masked_multitask_bce(y_true, y_pred):
    present = ops.logical_not(ops.isnan(y_true))
    t = ops.where(present, y_true, ops.zeros_like(y_true))
    w = ops.cast(present, y_pred.dtype)
    raw = ops.relu(y_pred) - y_pred * t + ops.log1p(ops.exp(-ops.abs(y_pred)))
    return ops.sum(raw * w) / ops.maximum(ops.sum(w), 1.0)
