"""Where the loss leads: whether there is a gradient, and whether going downhill ends at the labels."""

from __future__ import annotations

import numpy as np

from lessons.doctor.loss.rules import LOSS_RULES
from lessons.doctor.loss.rules.arithmetic import shown
from lessons.doctor.loss.sample import BATCH, NUMBERS_IN_BATCH
from lessons.doctor.loss.subject import Subject
from lessons.doctor.rule import Evidence, Specimen

DEAD_SHARE = 0.1  # of random samples
DRAWS = 5  # batches of random samples
LOWER = 1e-5  # by how much a loss must be lower, relative to its size, to count as lower
STEPS = 400  # of Adam on the predictions
RATE = 0.3  # its first learning rate; it falls to almost 0
ELSEWHERE = 0.15  # from the label, in the label's units
LOCATION = 0.25  # of what the descent gained, that a column may lose which is set to the labels
ELSEWHERE_SHARE = 0.1  # of samples that end elsewhere
LONG = 4  # steps of a sequence in which one can be told from its neighbours

SQUARED = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"
NEGATED = "def loss(y_true, y_pred):\n    return -tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"
ROUNDED = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.abs(y_true - tf.round(y_pred)))\n"
CUT_OFF = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - tf.nn.relu(y_pred)))\n"
MEANS = "def loss(y_true, y_pred):\n    return tf.square(tf.reduce_mean(y_true) - tf.reduce_mean(y_pred))\n"


@LOSS_RULES.rule(
    code="no_gradient",
    severity="error",
    title="It has no gradient",
    tried="the gradient at random predictions",
    why="An operation in it cannot be differentiated, or leaves TensorFlow: rounding, comparing, argmax, casting to "
    "int, NumPy, Python functions.",
    fix="Write it with differentiable TensorFlow or Keras operations; measure accuracy in `metrics`, not in the loss.",
    lesson="not_learning",
    fires_on=Specimen(ROUNDED),
    silent_on=Specimen(SQUARED),
)
def no_gradient(subject: Subject) -> Evidence | None:
    if subject.never_run:
        what, line = subject.never_run
        return Evidence(
            f"Line {line} calls {what}, which leaves TensorFlow: it is not run here.", {"calls": what}, line=line
        )
    if subject.crash:
        return no_gradient_eagerly(subject)
    reads = [subject.at(*subject.draw()) for _ in range(DRAWS)]
    if any(read.size.any() for read in reads):  # NaN counts as some
        return None
    how = "None: the value does not depend on them" if reads[0].gradient is None else "exactly 0 everywhere"
    return Evidence(
        f"The gradient at {DRAWS * subject.sampler.size} random predictions is {how}.",
        {"samples": DRAWS * subject.sampler.size, "value": reads[0].value},
        subject.curve(),
    )


def no_gradient_eagerly(subject: Subject) -> Evidence | None:
    """A loss that cannot run inside fit may run eagerly, and have no gradient there."""
    try:
        read = subject.eagerly(*subject.draw())
    except Exception:  # it does not run there either
        return None
    if read.size.any():
        return None
    return Evidence(f"Called eagerly it gives {read.value:.3g}, and no gradient.", {"value": read.value})


@LOSS_RULES.rule(
    code="dead_region",
    severity="error",
    title="Many predictions get no gradient although they are wrong",
    tried="whether predictions without gradient could be better",
    why="The loss is flat there: clipping, a threshold or a cap cuts the gradient off before the prediction is right.",
    fix="Do not clip or threshold the prediction where it is still wrong; weight by the label instead.",
    lesson="not_learning",
    comes_of="wrong_activation",
    fires_on=Specimen(CUT_OFF, {"labels": "nonnegative"}),
    silent_on=Specimen(SQUARED),
)
def dead_region(subject: Subject) -> Evidence | None:
    if LOSS_RULES.found(subject, "no_gradient"):
        return None
    shares, example = [], None
    for _ in range(DRAWS):
        y, z = subject.draw()
        read = subject.at(y, z)
        if not read.finite or read.gradient is None:
            continue
        share, found = dead_share(subject, y, z, read)
        shares.append(share)
        example = example or found
    if not shares or np.mean(shares) < DEAD_SHARE:
        return None
    y, z, row = example
    return Evidence(
        f"{100 * np.mean(shares):.0f}% of random predictions get a gradient of exactly 0, so training leaves them as "
        "they are, although other predictions in their place would lower the loss.",
        {"share": float(np.mean(shares)), "y_true": shown(y[row]), "y_pred": shown(subject.prediction(z)[row])},
        subject.curve_at(y, z, row),
    )


