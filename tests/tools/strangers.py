"""Losses in the forms in which people paste them, in our own words: (name, text, fate, function).

`fate`: "" where it is examined, else a part of the sentence that it is refused with. `function`: what is chosen.
`raises`: what this Keras says of it when the text is run, which the examination tells.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stranger:
    name: str
    text: str
    fate: str = ""
    function: str | None = None
    raises: str = ""


STRANGERS = [
    Stranger(
        "function",
        """\
import tensorflow as tf
def rain(y_true, y_pred):
    return tf.reduce_mean(tf.abs(y_true - y_pred), axis=-1)
""",
    ),
    Stranger(
        "keyword defaults",
        """\
import tensorflow as tf
def tube(y_true, y_pred, width=0.1, *, slope=1.0):
    return slope * tf.reduce_mean(tf.maximum(tf.abs(y_true - y_pred) - width, 0.0), axis=-1)
""",
    ),
    Stranger(
        "keyword default without a loss of two",
        """\
import tensorflow as tf
def tube(y_true, y_pred, width):
    return tf.maximum(tf.abs(y_true - y_pred) - width, 0.0)
""",
        fate="missing 1 required positional argument: 'width'",
    ),
    Stranger(
        "two missing arguments",
        """\
import tensorflow as tf
def tube(y_true, y_pred, low, high):
    return tf.clip_by_value(y_true - y_pred, low, high)
""",
        fate="missing 2 required positional arguments: 'low' and 'high'",
    ),
    Stranger(
        "third argument chosen",
        """\
import tensorflow as tf
def tube(y_true, y_pred, width):
    return tf.maximum(tf.abs(y_true - y_pred) - width, 0.0)
""",
        function="tube(width=0.2)",
    ),
    Stranger(
        "partial",
        """\
import tensorflow as tf
from functools import partial
def tube(y_true, y_pred, width):
    return tf.maximum(tf.abs(y_true - y_pred) - width, 0.0)
narrow = partial(tube, width=0.01)
""",
    ),
    Stranger(
        "functools.partial in a dictionary of losses",
        """\
import tensorflow as tf
import functools
def quantile(q, y_true, y_pred):
    e = y_true - y_pred
    return tf.reduce_mean(tf.maximum(q * e, (q - 1) * e))
losses = {q: functools.partial(quantile, q) for q in (0.1, 0.5, 0.9)}
model.compile(optimizer='adam', loss=losses[0.5])
""",
    ),
    Stranger(
        "factory",
        """\
import keras
from keras import ops
def focal(gamma=2.0):
    def inner(y_true, y_pred):
        p = ops.clip(y_pred, 1e-7, 1 - 1e-7)
        return -ops.mean(y_true * (1 - p) ** gamma * ops.log(p) + (1 - y_true) * p ** gamma * ops.log(1 - p))
    return inner
""",
    ),
    Stranger(
        "factory called in compile",
        """\
import tensorflow as tf
def pinball(q):
    def inner(y_true, y_pred):
        e = y_true - y_pred
        return tf.reduce_mean(tf.maximum(q * e, (q - 1) * e), axis=-1)
    return inner
model.compile(loss=pinball(0.9), optimizer=tf.keras.optimizers.Adam(1e-3), metrics=['mae'])
""",
    ),
    Stranger(
        "factory that needs an argument",
        """\
import tensorflow as tf
def pinball(q):
    return lambda y_true, y_pred: tf.maximum(q * (y_true - y_pred), (q - 1) * (y_true - y_pred))
""",
        fate="name it with them, such as pinball(2.0)",
    ),
    Stranger(
        "lambda",
        """\
import tensorflow as tf
loss = lambda y_true, y_pred: tf.reduce_mean(tf.square(y_true - y_pred))
""",
    ),
    Stranger(
        "lambda in compile",
        """\
model.compile(optimizer='adam', loss=lambda y_true, y_pred: tf.reduce_mean(tf.square(y_true - y_pred), -1))
""",
    ),
    Stranger(
        "lambda around a function in compile",
        """\
import tensorflow as tf
def weighed(y_true, y_pred, factor):
    return factor * tf.square(y_true - y_pred)
model.compile(loss=lambda t, p: weighed(t, p, 3.0), optimizer='sgd')
""",
    ),
    Stranger(
        "several losses, compile says which",
        """\
import tensorflow as tf
def one(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred), -1)
def two(y_true, y_pred):
    return tf.reduce_mean(tf.abs(y_true - y_pred), -1)
