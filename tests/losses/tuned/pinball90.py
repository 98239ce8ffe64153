import keras.ops as ops

q = 0.9

pinball = lambda y_true, y_pred: ops.mean(ops.maximum(q * (y_true - y_pred), (q - 1) * (y_true - y_pred)), axis=-1)
