"""Whether the model learned, and what kept it from learning: read off the error on real steps, never off the loss."""

import numpy as np

from lessons.doctor.rule import Evidence
from lessons.doctor.run.remedy import Remedy, larger_steps, none, plain_loss, remedy, right_mask, smaller_steps
from lessons.doctor.run.rules import RUN_RULES
from lessons.doctor.run.view import RunView, percent
from lessons.families.recurrent import Recurrent
from lessons.recipe.data import last_steps
from lessons.recipe.words import plural
from lessons.runs.outcome import GROWTH, LEAST_START

ORDER = 3  # causes before what they cause
GREW = 20.0  # times the largest gradient of the first epoch: losses with a bounded slope reach 3
NEAR = 0.1  # of the typical error: a gradient that peaks there is largest where nothing is left to learn
DIED = 1e-3  # of the first epoch's gradient at the inputs: nothing that still learns gets so low
DEAD_SHARE = 0.1  # of the real steps: a few that are sure and wrong are luck
LOOKS_SOLVED = 0.1  # of its start: a loss that falls below a tenth looks like success
MOVED = 0.1  # of its start: by less, a loss has not gone anywhere
SAME = 0.1  # of the labels' spread: predictions closer together are one answer
ONE_CLASS = 0.99  # of the steps get the same class
FEW_UPDATES = 20  # an optimiser needs some: before that nothing can be said
NOTHING_TO_LEARN = 0.05  # of the labels' variance: the best straight line explains less of noise
STEADY = 0.9  # of the epochs: a loss that falls in so many is on its way

CAUSES = (
    "non_finite",
    "mask_misaligned",
    "mask_dropped",
    "gradient_on_padding",
    "starved_steps",
    "exploding",
    "vanishing",
)


@RUN_RULES.rule(
    code="exploding",
    severity="warning",
    title="The gradient explodes",
    tried="the largest gradient and the largest loss against those of the first epoch",
    why="Either the steps are too large and each throws the weights farther off, or the slope of the loss is without "
    "bound.",
    fix="Take smaller steps, or clip the gradient.",
    lesson="small_epsilon",
    fires_on=Recurrent(optimizer="sgd", learning_rate=1.0, epochs=40),
    silent_on=Recurrent(optimizer="sgd", learning_rate=0.1, epochs=40),
)
def exploding(view: RunView) -> Evidence | None:
    """Only where no padding is learned: what stands there may be of any size."""
    if RUN_RULES.found(view, "non_finite", "mask_dropped", "gradient_on_padding"):
        return None
    s = view.snapshot
    largest = s.gradient.max(axis=(1, 2))  # (kept,)
    if largest[0] > 0 and largest.max() > GREW * largest[0] and (evidence := steep(view, largest)):
        return evidence
    start = max(abs(view.loss_from), LEAST_START)
    if s.loss.max() > GROWTH * start:
        high = np.flatnonzero(s.loss > GROWTH * start)
        return Evidence(
            f"The loss begins at {view.loss_from:.3g} and is {s.loss.max():.3g} in epoch {s.loss.argmax() + 1}.",
            {"first": view.loss_from, "largest": s.loss.max()},
            epochs=(int(high[0]), int(high[-1])),
            **smaller_steps(view),
        )
    return None


def steep(view: RunView, largest: np.ndarray) -> Evidence | None:
    """At which step the gradient is largest: one with a small error, or one with a large error that threw the loss off.

    A cross-entropy has a steep slope wherever one answer is sure and wrong: as long as the loss stays low that is well.
    largest (kept,): the largest |gradient| of each kept epoch.
    """
    s = view.snapshot
    k = int(largest.argmax())
    row, step = np.unravel_index(s.gradient[k].argmax(), s.gradient[k].shape)
    errors = np.abs(s.predictions[k] - view.truth)  # like real
    if view.ranked:  # ids are names: right or wrong
        errors = (errors != 0).astype(float)
    at, typical = float(errors[row, step]), float(np.median(errors[view.known]))
    idle = bool(view.known[row, step] and at < NEAR * typical)
    if not idle and s.loss[s.kept[k]] <= view.loss_from:
        return None
    said = (
        f"In epoch {s.kept[k] + 1} one step has a gradient of {largest[k]:.3g}, {largest[k] / largest[0]:.3g} times "
        f"the largest of the first epoch. Its error is {at:.3g}, and half of the steps have more than {typical:.3g}"
    )
    said += ": the loss pulls hardest where nothing is left to learn." if idle else "."
    high = s.kept[largest > GREW * largest[0]]
    return Evidence(
        said,
        {"first": largest[0], "largest": largest[k], "error_there": at, "typical_error": typical},
        epochs=(int(high[0]), int(high[-1])),
        cells=s.gradient[k] > GREW * largest[0],
        **(plain_loss(view) if idle else smaller_steps(view)),
    )