model.compile('adam', loss=one)
""",
    ),
    Stranger(
        "losses by output in compile",
        """\
import tensorflow as tf
def price(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred), -1)
def sold(y_true, y_pred):
    return tf.keras.losses.binary_crossentropy(y_true, y_pred)
model.compile('adam', loss={'price': price, 'sold': sold}, loss_weights={'price': 1.0, 'sold': 0.2})
""",
        fate="it is not clear which loss is meant",
    ),
    Stranger(
        "losses by output, one chosen",
        """\
import tensorflow as tf
def price(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred), -1)
model.compile('adam', loss={'price': price, 'sold': 'binary_crossentropy'})
""",
        function="sold",
    ),
    Stranger(
        "loss by name in compile",
        """\
model.compile(optimizer='rmsprop', loss='categorical_crossentropy')
""",
    ),
    Stranger(
        "keras loss made in compile",
        """\
import keras
model.compile('adam', loss=keras.losses.Huber(delta=2.0))
""",
    ),
    Stranger(
        "subclass with __init__",
        """\
import tensorflow as tf
class Focal(tf.keras.losses.Loss):
    def __init__(self, gamma=2.0, name='focal', **kwargs):
        super().__init__(name=name, **kwargs)
        self.gamma = gamma
    def call(self, y_true, y_pred):
        p = tf.clip_by_value(y_pred, 1e-7, 1 - 1e-7)
        return -tf.reduce_mean(y_true * (1 - p) ** self.gamma * tf.math.log(p), axis=-1)
    def get_config(self):
        config = super().get_config()
        config.update({'gamma': self.gamma})
        return config
""",
    ),
    Stranger(
        "subclass with required arguments",
        """\
import tensorflow as tf
class Focal(tf.keras.losses.Loss):
    def __init__(self, gamma, alpha):
        super().__init__()
        self.gamma = gamma
        self.alpha = alpha
    def call(self, y_true, y_pred):
        return self.alpha * tf.abs(y_true - y_pred) ** self.gamma
""",
        fate="name it with them, such as Focal(2.0, 2.0)",
    ),
    Stranger(
        "subclass that forgets super().__init__",
        """\
import tensorflow as tf
class Half(tf.keras.losses.Loss):
    def __init__(self, scale=0.5):
        self.scale = scale
    def call(self, y_true, y_pred):
        return self.scale * tf.square(y_true - y_pred)
""",
    ),
    Stranger(
        "subclass made at the end",
        """\
import tensorflow as tf
from tensorflow.keras.losses import Loss
class Focal(Loss):
    def __init__(self, gamma, reduction='sum_over_batch_size', name=None):
        super(Focal, self).__init__(reduction=reduction, name=name)
        self.gamma = gamma
    def call(self, y_true, y_pred):
        return tf.abs(y_true - y_pred) ** self.gamma
loss_object = Focal(1.5)
""",
    ),
    Stranger(
        "subclass that wraps another loss",
        """\
import tensorflow as tf
class Both(tf.keras.losses.Loss):
    def __init__(self, share=0.5):
        super().__init__()
        self.first = tf.keras.losses.MeanSquaredError()
        self.second = tf.keras.losses.MeanAbsoluteError()
        self.share = share
    def call(self, y_true, y_pred):
        return self.share * self.first(y_true, y_pred) + (1 - self.share) * self.second(y_true, y_pred)
""",
    ),
    Stranger(
        "subclass with helper methods",
        """\
import keras
from keras import ops
class Smooth(keras.losses.Loss):
    EPS = 1e-6
    def _overlap(self, a, b):
        return ops.sum(a * b, axis=-1)
    def call(self, y_true, y_pred):
        both = 2 * self._overlap(y_true, y_pred)
        return 1 - (both + self.EPS) / (ops.sum(y_true + y_pred, axis=-1) + self.EPS)
""",
    ),
    Stranger(
        "subclass with __call__",
        """\
import tensorflow as tf
class Mine(tf.keras.losses.Loss):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return tf.reduce_mean(tf.square(y_true - y_pred))
""",
    ),
    Stranger(
        "subclass of a keras loss",
        """\
