"""Lesson F: which layers hand the mask on, which lose it, and which of those say so."""

from lessons.course.exercise import FindSetting, Goal, MendLoss, mse_where_marked
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.recurrent import Recurrent
from lessons.recipe.losses import mse

BASE = Recurrent(padded_labels="garbage", epochs=30)

LAYERS = (
    "Dense", "Dropout", "Activation", "TimeDistributed(Dense)", "BatchNormalization", "LayerNormalization",
    "Add, both masked", "Concatenate", "Bidirectional(LSTM)", "LSTM", "GRU", "SimpleRNN", "MultiHeadAttention",
    "Embedding(mask_zero)", "Concatenate in time", "Conv1D", "MaxPooling1D", "Lambda", "Reshape", "Permute",
    "Flatten", "t * 1.0", "t + t", "t[:, 1:]", "keras.ops.tanh", "Add, one masked", "GlobalAveragePooling1D",
    "LSTM, last step", "LSTM, last step, RepeatVector",
)  # fmt: skip
STACK = (
    "LSTM",
    "Dense",
    "Dropout",
    "LayerNormalization",
    "MultiHeadAttention",
    "Bidirectional(LSTM)",
    "t * 1.0",
    "Conv1D",
    "Reshape",
    "Masking",
    "GlobalAveragePooling1D",
)
LOST = ("lost, Keras warns", "lost, silent")


def layer_named(name: str):
    """The layer as a function of one tensor (batch, time, features)."""
    import keras
    from keras import layers

    def embed(t):  # whole numbers, 0 where a step is padding
        return layers.Embedding(9, 4, mask_zero=True)(keras.ops.cast(t[:, :, 0] != 0, "int32"))

    return {
        "Dense": layers.Dense(4),
        "Dropout": layers.Dropout(0.5),
        "Activation": layers.Activation("relu"),
        "TimeDistributed(Dense)": layers.TimeDistributed(layers.Dense(4)),
        "BatchNormalization": layers.BatchNormalization(),
        "LayerNormalization": layers.LayerNormalization(),
        "Add, both masked": lambda t: layers.Add()([t, layers.Dense(t.shape[-1])(t)]),
        "Concatenate": lambda t: layers.Concatenate()([t, t]),
        "Bidirectional(LSTM)": layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
        "LSTM": layers.LSTM(4, return_sequences=True),
        "GRU": layers.GRU(4, return_sequences=True),
        "SimpleRNN": layers.SimpleRNN(4, return_sequences=True),
        "MultiHeadAttention": lambda t: layers.MultiHeadAttention(1, 4)(t, t),
        "Embedding(mask_zero)": embed,
        "Masking": layers.Masking(),
        "Concatenate in time": lambda t: layers.Concatenate(axis=1)([t, t]),
        "Conv1D": layers.Conv1D(4, 3, padding="same"),
        "MaxPooling1D": layers.MaxPooling1D(2),
        "Lambda": layers.Lambda(lambda t: t * 1.0),
        "Reshape": lambda t: layers.Reshape(t.shape[1:])(t),
        "Permute": layers.Permute((1, 2)),
        "Flatten": layers.Flatten(),
        "t * 1.0": lambda t: t * 1.0,
        "t + t": lambda t: t + t,
        "t[:, 1:]": lambda t: t[:, 1:],
        "keras.ops.tanh": keras.ops.tanh,
        "Add, one masked": lambda t: layers.Add()([t, keras.ops.ones_like(t)]),
        "GlobalAveragePooling1D": layers.GlobalAveragePooling1D(),
        "LSTM, last step": layers.LSTM(4),
        "LSTM, last step, RepeatVector": lambda t: layers.RepeatVector(6)(layers.LSTM(4)(t)),
    }[name]


def through(name: str, t):
    """What the layer makes of a tensor, and what Keras warns of the mask: no numbers, which layers get per process."""
    import re
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        output = layer_named(name)(t)
    return output, " ".join(re.sub(r"_\d+'", "'", str(w.message)) for w in caught if "mask" in str(w.message))


def two_sequences():
    """Inputs (2, 6, 4), (batch, time, features): ones, and zeros on padding."""
    import numpy as np

    x = np.ones((2, 6, 4), "float32")
    x[0, 4:] = x[1, 3:] = 0
    return x