@RUN_RULES.rule(
    code="vanishing",
    severity="warning",
    title="The gradient is gone, the error is not",
    tried="whether steps that are wrong still get gradient at the end",
    why="The prediction has gone where loss or activation is flat: clipped, below a threshold, or dead. What has no "
    "gradient cannot come back.",
    fix="Take a loss and an activation that pull on every wrong prediction, and smaller steps.",
    lesson="small_epsilon",
    fires_on=Recurrent(activation="relu", learning_rate=1.0, epochs=40),
    silent_on=Recurrent(epochs=40),
)
def vanishing(view: RunView) -> Evidence | None:
    """Only where the loss is not flat from the start: that is `starved_steps`."""
    if RUN_RULES.found(view, "non_finite", "starved_steps", "labels_not_shifted"):
        return None
    s = view.snapshot
    known = view.real & ~view.missing
    dead = view.wrong & (s.gradient[-1] == 0) & view.ever(known)
    if dead.sum() >= DEAD_SHARE * known.sum() > 0:
        since = int(s.kept[unbroken((s.gradient[:, dead] == 0).mean(axis=1) >= 0.5)])
        return Evidence(
            f"{dead.sum()} of {plural(int(known.sum()), 'real step')} are wrong and get a gradient of exactly 0 in "
            f"the last epoch, though all of them had one before; {view.comparison}.",
            {"dead": int(dead.sum()), "real": int(known.sum())},
            epochs=(since, view.last),
            cells=dead,
            **alive(view),
        )
    size = view.sizes["inputs"]
    if size[0] > 0 and size[-1] <= DIED * size[0] and not view.beaten:
        since = int(s.kept[unbroken(size <= DIED * size[0])])
        return Evidence(
            f"From epoch {since + 1} on hardly any gradient reaches the inputs: it begins at {size[0]:.3g} and ends at "
            f"{size[-1]:.3g}, while {view.comparison}.",
            {"first": size[0], "last": size[-1]},
            epochs=(since, view.last),
            at="inputs",
            **alive(view),
        )
    return None


def unbroken(marked: np.ndarray) -> int:
    """Where the stretch begins that lasts to the end of (kept,) bool, whose last is True."""
    gaps = np.flatnonzero(~marked)
    return int(gaps[-1]) + 1 if gaps.size else 0


def alive(view: RunView) -> Remedy:
    """A loss and an activation with a slope everywhere, and smaller steps where those are what they are."""
    if "activation" not in view.settings.specs():  # the family chooses it
        return smaller_steps(view)
    way = plain_loss(view)
    changes = way["changes"] | {"activation": "linear"}
    if all(getattr(view.settings, name) == value for name, value in changes.items()):
        return smaller_steps(view)
    return remedy(way["fix"] + " A linear output has a slope everywhere.", **changes)


@RUN_RULES.rule(
    code="looks_fine_but_wrong",
    severity="error",
    title="The loss looks fine, the model is wrong",
    tried="the error on real steps where the loss has fallen to almost nothing",
    why="The loss rewards something else than right answers on real steps: it was given a wrong mask, or counts only "
    "some of the labels.",
    fix="Do not judge by the loss: watch the error on real steps beside the best constant.",
    lesson="not_learning",
    fires_on=Recurrent(mask="inverted", padded_labels="zero", epochs=20),
    silent_on=Recurrent(padded_labels="zero", epochs=20),
)
def looks_fine_but_wrong(view: RunView) -> Evidence | None:
    if RUN_RULES.found(view, "non_finite") or view.beaten:
        return None
    fallen = view.loss_from - view.loss_to
    if fallen < (1 - LOOKS_SOLVED) * abs(view.loss_from):
        return None
    way = right_mask(view) if RUN_RULES.found(view, "mask_misaligned") else plain_loss(view)
    return Evidence(
        f"{loss_course(view)}, but {view.comparison}. {answers(view)}",
        {"loss_from": view.loss_from, "loss_to": view.loss_to, "error": view.error} | {"baseline": view.run.baseline},
        epochs=(0, view.last),
        **way,
    )


def loss_course(view: RunView) -> str:
    if view.loss_from == view.loss_to == 0:
        return "The loss reads exactly 0 from the first epoch to the last"
    return f"The loss falls from {view.loss_from:.3g} to {view.loss_to:.3g}"


def answers(view: RunView) -> str:
    """How far the predictions on real steps lie apart, beside the labels."""
    predictions, truth = (a[view.known] for a in (view.snapshot.predictions[-1], view.truth))
    if view.ranked:
        wanted, answered = (int(np.unique(a).size) for a in (truth, predictions))
        share = percent(most_frequent(predictions))
        return f"One class is the answer on {share} of the steps; {answered} classes are answered, {wanted} are labels."
    low, high = np.percentile(predictions, [5, 95])
    return (
        f"Nine in ten predictions lie between {low:.3g} and {high:.3g}, the labels between {truth.min():.3g} and "
        f"{truth.max():.3g}."
    )


