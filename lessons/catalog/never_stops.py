"""Chapter three: the token that ends a text, and what ignores it together with the padding."""

import math

from lessons.course.exercise import FindSetting, Goal
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.decoder import Decoder

BASE = Decoder(pad_token="own", mask="labels", padded_labels="zero", epochs=60)
SHARED = BASE.with_changes({"pad_token": "end"})
STOPS = 0.5  # of the answers have an end


def ignoring_zero(y_true, y_pred):
    """cross-entropy of the right token, ignore_class=0, one value per step"""
    import keras

    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True, ignore_class=0)


def mean_by_hand(y_true, y_pred, epsilon):
    """cross-entropy where the label is not 0, over their number + epsilon, one scalar"""
    from keras import losses, ops

    each = losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
    counted = ops.cast(ops.not_equal(y_true[..., 0], 0), each.dtype)
    return ops.sum(each * counted) / (ops.sum(counted) + epsilon)


EMPTY = SHARED.with_changes(
    {
        "loss": "never_stops.mean_by_hand",
        "epsilon": 0,
        "mask": "aligned",
        "padding_share": 0.8,
        "batch_size": 4,
        "epochs": 14,
    }
)
WAYS = ("ignore_class", "mean by hand", "a Keras mask")


def nothing_left(picked=WAYS) -> Measured:
    """A batch whose labels are all ignored: what each way makes of it, and of its gradient."""
    import keras
    import numpy as np
    import tensorflow as tf

    scores = tf.constant(np.random.default_rng(0).normal(size=(1, 3, 4)), tf.float32)
    labels = tf.zeros((1, 3, 1))
    whole = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def masked(y, p):
        p._keras_mask = tf.zeros((1, 3), "bool")
        return whole(y, p)

    ways = {
        "ignore_class": keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0),
        "mean by hand": lambda y, p: mean_by_hand(y, p, 0.0),
        "a Keras mask": masked,
    }
    rows, told = [], {}
    for name in picked:
        with tf.GradientTape() as tape:
            tape.watch(scores)
            value = ways[name](labels, tf.identity(scores))
        slope = tape.gradient(value, scores)
        told[name] = float(value)
        rows.append({"way": name, "loss": f"{value:.3g}", "largest gradient": f"{np.abs(slope).max():.3g}"})
    odd = [name for name, value in told.items() if value != value]
    sentence = f"Of {len(told)} ways {len(odd)} {'makes' if len(odd) == 1 else 'make'} NaN of a batch without a label"
    sentence += f": {', '.join(odd)}." if odd else "."
    return Measured(sentence, told, tuple(rows))


def whether_it_stops(run) -> int | None:
    """0: most answers that it writes alone have an end, 1: most have none, 2: it is no longer a model of numbers. None
    where nothing could be measured."""
    if not math.isfinite(run.snapshot.loss[-1]):
        return 2
    endless = float(run.measures.get("endless", float("nan")))
    return None if endless != endless else 0 if endless < STOPS else 1