def each_layer(picked=LAYERS) -> Measured:
    """Give every layer one masked tensor and look at the mask of what comes out."""
    import keras
    import numpy as np

    x = two_sequences()
    inputs = keras.Input(x.shape[1:])
    warned, masks = {}, {"before": keras.layers.Masking()(inputs)._keras_mask}
    for name in picked:
        output, warned[name] = through(name, keras.layers.Masking()(inputs))
        masks[name] = getattr(output, "_keras_mask", None)
    values = keras.Model(inputs, {name: mask for name, mask in masks.items() if mask is not None})(x)
    values = {name: np.array(mask) for name, mask in values.items()}

    def fate(name: str) -> str:
        if name in values:
            return "kept" if np.array_equal(values[name], values["before"]) else "changed"
        return LOST[0] if warned[name] else LOST[1]

    rows = tuple({"layer": name, "mask": fate(name), "Keras says": warned[name] or "nothing"} for name in picked)
    counts = {kind: sum(row["mask"] == kind for row in rows) for kind in ("kept", "changed", *LOST)}
    sentence = (
        f"Of {len(rows)} layers {counts['kept']} keep the mask, {counts['changed']} change it, "
        f"{counts[LOST[0]]} lose it with a warning and {counts[LOST[1]]} lose it in silence."
    )
    return Measured(sentence, counts, rows, fate_figure(rows))


def fate_figure(rows) -> dict:
    """One mark per layer: what happened to its mask."""
    from lessons.figures.experiment_figures import kinds_of
    from lessons.figures.marks import EDGE, LEAK, REAL

    colours = {"kept": REAL, "changed": EDGE, LOST[0]: LEAK, LOST[1]: LEAK}
    symbols = ("square", "diamond", "circle-open", "circle")
    marks = {kind: (colours[kind], symbol) for kind, symbol in zip(colours, symbols, strict=True)}
    return kinds_of({row["layer"]: row["mask"] for row in rows}, marks)


def stacked(picked=STACK) -> Measured:
    """Put the layers on top of each other, in the order picked, and follow the mask."""
    import keras
    import numpy as np

    x = two_sequences()
    inputs = keras.Input(x.shape[1:])
    t = keras.layers.Masking()(inputs)
    masks, said = {0: t._keras_mask}, {0: "nothing"}
    for place, name in enumerate(picked, 1):
        try:
            t, warned = through(name, t)
        except ValueError as refusal:  # such as an LSTM after a Flatten
            said[place] = f"ValueError: {str(refusal).splitlines()[0]}"
            break
        masks[place] = getattr(t, "_keras_mask", None)
        said[place] = warned or "nothing"
    values = keras.Model(inputs, {str(place): mask for place, mask in masks.items() if mask is not None})(x)
    values = {int(place): np.array(mask) for place, mask in values.items()}

    def now(place: int) -> str:
        if place not in masks:
            return "cannot be stacked here"
        if place not in values:
            return "lost" if place - 1 in values else "still lost"
        same = np.array_equal(values[place], values[0])
        if place - 1 not in values:
            return "new" if same else "new, and not the true one"
        return "there" if same else "changed"

    names = ("Masking", *picked)
    rows = tuple({"after": f"{at}. {names[at]}", "mask": now(at), "Keras says": said[at]} for at in said)
    gone = next((at for at in masks if at not in values), None)
    if gone is None:
        sentence = f"The mask passes through all {len(masks) - 1} layers."
    else:
        silent = "without a word" if said[gone] == "nothing" else "with a warning"
        sentence = f"The mask is gone after layer {gone}, {names[gone]}, {silent}."
    if len(said) > len(masks):
        sentence += f" Keras refuses layer {max(said)}, {names[max(said)]}: it needs another shape."
    numbers = {"gone_after": gone, "layers": len(masks) - 1, "silent": gone is not None and said[gone] == "nothing"}
    return Measured(sentence, numbers, rows, stack_figure(names, masks, values))


