"""Claims of F, what is said of attention masks: in guides, in issues, in forums."""

import numpy as np

from lessons.claims.apparatus import dense, lstm, masked_model
from lessons.claims.claim import ROUNDING, beyond, claims_of, near, under, whole

claim = claims_of("F")

REAL = 4  # steps of a sequence; behind or before them there is padding
PADDED = 3  # steps


def sequence(fill=0.0, side="post", seed=0):
    """One sequence (1, time, 4) with its padding on one side, and where it is real (1, time)."""
    rng = np.random.default_rng(seed)
    steps, padding = rng.normal(size=(REAL, 4)), np.full((PADDED, 4), fill)
    parts = (steps, padding) if side == "post" else (padding, steps)
    real = np.concatenate([np.full(len(part), part is steps) for part in parts])
    return np.concatenate(parts)[None].astype("float32"), real[None]


def attended(x, mask=None, causal=False, scores=False):
    """keras.layers.MultiHeadAttention of x (1, time, 4), weights drawn from a seed; `mask` (1, time) of the keys."""
    import keras

    layer = keras.layers.MultiHeadAttention(1, 4, kernel_initializer=keras.initializers.GlorotUniform(0))
    given = {} if mask is None else {"attention_mask": mask[:, None, :]}
    return layer(x, x, use_causal_mask=causal, return_attention_scores=scores, **given)


def apart(one, other):
    """The largest difference of two arrays; NaN where one of them is not finite."""
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).max())


# --- 35


def as_good_as_infinity(n):
    return under(
        {
            "in float32, where a key is left": near(n["apart"], ROUNDING),
            "in float16, where a key is left": near(n["apart_half"], ROUNDING),
            "in float32, in a row without a key": near(n["apart_empty"], ROUNDING),
        }
    )


@claim(
    35,
    "Adding −1e9 to a masked score is as good as adding −inf",
    rule=as_good_as_infinity,
    says="Weights of a row with keys are {apart:.2g} apart in float32 and {apart_half:.2g} in float16; of a row "
    "without keys, {apart_empty:.2g}. Are they finite there in float16: {finite_half}.",
    counter={"added": -3.0},
    counter_says="a number that is not large",
    source="https://github.com/huggingface/transformers/pull/17306",
)
def a_large_number(added=-1e9):
    from keras import ops

    scores, keys = np.array([[0.5, -1.0, 2.0]], "float32"), np.array([[True, True, False]])

    def weights(instead, left, dtype="float32"):
        masked = ops.cast(ops.where(left, 0.0, instead), dtype)
        return ops.convert_to_numpy(ops.softmax(ops.cast(scores, dtype) + masked)).astype(float)

    infinity, none = -np.inf, np.zeros_like(keys)
    return {
        "apart": apart(weights(added, keys), weights(infinity, keys)),
        "apart_half": apart(weights(added, keys, "float16"), weights(infinity, keys, "float16")),
        "apart_empty": apart(weights(added, none), weights(infinity, none)),
        "finite_half": bool(np.isfinite(weights(added, none, "float16")).all()),
    }


# --- 36


def causal_is_enough(n):
    return under(
        {
            "for outputs, padding on the right": near(n["moved_right"], ROUNDING),
            "for outputs, padding on the left": near(n["moved_left"], ROUNDING),
            "for the loss": near(n["loss_moved"], ROUNDING),
        }
    )


@claim(
    36,
    "A causal mask makes the padding mask unnecessary",
    rule=causal_is_enough,
    says="Other padding moves the outputs of real steps by {moved_right:.2g} where it stands on the right, by "
    "{moved_left:.2g} on the left, and the loss by {loss_moved:.2g}.",
    counter={"padding_mask": True},
    counter_says="a padding mask besides",
    source="https://github.com/TransformerLensOrg/TransformerLens/pull/344",
)
def without_a_padding_mask(padding_mask=False):
    import keras

    def outputs(fill, side):
        x, real = sequence(fill, side)
        return attended(x, real if padding_mask else None, causal=True), real

    moved = {}
    for side in ("post", "pre"):
        (one, real), (other, _) = outputs(0.0, side), outputs(5.0, side)
        moved[side] = apart(one[real], other[real])
    predictions, real = outputs(0.0, "post")
    if padding_mask:
        predictions._keras_mask = real
    loss = keras.losses.MeanSquaredError()
    labels = [np.where(real[..., None], 1.0, fill) * np.ones(predictions.shape) for fill in (0.0, 5.0)]
    losses = [float(loss(one, predictions)) for one in labels]
    return {"moved_right": moved["post"], "moved_left": moved["pre"], "loss_moved": abs(losses[1] - losses[0])}


# --- 37


def side_does_not_matter(n):
    return under(
        {
            "for an attention without positions": near(n["bare"], ROUNDING),
            "for an attention with learned positions": near(n["positions"], ROUNDING),
            "for an LSTM": near(n["lstm"], ROUNDING),
        }
    )


