"""Chapter three: a layer of one's own, and the two things that it has to do with a mask."""

import numpy as np

from lessons.course.exercise import FindSetting, Goal, MendLoss, MendModel, mse_where_marked
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.own_layer import OwnLayer
from lessons.recipe.losses import mse

BASE = OwnLayer(padded_labels="garbage", padded_inputs="minus_one", epochs=80)
LEAK = 1e-3  # share of the gradient: where a mask is heeded it is exactly 0


def further_places() -> Measured:
    """A model that is subclassed, a metric, a loss in train_step: does the padded label still count?"""
    import keras
    from keras import layers, ops

    from lessons.families.own_layer import own_layer

    x = np.random.default_rng(0).normal(size=(2, 4, 2)).astype("float32")
    x[1, 2:] = 0  # padding, of which Masking(0.0) makes the mask
    labels = np.zeros((2, 4, 1), "float32")
    moved = labels.copy()
    moved[1, 2:] = 1000

    class Wrapped(keras.Model):
        """The layers of a model, called from its own `call`."""

        def __init__(self, hands_on):
            super().__init__()
            self.masking, self.dense = layers.Masking(0.0), layers.Dense(1, kernel_initializer="ones")
            self.own = own_layer("both" if hands_on else "call")()

        def call(self, given):
            return self.dense(self.own(self.masking(given)))

    def evaluated(model, **compiled):
        model.compile(**compiled)
        values = [model.evaluate(x, y, verbose=0, return_dict=True) for y in (labels, moved)]
        name = next(iter([key for key in values[0] if key != "loss"] or ["loss"]))
        return [value[name] for value in values]

    def in_train_step(model, loss):
        return [float(loss(y, model(x))) for y in (labels, moved)]

    def by_hand(y, p):
        return ops.mean(ops.square(y - p))

    right, lost = Wrapped(True), Wrapped(False)
    ways = {
        "subclassed, the layer hands the mask on": evaluated(right, loss="mse"),
        "subclassed, the layer does not": evaluated(lost, loss="mse"),
        "in metrics": evaluated(right, loss="mse", metrics=["mse"]),
        "in weighted_metrics": evaluated(right, loss="mse", weighted_metrics=["mse"]),
        "train_step, a Loss of Keras": in_train_step(right, keras.losses.MeanSquaredError()),
        "train_step, ops.mean by hand": in_train_step(right, by_hand),
    }
    rows = tuple(
        {"where": way, "padded labels 0": one, "padded labels 1000": other,
         "mask": "heeded" if one == other else "lost"}
        for way, (one, other) in ways.items()
    )  # fmt: skip
    gone = [row["where"] for row in rows if row["mask"] == "lost"]
    sentence = f"Of {len(rows)} places the mask is lost in {len(gone)}: {'; '.join(gone) or 'none'}."
    return Measured(sentence, {row["where"]: row["padded labels 1000"] for row in rows}, rows)


MODEL = """import keras
from keras import layers, ops


class Centred(layers.Layer):
    {init}def call(self, x{mask}):
        {mean}


model = keras.Sequential([
    keras.Input((12, 3)),
    layers.Masking(),
    Centred(),
    layers.Dense(8, activation="relu"),
    layers.Dense(1),
])
"""
BROKEN_MODEL = MODEL.format(init="", mask="", mean="return x - ops.mean(x, axis=1, keepdims=True)")
MENDED_MODEL = MODEL.format(
    init="def __init__(self):\n        super().__init__()\n        self.supports_masking = True\n\n    ",
    mask=", mask=None",
    mean="real = ops.cast(mask, x.dtype)[..., None]\n"
    "        count = ops.maximum(ops.sum(real, axis=1, keepdims=True), 1.0)\n"
    "        return x - ops.sum(x * real, axis=1, keepdims=True) / count",
)


def centred(given):
    """(steps, columns) of one sequence, without padding."""
    return given - given.mean(axis=0)


def where_it_ends(run) -> int | None:
    """0: no gradient on padding anywhere, 1: some at the inputs and none at the predictions, 2: some at the
    predictions. None where no gradient could tell, or there is no padding."""
    leaks = run.leak[0], run.input_leak[0]
    if run.batch.real.all() or not np.isfinite(leaks).all():
        return None
    return 2 if leaks[0] > LEAK else int(leaks[1] > LEAK)


