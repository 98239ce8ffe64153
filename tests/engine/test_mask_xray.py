"""The x-ray of a model, held against what plain Keras does when sequences are padded by more steps."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from lessons.engine.mask_xray import xray

LENGTH, PADDED = 4, 7  # real steps of a sequence, and steps when it is padded
RNG = np.random.default_rng(0)
FLOATS = RNG.normal(size=(3, LENGTH, 2)).astype("float32")
IDS = RNG.integers(1, 9, (3, LENGTH))


def padded(x: np.ndarray, steps: int = PADDED) -> np.ndarray:
    return np.pad(x, [(0, 0), (0, steps - x.shape[1])] + [(0, 0)] * (x.ndim - 2))


def sequential(*given) -> keras.Model:
    return keras.Sequential([keras.Input((None, 2)), *given])


def operator() -> keras.Model:
    inputs = keras.Input((None, 2))
    hidden = layers.GRU(4, return_sequences=True)(layers.Masking()(inputs)) * 2.0
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(hidden))


class Ate(keras.layers.Layer):
    """Without supports_masking."""

    def call(self, x):
        return x + 1.0


class Kept(Ate):
    def __init__(self):
        super().__init__()
        self.supports_masking = True


@keras.saving.register_keras_serializable()
class Subclassed(keras.Model):
    def __init__(self, between=ops.tanh):
        super().__init__()
        self.embedding = layers.Embedding(9, 4, mask_zero=True)
        self.between = between
        self.lstm = layers.LSTM(3)

    def call(self, ids):
        return self.lstm(self.between(self.embedding(ids)))


def flattened() -> keras.Model:
    return sequential(layers.Masking(), layers.LSTM(3, return_sequences=True), Ate(), layers.GlobalMaxPooling1D())


MODELS = {  # what builds it -> the class at which the mask is lost and how, the class at which padding enters
    "all right": (lambda: sequential(layers.Masking(), layers.LSTM(3), layers.Dense(1)), None, None),
    "pooling is told": (
        lambda: sequential(layers.Masking(), layers.Dense(3), layers.GlobalAveragePooling1D()), None, None,
    ),
    "both directions": (lambda: sequential(layers.Masking(), layers.Bidirectional(layers.GRU(3))), None, None),
    "no mask": (lambda: sequential(layers.Dense(3), layers.GlobalMaxPooling1D()), None, "GlobalMaxPooling1D"),
    "an operator": (operator, ("Multiply", "lost"), "GlobalAveragePooling1D"),
    "a lambda": (
        lambda: sequential(layers.Masking(), layers.Lambda(lambda t: t * 2.0), layers.LSTM(3)),
        ("Lambda", "lost"), "LSTM",
    ),
    "an own layer": (flattened, ("Ate", "lost"), "GlobalMaxPooling1D"),
    "an own layer that supports masking": (
        lambda: sequential(layers.Masking(), Kept(), layers.LSTM(3)), None, None,
    ),
    "an operation in call()": (Subclassed, ("LSTM", "lost before"), "LSTM"),
    "call() with a layer": (lambda: Subclassed(layers.Dense(4)), None, None),
}  # fmt: skip


@pytest.mark.parametrize("case", MODELS)
def test_where_the_mask_is_lost_and_padding_enters(case):
    build, lost, enters = MODELS[case]
    short = IDS if "call()" in case else FLOATS
    x = padded(short)
    real = np.arange(PADDED) < np.full((3, 1), LENGTH) if case == "no mask" else None
    seen = xray(build, x, real)
    assert (seen.lost and (seen.lost.layer, seen.lost.verdict)) == lost
    assert (seen.enters and seen.enters.layer) == enters
    assert len(seen.says) == (1 if not lost and (not enters or case != "no mask") else 2), str(seen)


@pytest.mark.parametrize("case", [name for name in MODELS if name != "no mask"])
def test_padding_enters_just_where_more_of_it_changes_what_plain_keras_predicts(case):
    build, _, enters = MODELS[case]
    short, model = (IDS if "call()" in case else FLOATS), build()
    if case == "an own layer":  # what an LSTM repeats on masked steps is no new maximum: other numbers there would be
        return
    same = np.allclose(model(short), model(padded(short)), atol=1e-5)
    assert same is (enters is None)


def test_lines_warnings_and_the_way_to_the_loss_are_told():
    build = MODELS["a lambda"][0]
    seen = xray(build, padded(FLOATS))
    assert seen.lost.warnings and "Keras said nothing" not in seen.says[0]
    assert seen.lost.line.startswith("test_mask_xray.py:") and seen.lost.line in str(seen)
    per_step = xray(lambda: sequential(layers.Masking(), Ate(), layers.Dense(1)), padded(FLOATS))
    assert per_step.says[1] == "No mask comes with the predictions: a loss per step counts the masked steps too."
    told = xray(operator, padded(FLOATS))
    assert "it is no layer" in told.says[0] and "Keras said nothing" in told.says[0]


def test_a_model_is_left_as_it_was():
    model = operator()
    before = np.array(model(padded(FLOATS)))
    calls = keras.Layer.__call__, keras.Operation.__call__
    xray(model, padded(FLOATS))
    assert (keras.Layer.__call__, keras.Operation.__call__) == calls
    np.testing.assert_array_equal(model(padded(FLOATS)), before)
    with pytest.raises(ValueError, match="rank|dim|shape"):
        xray(model, np.zeros(3))
    assert (keras.Layer.__call__, keras.Operation.__call__) == calls


# --- models as people bring them in questions about masks, in our words


def tokens(*given, steps: int | None = None) -> keras.Model:
    inputs = keras.Input((steps,))
    hidden = layers.Embedding(9, 4, mask_zero=True)(inputs)
    for layer in given:
        hidden = layer(hidden)
    return keras.Model(inputs, hidden)


class Attention(layers.Layer):
    """Weights over all steps, padded ones too, though it says that it supports masks."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True
        self.score = layers.Dense(1)

    def call(self, x, mask=None):
        return ops.sum(ops.softmax(self.score(x), axis=1) * x, axis=1)

    def compute_mask(self, x, mask=None):
        return None