def stack_figure(names, masks, values) -> dict:
    """How many steps the mask leaves out after each layer."""
    from lessons.figures.experiment_figures import worded_bars
    from lessons.figures.marks import LEAK, REAL

    left_out = [int((~values[at]).sum()) if at in values else 0 for at in masks]
    words = [str(count) if at in values else "no mask" for at, count in zip(masks, left_out, strict=True)]
    colours = [REAL if at in values else LEAK for at in masks]
    return worded_bars([f"{at}. {names[at]}" for at in masks], left_out, words, colours, "padded steps left out")


def batch_normalization(seed=0) -> Measured:
    """Sequences around 5, their padding 0: what BatchNormalization takes for their mean, told of the mask and not."""
    import keras
    import numpy as np

    real = np.arange(12) < np.arange(1, 9)[:, None]
    x = np.where(real, 5 + np.random.default_rng(seed).normal(size=real.shape), 0)[..., None].astype("float32")
    rows = []
    for way, given in {"masked": keras.layers.Masking(0.0)(x), "not masked": keras.ops.convert_to_tensor(x)}.items():
        layer = keras.layers.BatchNormalization(momentum=0.0)  # it keeps the mean of this batch
        real_steps = np.array(layer(given, training=True))[real]
        rows.append({"batch": way, "mean": float(layer.moving_mean[0]), "real steps become": float(real_steps.mean())})
    masked, bare = (row["mean"] for row in rows)
    sentence = f"Of the same steps the mean is {masked:.3g} with the mask and {bare:.3g} without: padding was counted."
    return Measured(sentence, {"masked": masked, "bare": bare, "share": float(real.mean())}, tuple(rows))


def fate_of_mask(run) -> int | None:
    """0: Keras warned, 1: no gradient on padding, 2: some; None without a mask, or where no gradient could tell."""
    if not any(row.mask_in for row in run.opening.layers):
        return None
    if any("mask" in said for said in run.opening.warnings):
        return 0
    if run.batch.label_real.all() or run.leak[0] != run.leak[0]:
        return None
    return 1 if run.leak[0] == 0 else 2


