"""Losses of which nobody says how they are used: what graph and values tell, and that no healthy one is called ill."""

import textwrap
from dataclasses import dataclass

import pytest

from lessons.doctor.loss.examination import examine
from tests.tools.disguises import DISGUISES
from tests.tools.scorecard import NOTES
from tests.tools.selection import first


@dataclass(frozen=True)
class Bare:
    """A loss as it is pasted. `usage`: what must be inferred of it; `found`: the codes, nothing else."""

    name: str
    lines: str
    usage: dict[str, str]
    found: set[str]

    @property
    def text(self) -> str:
        body = textwrap.indent(textwrap.dedent(" " * 8 + self.lines), "    ")
        return f"import tensorflow as tf\nimport keras\n\n\ndef loss(y_true, y_pred):\n{body}\n"


def bare(name: str, lines: str, found: str = "", **usage: str) -> Bare:
    return Bare(name, lines, usage, set(found.split()))


LOSSES = [
    # Columns that are unpacked, or counted, before anything runs.
    bare(
        "limbs_unpacked",
        """knee, foot = tf.unstack(y_true, axis=-1)
        at, spread, other, wide = tf.unstack(y_pred, axis=-1)
        one = spread + tf.square((knee - at) * tf.exp(-spread))
        return one + wide + tf.square((foot - other) * tf.exp(-wide))""",
        "unbounded_below",
        shape="B,4",
        label_shape="B,2",
    ),
    bare(
        "soils_counted",
        """parts = [tf.square(y_true[:, i] - y_pred[:, i]) for i in range(y_pred.shape[-1])]
        return tf.add_n(parts)""",
        task="regression",
    ),
    # Grades of a list, taken from each other.
    bare(
        "recipes_in_order",
        """more = tf.expand_dims(y_true, 2) - tf.expand_dims(y_true, 1)
        gap = tf.expand_dims(y_pred, 2) - tf.expand_dims(y_pred, 1)
        each = tf.cast(more > 0.0, tf.float32) * tf.nn.softplus(-gap)
        return tf.reduce_mean(each, axis=[1, 2])""",
        task="ranking",
    ),
    # Counts: the mean is behind a softplus inside the loss, and so is where it is lowest.
    bare(
        "parcels_counted",
        """mean = tf.nn.softplus(y_pred[:, :1]) + 1e-4
        size = tf.nn.softplus(y_pred[:, 1:2]) + 1e-2
        both = tf.math.log(size + mean)
        likely = tf.math.lgamma(y_true + size) - tf.math.lgamma(size) - tf.math.lgamma(y_true + 1.0)
        likely += size * (tf.math.log(size) - both) + y_true * (tf.math.log(mean) - both)
        return -tf.squeeze(likely, -1)""",
        shape="B,2",
        labels="nonnegative",
    ),
    # What is open at the end meets what comes before it: it is as wide.
    bare(
        "crates_by_their_corners",
        """low = tf.maximum(y_true[..., :2], y_pred[..., :2])
        high = tf.minimum(y_true[..., 2:], y_pred[..., 2:])
        common = tf.reduce_prod(tf.maximum(high - low, 0.0), -1)
        areas = [tf.reduce_prod(tf.maximum(box[..., 2:] - box[..., :2], 0.0), -1) for box in (y_true, y_pred)]
        union = areas[0] + areas[1] - common
        hull = tf.maximum(y_true[..., 2:], y_pred[..., 2:]) - tf.minimum(y_true[..., :2], y_pred[..., :2])
        hull = tf.reduce_prod(hull, -1)
        return 1.0 - tf.math.divide_no_nan(common, union) + tf.math.divide_no_nan(hull - union, hull)""",
        shape="B,4",
        labels="boxes",
    ),
    # A weight for each step, laid out for sequences.
    bare(
        "later_hours_weigh_more",
        """hours = tf.cast(tf.range(tf.shape(y_pred)[1]), tf.float32) + 1.0
        weights = hours / tf.reduce_sum(hours)
        return tf.reduce_sum(weights[None, :, None] * tf.square(y_true - y_pred), axis=[1, 2])""",
        shape="B,7,1",
    ),
    # Each sample is told from all others of the batch by its partner.
    bare(
        "songs_and_covers",
        """covers, songs = tf.math.l2_normalize(y_true, -1), tf.math.l2_normalize(y_pred, -1)
        likeness = tf.matmul(songs, covers, transpose_b=True) / 0.1
        own = tf.range(tf.shape(likeness)[0])
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=own, logits=likeness)""",
        task="embedding",
    ),
    # A half parts two classes, and marks none.
    bare(
        "donors_apart",
        """score, given = tf.reshape(y_pred, [-1]), tf.reshape(y_true, [-1])
        yes, no = tf.boolean_mask(score, given > 0.5), tf.boolean_mask(score, given <= 0.5)
        return tf.reduce_mean(tf.nn.softplus(no[None, :] - yes[:, None]))""",
        "absent_label",
        task="binary",
        padding="none",
    ),
    # NaN that only a label can bring: the value is saved, the gradient is not.
    bare(
        "buoys_with_gaps",
        """error = tf.abs(y_true - y_pred)
        kept = tf.logical_not(tf.math.is_nan(error))
        total = tf.reduce_sum(tf.where(kept, error, 0.0))
        return total / tf.maximum(tf.reduce_sum(tf.cast(kept, tf.float32)), 1.0)""",
        "nan_labels",
        padding="nan",
    ),
    # Counts, of which a model gives the logarithm.
    bare(
        "bees_by_log_rate",
        "return tf.reduce_mean(tf.exp(y_pred) - y_true * y_pred, axis=-1)",
        labels="nonnegative",
        activation="linear",
    ),
    bare(
        "claims_log_normal",
        """at, wide = y_pred[:, :1], y_pred[:, 1:]
        return wide + 0.5 * tf.square((tf.math.log1p(y_true) - at) / tf.exp(wide))""",
        "unbounded_below",
        shape="B,2",
    ),
    # Two views of one thing, and no label.
    bare(
        "prints_in_threes",
        """one, same, other = y_pred[0::3], y_pred[1::3], y_pred[2::3]
        near = tf.reduce_sum(tf.abs(one - same), axis=-1)
        far = tf.reduce_sum(tf.abs(one - other), axis=-1)
        return tf.nn.relu(near - far + 0.5)""",
        "grouped_batch ignores_labels",
        task="embedding",
    ),
    bare(
        "stars_seen_twice",
        """seen = tf.math.l2_normalize(y_pred, axis=1, epsilon=1e-6)
        here, there = tf.split(seen, 2, axis=0)
        alike = tf.matmul(here, there, transpose_b=True) * 4.0
        return tf.reduce_mean(tf.reduce_logsumexp(alike, axis=1) - tf.linalg.diag_part(alike))""",
        "grouped_batch ignores_labels",
    ),
    # Weights of classes that are as many as the numbers they are written with.
    bare(
        "alarms_by_cost",
        """which = tf.cast(tf.reshape(y_true, [-1]), tf.int32)
        cost = tf.gather(tf.constant([1.0, 3.0, 2.0]), which)
        return cost * tf.nn.sparse_softmax_cross_entropy_with_logits(labels=which, logits=y_pred)""",
        task="multiclass",
        shape="B,3",
        padding="none",
    ),
    # Rows laid out for one batch.
    bare(
        "comets_of_24",
        """told, given = tf.reshape(y_true, [24, 3]), tf.reshape(y_pred, [24, 3])
        return tf.reduce_mean(tf.square(told - given), axis=-1)""",
        "raises_in_fit",
        shape="B,3",
    ),
    # Shares of one: a softmax over the whole prediction, or divided by its own sum.
    bare(
        "crops_softened",
        "return tf.nn.softmax_cross_entropy_with_logits(labels=0.9 * y_true + 0.02, logits=y_pred / 2.0)",
        task="multiclass",
        activation="linear",
    ),
    bare(
        "roasts_log",
        """p = tf.nn.softmax(y_pred, axis=-1)
        return -tf.reduce_sum(y_true * tf.math.log(p), axis=-1)""",
        "log_of_zero",
        task="multiclass",
        activation="linear",
    ),
    bare(
        "clouds_own_sum",
        """p = y_pred / tf.reduce_sum(y_pred, axis=-1, keepdims=True)
        return -tf.reduce_sum(y_true * tf.math.log(tf.clip_by_value(p, 1e-6, 1.0)), axis=-1)""",
        task="multiclass",
        activation="softmax",
    ),
    # A transcript beside frames: of another length than they are.
    bare(
        "whale_calls",
        """rows = tf.shape(y_true)[0]
        calls, frames = tf.fill([rows], tf.shape(y_true)[1]), tf.fill([rows], tf.shape(y_pred)[1])
        return keras.ops.ctc_loss(tf.cast(y_true, tf.int32), y_pred, calls, frames, mask_index=0)""",
        task="transcript",
    ),
    bare(
        "tablature_sum",
        "return tf.reduce_sum(keras.losses.CTC(reduction='none')(y_true, y_pred))",
        "not_batch_safe",
        task="transcript",
    ),
    # Order: which label is above which, in the batch or in a list.
    bare(
        "cheeses_hinge",
        """above = tf.cast(tf.transpose(y_true) < y_true, tf.float32)
        short = tf.nn.relu(1.0 - (y_pred - tf.transpose(y_pred)))
        return tf.reduce_sum(short * above) / (tf.reduce_sum(above) + 1.0)""",
        task="ranking",
    ),
    bare(
        "routes_per_list",
        """above = tf.cast(tf.expand_dims(y_true, 2) > tf.expand_dims(y_true, 1), tf.float32)
        short = tf.nn.softplus(tf.expand_dims(y_pred, 1) - tf.expand_dims(y_pred, 2))
        return tf.reduce_sum(short * above, axis=[1, 2]) / tf.reduce_sum(above, axis=[1, 2])""",
        "absent_label",
        task="ranking",
    ),
    # Columns of different kinds on both sides.
    bare(
        "bearings_time_and_failure",
        """hours, failed = y_true[:, 0], y_true[:, 1]
        middle, width = y_pred[:, 0], tf.nn.softplus(y_pred[:, 1]) + 0.2
        z = (tf.math.log1p(hours) - middle) / width
        return failed * (0.5 * tf.square(z) + tf.math.log(width)) + (1.0 - failed) * tf.nn.softplus(z)""",
        labels="nonnegative,binary",
        activation="linear",
    ),
    bare(
        "ships_there_and_log_length",
        """there, length = y_true[..., 0], y_true[..., 1]
        seen = keras.losses.binary_crossentropy(y_true[..., :1], y_pred[..., :1])
        return seen + there * tf.abs(tf.math.log(length) - y_pred[..., 1])""",
        "log_of_zero",
        labels="binary,nonnegative",
        activation="sigmoid,linear",
    ),
    # One label for a whole sequence.
    bare(
        "engine_peak",
        """peak = tf.reduce_max(y_pred, axis=1)
        return tf.reduce_mean(tf.abs(peak - y_true), axis=-1)""",
    ),
    # Marks that a limit parts from the labels, or that no label is equal to.
    bare(
        "bees_counted",
        """there = tf.cast(y_true >= 0.0, tf.float32)
        cost = y_pred - tf.maximum(y_true, 0.0) * tf.math.log(y_pred + 0.05)
        return tf.reduce_sum(cost * there) / tf.maximum(tf.reduce_sum(there), 1.0)""",
        padding="-1",
    ),
    bare(
        "buses_late",
        """there = tf.cast(y_true > -0.5, tf.float32)
        p = tf.clip_by_value(y_pred, 1e-3, 1 - 1e-3)
        cost = y_true * tf.math.log(p) + (1.0 - y_true) * tf.math.log(1.0 - p)
        return -tf.reduce_sum(cost * there) / tf.reduce_sum(there)""",
        "all_ignored",
        padding="-1",
    ),
    bare(
        "words_ignored",
        """ids = tf.cast(y_true, tf.int32)
        kept = tf.cast(ids != -7, tf.float32)
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(ids, 0), y_pred)
        return tf.reduce_sum(each * kept) / tf.reduce_sum(kept)""",
        "all_ignored",
        padding="-7",
    ),
    # A Keras mask is read: there is a time axis.
    bare(
        "gait_mask",
        """mask = getattr(y_pred, "_keras_mask", None)
        each = tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)
        if mask is None:
            return tf.reduce_mean(each)
        kept = tf.cast(mask, tf.float32)
        return tf.reduce_sum(each * kept) / tf.maximum(tf.reduce_sum(kept), 1.0)""",
        padding="keras",
        shape="B,7,1",
    ),
    bare(
        "rowing_mask",
        """mask = getattr(y_pred, "_keras_mask", None)
        each = tf.reduce_mean(tf.abs(y_pred - y_true), axis=-1)
        if mask is None:
            return tf.reduce_mean(each)
        kept = tf.cast(mask, tf.float32)
        return tf.reduce_sum(each * kept) / tf.reduce_sum(kept)""",
        "all_ignored",
        padding="keras",
    ),
    # A constant that is as long as one batch.
    bare(
        "valves_of_48",
        """cost = tf.constant([[1.0, 4.0]] * 48)
        return tf.reduce_sum(cost * tf.square(y_true - y_pred), axis=-1)""",
        "raises_in_fit",
        shape="B,2",
    ),
    bare(
        "valves_of_any",
        """cost = tf.constant([[1.0, 4.0]])
        return tf.reduce_sum(cost * tf.square(y_true - y_pred), axis=-1)""",
        shape="B,2",
    ),
    # Rows that are taken in turns.
    bare(
        "duels_in_turns",
        """first, second = y_pred[0::2], y_pred[1::2]
        won = y_true[0::2] - y_true[1::2]
        return tf.reduce_mean(tf.nn.softplus(-won * (first - second)))""",
        "grouped_batch",
        shape="B,1",
    ),
]