class MaskedAttention(Attention):
    def call(self, x, mask=None):
        scores = ops.where(mask[..., None], self.score(x), -1e9)
        return ops.sum(ops.softmax(scores, axis=1) * x, axis=1)


def transformer() -> keras.Model:
    inputs = keras.Input((None,))
    hidden = layers.Embedding(9, 4, mask_zero=True)(inputs)
    hidden = layers.Add()([hidden, layers.MultiHeadAttention(2, 2)(hidden, hidden)])
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(hidden))


def pair() -> keras.Model:
    first, second = keras.Input((None,)), keras.Input((None,))
    embedding, lstm = layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3, return_sequences=True)
    both = layers.Concatenate(axis=1)([lstm(embedding(first)), lstm(embedding(second))])
    return keras.Model([first, second], layers.LSTM(2)(both))


BROUGHT = {  # what builds it -> where the mask is lost, where padding enters
    "a reshape": (lambda: tokens(layers.Reshape((PADDED, 4)), layers.LSTM(3), steps=PADDED), "Reshape", "LSTM"),
    "a mean in a lambda": (
        lambda: tokens(layers.LSTM(3, return_sequences=True), layers.Lambda(lambda t: ops.mean(t, axis=1))),
        None, "Lambda",
    ),
    "flattened": (lambda: tokens(layers.Flatten(), layers.Dense(1), steps=PADDED), None, "Flatten"),
    "convolution and pooling": (
        lambda: tokens(layers.Conv1D(3, 3, padding="same"), layers.GlobalMaxPooling1D()), "Conv1D", "Conv1D",
    ),
    "an attention that forgets": (lambda: tokens(Attention()), None, "Attention"),
    "an attention that does not": (lambda: tokens(MaskedAttention()), None, None),
    "a residual around attention": (transformer, None, None),  # what it was built with is handed to the pooling
    "two sequences in a row": (pair, None, None),
    "a maximum": (lambda: tokens(layers.Dropout(0.2), layers.GlobalMaxPooling1D()), None, "GlobalMaxPooling1D"),
    "an autoencoder": (
        lambda: tokens(layers.LSTM(3), layers.RepeatVector(PADDED), layers.LSTM(3, return_sequences=True)), None, None,
    ),
    "a mean": (lambda: tokens(layers.LSTM(3, return_sequences=True), layers.GlobalAveragePooling1D()), None, None),
}  # fmt: skip


def stateful() -> keras.Model:
    inputs = keras.Input((None,), batch_size=3)
    return keras.Model(inputs, layers.LSTM(3, stateful=True)(layers.Embedding(9, 4, mask_zero=True)(inputs)))


BROUGHT["a state that is kept"] = (stateful, None, None)
OF_FIXED_LENGTH = ("a reshape", "flattened", "an autoencoder")


