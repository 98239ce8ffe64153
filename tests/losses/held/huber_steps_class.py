import keras
from keras import ops


class StepHuber(keras.losses.Loss):
    """Huber, one number per time step."""

    def __init__(self, delta: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.delta = delta

    def call(self, y_true, y_pred):
        e = ops.abs(y_true - y_pred)
        quad = ops.minimum(e, self.delta)
        lin = e - quad
        return ops.mean(0.5 * quad * quad + self.delta * lin, axis=-1)

    def get_config(self):
        return {**super().get_config(), "delta": self.delta}
