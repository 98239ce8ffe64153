"""Chapter three: a query that no key is left for, and what a softmax makes of a row of masked scores."""

import math

from lessons.course.exercise import FindSetting, Goal
from lessons.course.experiment import Experiment, Measured
from lessons.course.lesson import Answer, Contrast, Lesson, Prediction, Preset
from lessons.families.encoder import Encoder

BASE = Encoder(attention_mask="keys", masked_score="inf", padded_labels="zero", epochs=60)
WAYS = ("−inf", "−inf, weights set to 0", "−1e9", "−1e9 in float16", "−3e4 in float16")


def one_row(picked=WAYS) -> Measured:
    """A row of three masked scores: the weights that each way makes of it, and the gradient that comes back."""
    import numpy as np
    import tensorflow as tf

    ways = {
        "−inf": (-math.inf, tf.float32),
        "−inf, weights set to 0": (-math.inf, tf.float32),
        "−1e9": (-1e9, tf.float32),
        "−1e9 in float16": (-1e9, tf.float16),
        "−3e4 in float16": (-3e4, tf.float16),
    }
    rows, numbers = [], {}
    for name in picked:
        added, dtype = ways[name]
        scores = tf.constant([0.3, -0.2, 0.1])
        with tf.GradientTape() as tape:
            tape.watch(scores)
            weights = tf.nn.softmax(tf.cast(scores, dtype) + tf.cast(tf.fill(3, added), dtype))
            if name.endswith("set to 0"):
                weights = tf.where(tf.zeros(3, "bool"), weights, tf.zeros_like(weights))
            value = tf.reduce_sum(tf.cast(weights, "float32") * tf.constant([1.0, 2.0, 3.0]))
        slope = tape.gradient(value, scores).numpy()
        told = weights.numpy().astype(float)
        numbers[name] = (bool(np.isfinite(told).all()), bool(np.isfinite(slope).all()))
        rows.append(
            {
                "added to a masked score": name,
                "weights": ", ".join(f"{one:.3g}" for one in told),
                "gradient at the scores": ", ".join(f"{one:.3g}" for one in slope),
            }
        )
    sound = [name for name, both in numbers.items() if all(both)]
    sentence = f"Of {len(rows)} ways {len(sound)} stay finite, forward and backward"
    sentence += f": {'; '.join(sound)}." if sound else "."
    return Measured(sentence, numbers, tuple(rows))


def when_it_breaks(run) -> int | None:
    """0: every loss is a number, 1: the first is NaN already, 2: the first is one, and a later one is not. None where a
    loss is infinite."""
    loss = [float(one) for one in run.snapshot.loss]
    if any(math.isinf(one) for one in loss):
        return None
    if math.isnan(loss[0]):
        return 1
    return 2 if any(math.isnan(one) for one in loss) else 0