@pytest.mark.parametrize("case", BROUGHT)
def test_models_as_people_bring_them(case):
    build, lost, enters = BROUGHT[case]
    keras.utils.set_random_seed(0)  # an attention may be drawn that hardly looks at the padding
    x = [padded(IDS)] * 2 if build is pair else padded(IDS)
    seen = xray(build, x)
    assert (seen.lost and seen.lost.layer, seen.enters and seen.enters.layer) == (lost, enters), str(seen)
    told = xray(build, x, np.arange(PADDED) < np.full((3, 1), LENGTH))  # the real steps say no more
    assert (told.lost and told.lost.layer, told.enters and told.enters.layer) == (lost, enters), str(told)
    if case not in OF_FIXED_LENGTH and build not in (pair, stateful):
        model = build()
        (table,) = model.get_layer(index=1).get_weights()
        table[0] = 5.0  # what stands for padding is larger than any word: a maximum that looks at it finds it
        model.get_layer(index=1).set_weights([table])
        assert np.allclose(model(IDS), model(padded(IDS)), atol=1e-5) is (enters is None), "and plain Keras agrees"


class Sampling(layers.Layer):
    """Draws in prediction too, as that of a variational autoencoder does."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def call(self, mean):
        return mean + keras.random.normal(keras.ops.shape(mean), seed=self.seed)


@pytest.mark.parametrize("seed", [lambda: keras.random.SeedGenerator(1), lambda: None], ids=["its own", "of Keras"])
def test_what_is_drawn_anew_in_each_run_is_no_padding(seed):
    pooled = xray(lambda: tokens(layers.LSTM(3), Sampling(seed())), padded(IDS))
    assert pooled.enters is None and pooled.lost is None, str(pooled)
    before = xray(lambda: tokens(layers.Conv1D(3, 3, padding="same"), Sampling(seed())), padded(IDS))
    assert before.enters.layer == "Conv1D", str(before)


class Convolved(layers.Layer):
    """Sets masked steps to 0 by itself, or not, and hands the mask on."""

    def __init__(self, heeds):
        super().__init__()
        self.heeds, self.supports_masking = heeds, True
        self.convolution = layers.Conv1D(3, 3, padding="same")

    def call(self, x, mask=None):
        return self.convolution(x * keras.ops.cast(mask, "float32")[..., None] if self.heeds else x + 0.0)


def test_a_layer_that_heeds_the_mask_in_its_own_way_has_not_lost_it():
    heeding, not_heeding = (xray(lambda heeds=heeds: tokens(Convolved(heeds)), padded(IDS)) for heeds in (True, False))
    assert heeding.findings == [], str(heeding)
    assert [code for code, _ in not_heeding.findings] == ["mask_lost", "padding_enters"], str(not_heeding)


def test_as_many_units_as_steps_are_no_steps():
    """(batch, units) of an LSTM's last state looks like (batch, time)."""
    for layer in (layers.LSTM(PADDED), layers.GlobalAveragePooling1D()):
        widened = [layers.Dense(PADDED), layer]
        seen = xray(lambda widened=widened: tokens(*widened), padded(IDS))
        assert seen.lost is None and seen.calls[-1].verdict == "ended", str(seen)


def test_a_residual_around_attention_loses_the_mask_in_fit_too():
    """Keras' MultiHeadAttention takes the mask off its inputs: of what else is made of them nobody hears."""
    inputs = keras.Input((None,))
    hidden = layers.Embedding(9, 4, mask_zero=True)(inputs)
    added = layers.Add()([hidden, layers.MultiHeadAttention(2, 2)(hidden, hidden)])
    assert added._keras_mask is not None, "announced while the model is built"
    (said,) = [said for code, said in xray(keras.Model(inputs, added), padded(IDS)).findings if code == "mask_lost"]
    assert "lost in add" in said and "MultiHeadAttention takes it off" in said
    heard = []

    class Loss(keras.losses.Loss):
        def __call__(self, y_true, y_pred, sample_weight=None):
            heard.append(getattr(y_pred, "_keras_mask", None) is not None)
            return super().__call__(y_true, y_pred, sample_weight)

        def call(self, y_true, y_pred):
            return ops.mean((y_true - y_pred) ** 2, axis=-1)

    model = keras.Model(inputs, added)
    model.compile("sgd", Loss(), jit_compile=False)
    model.fit(padded(IDS), np.zeros((3, PADDED, 4)), verbose=0)
    assert heard and not any(heard)
    assert xray(model, padded(IDS)).lost.layer == "Add"