LESSON = Lesson(
    chapter="Behind the answers",
    order=1,
    title="Which layer ate my mask?",
    text=(
        "A mask is no argument of your loss. It travels as a note on each tensor, and every layer decides what to "
        "write on its output: the same mask, another one, or none. Where a layer writes none, all later layers and the "
        "loss take every step for real: $m_t=1$ for all $t$. Some layers warn you. Python operators, `keras.ops`, "
        "slices and `Add` with one unmasked input say nothing. **The LSTM before such a layer still skips the "
        "padding**, so the model looks masked."
    ),
    aims=(
        "Name what decides whether a layer hands a mask on.",
        "Check where a mask ends before trusting a masked loss.",
        "Give a reason why a missing warning proves nothing.",
    ),
    notes=(
        "**Run it:** open “t * 1.0” and ask what multiplying by one can change. After the reveal use the "
        "experiment “Your own stack”: each group picks layers and the room predicts after which one the mask is "
        "gone.\n\n"
        "**What people believe:** an operation that leaves the numbers alone leaves everything alone; Keras would "
        "say something; what the first layer knows, the loss knows.\n\n"
        "**Ask in the discussion:** where is the mask kept, if not among the values? Which of the layers in your "
        "own model have you ever checked? Why do the predictions still look as if padding had been skipped?\n\n"
        "**Time:** one full cycle, then as long for the stacks as you can spare. “Weights survive” is a good last "
        "question and leads on to “Divided by what?”."
    ),
    controls=("mask", "mask_shift", "between", "loss", "epsilon"),
    more=(
        "sample_weight",
        "padded_labels",
        "padding_share",
        "padding",
        "cell",
        "task",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("mse", "mae", "huber", "root_error", "mask_reading_mse", "scalar_mse"),
    presets=(
        Preset(
            "broken",
            "t * 1.0",
            "One multiplication by 1 between the layers: the mask is gone, Keras says nothing, padding fills the loss.",
            BASE.with_changes({"between": "times_one"}),
            findings=("mask_dropped",),
        ),
        Preset(
            "fixed",
            "Dense instead",
            "Dense works step by step and hands the mask on.",
            BASE.with_changes({"between": "dense"}),
        ),
        Preset(
            "warned",
            "Conv1D",
            "Conv1D loses the mask too, but Keras warns. Read the warnings before the loss.",
            BASE.with_changes({"between": "conv1d"}),
            findings=("mask_dropped",),
        ),
        Preset(
            "lambda",
            "Lambda",
            "The same multiplication inside a Lambda layer: lost as well, now with a warning.",
            BASE.with_changes({"between": "lambda"}),
            findings=("mask_dropped",),
        ),
        Preset(
            "reshape",
            "Flatten + Reshape",
            "The shape comes back, the mask does not.",
            BASE.with_changes({"between": "flatten"}),
            findings=("mask_dropped",),
        ),
        Preset(
            "attention",
            "MultiHeadAttention",
            "Attention uses the mask and hands it on: nothing leaks.",
            BASE.with_changes({"between": "attention"}),
        ),
        Preset(
            "weights",
            "Weights survive",
            "The layer still loses the mask, but the same mask given as sample_weight never goes through a layer.",
            BASE.with_changes({"between": "times_one", "sample_weight": "besides"}),
            findings=("wrong_normalisation",),
        ),
    ),
    prediction=Prediction(
        "What will happen to the mask, and what will you be told?",
        (
            Answer(
                "It is lost, and Keras warns",
                "Keras warns where a layer says that it does not support masks. An operator or a slice is no layer of "
                "yours, and nobody asks it.",
            ),
            Answer(
                "No warning, and the gradient stays off the padding",
                "A right mask at the first layer is not yet one at the loss. Each layer on the way has to hand it on.",
            ),
            Answer(
                "No warning, and the gradient lies on padding",
                "Not every layer eats the mask: Dense, normalisation, recurrent layers with return_sequences=True and "
                "attention hand it on.",
            ),
        ),
        fate_of_mask,
    ),
    contrast=Contrast("broken", "fixed", "error on real steps", lambda run: run.snapshot.error[-1]),
    experiments=(
        Experiment(
            "Every layer, one masked tensor",
            "Look for the full circles: lost, and no warning.",
            each_layer,
            pick=LAYERS,
        ),
        Experiment(
            "Your own stack",
            "Pick layers in their order: after which one is the mask gone?",
            stacked,
            pick=STACK,
        ),
        Experiment(
            "BatchNormalization over padding",
            "It keeps the mask, and uses it: see what it does without.",
            batch_normalization,
        ),
    ),
    reading=(
        ("Keras guide: masking and padding", "https://keras.io/guides/understanding_masking_and_padding/"),
        ("keras-team/keras #18416: operators drop masks", "https://github.com/keras-team/keras/issues/18416"),
        ("keras-team/keras #22037", "https://github.com/keras-team/keras/issues/22037"),
        ("tensorflow #33260", "https://github.com/tensorflow/tensorflow/issues/33260"),
    ),
    exercises=(
        FindSetting(
            name="keep_the_mask",
            title="Find a layer that keeps it",
            asks="One operation between the layers eats the mask. Look for a layer in its place that hands the mask "
            "on, so that no gradient lies on padding.",
            start=BASE.with_changes({"between": "times_one"}),
            moves=("between", "cell"),
            solution=BASE.with_changes({"between": "dense"}),
            hints=(
                "Which cell it is makes no difference: the mask is lost behind it.",
                "Each layer says for itself whether it supports masks. One that computes each step alone could.",
                "Dense, TimeDistributed(Dense), LayerNormalization and attention hand it on.",
            ),
            goal=Goal(error=0.6, leak=0),
        ),
        MendLoss(
            name="without_the_mask",
            title="A loss that nobody tells",
            asks="The mask is eaten before it reaches the loss, and the model is not yours to change. Padded labels "
            "hold 1000. Mend the loss so that it leaves the padding out by itself.",
            settings=BASE.with_changes({"between": "times_one"}),
            padding="1000",
            broken=mse,
            mended=mse_where_marked,
            hints=(
                "The labels never went through a layer: what was in them is still in them.",
                "Multiply each error by 1 where the label is not 1000, and by 0 where it is.",
                "Divide the sum by the number of steps that are left, and not by all of them.",
            ),
            goal=Goal(error=0.3, leak=0),
        ),
    ),
)
