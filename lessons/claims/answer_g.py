"""Claims of G, what is said of losses over tokens, and of what a masked step puts out."""

import numpy as np

from lessons.claims.apparatus import dense, lstm, stack
from lessons.claims.claim import ROUNDING, beyond, claims_of, near, under, whole

claim = claims_of("G")

TOKENS = 5  # in the vocabulary; 0 is padding
END = 1  # the token that ends a text


def texts(lengths=(6, 2), timesteps=6, seed=0):
    """Inputs (batch, time, 4), zeros on padding, and labels (batch, time), the next tokens, 0 on padding."""
    rng = np.random.default_rng(seed)
    x, labels = np.zeros((len(lengths), timesteps, 4), "float32"), np.zeros((len(lengths), timesteps), "int32")
    for row, length in enumerate(lengths):
        x[row, :length] = rng.normal(size=(length, 4))
        labels[row, :length] = [*rng.integers(2, TOKENS, length - 1), END]
    return x, labels


def token_losses(model, x, labels, **options):
    """The cross-entropy of each step, (batch, time). `options`: of Keras' loss."""
    import keras

    return keras.losses.sparse_categorical_crossentropy(labels, model(x), from_logits=True, **options)


def cosine(one, other):
    """Of two gradients."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


# --- 41


def ignoring_is_safe(n):
    return under(
        {
            "where padding has an id of its own": beyond(n["end_own"], ROUNDING),
            "where padding has the id of the end": beyond(n["end_shared"], ROUNDING),
        }
    )


@claim(
    41,
    "Ignoring the padding token in the loss is always safe",
    rule=ignoring_is_safe,
    says="The gradient at the end of a text is {end_own:.2g} where padding has an id of its own, and {end_shared:.2g} "
    "where both have one id.",
    counter={"mark": -100},
    counter_says="labels that are ignored because they are padding, not because of their id",
    source="https://github.com/huggingface/transformers/issues/23530",
)
def ignored_by_id(mark=None):
    import keras
    import tensorflow as tf

    def end_gradient(padding):
        _, labels = texts()
        ends = labels == END
        labels = np.where(labels == 0, padding if mark is None else mark, labels)
        ignored = padding if mark is None else mark
        predictions = tf.constant(np.random.default_rng(1).normal(size=(*labels.shape, TOKENS)), tf.float32)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored)
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            value = loss(labels, predictions)
        return float(np.abs(tape.gradient(value, predictions).numpy()[ends]).max())

    return {"end_own": end_gradient(0), "end_shared": end_gradient(END)}


# --- 42


def by_a_factor(n):
    return under(
        {
            "where texts are alike long": near(1 - n["cosine_alike"], ROUNDING),
            "where they are not": near(1 - n["cosine_unlike"], ROUNDING),
        }
    )


@claim(
    42,
    "A loss per token and a loss per sequence differ by a constant factor only",
    rule=by_a_factor,
    says="The cosine of both gradients is {cosine_alike:.4g} for texts that are alike long, {cosine_unlike:.4g} for "
    "others.",
    counter={"lengths": (4, 4)},
    counter_says="texts that are alike long, in both",
    source="https://github.com/huggingface/transformers/pull/34191",
)
def two_means(lengths=(6, 2)):
    import tensorflow as tf

    model = stack(dense(TOKENS), shape=(6, 4))

    def likeness(lengths):
        x, labels = texts(lengths)
        real = (labels > 0).astype("float32")
        with tf.GradientTape(persistent=True) as tape:
            each = token_losses(model, x, labels) * real
            per_token = tf.reduce_sum(each) / real.sum()
            per_text = tf.reduce_mean(tf.reduce_sum(each, axis=1) / real.sum(axis=1))
        slopes = [
            np.concatenate([np.ravel(part) for part in tape.gradient(loss, model.trainable_variables)])
            for loss in (per_token, per_text)
        ]
        return cosine(*slopes)

    return {"cosine_alike": likeness((4, 4)), "cosine_unlike": likeness(lengths)}


# --- 43


def accumulation_is_a_batch(n):
    return under(
        {
            "where micro-batches have equally many tokens": near(n["apart_alike"], ROUNDING),
            "where they have not": near(n["apart_unlike"], ROUNDING),
        }
    )


@claim(
    43,
    "Accumulating gradients equals a larger batch",
    rule=accumulation_is_a_batch,
    says="After one update the weights are {apart_alike:.2g} apart where both micro-batches have as many tokens, and "
    "{apart_unlike:.2g} where they have not.",
    counter={"lengths": (4, 4)},
    counter_says="micro-batches with equally many tokens, in both",
    source="https://github.com/huggingface/transformers/issues/14638",
)
def accumulated(lengths=(6, 2)):
    import keras

    def weights(lengths, accumulated):
        x, labels = texts(lengths)
        model = stack(keras.layers.Masking(0.0), dense(TOKENS), shape=(6, 4))
        optimizer = keras.optimizers.SGD(1.0, gradient_accumulation_steps=2 if accumulated else None)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss, run_eagerly=True)
        for part in ((0,), (1,)) if accumulated else ((0, 1),):
            model.train_on_batch(x[list(part)], labels[list(part)])
        return model.get_weights()[0]

    alike, unlike = (float(np.abs(weights(one, True) - weights(one, False)).max()) for one in ((4, 4), lengths))
    return {"apart_alike": alike, "apart_unlike": unlike}


# --- 44


def perplexities_compare(n):
    return under(
        {
            "where padding is left out of the mean": near(n["moved_masked"], ROUNDING),
            "where it is counted": near(n["moved_counted"], ROUNDING),
        }
    )


@claim(
    44,
    "The perplexity of a text is the same however far it is padded",
    rule=perplexities_compare,
    says="Padded to 6 and to 24 steps its perplexity is {masked_6:.3g} and {masked_24:.3g} over the tokens, "
    "{counted_6:.3g} and {counted_24:.3g} over all steps.",
    counter={"ignored": 0},
    counter_says="a loss that ignores the padding by its id",
    source="https://github.com/ml-explore/mlx-lm/pull/1855",
)
def perplexity(ignored=None):
    import keras

    told = {}
    for steps in (6, 24):
        x, labels = texts((6, 3), steps)
        model = stack(keras.layers.Masking(0.0), dense(TOKENS), shape=(steps, 4))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        counting = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored)
        told[f"masked_{steps}"] = float(np.exp(loss(labels, model(x))))
        told[f"counted_{steps}"] = float(np.exp(counting(labels, keras.ops.copy(model(x)))))
    moved = {f"moved_{way}": told[f"{way}_24"] / told[f"{way}_6"] - 1 for way in ("masked", "counted")}
    return told | moved


# --- 45


def adds_up_over_time(n):
    return whole(
        {
            "the weights of the real steps add up to 1": near(n["real_sum"] - 1, ROUNDING),
            "padding has none": near(n["padding_sum"], ROUNDING),
        }
    )


@claim(
    45,
    "The TemporalSoftmax of the guide to masking normalises over the real steps",
    rule=adds_up_over_time,
    says="Over {steps} real steps the weights add up to {real_sum:.3g}, over the padding to {padding_sum:.3g}.",
    counter={"axis": 1},
    counter_says="the sum taken over time",
    source="https://github.com/keras-team/keras-io/pull/1904",
)
def temporal_softmax(axis=-1):
    """Its arithmetic: the exponential of one score at each step, times the mask, over a sum along `axis`."""
    from keras import ops

    scores = np.random.default_rng(0).normal(size=(1, 6, 1)).astype("float32")
    real = np.arange(6) < 4
    weights = ops.exp(scores) * real[None, :, None].astype("float32")
    weights = ops.convert_to_numpy(weights / ops.sum(weights, axis=axis, keepdims=True))[0, :, 0]
    return {"steps": 4, "real_sum": float(weights[real].sum()), "padding_sum": float(weights[~real].sum())}


# --- 46


def masked_is_zero(n):
    return under({f"for {name}": near(size, ROUNDING) for name, size in n.items()})


@claim(
    46,
    "Where the mask is False a layer puts out 0",
    rule=masked_is_zero,
    says="The largest output at a masked step is {LSTM:.2g} of an LSTM, {Dense:.2g} of a Dense layer, {attention:.2g} "
    "of an attention.",
    counter={"multiplied": True},
    counter_says="outputs that are multiplied by the mask",
    source="https://github.com/phlippe/uvadlc_notebooks/issues/110",
)
def output_at_padding(multiplied=False):
    import keras

    x, labels = texts()
    x = x + np.where(labels[..., None] == 0, -9, 0).astype("float32")
    real, glorot = labels > 0, keras.initializers.GlorotUniform(0)
    masked = keras.layers.Masking(-9.0)(x)
    layers = {
        "LSTM": lstm(),
        "Dense": dense(4),
        "attention": lambda t: keras.layers.MultiHeadAttention(1, 4, kernel_initializer=glorot)(t, t),
    }
    told = {name: keras.ops.convert_to_numpy(layer(masked)) for name, layer in layers.items()}
    if multiplied:
        told = {name: values * real[..., None] for name, values in told.items()}
    return {name: float(np.abs(values[~real]).max()) for name, values in told.items()}