@claim(
    37,
    "Padding on the left or on the right is the same if it is masked",
    rule=side_does_not_matter,
    says="Outputs of real steps are {bare:.2g} apart without positions, {positions:.2g} with, {lstm:.2g} of an LSTM.",
    counter={"counted_from": "first real step"},
    counter_says="positions that count from the first real step",
    source="https://github.com/huggingface/transformers/issues/29419",
)
def either_side(counted_from="first column"):
    import keras

    table = np.random.default_rng(1).normal(size=(REAL + PADDED, 4)).astype("float32")
    model = masked_model(lstm(), features=4)

    def outputs(side):
        x, real = sequence(0.0, side)
        place = np.arange(x.shape[1])
        if counted_from == "first real step":
            place = np.maximum(np.cumsum(real[0]) - 1, 0)
        told = attended(x, real), attended(x + table[place], real), model([x, real])
        return [keras.ops.convert_to_numpy(one)[real] for one in told]

    found = [apart(one, other) for one, other in zip(outputs("post"), outputs("pre"), strict=True)]
    return dict(zip(("bare", "positions", "lstm"), found, strict=True))


# --- 38


def reaches_the_loss(n):
    return whole({"padding gets no gradient at the predictions": near(n["share"], ROUNDING)})


@claim(
    38,
    "A mask that is passed as attention_mask reaches the loss",
    rule=reaches_the_loss,
    says="{share:.0%} of the gradient at the predictions lies on padding; is there a mask on them: {masked}.",
    counter={"handed": "keras mask"},
    counter_says="the mask that a Masking layer makes, which MultiHeadAttention hands on",
    source="https://github.com/keras-team/keras/issues/16248",
)
def attention_mask_at_the_loss(handed="attention_mask"):
    import keras
    import tensorflow as tf

    x, real = sequence(0.0)
    given = keras.layers.Masking(0.0)(x) if handed == "keras mask" else tf.constant(x)
    predictions = dense()(attended(given, real if handed == "attention_mask" else None))
    with tf.GradientTape() as tape:
        tape.watch(predictions)
        loss = keras.losses.MeanSquaredError()(np.ones(predictions.shape, "float32"), predictions)
    size = np.abs(tape.gradient(loss, predictions).numpy()[..., 0])
    masked = getattr(predictions, "_keras_mask", None) is not None
    return {"share": float(size[~real].sum() / size.sum()), "masked": masked}


# --- 39


def moves_nothing(n):
    return under({f"for {name}": near(moved, ROUNDING) for name, moved in n.items()})


@claim(
    39,
    "What a masked model predicts does not depend on the padding",
    rule=moves_nothing,
    says="Other padding moves the prediction by {LSTM:.2g} behind an LSTM, {attention:.2g} behind an attention, "
    "{max pooling:.2g} behind a maximum over steps, {Conv1D:.2g} behind a Conv1D.",
    counter={"masked": False},
    counter_says="no mask at all",
    source="https://github.com/tensorflow/tensorflow/issues/33260",
)
def other_padding(masked=True):
    import keras

    def outputs(fill):
        x, real = sequence(fill, "pre")
        mask = real if masked else np.ones_like(real)
        hidden = attended(x, mask)
        conv = keras.layers.Conv1D(4, 3, padding="same", kernel_initializer=keras.initializers.GlorotUniform(0))
        told = {
            "LSTM": masked_model(lstm(), features=4)([x, mask])[real],
            "attention": hidden[real],
            "max pooling": keras.layers.GlobalMaxPooling1D()(hidden + x),  # of the steps that the mask leaves out too
            "Conv1D": conv(x)[real],
        }
        return {name: keras.ops.convert_to_numpy(value) for name, value in told.items()}

    one, other = outputs(0.0), outputs(5.0)
    return {name: apart(one[name], other[name]) for name in one}


# --- 40


def knows_no_masks(n):
    return whole({"it looks at padding": beyond(n["looks_at_padding"], ROUNDING)})


@claim(
    40,
    "MultiHeadAttention knows nothing of the masks that Embedding and Masking make",
    rule=knows_no_masks,
    says="{looks_at_padding:.0%} of what the real steps look at lies on padding.",
    counter={"between": "t * 1.0"},
    counter_says="an operation before it that loses the mask",
    source="https://github.com/tensorflow/tensorflow/issues/45854",
)
def masks_of_keras(between="nothing"):
    import keras

    x, real = sequence(0.0)
    given = keras.layers.Masking(0.0)(x)
    if between == "t * 1.0":
        given = given * 1.0
    weights = keras.ops.convert_to_numpy(attended(given, scores=True)[1])[0, 0]  # (query, key)
    of_real = weights[real[0]]
    return {"looks_at_padding": float(of_real[:, ~real[0]].sum() / of_real.sum())}