def dead_share(subject: Subject, y, z, read) -> tuple[float, tuple | None]:
    """Share of samples, or of single numbers where that is more, that are stuck; with one of them.

    y and z (batch, …); a share from 0 to 1.
    """
    rows = read.gradient.reshape(len(z), -1)
    truth = subject.sampler.truth(y, z)
    most, example = 0.0, None
    still_rows = np.flatnonzero((rows == 0).all(axis=1))
    still_numbers = np.argwhere(rows == 0)
    for still, count in ((still_rows[:, None], len(z)), (still_numbers, rows.size)):
        looked = still[:: max(1, len(still) // 12)]  # a dozen of them are tried
        stuck = [place for place in looked if can_be_lowered(subject, y, z, truth, tuple(place))]
        share = len(still) / count * len(stuck) / max(1, len(looked))
        if share > most:
            most, example = share, (y, z, int(stuck[0][0]))
    return most, example


def can_be_lowered(subject: Subject, y, z, truth, place: tuple[int, ...]) -> bool:
    """Whether some other prediction at that place, everything else alike, costs less. y and z (batch, …)."""
    before = subject.value(y, z)
    flat, wanted = z.reshape(len(z), -1), truth.reshape(len(z), -1)
    here = flat[place]
    candidates = [here + part * (wanted[place] - here) for part in (0.3, 0.7, 1.0)]
    candidates += [here + step for step in (-3.0, -1.0, 1.0, 3.0)]
    for candidate in candidates:
        changed = flat.copy()
        changed[place] = candidate
        after = subject.value(y, changed.reshape(z.shape))
        if after < before - LOWER * (1e-2 + abs(before)):
            return True
    return False


@LOSS_RULES.rule(
    code="wrong_sign",
    severity="error",
    title="Better predictions cost more",
    tried="whether better predictions cost less",
    why="It grows with quality: a score is minimised as if it were a cost.",
    fix="Return 1 − score, or the score with a minus in front.",
    lesson="not_learning",
    fires_on=Specimen(NEGATED),
    silent_on=Specimen(SQUARED),
)
def wrong_sign(subject: Subject) -> Evidence | None:
    if not subject.sampler.has_truth:  # of a distance: which label means "alike" is a convention, no sign is wrong
        return None
    worse, pairs = [], 0
    for _ in range(DRAWS):
        y, z = subject.draw()
        truth = nearest_truth(subject, y, z)
        for part in (0.3, 0.6, 0.9):
            before, after = subject.value(y, z), subject.value(y, (z + part * (truth - z)).astype(np.float32))
            if np.isfinite([before, after]).all():
                pairs += 1
                if after > before + LOWER * (1e-2 + abs(before)):
                    worse.append((before, after))
    if pairs < DRAWS or len(worse) < 0.9 * pairs:
        return None
    before, after = worse[0]
    return Evidence(
        f"Moving all predictions towards their labels raised the loss in {len(worse)} of {pairs} trials, such as from "
        f"{before:.3g} to {after:.3g}.",
        {"trials": pairs, "raised": len(worse), "before": before, "after": after},
        subject.curve(),
    )


def nearest_truth(subject: Subject, y, z) -> np.ndarray:
    """The labels as predictions; of an angle's many names the nearest. (batch, …), as z."""
    truth = subject.sampler.truth(y, z)
    if subject.usage.labels == "angles":
        truth = z + np.arctan2(np.sin(truth - z), np.cos(truth - z))
    return truth


@LOSS_RULES.rule(
    code="minimum_not_at_truth",
    severity="error",
    title="The lowest loss is not where predictions equal the labels",
    tried="where going downhill on the predictions ends",
    why="Predictions that differ from the labels cost no more than the labels themselves, so a low loss says nothing.",
    fix="Every sample must pull its prediction to its label: keep both halves of a cross-entropy, and do not multiply "
    "an error by something that the prediction can bring to 0.",
    lesson="not_learning",
    comes_of="broadcast_bug",
    fires_on=Specimen(MEANS),
    silent_on=Specimen(SQUARED),
)
def minimum_not_at_truth(subject: Subject) -> Evidence | None:
    if not subject.sampler.one_to_one or LOSS_RULES.found(subject, "no_gradient"):
        return None
    endless = LOSS_RULES.evidence(subject, "unbounded_below")
    if endless and "floor" in endless.numbers:  # of a scale without one the descent comes to no end
        return None
    shares = []
    few = subject.sampler.size < BATCH  # of large samples, which hold many numbers each: two say as much
    for _ in range(1 if few else 2):
        y, start = subject.draw(2 if few else 4 * subject.sampler.size)
        z = descend(subject, y, start)
        found = None if z is None else ended_elsewhere(subject, y, start, z)
        if found is None:
            return None
        truth, share, row = found
        shares.append(share)
    share = float(np.mean(shares))
    if share < ELSEWHERE_SHARE:
        return None
    began, ended, at_truth = (subject.value(y, place) for place in (start, z, truth))
    return Evidence(
        f"Random predictions were moved step by step to where the loss is lower, from {began:.3g} to {ended:.3g}. "
        f"Predictions equal to the labels cost {at_truth:.3g}, no less, and yet {100 * share:.0f}% of the predictions "
        "did not come to their labels.",
        {
            "loss_at_end": ended,
            "loss_at_labels": at_truth,
            "share": share,
            "y_true": shown(y[row]),
            "y_pred": shown(subject.prediction(z)[row]),
        },
        subject.curve_at(y, z, row),
    )


def descend(subject: Subject, y, z) -> np.ndarray | None:
    """Where Adam on the predictions ends; None when it meets something that is not finite at once.

    (batch, …), as z. Adam: Kingma and Ba, arXiv 1412.6980.
    """
    large = z.size >= NUMBERS_IN_BATCH  # then float32 is twice as fast, and as good
    place, best = z.astype(np.float32 if large else np.float64), None
    mean, square = np.zeros_like(place), np.zeros_like(place)
    for step in range(1, STEPS + 1):
        read = subject.at(y, place.astype(np.float32))
        if not read.finite or read.gradient is None:
            break
        best = place.astype(np.float32)
        mean = 0.9 * mean + 0.1 * read.gradient
        square = 0.99 * square + 0.01 * read.gradient**2
        rate = RATE * 0.5 * (1 + np.cos(np.pi * step / STEPS)) + 1e-3
        place = place - rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-12)
    return best


def ended_elsewhere(subject: Subject, y, start, z) -> tuple[np.ndarray, float, int] | None:
    """(truth as z, share of predictions elsewhere, a sample with one) when z is not the truth and costs no more."""
    began, ended = subject.value(y, start), subject.value(y, z)
    heads = subject.usage.labels not in ("ids", "onehot", "binary") and y.shape != z.shape
    later = int(asks_for_the_next_step(subject, y, start))
    wanted = np.roll(y, -later, axis=1) if later else y
    truths = column_truths(subject, wanted, z) if heads else [nearest_truth(subject, wanted, z)]
    best = min((subject.value(y, truth) for truth in truths), default=np.inf)
    if heads and not best <= ended + LOCATION * (began - ended):  # no column is what the labels speak of
        return None
    for truth in truths:
        at_truth = subject.value(y, truth)
        unit = 1 + abs(at_truth)
        tolerance = 1e-3 * unit + min(5e-3 * unit, 1e-2 * max(0.0, began - at_truth))  # the descent may not be over
        if not np.isfinite(at_truth) or ended > at_truth + tolerance or excused(subject, y, z, truth, ended, at_truth):
            return None
    off = apart(subject, y, z, truths[0])
    if heads:  # one column at the label is enough
        off = np.all([apart(subject, y, z, truth).any(axis=1, keepdims=True) for truth in truths], axis=0)
    if later:  # the last step has no next one: nothing is wanted of it
        off = off.reshape(*z.shape[:2], -1)[:, :-later].reshape(len(z), -1)
    share = float(np.mean(off))
    if share < ELSEWHERE_SHARE / 2:
        return None
    return truths[0], share, int(np.argwhere(off)[0][0])


def asks_for_the_next_step(subject: Subject, y, z) -> bool:
    """Whether the label of a step is what the prediction one step earlier is for, as in a loss of the next token.

    y and z (batch, time, …): another label at one step changes the gradient of that prediction most.
    """
    if not subject.usage.timed or y.ndim < 2 or y.shape[:2] != z.shape[:2] or y.shape[1] < LONG:
        return False
    step, changed = y.shape[1] // 2, y.copy()
    changed[:, step] = np.roll(y[:, step], 1, axis=0)  # labels that there are
    reads = [subject.at(labels, z) for labels in (y, changed)]
    if any(read.gradient is None or not read.finite_gradient for read in reads):
        return False
    moved = np.abs(reads[0].gradient - reads[1].gradient).reshape(*z.shape[:2], -1).sum(axis=(0, 2))
    return bool(moved.any()) and int(moved.argmax()) == step - 1


def column_truths(subject: Subject, y, z) -> list[np.ndarray]:
    """For heads with columns that mean different things: z with one column set to the labels, for each column.

    (batch, …) each, as z.
    """
    label = y.reshape(*y.shape[: z.ndim - 1], -1)[..., :1] if y.ndim >= z.ndim - 1 else y
    truths = []
    for column in range(z.shape[-1]):
        if subject.usage.activation[min(column, len(subject.usage.activation) - 1)] in (
            "linear",
            "softplus",
            "sigmoid",
        ):
            changed = z.copy()
            wanted = subject.sampler.before_activation(np.repeat(label, z.shape[-1], axis=-1))
            changed[..., column] = wanted[..., column]
            truths.append(changed)
    return truths


def apart(subject: Subject, y, z, truth) -> np.ndarray:
    """(batch, numbers) which predictions are elsewhere than their labels."""
    usage = subject.usage
    p, wanted = subject.said(z), subject.said(truth)
    if usage.labels in ("ids", "onehot") and z.shape[-1] > 1:
        if subject.sampler.encoding == "rank":
            wrong = ((z > 0) != (truth > 0)).any(-1)
        else:
            wrong = p.argmax(-1) != wanted.argmax(-1)
    elif usage.task == "binary" and usage.labels == "binary":
        if usage.activation[0] == "linear":  # logits, or a plain number that should be 0 or 1
            near = np.abs(z - (truth > 0)) < ELSEWHERE
            wrong = ((z > 0) != (truth > 0)) & ~near
        else:
            wrong = (p > 0.5) != (wanted > 0.5)
    else:
        scale = 1 + np.abs(wanted)
        wrong = np.abs(p - wanted) > ELSEWHERE * (scale if usage.activation[0] != "sigmoid" else 1)
    kinds = np.array(usage.label_kinds)
    if len(kinds) > 1 and "binary" in kinds and wrong.shape[-1] == len(kinds):
        # Beside a flag a number may count only where the flag is set, and on a scale of its own.
        wrong = wrong & (kinds == "binary")
    return wrong.reshape(len(z), -1)


def excused(subject: Subject, y, z, truth, ended: float, at_truth: float) -> bool:
    """Losses that are right to end elsewhere: of correlation, direction or order, and with a link inside.

    y and z (batch, …).
    """
    p, wanted = (subject.prediction(a).reshape(len(z), -1) for a in (z, truth))
    level = 1e-3 * (1 + abs(at_truth))
    if subject.usage.activation[0] != "linear":
        return False
    labels, ordinary = subject.draw()
    here = subject.value(labels, ordinary)
    scaled = abs(subject.value(labels, 2 * ordinary) - here) < level
    shifted = abs(subject.value(labels, ordinary + 1) - here) < level
    each = subject.sampler.rng.normal(0, 1, (len(ordinary), *[1] * (ordinary.ndim - 1))).astype(np.float32)
    in_rows = p.shape[1] > 1 and abs(subject.value(labels, ordinary + each) - here) < level
    pairs = list(zip(p, wanted, strict=True)) if in_rows else [(p.ravel(), wanted.ravel())]
    if scaled and shifted:  # correlation: length and level are free
        return bool(np.median([np.corrcoef(one, other)[0, 1] for one, other in pairs]) > 0.95)
    if scaled and p.shape[1] > 1:  # cosine: length is free
        cosine = (p * wanted).sum(1) / (np.linalg.norm(p, axis=1) * np.linalg.norm(wanted, axis=1) + 1e-12)
        return bool(np.median(cosine) > 0.99)
    if shifted and (in_rows or ended < at_truth - level):  # ranking: it pushes apart, in the right order
        return bool(np.mean([np.corrcoef(ranks(one), ranks(other))[0, 1] for one, other in pairs]) > 0.9)
    return subject.usage.labels == "nonnegative" and ends_at_a_link(y.reshape(len(z), -1), p)


LINKS = (np.log, lambda mean: mean + np.log(-np.expm1(-mean)))  # of an exponential and a softplus inside the loss


def ends_at_a_link(labels: np.ndarray, p: np.ndarray) -> bool:
    """Whether predictions, or one column of them, are what a loss makes the labels of: their logarithm, or what a
    softplus takes to them. labels (batch, columns), none below 0; p (batch, numbers)."""
    counts = (labels > 0).all(axis=1)  # the link of 0 lies infinitely far away
    labels, p = labels[counts], p[counts]
    columns = [p] if p.shape == labels.shape else [p[:, [column]] for column in range(p.shape[1])]
    if not len(p) or labels.shape[1] not in (1, p.shape[1]):
        return False
    return any(np.median(np.abs(z - link(labels))) < ELSEWHERE for z in columns for link in LINKS)


def ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each number of values (…), as (numbers,) int."""
    return np.argsort(np.argsort(values.ravel()))
