"""More models in the forms in which people paste them, for training: several inputs and outputs, masks of many kinds.

In our own words, after public reports: (name, text). Each is trained as plain `fit` trains the same text.
"""

_KERAS = "import tensorflow as tf\nfrom tensorflow.keras.models import Sequential, Model\n"
_KERAS += "from tensorflow.keras.layers import *\n"

MORE_STRANGERS: dict[str, str] = {
    "sequence and static features": _KERAS + """
visits = Input(shape=(None, 5), name="visits")
person = Input(shape=(4,), name="person")
x = Masking(mask_value=-1.0)(visits)
x = LSTM(8)(x)
x = Concatenate()([x, Dense(4, activation="relu")(person)])
model = Model([visits, person], Dense(1, activation="sigmoid")(x))
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["AUC"])
""",
    "tokens and a mask": _KERAS + """
ids = Input(shape=(10,), dtype="int32", name="input_ids")
mask = Input(shape=(10,), dtype="int32", name="attention_mask")
x = Embedding(30, 8)(ids)
x = MultiHeadAttention(2, 4)(x, x, attention_mask=mask[:, None, :])
x = LayerNormalization()(x)
w = tf.keras.ops.cast(mask, "float32")[..., None]
x = tf.keras.ops.sum(x * w, axis=1) / tf.keras.ops.sum(w, axis=1)
model = Model([ids, mask], Dense(3, activation="softmax")(x))
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
""",
    "two embeddings in each step": _KERAS + """
words = Input(shape=(None,), dtype="int32", name="words")
casing = Input(shape=(None,), dtype="int32", name="casing")
w = Embedding(40, 8, mask_zero=True)(words)
c = Embedding(6, 2, mask_zero=True)(casing)
x = concatenate([w, c])
x = Bidirectional(LSTM(6, return_sequences=True))(x)
model = Model([words, casing], TimeDistributed(Dense(5, activation="softmax"))(x))
model.compile(loss="sparse_categorical_crossentropy", optimizer="nadam")
""",
    "questions that share an encoder": _KERAS + """
encoder = Sequential([Embedding(50, 8, mask_zero=True), LSTM(6)])
first, second = Input((9,), name="first"), Input((9,), name="second")
a, b = encoder(first), encoder(second)
distance = tf.keras.ops.abs(a - b)
model = Model([first, second], Dense(1, activation="sigmoid")(distance))
model.compile(loss="binary_crossentropy", optimizer="adam")
""",
    "two outputs, a list of losses": _KERAS + """
i = Input((12, 3))
x = GRU(6, return_sequences=True)(Masking()(i))
steps = TimeDistributed(Dense(1), name="steps")(x)
kind = Dense(4, activation="softmax", name="kind")(GlobalAveragePooling1D()(x))
model = Model(i, [steps, kind])
model.compile(optimizer="rmsprop", loss=["mae", "sparse_categorical_crossentropy"], loss_weights=[0.3, 2.0])
""",
    "outputs by name in a dictionary": _KERAS + """
class Both(Model):
    def __init__(self):
        super().__init__()
        self.m, self.r = Masking(), LSTM(5, return_sequences=True)
        self.up, self.size = Dense(1, activation="sigmoid"), Dense(1)
    def call(self, x, training=None):
        h = self.r(self.m(x), training=training)
        return {"up": self.up(h), "size": self.size(h)}
model = Both()
model.compile(loss={"up": "binary_crossentropy", "size": "huber"}, loss_weights={"up": 1.0, "size": 0.2})
""",
    "one loss and the attention beside it": _KERAS + """
i = Input((10, 3))
h = LSTM(6, return_sequences=True)(Masking()(i))
score = Dense(1)(h)
weight = tf.keras.ops.softmax(score, axis=1)
pooled = tf.keras.ops.sum(weight * h, axis=1)
model = Model(i, [Dense(1, name="answer")(pooled), weight])
model.compile(loss=["mse", None], optimizer="adam")
""",
    "autoencoder with a mask at both ends": _KERAS + """
n_features = 4
i = Input(shape=(12, n_features))
code = LSTM(5)(Masking(mask_value=-10.)(i))
x = RepeatVector(12)(code)
x = LSTM(5, return_sequences=True)(x)
model = Model(i, TimeDistributed(Dense(n_features))(x))
model.compile(optimizer="adam", loss="mse")
""",
    "a forecast of six steps": _KERAS + """
n_steps, n_features, horizon = 24, 2, 6
model = Sequential()
model.add(Input((n_steps, n_features)))
model.add(Masking(mask_value=-999.))
model.add(LSTM(8))
model.add(RepeatVector(horizon))
model.add(LSTM(8, return_sequences=True))
model.add(TimeDistributed(Dense(1)))
model.compile(loss="mse", optimizer="adam")
""",
    "labels of several kinds": _KERAS + """
model = Sequential([Input((12, 3)), Masking(), LSTM(8, return_sequences=True), Dense(4, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["binary_accuracy"])
""",
    "one-hot labels of steps": _KERAS + """
model = Sequential([
    Input((12, 3)), Masking(), SimpleRNN(8, return_sequences=True), TimeDistributed(Dense(4, activation="softmax")),
])
model.compile(loss="categorical_crossentropy", optimizer="adam")
""",
    "mask lost in a concatenation of time": _KERAS + """
i = Input((8, 3))
x = Masking()(i)
state = Dense(3)(GlobalAveragePooling1D()(x))
x = Concatenate(axis=1)([x, Reshape((1, 3))(state)])
model = Model(i, Dense(1)(GRU(5)(x)))
""",
    "bidirectional of a convolution": _KERAS + """
i = Input((12,))
x = Embedding(40, 8, mask_zero=True)(i)
x = Conv1D(8, 3, padding="causal", activation="relu")(x)
x = MaxPooling1D(2)(x)
x = Bidirectional(GRU(5))(x)
model = Model(i, Dense(3, activation="softmax")(Dropout(0.3)(x)))
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
""",
    "pooling by an own layer": _KERAS + """
class MaskedMean(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True
    def call(self, x, mask=None):
        if mask is None:
            return tf.reduce_mean(x, axis=1)
        m = tf.cast(mask, x.dtype)[:, :, None]
        return tf.reduce_sum(x * m, 1) / tf.maximum(tf.reduce_sum(m, 1), 1.0)
    def compute_mask(self, x, mask=None):
        return None
model = Sequential([Embedding(40, 8, mask_zero=True), MaskedMean(), Dense(1, activation="sigmoid")])
""",
    "mask of an own layer": _KERAS + """
class PaddingMask(Layer):
    def call(self, x):
        return x
    def compute_mask(self, x, mask=None):
        return tf.keras.ops.any(tf.keras.ops.not_equal(x, 0.0), axis=-1)
model = Sequential([Input((12, 3)), PaddingMask(), LSTM(6, return_sequences=True), Dense(1)])
""",
    "padding and causal mask": _KERAS + """
i = Input((10,))
x = Embedding(30, 8, mask_zero=True)(i)
y = MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
x = LayerNormalization()(x + y)
model = Model(i, Dense(30)(x))
model.compile(loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True), optimizer="adam")
""",
    "sentences of words with attention": _KERAS + """
words = Input((6,), dtype="int32")
w = Embedding(30, 8, mask_zero=True)(words)
sentence = Model(words, Bidirectional(GRU(4))(w))
doc = Input((5, 6), dtype="int32")
s = TimeDistributed(sentence)(doc)
s = Bidirectional(GRU(4, return_sequences=True))(s)
model = Model(doc, Dense(3, activation="softmax")(GlobalMaxPooling1D()(s)))
""",
    "frames of a video": _KERAS + """
model = Sequential()
model.add(Input((6, 4, 4, 1)))
model.add(TimeDistributed(Conv2D(3, 2, activation="relu")))
model.add(TimeDistributed(Flatten()))
model.add(LSTM(5))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam")
""",
    "masks of different marks": _KERAS + """
a, b = Input((10, 2), name="a"), Input((10, 2), name="b")
x = LSTM(4, return_sequences=True)(Masking(-1.0)(a))
y = LSTM(4, return_sequences=True)(Masking(99.0)(b))
model = Model([a, b], Dense(1)(Add()([x, y])))
model.compile(loss="mae", optimizer=tf.keras.optimizers.Adam(learning_rate=3e-3))
""",
    "a loss in a layer": _KERAS + """
class Smooth(Layer):
    def __init__(self, rate=0.1):
        super().__init__()
        self.rate = rate
        self.supports_masking = True
    def call(self, x):
        self.add_loss(self.rate * tf.reduce_mean(tf.square(x[:, 1:] - x[:, :-1])))
        return x
i = Input((12, 3))
x = Smooth()(LSTM(6, return_sequences=True)(Masking()(i)))
model = Model(i, Dense(1)(x))
""",
    "normalised by batch": _KERAS + """
i = Input((12, 3))
x = Masking()(i)
x = BatchNormalization()(x)
x = LSTM(6, return_sequences=True, dropout=0.1)(x)
x = TimeDistributed(BatchNormalization())(x)
model = Model(i, Dense(1)(x))
""",
    "mask_value of 1e20": _KERAS + """
model = Sequential([Input((12, 3)), Masking(mask_value=1e20), GRU(6, return_sequences=True), Dense(1)])
""",
    "a layer with two masked inputs": _KERAS + """
class Gate(Layer):
    def build(self, shapes):
        self.w = self.add_weight(shape=(shapes[0][-1], shapes[1][-1]), initializer="glorot_uniform", name="w")
    def call(self, inputs, mask=None):
        a, b = inputs
        g = tf.sigmoid(tf.matmul(a, self.w))
        if mask is not None and mask[0] is not None:
            g *= tf.cast(mask[0], g.dtype)[..., None]
        return g * b
    def compute_mask(self, inputs, mask=None):
        return mask[0] if mask is not None else None
i = Input((12, 3))
x = Masking()(i)
a, b = LSTM(5, return_sequences=True)(x), GRU(4, return_sequences=True)(x)
model = Model(i, Dense(1)(Gate()([a, b])))
""",
}  # fmt: skip