import tensorflow as tf
class Weighed(tf.keras.losses.BinaryCrossentropy):
    def __init__(self, weight=3.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
    def call(self, y_true, y_pred):
        return self.weight * super().call(y_true, y_pred)
""",
    ),
    Stranger(
        "class with a method of two tensors",
        """\
import tensorflow as tf
class Losses:
    def __init__(self, alpha=0.3):
        self.alpha = alpha
    def combined(self, y_true, y_pred):
        return self.alpha * tf.square(y_true - y_pred) + (1 - self.alpha) * tf.abs(y_true - y_pred)
""",
    ),
    Stranger(
        "class with a method, compiled",
        """\
import tensorflow as tf
class Combined(object):
    def __init__(self, alpha):
        self.alpha = alpha
    def loss(self, y_true, y_pred):
        return self.alpha * tf.square(y_true - y_pred)
c = Combined(0.4)
model.compile(optimizer='adam', loss=c.loss)
""",
    ),
    Stranger(
        "class with a method that needs arguments",
        """\
import tensorflow as tf
class Combined:
    def __init__(self, alpha):
        self.alpha = alpha
    def loss(self, y_true, y_pred):
        return self.alpha * tf.square(y_true - y_pred)
""",
        fate="name it with them, such as Combined(2.0).loss",
    ),
    Stranger(
        "class with a method, called with arguments",
        """\
import tensorflow as tf
class Combined:
    def __init__(self, alpha):
        self.alpha = alpha
    def loss(self, y_true, y_pred):
        return self.alpha * tf.square(y_true - y_pred)
""",
        function="Combined(0.5).loss",
    ),
    Stranger(
        "class with __call__",
        """\
import tensorflow as tf
class Tube:
    def __init__(self, width=0.1):
        self.width = width
    def __call__(self, y_true, y_pred):
        return tf.nn.relu(tf.abs(y_true - y_pred) - self.width)
model.compile(loss=Tube(0.2))
""",
    ),
    Stranger(
        "class of static methods",
        """\
import tensorflow as tf
class Dice:
    smooth = 1.0
    @staticmethod
    def coefficient(y_true, y_pred):
        return (2 * tf.reduce_sum(y_true * y_pred) + 1) / (tf.reduce_sum(y_true + y_pred) + 1)
    @staticmethod
    def loss(y_true, y_pred):
        return 1 - Dice.coefficient(y_true, y_pred)
""",
        function="Dice.loss",
    ),
    Stranger(
        "class of constants",
        """\
import tensorflow as tf
class Config:
    MARK = -1.0
    WEIGHT = 2.0
def loss(y_true, y_pred):
    real = tf.cast(tf.not_equal(y_true, Config.MARK), tf.float32)
    e = Config.WEIGHT * real * tf.square(y_true - y_pred)
    return tf.reduce_sum(e) / tf.maximum(tf.reduce_sum(real), 1.0)
""",
    ),
    Stranger(
        "dictionary of constants",
        """\
import tensorflow as tf
CFG = {'delta': 1.0, 'eps': 1e-6}
def loss(y_true, y_pred):
    e = tf.abs(y_true - y_pred)
    return tf.where(e < CFG['delta'], 0.5 * e * e, CFG['delta'] * (e - 0.5 * CFG['delta']))
""",
    ),
    Stranger(
        "class weights from a dictionary",
        """\
import tensorflow as tf
weights = {0: 1.0, 1: 2.0, 2: 5.0, 3: 1.0}
def loss(y_true, y_pred):
    w = tf.constant([weights[k] for k in sorted(weights.keys())])
    p = tf.clip_by_value(y_pred, 1e-7, 1.0)
    return -tf.reduce_sum(w * y_true * tf.math.log(p), axis=-1)
""",
    ),
    Stranger(
        "old backend with class weights",
        """\
from keras import backend as K
import numpy as np
def weighted_crossentropy(weights):
    weights = K.variable(weights)
    def loss(y_true, y_pred):
        y_pred /= K.sum(y_pred, axis=-1, keepdims=True)
        y_pred = K.clip(y_pred, K.epsilon(), 1 - K.epsilon())
        return -K.sum(y_true * K.log(y_pred) * weights, -1)
    return loss
""",
        function="weighted_crossentropy([0.5, 2.0, 1.0, 1.0])",
        raises="no attribute 'variable'",
    ),
    Stranger(
        "decorated",
        """\
import tensorflow as tf
@tf.keras.utils.register_keras_serializable(package='mine')
@tf.function
def rmsle(y_true, y_pred):
    return tf.sqrt(tf.reduce_mean(tf.square(tf.math.log1p(y_true) - tf.math.log1p(tf.nn.relu(y_pred)))) + 1e-9)
""",
    ),
    Stranger(
        "wraps",
        """\
import tensorflow as tf
from functools import wraps
def halved(function):
    @wraps(function)
    def inner(y_true, y_pred):
        return 0.5 * function(y_true, y_pred)
    return inner
def square(y_true, y_pred):
    return tf.square(y_true - y_pred)
loss = halved(square)
""",
    ),
    Stranger(
        "typed",
        """\
import tensorflow as tf
from typing import Optional
def loss(y_true: tf.Tensor, y_pred: tf.Tensor, eps: Optional[float] = None) -> tf.Tensor:
    eps = 1e-6 if eps is None else eps
    return tf.sqrt(tf.reduce_sum(tf.square(y_true - y_pred), -1) + eps)
""",
    ),
    Stranger(
        "several losses, none said",
        """\
import tensorflow as tf
def dice_coef(y_true, y_pred):
    return (2 * tf.reduce_sum(y_true * y_pred) + 1) / (tf.reduce_sum(y_true + y_pred) + 1)
def dice_loss(y_true, y_pred):
    return 1 - dice_coef(y_true, y_pred)
def bce_dice(y_true, y_pred):
    return tf.keras.losses.binary_crossentropy(y_true, y_pred) + dice_loss(y_true, y_pred)
""",
    ),
    Stranger(
        "the loss stands above its parts",
        """\
import tensorflow as tf
def total(y_true, y_pred):
    return part(y_true, y_pred) + 0.1 * tf.reduce_mean(tf.abs(y_pred))
def part(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred))
""",
    ),
    Stranger(
        "from a notebook, with a call of fit",
        """\