@pytest.mark.parametrize("loss", first(4, LOSSES[::-1]), ids=lambda loss: loss.name)
def test_a_bare_loss_is_judged_in_the_usage_that_it_is_written_for(loss):
    result = examine(loss.text, None, {})
    assert result["refused"] is None and result["unprobed"] == []
    assert {name: result["usage"][name] for name in loss.usage} == loss.usage
    assert {found["code"] for found in result["findings"]} == loss.found
    assert loss.found - NOTES or result["healthy"]


@pytest.mark.verify
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("disguise", DISGUISES, ids=lambda disguise: disguise.__name__)
def test_what_is_inferred_does_not_depend_on_the_text(loss, disguise):
    plain, other = (examine(text, None, {}) for text in (loss.text, disguise(loss.text)))
    assert other["usage"] == plain["usage"]
    assert [found["code"] for found in other["findings"]] == [found["code"] for found in plain["findings"]]


@pytest.mark.verify
def test_one_label_for_a_sequence_is_examined_beside_one_for_each_column():
    loss = next(loss for loss in LOSSES if loss.name == "engine_peak")
    result = examine(loss.text, None, {})
    found = {one["usage"]["shape"]: [f["code"] for f in one["findings"]] for one in result["elsewhere"]}
    assert found.pop("B,7,4") == [] and not result["findings"]
    assert all("broadcast_bug" in codes for codes in found.values()) and found


def test_what_holds_for_one_last_layer_only_is_said():
    result = examine(
        "import keras\nloss = lambda y_true, y_pred: "
        "keras.losses.binary_crossentropy(y_true, y_pred, from_logits=True)\n",
        None,
        {},
    )
    assert result["healthy"] and any("sigmoid" in sentence for sentence in result["limits"])
