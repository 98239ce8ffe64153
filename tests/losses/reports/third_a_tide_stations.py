import keras
from keras import ops


class TideLoss(keras.losses.Loss):
    def __init__(self, missing=-99.0, name="tide"):
        super().__init__(name=name)
        self.missing = missing

    def call(self, y_true, y_pred):
        keep = ops.cast(ops.not_equal(y_true, self.missing), y_pred.dtype)
        se = ops.square(y_true - y_pred) * keep
        return ops.sum(se, axis=(1, 2)) / ops.sum(keep, axis=(1, 2))
