"""Models of strangers whose loss takes more than labels and predictions, and kinds not met before; in our own words."""

ADDED_LOSSES = {
    "a variational encoder of steps": '''\
import keras
from keras import layers, ops

class Sample(layers.Layer):
    """Adds the divergence, hands on the mean."""
    def call(self, inputs):
        mean, log_var = inputs
        kl = -0.5 * ops.mean(1 + log_var - ops.square(mean) - ops.exp(log_var))
        self.add_loss(0.1 * kl)
        return mean + ops.exp(0.5 * log_var) * 0.1

inputs = keras.Input((10, 2))
hidden = layers.LSTM(8)(layers.Masking()(inputs))
mean, log_var = layers.Dense(3)(hidden), layers.Dense(3)(hidden)
code = Sample()([mean, log_var])
decoded = layers.LSTM(8, return_sequences=True)(layers.RepeatVector(10)(code))
vae = keras.Model(inputs, layers.TimeDistributed(layers.Dense(2))(decoded))
vae.compile(optimizer="adam", loss="mse")
''',
    "a variational encoder whose loss is added whole": """\
import keras
from keras import layers, ops

class Reconstruction(layers.Layer):
    def call(self, inputs):
        x, decoded = inputs
        self.add_loss(ops.mean(ops.square(x - decoded)))
        return decoded

x = keras.Input((10, 2))
h = layers.GRU(6, return_sequences=True)(x)
out = Reconstruction()([x, layers.Dense(2)(h)])
model = keras.Model(x, out)
model.compile(optimizer="adam")
""",
    "labels as an input of an endpoint layer": """\
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

class Endpoint(layers.Layer):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
    def call(self, logits, targets):
        self.add_loss(self.loss_fn(targets, logits))
        return tf.sigmoid(logits)

series = keras.Input((12, 3), name="series")
targets = keras.Input((1,), name="targets")
logits = layers.Dense(1)(layers.LSTM(6)(layers.Masking()(series)))
model = keras.Model([series, targets], Endpoint(name="predictions")(logits, targets))
model.compile(optimizer=keras.optimizers.Adam(0.01))
""",
    "two outputs in one for a loss over both": """\
import tensorflow as tf
from tensorflow.keras import layers, Model, Input

inp = Input(shape=(15, 4))
x = layers.Masking(mask_value=-1.0)(inp)
x = layers.GRU(8, return_sequences=True)(x)
low = layers.Dense(1, name="low")(x)
up = layers.Dense(1, name="up")(x)
both = layers.Concatenate(name="interval")([low, up])
model = Model(inp, both)

def interval(y_true, y_pred):
    l, u = y_pred[..., 0:1], y_pred[..., 1:2]
    y = y_true[..., 0:1]
    miss = tf.nn.relu(l - y) + tf.nn.relu(y - u)
    return tf.reduce_mean(tf.square(u - l) * 0.1 + miss, axis=-1)

model.compile(loss=interval, optimizer="rmsprop")
""",
    "one loss function for both outputs": """\
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras.layers import *
i = Input(shape=(9, 3))
h = LSTM(6, return_sequences=True)(i)
a = Dense(1, activation="sigmoid", name="a")(h)
b = Dense(1, activation="sigmoid", name="b")(h)
model = keras.Model(inputs=i, outputs=[a, b])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics={"a": ["accuracy"], "b": "mae"})
""",
    "siamese with a distance of the exponential": """\
import tensorflow as tf
from tensorflow.keras import backend as K
from tensorflow.keras.layers import Input, Embedding, LSTM, Lambda
from tensorflow.keras.models import Model
left, right = Input(shape=(14,)), Input(shape=(14,))
emb = Embedding(60, 8, mask_zero=True)
shared = LSTM(6)
l, r = shared(emb(left)), shared(emb(right))
dist = Lambda(lambda t: tf.exp(-tf.reduce_sum(tf.abs(t[0] - t[1]), axis=1, keepdims=True)))([l, r])
malstm = Model([left, right], dist)
malstm.compile(loss="mean_squared_error", optimizer="adam", metrics=["accuracy"])
""",
    "attention by Permute and RepeatVector": """\
from keras.models import Model
from keras.layers import *
import tensorflow as tf
units = 6
inp = Input((12,))
emb = Embedding(40, 8, mask_zero=True)(inp)
act = LSTM(units, return_sequences=True)(emb)
att = Dense(1, activation="tanh")(act)
att = Flatten()(att)
att = Activation("softmax")(att)
att = RepeatVector(units)(att)
att = Permute([2, 1])(att)
sent = Multiply()([act, att])
sent = Lambda(lambda t: tf.reduce_sum(t, axis=-2), output_shape=(units,))(sent)
model = Model(inp, Dense(3, activation="softmax")(sent))
model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["acc"])
""",
    "stacked cells and dilated causal convolutions": """\
import keras
from keras import layers
x_in = keras.Input((16, 2))
m = layers.Masking()(x_in)
r = layers.RNN(layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(4)]), return_sequences=True)(m)
x = r
for rate in (1, 2, 4):
    y = layers.Conv1D(4, 2, padding="causal", dilation_rate=rate, activation="relu")(x)
    x = layers.Add()([x, layers.SpatialDropout1D(0.0)(y)])
model = keras.Model(x_in, layers.Dense(1)(x))
model.compile(keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)), "huber")
""",
    "a class that concatenates two ends": """\
import tensorflow as tf
class Net(tf.keras.Model):
    def __init__(self, units=5):
        super(Net, self).__init__()
        self.mask = tf.keras.layers.Masking(mask_value=0.)
        self.fw = tf.keras.layers.LSTM(units, return_sequences=True)
        self.bw = tf.keras.layers.LSTM(units, return_sequences=True, go_backwards=True)
        self.norm = tf.keras.layers.LayerNormalization()
        self.head = tf.keras.layers.TimeDistributed(tf.keras.layers.Dense(4, activation="softmax"))
    def call(self, x, training=None):
        x = self.mask(x)
        y = tf.concat([self.fw(x), tf.reverse(self.bw(x), axis=[1])], axis=-1)
        return self.head(self.norm(y))
model = Net()
model.compile(optimizer="adam", loss=tf.keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
model.fit(x_train, y_train, epochs=10, callbacks=[tf.keras.callbacks.EarlyStopping(patience=2)])
""",
}

