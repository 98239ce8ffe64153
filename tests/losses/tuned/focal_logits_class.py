import keras
from keras import ops


@keras.saving.register_keras_serializable(package="losses")
class SigmoidFocal(keras.losses.Loss):
    def __init__(self, gamma=2.0, name="sigmoid_focal", **kwargs):
        super().__init__(name=name, **kwargs)
        self.gamma = gamma

    def call(self, y_true, y_pred):
        ce = ops.softplus(y_pred) - y_true * y_pred
        p = ops.sigmoid(y_pred)
        pt = y_true * p + (1.0 - y_true) * (1.0 - p)
        return ops.mean((1.0 - pt) ** self.gamma * ce, axis=-1)

    def get_config(self):
        cfg = super().get_config()
        cfg.update({"gamma": self.gamma})
        return cfg
