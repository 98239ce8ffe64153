"""Models in the forms in which people paste them when they ask about masks, in our own words: (name, text, fate).

The forms are those of public reports: tutorials' Sequentials with data lines around them, taggers, encoders and
decoders, attention layers of older Keras, towers, VAEs. `fate`: "" where the model is admitted, built and trained on a
batch; else a part of the sentence that it is refused with.
"""

_KERAS = "from tensorflow.keras.models import Sequential, Model\nfrom tensorflow.keras.layers import *\n"

MODEL_STRANGERS: dict[str, tuple[str, str]] = {
    "forecast with data lines": (_KERAS + """
import pandas as pd
from sklearn.preprocessing import MinMaxScaler
df = pd.read_csv("load.csv"); scaler = MinMaxScaler()
X_train, y_train = cut(scaler.fit_transform(df), 24)
model = Sequential()
model.add(Masking(mask_value=-1, input_shape=(X_train.shape[1], X_train.shape[2])))
model.add(LSTM(16))
model.add(Dropout(0.2))
model.add(Dense(1))
model.compile(optimizer="adam", loss="mae")
history = model.fit(X_train, y_train, epochs=10, validation_split=0.1)
""", ""),
    "sentiment": (_KERAS + """
vocab_size = len(tokenizer.word_index) + 1
model = Sequential([
    Embedding(vocab_size, 16, input_length=max_len, mask_zero=True),
    Bidirectional(LSTM(8)),
    Dense(1, activation="sigmoid"),
])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.summary()
""", ""),
    "tagger": (_KERAS + """
inp = Input(shape=(max_len,))
x = Embedding(input_dim=n_words, output_dim=20, mask_zero=True)(inp)
x = Bidirectional(LSTM(units=10, return_sequences=True, recurrent_dropout=0.1))(x)
out = TimeDistributed(Dense(n_tags, activation="softmax"))(x)
model = Model(inp, out)
""", ""),
    "words inside sentences": (_KERAS + """
model = Sequential()
model.add(TimeDistributed(Embedding(50, 8, mask_zero=True), input_shape=(4, 6)))
model.add(TimeDistributed(LSTM(5)))
model.add(LSTM(6))
model.add(Dense(3, activation="softmax"))
""", ""),
    "convolution after a mask": (_KERAS + """
i = Input((None, 3))
m = Masking(0.0)(i)
c = Conv1D(8, 3, padding="same", activation="relu")(m)
g = GRU(8, return_sequences=True)(c)
model = Model(inputs=i, outputs=Dense(1)(g))
""", ""),
    "autoencoder": (_KERAS + """
timesteps, n_features = 12, 3
model = Sequential()
model.add(Masking(mask_value=0., input_shape=(timesteps, n_features)))
model.add(LSTM(8, activation="relu"))
model.add(RepeatVector(timesteps))
model.add(LSTM(8, activation="relu", return_sequences=True))
model.add(TimeDistributed(Dense(n_features)))
""", ""),
    "pooling that ignores the mask": (_KERAS + """
def build_model(num_classes):
    tokens = Input(shape=(None,), dtype="int32", name="tokens")
    x = Embedding(100, 16, mask_zero=True)(tokens)
    x = GlobalAveragePooling1D()(x)
    model = Model(tokens, Dense(num_classes, activation="softmax")(x))
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
    return model
""", ""),
    "mean by Lambda": (_KERAS + """
import tensorflow.keras.backend as K
a = Input((10, 4))
m = Masking()(a)
h = LSTM(5, return_sequences=True)(m)
s = Lambda(lambda t: tf.reduce_mean(t, axis=1), output_shape=(5,))(h)
net = Model(a, Dense(2)(s))
""", ""),
    "mask eater": (_KERAS + """
class NonMasking(Layer):
    def __init__(self, **kwargs):
        self.supports_masking = True
        super(NonMasking, self).__init__(**kwargs)
    def build(self, input_shape):
        super(NonMasking, self).build(input_shape)
    def compute_mask(self, inputs, input_mask=None):
        return None
    def call(self, x, mask=None):
        return x
    def compute_output_shape(self, input_shape):
        return input_shape
model = Sequential([Embedding(60, 8, mask_zero=True), NonMasking(), Flatten(), Dense(1)])
""", ""),
    "attention of older Keras": (_KERAS + """
from keras import backend as K, initializers, regularizers, constraints
class AttentionWithContext(Layer):
    def __init__(self, W_regularizer=None, bias=True, **kwargs):
        self.supports_masking = True
        self.init = initializers.get("glorot_uniform")
        self.W_regularizer = regularizers.get(W_regularizer)
        self.bias = bias
        super(AttentionWithContext, self).__init__(**kwargs)
    def build(self, input_shape):
        self.W = self.add_weight(shape=(input_shape[-1], 1), initializer=self.init,
                                 name="{}_W".format(self.name), regularizer=self.W_regularizer)
        if self.bias:
            self.b = self.add_weight(shape=(1,), initializer="zero", name="{}_b".format(self.name))
        super(AttentionWithContext, self).build(input_shape)
    def compute_mask(self, inputs, mask=None):
        return None
    def call(self, x, mask=None):
        e = tf.squeeze(tf.tanh(tf.matmul(x, self.W) + self.b), -1)
        a = tf.exp(e)
        if mask is not None:
            a *= tf.cast(mask, a.dtype)
        a /= tf.reduce_sum(a, axis=1, keepdims=True) + 1e-7
        return tf.reduce_sum(x * tf.expand_dims(a, -1), axis=1)
model = Sequential([Masking(input_shape=(10, 3)), GRU(6, return_sequences=True), AttentionWithContext(), Dense(1)])
""", ""),
    "attention of today": (_KERAS + """
class Attend(Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.proj, self.score = Dense(units, activation="tanh"), Dense(1)
    def call(self, h, mask=None):
        s = self.score(self.proj(h))
        if mask is not None:
            s += (1.0 - tf.cast(mask, s.dtype))[..., tf.newaxis] * -1e9
        w = tf.nn.softmax(s, axis=1)
        return tf.reduce_sum(w * h, axis=1)
inputs = Input((None, 3))
x = Masking()(inputs)
x = LSTM(8, return_sequences=True)(x)
model = Model(inputs, Dense(1)(Attend(4)(x)))
""", ""),
    "transformer block": (_KERAS + """
class TransformerBlock(Layer):
    def __init__(self, embed_dim=8, num_heads=2, ff_dim=16, rate=0.1):
        super().__init__()
        self.att = MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = Sequential([Dense(ff_dim, activation="relu"), Dense(embed_dim)])
        self.n1, self.n2 = LayerNormalization(epsilon=1e-6), LayerNormalization(epsilon=1e-6)
        self.d1 = Dropout(rate)
    def call(self, inputs, training=False):
        a = self.n1(inputs + self.d1(self.att(inputs, inputs), training=training))
        return self.n2(a + self.ffn(a))
class TokenAndPosition(Layer):
    def __init__(self, maxlen, vocab_size, embed_dim):
        super().__init__()
        self.tok = Embedding(vocab_size, embed_dim, mask_zero=True)
        self.pos = Embedding(maxlen, embed_dim)
    def call(self, x):
        return self.tok(x) + self.pos(tf.range(start=0, limit=tf.shape(x)[-1], delta=1))
    def compute_mask(self, x, mask=None):
        return self.tok.compute_mask(x)
maxlen = 12
i = Input(shape=(maxlen,))
x = TransformerBlock()(TokenAndPosition(maxlen, 50, 8)(i))
model = Model(i, Dense(2, activation="softmax")(GlobalAveragePooling1D()(x)))
""", ""),
    "encoder and decoder": (_KERAS + """
latent_dim = 8
encoder_inputs = Input(shape=(None,))
e = Embedding(30, latent_dim, mask_zero=True)(encoder_inputs)
_, state_h, state_c = LSTM(latent_dim, return_state=True)(e)
decoder_inputs = Input(shape=(None,))
d = Embedding(30, latent_dim, mask_zero=True)(decoder_inputs)
d, _, _ = LSTM(latent_dim, return_sequences=True, return_state=True)(d, initial_state=[state_h, state_c])
decoder_outputs = Dense(30, activation="softmax")(d)
model = Model([encoder_inputs, decoder_inputs], decoder_outputs)
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy")
""", ""),
    "subclassed model": (_KERAS + """
class MyModel(tf.keras.Model):
    def __init__(self, vocab_size=40, units=8):
        super().__init__(name="my_model")
        self.embedding = tf.keras.layers.Embedding(vocab_size, units, mask_zero=True)
        self.rnn = tf.keras.layers.GRU(units, return_sequences=True, return_state=True)
        self.out = tf.keras.layers.Dense(3)
    def call(self, inputs, training=False):
        x = self.embedding(inputs)
        x, state = self.rnn(x, mask=self.embedding.compute_mask(inputs), training=training)
        return self.out(x)
model = MyModel()
""", ""),
    "two branches": (_KERAS + """
left, right = Input((None, 2), name="left"), Input((None, 2), name="right")
a = LSTM(4, return_sequences=True)(Masking()(left))
b = LSTM(4, return_sequences=True)(Masking(mask_value=-1.0)(right))
x = concatenate([a, b], axis=-1)
model = Model(inputs=[left, right], outputs=TimeDistributed(Dense(1))(x))
""", ""),
    "two outputs": (_KERAS + """
i = Input((12, 3))
x = LSTM(6, return_sequences=True)(Masking()(i))
tags = Dense(3, activation="softmax", name="tags")(x)
level = Dense(1, name="level")(x)
model = Model(i, [tags, level])
model.compile("adam", loss={"tags": "sparse_categorical_crossentropy", "level": "mse"}, loss_weights=[1.0, 0.5])
""", ""),
    "vae": (_KERAS + """
class Sampling(Layer):
    def call(self, inputs):
        mean, log_var = inputs
        self.add_loss(-0.5 * tf.reduce_mean(1 + log_var - tf.square(mean) - tf.exp(log_var)))
        return mean + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mean))
i = Input((12, 3))
h = LSTM(8)(Masking()(i))
z = Sampling()([Dense(2)(h), Dense(2)(h)])
model = Model(i, TimeDistributed(Dense(3))(LSTM(8, return_sequences=True)(RepeatVector(12)(z))))
""", ""),
    "vae that keeps its seed": ("""
import keras
from keras import layers, ops

class Draw(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, inputs):
        mean, spread = inputs
        kept = mean + ops.exp(0.5 * spread) * keras.random.normal(ops.shape(mean), seed=self.seeds)
        self.add_loss(0.5 * ops.mean(ops.square(mean) + ops.exp(spread) - 1 - spread))
        return kept

steps = keras.Input((12, 3))
state = layers.LSTM(8)(layers.Masking()(steps))
code = Draw()([layers.Dense(2)(state), layers.Dense(2)(state)])
again = layers.LSTM(8, return_sequences=True)(layers.RepeatVector(12)(code))
model = keras.Model(steps, layers.Dense(3)(again))
model.compile("adam", "mse")
""", ""),
    "own cell": (_KERAS + """
class MinimalRNNCell(Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units
    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer="uniform", name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, self.units), initializer="orthogonal", name="recurrent")
    def call(self, inputs, states):
        out = tf.matmul(inputs, self.kernel) + tf.matmul(states[0], self.recurrent)
        return out, [out]
model = Sequential([Masking(), RNN(MinimalRNNCell(5)), Dense(1)])
""", ""),
    "stateful": (_KERAS + """
model = Sequential()
model.add(Input(batch_shape=(8, 12, 3)))
model.add(Masking())
model.add(LSTM(6, stateful=True, return_sequences=True))
model.add(Dense(1))
""", ""),
    "self attention": (_KERAS + """
q = Input((None,), dtype="int64")
e = Embedding(40, 8, mask_zero=True)(q)
x = Attention()([e, e])
x = GlobalMaxPooling1D()(x)
model = Model(q, Dense(1, activation="sigmoid")(x))
""", ""),
    "explicit mask": (_KERAS + """
i = Input((12, 3))
mask = Masking(mask_value=0.0).compute_mask(i)
x = LSTM(5, return_sequences=True)(i, mask=mask)
model = Model(i, Dense(1)(x))
""", ""),
    "residual": (_KERAS + """
i = Input(shape=(12, 3))
x = Masking()(i)
x = Dense(8)(x)
for units in [8, 8]:
    y = LSTM(units, return_sequences=True)(x)
    x = Add()([x, y])
    x = BatchNormalization()(x)
x = x * 2.0
model = Model(i, Dense(1)(x))
""", ""),
    "pretrained words": (_KERAS + """
import numpy as np
embedding_matrix = np.random.rand(50, 16)
model = Sequential()
model.add(Embedding(50, 16, weights=[embedding_matrix], trainable=False, mask_zero=True))
model.add(SpatialDropout1D(0.2))
model.add(Conv1D(8, 5, activation="relu"))
model.add(GlobalMaxPooling1D())
model.add(Dense(1, activation="sigmoid"))
""", ""),
    "program around it": ("""
import keras
from keras import layers
def main():
    print("training")
def get_model(input_shape=(12, 3)):
    return keras.Sequential([keras.Input(shape=input_shape), layers.Masking(), layers.GRU(4), layers.Dense(1)])
if __name__ == "__main__":
    model = get_model()
    model.fit(x, y)
""", ""),
    "Keras 1": ("""
from keras.models import Sequential
from keras.layers.core import Dense, Masking
from keras.layers.recurrent import LSTM
model = Sequential()
model.add(Masking(mask_value=0, input_shape=(12, 3)))
model.add(LSTM(output_dim=5, return_sequences=True))
model.add(Dense(1))
""", "LSTM with `output_dim`"),
    "own training step": (_KERAS + """
class Custom(Model):
    def __init__(self):
        super().__init__()
        self.m, self.l, self.d = Masking(), LSTM(4, return_sequences=True), Dense(1)
    def call(self, x):
        return self.d(self.l(self.m(x)))
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_variables), self.trainable_variables))
        return {"loss": loss}
""", ""),
    "text layer": (_KERAS + """
vec = TextVectorization(max_tokens=1000)
vec.adapt(texts)
model = Sequential([vec, Embedding(1000, 8, mask_zero=True), LSTM(4), Dense(1)])
""", "`TextVectorization` is used and not defined here: use one of Keras' layers"),
    "conditional random field": ("""
from keras.models import Model
from keras.layers import Input, Embedding, LSTM
from keras_contrib.layers import CRF
i = Input((12,))
x = LSTM(8, return_sequences=True)(Embedding(40, 8, mask_zero=True)(i))
model = Model(i, CRF(3)(x))
""", "from keras_contrib.layers import CRF"),
}  # fmt: skip