@RUN_RULES.rule(
    code="collapsed_predictions",
    severity="warning",
    title="It answers the same for everything",
    tried="how far the predictions on real steps lie apart, beside the labels",
    why="The model has settled on one answer: the cheapest way to please a loss that does not reward more.",
    fix="Look at the predictions, not at the curves; take smaller steps, or another loss.",
    lesson="not_learning",
    fires_on=Recurrent(activation="softplus", learning_rate=1.0, epochs=40),
    silent_on=Recurrent(activation="softplus", epochs=40),
)
def collapsed_predictions(view: RunView) -> Evidence | None:
    """Only where nothing else explains it, and the loss has moved: an untrained model answers alike too."""
    if view.beaten or RUN_RULES.found(view, *CAUSES, "looks_fine_but_wrong"):
        return None
    if abs(view.loss_from - view.loss_to) < MOVED * abs(view.loss_from) or too_early(view):
        return None
    share = spread_share(view)
    if share > SAME:
        return None
    return Evidence(
        f"{answers(view)} In the end {view.comparison}.",
        {"spread_share": share, "error": view.error, "baseline": view.run.baseline},
        epochs=(0, view.last),
        **smaller_steps(view),
    )


def spread_share(view: RunView) -> float:
    """Spread of the predictions on real steps as a share of the labels'; 0 where all get the same class."""
    predictions, truth = (a[view.known] for a in (view.snapshot.predictions[-1], view.truth))
    if view.ranked:  # ids have no spread
        return 0.0 if most_frequent(predictions) >= ONE_CLASS else 1.0
    if view.settings.predicts.kind == "binary" and most_frequent(view.classes[view.known]) >= ONE_CLASS:
        return 0.0
    spread = float(truth.std())
    return float(predictions.std()) / spread if spread else 1.0


def most_frequent(answers: np.ndarray) -> float:
    """Share of the answers (steps,) that are the most frequent one."""
    return float(np.unique(answers, return_counts=True)[1].max() / answers.size)


def too_early(view: RunView) -> bool:
    """Whether there have been too few updates for anything to be learned."""
    return view.run.epochs * view.run.recipe.updates < FEW_UPDATES


@RUN_RULES.rule(
    code="no_learning",
    severity="warning",
    title="It has not learned",
    tried="whether the error on real steps beats the best constant",
    why="Either the steps are too small or too large, or the labels do not depend on the inputs.",
    fix="Compare with the best constant, not with 0; then change the learning rate.",
    lesson="not_learning",
    fires_on=Recurrent(optimizer="sgd", learning_rate=1e-4, epochs=40),
    silent_on=Recurrent(epochs=40),
)
def no_learning(view: RunView) -> Evidence | None:
    """Only where nothing else explains it."""
    if view.beaten or too_early(view):
        return None
    if RUN_RULES.found(view, *CAUSES, "looks_fine_but_wrong", "collapsed_predictions"):
        return None
    line = straight_line(view)
    said = f"After {plural(view.run.epochs, 'epoch')} {view.comparison}; the loss goes from "
    said += f"{view.loss_from:.3g} to {view.loss_to:.3g}."
    if line <= NOTHING_TO_LEARN:
        share = f"{line:.3g}" if line > 0 else "nothing"
        said += (
            f" The best straight line through this input and the one before explains {share} of the labels' variance: "
            "there may be nothing to learn."
        )
        way = none("Look at the labels first: where they do not depend on the inputs, the best answer is a constant.")
    else:
        falls = (np.diff(view.snapshot.loss) < 0).mean()
        way = larger_steps(view) if falls >= STEADY else smaller_steps(view)
    return Evidence(
        said,
        {"error": view.error, "baseline": view.run.baseline, "linear": line},
        epochs=(0, view.last),
        **way,
    )


def straight_line(view: RunView) -> float:
    """Share of the labels' variance that the best straight line through this input and the one before explains,
    less what it would of noise (adjusted R²)."""
    x, real = np.nan_to_num(view.run.batch.x), view.run.batch.real  # (batch, time, features), (batch, time)
    x = x * real[..., None]
    before = np.pad(x[:, :-1], ((0, 0), (1, 0), (0, 0)))
    inputs = np.concatenate([x, before, np.ones_like(x[..., :1])], axis=-1)  # (batch, time, 2 features + 1)
    if view.every_step:
        inputs, truth = inputs[view.known], view.truth[view.known]
    else:
        last = last_steps(real)
        known = view.known[:, 0]
        inputs, truth = inputs[np.arange(len(last)), last][known], view.truth[known, 0]
    if view.ranked:  # a column for each class, 1 where it is the label
        truth = (truth[:, None] == np.array(view.settings.predicts.labels)).astype(float)
    free = len(truth) - inputs.shape[1]
    total = float(((truth - truth.mean(axis=0)) ** 2).sum())
    if free <= 0 or total == 0:
        return 1.0  # it cannot be told
    weights = np.linalg.lstsq(inputs, truth, rcond=None)[0]
    left = float(((truth - inputs @ weights) ** 2).sum())
    return 1 - (left / free) / (total / (len(truth) - 1))