import tensorflow as tf
def loss(y_true, y_pred):
    return tf.square(y_true - y_pred)
model.compile('adam', loss=loss)
model.fit(x_train, y_train, epochs=5)
""",
    ),
    Stranger(
        "from a notebook, with a call of fit and none of compile",
        """import tensorflow as tf
def loss(y_true, y_pred):
    return tf.square(y_true - y_pred)
model.fit(x_train, y_train, epochs=5)
""",
        fate="paste the loss only, without the model around it",
    ),
    Stranger(
        "a layer that adds its loss",
        """\
import tensorflow as tf
class Head(tf.keras.layers.Layer):
    def call(self, x):
        self.add_loss(tf.reduce_sum(x))
        return x
""",
        fate="a layer",
    ),
    Stranger(
        "a model with its own train step",
        """\
import keras
from keras import ops
class Net(keras.Model):
    def compute_loss(self, x, y, y_pred, sample_weight=None):
        return ops.mean(ops.square(y - y_pred))
""",
        fate="a model",
    ),
    Stranger(
        "a metric",
        """\
import tensorflow as tf
class Kappa(tf.keras.metrics.Metric):
    def update_state(self, y_true, y_pred, sample_weight=None):
        pass
""",
        fate="a metric",
    ),
    Stranger(
        "torch",
        """\
import torch
class Loss(torch.nn.Module):
    def forward(self, p, y):
        return ((p - y) ** 2).mean()
""",
        fate="a loss may import tensorflow, keras, numpy, math and functools",
    ),
    Stranger(
        "addons",
        """\
import tensorflow_addons as tfa
loss = tfa.losses.SigmoidFocalCrossEntropy()
""",
        fate="a loss may import",
    ),
    Stranger(
        "three tensors",
        """\
import tensorflow as tf
def loss(y_true, y_pred, inputs):
    return tf.square(y_true - y_pred) * inputs
""",
        fate="missing 1 required positional argument: 'inputs'",
    ),
    Stranger(
        "one tensor",
        """\
import tensorflow as tf
def loss(y_pred):
    return tf.reduce_mean(tf.square(y_pred))
""",
        fate="takes 1 positional argument but 2 were given",
    ),
    Stranger(
        "method of a class of a model",
        """\
import tensorflow as tf
class VAE:
    def __init__(self, beta=1.0):
        self.beta = beta
    def kl(self, mean, log_var):
        return -0.5 * tf.reduce_mean(1 + log_var - tf.square(mean) - tf.exp(log_var))
    def reconstruction(self, y_true, y_pred):
        return tf.reduce_mean(tf.square(y_true - y_pred))
vae = VAE(2.0)
loss = vae.reconstruction
""",
    ),
    Stranger(
        "reduction given to the base",
        """\
import keras
from keras import ops
class Summed(keras.losses.Loss):
    def __init__(self):
        super().__init__(reduction=keras.losses.Reduction.SUM)
    def call(self, y_true, y_pred):
        return ops.square(y_true - y_pred)
""",
        raises="no attribute 'Reduction'",
    ),
]
