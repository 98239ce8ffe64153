"""Models to begin with where somebody asks which layer loses the mask: what is true of each is measured on the spot."""

HEAD = "from tensorflow import keras\nfrom tensorflow.keras import layers\n\n"

EXAMPLES = {  # label -> text
    "Times 2 between layers": HEAD
    + """inputs = keras.Input((12, 3))
x = layers.Masking()(inputs)
x = layers.LSTM(8, return_sequences=True)(x)
x = x * 2.0
x = layers.LSTM(4)(x)
model = keras.Model(inputs, layers.Dense(1)(x))
""",
    "A mean in a Lambda": HEAD
    + """model = keras.Sequential([
    layers.Embedding(50, 8, mask_zero=True),
    layers.LSTM(8, return_sequences=True),
    layers.Lambda(lambda x: keras.ops.mean(x, axis=1)),
    layers.Dense(1),
])
""",
    "Attention with a residual": HEAD
    + """inputs = keras.Input((12,))
x = layers.Embedding(50, 8, mask_zero=True)(inputs)
attended = layers.MultiHeadAttention(2, 4)(x, x)
x = layers.LayerNormalization()(layers.Add()([x, attended]))
model = keras.Model(inputs, layers.Dense(3)(x))
""",
    "Flatten": HEAD
    + """model = keras.Sequential([
    layers.Embedding(50, 8, mask_zero=True, input_length=12),
    layers.Flatten(),
    layers.Dense(1),
])
""",
    "A convolution": HEAD
    + """model = keras.Sequential([
    layers.Embedding(50, 8, mask_zero=True),
    layers.Conv1D(8, 3, padding="same", activation="relu"),
    layers.GlobalMaxPooling1D(),
    layers.Dense(1),
])
""",
    "Two sequences in a row": HEAD
    + """first, second = keras.Input((8,)), keras.Input((8,))
embedding = layers.Embedding(50, 8, mask_zero=True)
lstm = layers.LSTM(8, return_sequences=True)
both = layers.Concatenate(axis=1)([lstm(embedding(first)), lstm(embedding(second))])
model = keras.Model([first, second], layers.LSTM(4)(both))
""",
    "Both directions, a label per step": HEAD
    + """model = keras.Sequential([
    layers.Masking(mask_value=-1.0, input_shape=(12, 3)),
    layers.Bidirectional(layers.GRU(8, return_sequences=True)),
    layers.TimeDistributed(layers.Dense(2)),
])
""",
    "Attention by hand": HEAD
    + """class CausalAttention(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.query, self.key, self.value = (layers.Dense(units) for _ in range(3))

    def call(self, x, mask=None):
        scores = keras.ops.matmul(self.query(x), keras.ops.transpose(self.key(x), (0, 2, 1)))
        later = keras.ops.triu(keras.ops.ones_like(scores), 1)
        return keras.ops.matmul(keras.ops.softmax(scores - 1e9 * later), self.value(x))

inputs = keras.Input((12,))
x = layers.Embedding(50, 8, mask_zero=True)(inputs)
x = CausalAttention(8)(x)
model = keras.Model(inputs, layers.GlobalAveragePooling1D()(x))
""",
    "A mean of nothing": HEAD
    + """model = keras.Sequential([
    layers.Embedding(50, 8, mask_zero=True),
    layers.GlobalAveragePooling1D(),
    layers.Dense(1),
])
""",
    "A layer with two inputs": HEAD
    + """class Gate(layers.Layer):
    def call(self, inputs):
        first, second = inputs
        return keras.ops.sigmoid(first) * second

inputs = keras.Input((12, 3))
x = layers.Masking()(inputs)
first, second = layers.LSTM(8, return_sequences=True)(x), layers.GRU(8, return_sequences=True)(x)
model = keras.Model(inputs, layers.LSTM(4)(Gate()([first, second])))
""",
    "NaN as the mark": HEAD
    + """model = keras.Sequential([
    keras.Input((12, 3)),
    layers.Masking(mask_value=float("nan")),
    layers.LSTM(8, return_sequences=True),
    layers.Dense(1),
])
""",
    "An autoencoder": HEAD
    + """model = keras.Sequential([
    keras.Input((12, 3)),
    layers.Masking(),
    layers.LSTM(8),
    layers.RepeatVector(12),
    layers.LSTM(8, return_sequences=True),
    layers.TimeDistributed(layers.Dense(1)),
])
""",
    "Two outputs": HEAD
    + """inputs = keras.Input((12, 3))
x = layers.LSTM(8, return_sequences=True)(layers.Masking()(inputs))
each = layers.Dense(1, name="each_step")(x)
whole = layers.Dense(1, name="whole")(layers.GlobalMaxPooling1D()(x))
model = keras.Model(inputs, [each, whole])
""",
    "Words inside sentences": HEAD
    + """sentence = keras.Sequential([layers.Embedding(50, 8, mask_zero=True), layers.LSTM(6)])
inputs = keras.Input((5, 7))
x = layers.TimeDistributed(sentence)(inputs)
model = keras.Model(inputs, layers.Dense(1)(layers.LSTM(4)(x)))
""",
}