# Losses for a softmax or logits over classes as people write them -> whether they take ids. In our own words.
LABELS_OF = {
    "the probability of the id is gathered": (
        True,
        "def nll(y, p):\n    at = tf.cast(tf.squeeze(y, -1), tf.int32)\n"
        "    return -tf.math.log(tf.gather(p, at, batch_dims=len(at.shape)) + 1e-7)\n",
    ),
    "log-probabilities, the padding's id left out": (
        True,
        "def masked_nll(y, z):\n    at = tf.cast(y, tf.int32)\n    logp = tf.math.log_softmax(z)\n"
        "    picked = tf.gather(logp, at, batch_dims=len(at.shape) - 1)[..., 0]\n"
        "    real = tf.cast(tf.not_equal(at[..., 0], 0), tf.float32)\n"
        "    return -tf.reduce_sum(picked * real) / (tf.reduce_sum(real) + 1e-7)\n",
    ),
    "ids compared with the range of classes": (
        True,
        "def by_hand(y, p):\n    hit = tf.cast(tf.equal(y, tf.range(3, dtype=tf.float32)), tf.float32)\n"
        "    return -tf.reduce_sum(hit * tf.math.log(p + 1e-7), axis=-1)\n",
    ),
    "focal, of ids": (
        True,
        "def focal(y, p):\n    t = tf.one_hot(tf.cast(y[..., 0], tf.int32), 3)\n    pt = tf.reduce_sum(t * p, -1)\n"
        "    return -((1 - pt) ** 2.0) * tf.math.log(pt + 1e-7)\n",
    ),
    "weighted, of one-hot labels": (
        False,
        "def weighted(y, p):\n    w = tf.constant([1.0, 5.0, 2.0])\n"
        "    return -tf.reduce_sum(w * y * tf.math.log(tf.clip_by_value(p, 1e-7, 1.0)), axis=-1)\n",
    ),
    "one-hot labels whose class is looked up and made one-hot again": (
        False,
        "def smooth(y, p):\n    top = tf.one_hot(tf.argmax(y, -1), 3)\n"
        "    return -tf.reduce_sum((0.9 * y + 0.1 * top) * tf.math.log(p + 1e-7), axis=-1)\n",
    ),
    "one-hot labels, by a helper with sparse in a docstring": (
        False,
        "def ce(y, p):\n    '''Not the sparse one.'''\n    return tf.keras.losses.categorical_crossentropy(y, p)\n",
    ),
    "expected cost of a confusion": (
        False,
        "def cost(y, p):\n    costs = tf.constant([[0.0, 1.0, 4.0], [1.0, 0.0, 1.0], [4.0, 1.0, 0.0]])\n"
        "    return tf.reduce_sum(tf.matmul(y, costs) * p, axis=-1)\n",
    ),
}