LESSON = Lesson(
    chapter="Attention and tokens",
    order=4,
    title="Why does my fine-tuned model never stop?",
    text=(
        "A model stops when it writes the **end token**, and it writes that only if it was taught to. Many tokenizers "
        "have no padding token, and advice abounds to take the end token for it: pad = eos. Then whatever ignores the "
        "padding by its id, a mask $y\\ne0$, `ignore_class`, a label of −100, ignores the true ends too. Their "
        "gradient is exactly 0. The loss does not tell: what it ignores it does not count. Give padding an id of its "
        "own, or take the mask from the **lengths**. And a batch of which nothing is left is 0 in Keras and 0/0 by "
        "hand."
    ),
    aims=(
        "Say which labels of a padded text a loss ignores, and by what it knows them.",
        "Give two repairs of pad = eos, one in the ids and one in the mask.",
        "Say what a loss makes of a batch in which every label is ignored.",
    ),
    notes=(
        "**Run it:** open “pad = eos” and let the room point at the picture of the batch: which steps does the mask "
        "leave out, and which of them hold a true label? After the reveal run “A token of its own” and “A mask from "
        "the lengths”, and look at the last step of each text.\n\n"
        "**What people believe:** ignoring padding is always safe; the end is learned from the text before it; the "
        "length limit is what stops a model; more training will help.\n\n"
        "**Ask in the discussion:** how would you notice this in the loss? What does the model write where the end "
        "should stand? Who in your own pipeline decides what is ignored?\n\n"
        "**Time:** one full cycle for the opening preset. “Nothing left” deserves a vote of its own: let them "
        "guess what a mean over nothing is. The experiment “A batch with nothing left” takes a minute."
    ),
    controls=("pad_token", "mask", "loss", "epsilon", "counted"),
    more=(
        "mask_shift",
        "padding",
        "padding_share",
        "shift",
        "causal_mask",
        "units",
        "batch_size",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("cross_entropy", "never_stops.ignoring_zero", "never_stops.mean_by_hand", "scalar_cross_entropy"),
    presets=(
        Preset(
            "broken",
            "pad = eos",
            "The end has the id of the padding, and the mask y != 0 leaves both out: no end gets any gradient.",
            SHARED,
            findings=("never_stops",),
        ),
        Preset("fixed", "A token of its own", "Padding has its own id: the same mask now keeps the ends.", BASE),
        Preset(
            "lengths",
            "A mask from the lengths",
            "pad = eos still, and the mask knows where a text ends, not by which id.",
            SHARED.with_changes({"mask": "aligned"}),
        ),
        Preset(
            "ignored",
            "ignore_class",
            "People say that ignoring the padding id is always safe. The mask is right, and the loss ignores the ends.",
            SHARED.with_changes({"mask": "aligned", "loss": "never_stops.ignoring_zero"}),
            findings=("never_stops",),
        ),
        Preset(
            "answer",
            "The answer only",
            "The prompt out of the loss, and padding with its own id: it writes, and it stops.",
            BASE.with_changes({"counted": "answer"}),
        ),
        Preset(
            "nothing_left",
            "Nothing left",
            "The shortest texts have one label, the end, and stand in one batch: a mean by hand divides 0 by 0.",
            EMPTY,
            findings=("all_ignored", "non_finite"),
        ),
    ),
    prediction=Prediction(
        "The trained model writes alone. Do its answers have an end?",
        (
            Answer(
                "Most of them do",
                "It writes an end only where the ends of the texts counted in the loss. Here something ignores them.",
            ),
            Answer(
                "Most of them do not",
                "Ends are ignored only where they look like padding to the loss or to its mask. Here they do not.",
            ),
            Answer(
                "It writes nothing: its numbers are not finite",
                "That takes a batch without any label, and a mean that divides by their number.",
            ),
        ),
        whether_it_stops,
    ),
    contrast=Contrast("broken", "fixed", "answers without an end", lambda run: run.measures["endless"]),
    experiments=(
        Experiment(
            "A batch with nothing left",
            "Three ways to leave labels out, given a batch of ignored labels only.",
            nothing_left,
            pick=WAYS,
        ),
    ),
    reading=(
        (
            "transformers #23530: ends ignored with the padding",
            "https://github.com/huggingface/transformers/issues/23530",
        ),
        ("trl #976: a model that never ends", "https://github.com/huggingface/trl/issues/976"),
        ("llm-course #33: it does not learn when to stop", "https://github.com/mlabonne/llm-course/issues/33"),
        (
            "Keras: ignore_class",
            "https://keras.io/api/losses/probabilistic_losses/#sparsecategoricalcrossentropy-class",
        ),
    ),
    exercises=(
        FindSetting(
            name="let_it_end",
            title="Let it end",
            asks="pad = eos, and the tokenizer cannot be changed. Make the model write whole answers, with an end.",
            start=SHARED.with_changes({"loss": "never_stops.ignoring_zero"}),
            moves=("mask", "loss", "counted"),
            solution=SHARED.with_changes({"mask": "aligned"}),
            hints=(
                "Two things ignore the id 0 here. One of them alone is enough to lose the ends.",
                "Which mask knows the end of a text from the padding behind it?",
                "Take the mask from the lengths, and a loss that ignores no label of its own.",
            ),
            goal=Goal(wrong_alone=0.4),
        ),
        FindSetting(
            name="a_mean_over_nothing",
            title="A mean over nothing",
            asks="A mean by hand, and a batch without a label makes NaN of everything. Find settings under which the "
            "model writes its answers; the batches stay as they are.",
            start=EMPTY,
            moves=("epsilon", "pad_token", "loss"),
            solution=EMPTY.with_changes({"pad_token": "own"}),
            hints=(
                "An epsilon in the denominator ends the NaN. Does it teach the ends?",
                "Which labels of a text of one token are not 0?",
                "With an id of its own for padding every text has a label that counts.",
            ),
            goal=Goal(wrong_alone=0.5),
        ),
    ),
)