LESSON = Lesson(
    chapter="Attention and tokens",
    order=6,
    title="Did my own layer eat the mask?",
    text=(
        "A layer of your own has two things to do with a mask, and Keras does neither for it. It has to **use** it, "
        "where it mixes steps: `call(x, mask=None)` is given the mask of what comes in. And it has to **hand it on**: "
        "`supports_masking = True`, or a `compute_mask` of its own, which switches that on. The one does not bring the "
        "other. This layer subtracts the mean over time. If it knows no mask the padding is in the mean; if it hands "
        "none on the padding is in the loss."
    ),
    aims=(
        "Name the two things that a layer of your own does with a mask, and the line for each.",
        "Tell from a run which of the two is missing.",
        "Say where else a mask ends: in a metric, and in a loss by hand in train_step.",
    ),
    notes=(
        "**Run it:** open “The mask in call only” and ask what the layer is told and what it tells. After the reveal "
        "run “supports_masking only”, which mends the other half: look at the gradient at predictions for the one, at "
        "inputs for the other. “call(x)” has neither.\n\n"
        "**What people believe:** a layer that takes the mask hands it on; supports_masking makes a layer use it; "
        "Keras would warn.\n\n"
        "**Ask in the discussion:** which layers mix steps, and which do not? When is handing on enough? What mask "
        "should a layer put out that halves the number of steps?\n\n"
        "**Time:** one full cycle, then as long as you can spare on Your case, where groups paste a model and see "
        "layer by layer what becomes of its mask."
    ),
    controls=("layer", "mask", "mask_shift", "loss", "epsilon"),
    more=(
        "padded_inputs",
        "padded_labels",
        "padding_share",
        "padding",
        "sample_weight",
        "units",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("mse", "mae", "huber", "mask_reading_mse", "scalar_mse"),
    presets=(
        Preset(
            "broken",
            "The mask in call only",
            "The layer uses the mask. What comes out has none, and the loss takes each step for real.",
            BASE.with_changes({"layer": "call"}),
            findings=("mask_dropped",),
        ),
        Preset("fixed", "Used and handed on", "call takes the mask, and supports_masking lets it pass.", BASE),
        Preset(
            "supports",
            "supports_masking only",
            "The loss leaves the padding out, and the warning is gone. The mean still has the padding in it.",
            BASE.with_changes({"layer": "supports"}),
            findings=("mask_unused",),
        ),
        Preset(
            "plain",
            "call(x)",
            "The layer knows no mask: padding is in its mean, and no mask comes to the loss.",
            BASE.with_changes({"layer": "plain"}),
            findings=("mask_dropped",),
        ),
        Preset(
            "computes",
            "compute_mask",
            "A compute_mask of its own switches supports_masking on: it returns the mask that it was given.",
            BASE.with_changes({"layer": "computes"}),
        ),
        Preset(
            "forgets",
            "compute_mask returns None",
            "People write it to say that nothing changes. It says that there is no mask, and no warning comes.",
            BASE.with_changes({"layer": "forgets"}),
            findings=("mask_dropped",),
        ),
    ),
    prediction=Prediction(
        "Where will the gradient of the first epoch lie?",
        (
            Answer(
                "On real steps only",
                "That takes both: a mask that is used in the mean and one that comes out of the layer. Here one is "
                "missing, or both.",
            ),
            Answer(
                "At the predictions on real steps only, at the inputs on padding too",
                "Padding gets in behind a right loss only where the layer mixes steps and is not told which are real.",
            ),
            Answer(
                "On padding at the predictions already",
                "The loss counts padding only if no mask comes to it. Here one does.",
            ),
        ),
        where_it_ends,
    ),
    contrast=Contrast("broken", "fixed", "error on real steps", lambda run: run.snapshot.error[-1]),
    experiments=(
        Experiment(
            "Further places where a mask ends",
            "Padded labels are moved from 0 to 1000: where does the number change?",
            further_places,
        ),
    ),
    reading=(
        ("Keras guide: masking and padding", "https://keras.io/guides/understanding_masking_and_padding/"),
        ("keras #8973: a layer that supports masks", "https://github.com/keras-team/keras/pull/8973"),
        ("keras #19311: two masks into one layer", "https://github.com/keras-team/keras/issues/19311"),
        ("keras #22118: arguments named like a mask", "https://github.com/keras-team/keras/pull/22118"),
    ),
    exercises=(
        FindSetting(
            name="use_it_and_hand_it_on",
            title="Both halves",
            asks="The layer says that it supports masks, and the model is still wrong on real steps. Write the layer "
            "in another way, so that padding moves nothing.",
            start=BASE.with_changes({"layer": "supports"}),
            moves=("layer", "loss"),
            solution=BASE.with_changes({"layer": "computes"}),
            hints=(
                "Look at the gradient at the inputs: some of it lies on padding.",
                "The layer takes a mean over time. Which steps should be in it?",
                "It needs the mask in call, and it has to hand it on, too.",
            ),
            goal=Goal(error=0.4, leak=0, input_leak=0),
        ),
        MendLoss(
            name="the_layer_stays",
            title="The layer stays as it is",
            asks="The layer uses the mask and hands none on, and it is not yours to change. Padded labels hold 1000. "
            "Mend the loss, so that it leaves the padding out by itself.",
            settings=BASE.with_changes({"layer": "call"}),
            padding="1000",
            broken=mse,
            mended=mse_where_marked,
            hints=(
                "The labels never went through a layer.",
                "Multiply each error by 1 where the label is not 1000, and by 0 where it is.",
                "Divide the sum by the number of steps that are left.",
            ),
            goal=Goal(error=0.4, leak=0),
        ),
        MendModel(
            name="the_layer_itself",
            title="Mend the layer",
            asks="This layer subtracts the mean over time. It is told of no mask, takes the mean of the padding too, "
            "and hands no mask on. Mend the class, and leave the model around it as it is.",
            start=BROKEN_MODEL,
            solution=MENDED_MODEL,
            layer="Centred",
            does="its input minus the mean over the real steps",
            computes=centred,
            hints=(
                "Two things are missing, and neither brings the other: using the mask, and handing it on.",
                "Keras gives the mask to a layer whose call has a parameter of that name: call(self, x, mask=None).",
                "Multiply by the mask before you sum, and divide by the number of real steps. For the rest set "
                "self.supports_masking = True in __init__.",
            ),
        ),
    ),
)