LESSON = Lesson(
    chapter="Attention and tokens",
    order=2,
    title="Why is one row NaN?",
    text=(
        "A softmax over keys needs one score that is finite. Mask keys **and** queries, and the row of a padded query "
        "has none: $e^{-\\infty}/\\sum e^{-\\infty}=\\frac00$. That row alone is NaN, and the loss leaves it out, but "
        "a mask multiplies, and NaN times 0 is NaN. With −1e9 in place of −inf the row becomes a plain average, as "
        "long as the float type can hold −1e9: float16 cannot. Setting masked weights to 0 afterwards repairs the "
        "value and not the gradient. Mask the keys alone, and every query has the keys that are real."
    ),
    aims=(
        "Find the rows of an attention mask that leave a query no key.",
        "Say what a softmax makes of such a row with −inf, with −1e9, and in float16.",
        "Give a repair that is right forward and backward.",
    ),
    notes=(
        "**Run it:** open “−inf, keys and queries masked” and let the room say how many predictions are bad at first. "
        "After the reveal run “Masked weights set to 0”: the first loss is fine. The NaN’s origin is told with the "
        "finding.\n\n"
        "**What people believe:** a padded row is left out of the loss and cannot hurt; −1e9 is as good as −inf; "
        "setting NaN to 0 removes it; it must be the learning rate.\n\n"
        "**Ask in the discussion:** who looks at a padded query’s output? Over which axis does the softmax sum? Where "
        "in your own data could a sequence be empty?\n\n"
        "**Time:** one full cycle for the opening preset; “Masked weights set to 0” deserves a vote of its own. The "
        "experiment “One row, five ways” takes a minute."
    ),
    controls=("attention_mask", "masked_score", "mask", "loss", "epsilon"),
    more=(
        "score_dtype",
        "mask_shift",
        "padding",
        "padding_share",
        "pooling",
        "heads",
        "units",
        "learning_rate",
        "epochs",
        "seed",
    ),
    losses=("mse", "mae", "huber", "root_error", "scalar_mse"),
    presets=(
        Preset(
            "broken",
            "−inf, keys and queries masked",
            "A padded query has no key: its row of the softmax is 0/0, and the loss multiplies NaN by 0.",
            BASE.with_changes({"attention_mask": "aligned"}),
            findings=("row_without_keys", "non_finite"),
        ),
        Preset("fixed", "−inf, keys masked", "Every query sees the real keys, padded queries too.", BASE),
        Preset(
            "zeroed",
            "Masked weights set to 0",
            "People say that this takes the NaN out. It does forward; backward the softmax is still 0/0.",
            BASE.with_changes({"attention_mask": "aligned", "masked_score": "zeroed"}),
            findings=("row_without_keys", "non_finite"),
        ),
        Preset(
            "large",
            "−1e9, keys and queries masked",
            "A row of equal scores is a plain average over everything, and nobody counts what it gives.",
            BASE.with_changes({"attention_mask": "aligned", "masked_score": "1e9"}),
        ),
        Preset(
            "half",
            "−1e9 in float16",
            "People say that −1e9 is as good as −inf. In float16 it is −inf.",
            BASE.with_changes({"attention_mask": "aligned", "masked_score": "1e9", "score_dtype": "float16"}),
            findings=("row_without_keys", "non_finite"),
        ),
        Preset(
            "layer",
            "MultiHeadAttention",
            "The same mask in Keras’ layer, which knows of rows without a key.",
            BASE.with_changes({"attention_mask": "aligned", "masked_score": "layer"}),
        ),
    ),
    prediction=Prediction(
        "What does the loss say, epoch after epoch?",
        (
            Answer(
                "A number in every epoch",
                "Rows that the loss leaves out can hurt it all the same: it multiplies them by 0.",
            ),
            Answer(
                "NaN in the first epoch already",
                "That takes a prediction that is NaN. Here each query has a key, or a masked score is a number, or the "
                "row was mended before the loss saw it.",
            ),
            Answer(
                "A number at first, and NaN later",
                "That takes a prediction that is mended forward only, so that the gradient is NaN first.",
            ),
        ),
        when_it_breaks,
    ),
    contrast=Contrast("broken", "fixed", "error on real steps", lambda run: run.snapshot.error[-1]),
    experiments=(
        Experiment(
            "One row, five ways",
            "Three scores, all of them masked: which weights come out, and which gradient goes back.",
            one_row,
            pick=WAYS,
        ),
    ),
    reading=(
        ("pytorch #41508: NaN where a row is all padding", "https://github.com/pytorch/pytorch/issues/41508"),
        ("pytorch #103749: a row without any key", "https://github.com/pytorch/pytorch/issues/103749"),
        ("pytorch #131060: a softmax that answers with 0", "https://github.com/pytorch/pytorch/pull/131060"),
        ("Keras: MultiHeadAttention", "https://keras.io/api/layers/attention_layers/multi_head_attention/"),
    ),
    exercises=(
        FindSetting(
            name="a_key_for_everyone",
            title="A key for every query",
            asks="The attention was written by hand, with −inf, and it stays so. Find a mask under which the model "
            "learns and no gradient reaches a padded input.",
            start=BASE.with_changes({"attention_mask": "aligned", "padded_inputs": "random"}),
            moves=("attention_mask", "padding"),
            solution=BASE.with_changes({"padded_inputs": "random"}),
            hints=(
                "Padding on the other side has padded queries too.",
                "Which axis has to be masked, so that every row keeps the real keys?",
                "Queries need no mask: nobody counts what a padded one gives.",
            ),
            goal=Goal(error=0.15, input_leak=0),
        ),
        FindSetting(
            name="half_precision",
            title="In sixteen bits",
            asks="Scores in float16, keys and queries masked. Find what to add to a masked score so that it trains.",
            start=BASE.with_changes({"attention_mask": "aligned", "masked_score": "1e9", "score_dtype": "float16"}),
            moves=("masked_score",),
            solution=BASE.with_changes({"attention_mask": "aligned", "masked_score": "3e4", "score_dtype": "float16"}),
            hints=(
                "What is the largest number that float16 has?",
                "A smaller number than −1e9 is enough: the scores are no larger than a few units.",
                "−3e4 is a number in float16.",
            ),
            goal=Goal(error=0.15),
        ),
    ),
)
