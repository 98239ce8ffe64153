"""What the mask does and does not do: steps taken for real, steps left out, gradient where nothing is real."""

import numpy as np

from lessons.doctor.rule import Evidence
from lessons.doctor.run.remedy import Remedy, loss_per_step, none, plain_loss, remedy, right_mask, skip_missing
from lessons.doctor.run.rules import RUN_RULES
from lessons.doctor.run.view import RunView, percent
from lessons.families.recurrent import Recurrent
from lessons.recipe.words import plural
from lessons.runs.run import LayerMask

ORDER = 2  # causes before what they cause
LEAK = 1e-3  # share of the gradient: a mask that is heeded leaves exactly 0, and less than this could not be seen
DIVISOR = 0.02  # how near the loss comes to the real one times the share of real steps, as a share of it
PADDED = 0.05  # share of padding below which two divisors cannot be told apart

GARBAGE = Recurrent(padded_labels="garbage", epochs=10)
FAIR = Recurrent(epochs=30)


@RUN_RULES.rule(
    code="mask_misaligned",
    severity="error",
    title="The mask is not where the steps are",
    tried="the mask that is used against the true steps",
    why="A mask is data like any other: made for other lengths, for the other side or from the wrong values it still "
    "has the right shape, and nothing complains.",
    fix="Make the mask from the true lengths.",
    lesson="mask_and_loss",
    fires_on=Recurrent(mask="shifted", mask_shift=1, epochs=10),
    silent_on=GARBAGE,
)
def mask_misaligned(view: RunView) -> Evidence | None:
    taken, left_out = view.taken, view.left_out
    cells = taken | left_out
    if not view.masked or not cells.any():
        return None
    if RUN_RULES.found(view, "never_stops") and np.array_equal(cells, RUN_RULES.evidence(view, "never_stops").cells):
        return None
    leak = found_leak(view, taken)
    said = f"The mask takes {plural(int(taken.sum()), 'padded step')} for real and leaves {left_out.sum()} of "
    said += f"{plural(int(view.run.batch.real.sum()), 'real step')} out."
    if leak > LEAK:
        said += f" Up to {percent(leak)} of the gradient lies on the padding."
    numbers = {"taken": int(taken.sum()), "left_out": int(left_out.sum()), "leak": leak}
    at = "predictions" if view.every_step else "inputs"
    return Evidence(said, numbers, cells=cells, at=at, **right_mask(view))


def found_leak(view: RunView, cells: np.ndarray) -> float:
    """The largest share of the gradient on the cells (batch, time) in any epoch, where there is one label per step
    at the predictions, else at the inputs."""
    return float(view.shares(cells, "predictions" if view.every_step else "inputs").max())


@RUN_RULES.rule(
    code="mask_dropped",
    severity="error",
    title="The mask is lost on the way",
    tried="which layer a mask goes into and does not come out of",
    why="A mask travels from layer to layer, and ends at the first that does not hand it on.",
    fix="Use layers that hand the mask on, or give the same mask to fit as sample_weight.",
    lesson="layer_ate_mask",
    fires_on=GARBAGE.with_changes({"between": "times_one"}),
    silent_on=GARBAGE.with_changes({"between": "dense"}),
)
def mask_dropped(view: RunView) -> Evidence | None:
    if not view.masked:
        return None
    leaks = unheeded(view)
    if view.path.multiplied and view.padding.any():
        if view.every_step and leaks.max() <= LEAK:
            return None
        return multiplied(view, leaks)
    layer = dropping_layer(view.run.opening.layers)
    if layer is None or leaks.max() <= LEAK:
        return None
    return Evidence(
        f"A mask goes into {layer.name} ({layer.layer}) and none comes out. The loss never hears of it: up to "
        f"{percent(leaks.max())} of the gradient lies on steps that were masked.",
        {"name": layer.name, "layer": layer.layer, "leak": leaks.max()},
        epochs=view.between(leaks > LEAK),
        cells=view.ever(view.padding & ~view.run.batch.mask),
        **handing_on(view),
    )


def handing_on(view: RunView) -> Remedy:
    """What lets the mask through, by the field that the family has for its layer."""
    if view.run.recipe.model:
        words = "Give fit the same mask as sample_weight: no layer has to hand it on. Or let each layer hand it on."
        return remedy(words, sample_weight="besides")
    if "layer" in view.settings.specs():
        return remedy("Let the layer hand the mask on: supports_masking = True, or a compute_mask.", layer="both")
    return remedy("Take the layer out, or put one there that hands the mask on, such as Dense.", between="none")


def multiplied(view: RunView, leaks: np.ndarray) -> Evidence:
    """The mask was multiplied into the inputs and became no Keras mask. leaks (kept,), shares from 0 to 1."""
    steps = int((~view.run.batch.mask).sum())
    said = (
        f"The mask is multiplied into the inputs: no layer is told, and {plural(steps, 'masked step')} are read as 0."
    )
    if leaks.max() > LEAK:
        said += f" Up to {percent(leaks.max())} of the gradient lies on them."
    elif not view.every_step:
        said += " The state moves on through them, and the output is read after the last."
    cells, at = view.padding, "inputs"
    if leaks.max() > LEAK:
        cells, at = view.ever(view.padding & ~view.run.batch.mask), "predictions"
    return Evidence(
        said,
        {"name": "x * mask", "layer": "multiplication", "steps": steps, "leak": leaks.max()},
        cells=cells,
        at=at,
        **remedy("Pass the mask to the layers: they hold their state where it is False.", mask_route="passed"),
    )


def unheeded(view: RunView) -> np.ndarray:
    """(kept,) share of the gradient at the predictions on padding that the mask leaves out: not one bit if heeded."""
    if not view.every_step:
        return np.zeros(len(view.snapshot.kept))
    return view.shares(view.padding & ~view.run.batch.mask)


def dropping_layer(layers: tuple[LayerMask, ...]) -> LayerMask | None:
    """The first that a mask goes into and does not come out of. What the loss does with it is another matter."""
    return next((row for row in layers if row.mask_in and not row.mask_out and row.name != "loss"), None)


@RUN_RULES.rule(
    code="gradient_on_padding",
    severity="error",
    title="Padding is learned",
    tried="how much of the gradient lies on padded steps, at the predictions and at the inputs",
    why="What stands where no step is takes part: in the loss, if no mask reaches it or it returns one number for the "
    "whole batch; in the state, if the layers were given no mask.",
    fix="Pass the mask, and let the loss return one value per step.",
    lesson="mask_and_loss",
    fires_on=GARBAGE.with_changes({"loss": "scalar_mse"}),
    silent_on=GARBAGE.with_changes({"loss": "mask_reading_mse"}),
)
def gradient_on_padding(view: RunView) -> Evidence | None:
    """Only where no wrong mask, no layer that drops it and nothing of an attention explains it."""
    if RUN_RULES.found(view, "mask_dropped", "attends_to_padding", "padding_pooled", "mask_unused"):
        return None
    cells = view.padding & ~view.run.batch.mask if view.masked else view.padding
    for at in ("predictions", "inputs") if view.every_step else ("inputs",):
        leaks = view.shares(cells, at)
        if leaks.max() > LEAK:
            return leaked(view, cells, at, leaks)
    return None


def leaked(view: RunView, cells: np.ndarray, at: str, leaks: np.ndarray) -> Evidence:
    """What is said of gradient on padding: cells (batch, time) bool, leaks (kept,) shares from 0 to 1."""
    at_inputs = view.shares(cells, "inputs")
    said = f"Up to {percent(leaks.max())} of the gradient at the {at} lies on {plural(int(cells.sum()), 'padded step')}"
    if at == "predictions":
        said += f", and up to {percent(at_inputs.max())} of that at the inputs" if at_inputs.max() else ""
    reason = {False: "no mask is passed", True: "the mask is right, and this loss does not heed it"}[view.masked]
    way = right_mask(view)
    if view.masked:
        way = loss_per_step(view)
        if view.run.recipe.model and not (at == "predictions" and view.run.opening.layers[-1].mask_in):
            reason, way = read_by_model(view, at)
        if view.weighted and at == "inputs":
            reason = "the mask weighs the loss, and the layers are not told of it"
            way = remedy("Pass the mask to the layers instead of to fit as a weight.", sample_weight="none")
    return Evidence(
        f"{said}: {reason}. In the end {view.comparison}.",
        {"leak": leaks.max(), "input_leak": at_inputs.max()},
        epochs=view.between(leaks > LEAK),
        cells=view.ever(cells, at),
        at=at,
        **way,
    )


def read_by_model(view: RunView, at: str) -> tuple[str, Remedy]:
    """Why padding takes part in a model of somebody's own, and what helps: not the loss, which no mask comes to."""
    if not any(row.mask_in or row.mask_out for row in view.run.opening.layers):
        words = "Make a mask: Masking, or Embedding(mask_zero=True); or pass mask= to the layers."
        return "no layer makes a mask over these steps", none(words)
    if at == "predictions":
        return "no mask comes with the predictions", handing_on(view)
    words = "Look in the table of the layers where padding enters, and pass mask= to that layer."
    return "a mask is made, and a layer reads padded steps all the same", none(words)


@RUN_RULES.rule(
    code="starved_steps",
    severity="error",
    title="Real steps are never taught",
    tried="whether every real step with a label got gradient in some epoch",
    why="The loss is flat there: its gradient is exactly 0. A mask taken from label values and a factor that depends "
    "on the prediction both do that.",
    fix="Let every label have its say: take the mask from the lengths, and weight by the label, not by the prediction.",
    lesson="not_learning",
    fires_on=Recurrent(task="binary", loss="label_masked_mse", mask="none", padded_labels="zero", epochs=20),
    silent_on=Recurrent(task="binary", padded_labels="zero", epochs=20),
)
def starved_steps(view: RunView) -> Evidence | None:
    """Only where no mask leaves them out: that is `mask_misaligned`, and of the ends of texts `never_stops`."""
    if not view.sound.any():
        return None
    known = view.real & ~view.missing
    if view.every_step:
        known = known & view.settings.taught(view.run.batch.x, view.run.batch.real)
    if view.every_step and view.masked:
        known = known & view.run.batch.mask
    if untaught := RUN_RULES.evidence(view, "never_stops"):
        known = known & ~untaught.cells
    starved = known & ~view.ever(known)
    if not starved.any():
        return None
    of, which = plural(int(view.real.sum()), "real step"), labels_of(view, starved, known)
    return Evidence(
        f"{starved.sum()} of {of} got a gradient of exactly 0 in every epoch{which}.",
        {"starved": int(starved.sum()), "real": int(view.real.sum())},
        cells=starved,
        **plain_loss(view),
    )


def labels_of(view: RunView, starved: np.ndarray, known: np.ndarray) -> str:
    """Whether they are just those with one label, in words. starved and known (batch, time) bool."""
    for label in view.settings.predicts.labels:
        if np.array_equal(starved, known & (view.truth == label)):
            return f", all those with label {label}"
    return ""


@RUN_RULES.rule(
    code="imputed_labels",
    severity="warning",
    title="Filled labels are taught as if they were true",
    tried="whether steps without a label of their own get gradient",
    why="A missing label was filled in, and nothing weighs it with 0: the model learns the filling.",
    fix="Leave filled labels out of the loss.",
    lesson="nan_labels",
    fires_on=Recurrent(nan_share=0.3, nan_fill="mean", epochs=10),
    silent_on=Recurrent(nan_share=0.3, loss="nan_labels.where_inside", epochs=10),
)
def imputed_labels(view: RunView) -> Evidence | None:
    taught = view.ever(view.missing)
    if not taught.any() or RUN_RULES.found(view, "labels_not_shifted"):
        return None
    share = view.shares(taught).max()
    return Evidence(
        f"{view.missing.sum()} of {plural(int(view.real.sum()), 'real label')} were missing and are filled in. "
        f"Up to {percent(share)} of the gradient is theirs.",
        {"missing": int(view.missing.sum()), "share": share},
        cells=taught,
        **skip_missing(view),
    )


@RUN_RULES.rule(
    code="wrong_normalisation",
    severity="warning",
    title="The loss is divided by all steps",
    tried="the loss against the same loss on real steps only",
    why="The mask takes padding out of the sum and not out of the count: the more padding, the smaller loss and "
    "gradient.",
    fix="Divide by the number of valid steps.",
    lesson="divided_by",
    fires_on=FAIR.with_changes({"sample_weight": "instead"}),
    silent_on=FAIR,
)
def wrong_normalisation(view: RunView) -> Evidence | None:
    share = 1 - view.padding.mean()
    others = ("mask_misaligned", "mask_dropped", "gradient_on_padding", "imputed_labels")
    if not view.every_step or share > 1 - PADDED or RUN_RULES.found(view, *others):
        return None
    if view.missing.any():  # leaving them out makes the loss smaller too
        return None
    s = view.snapshot
    judged = np.isfinite(s.loss) & np.isfinite(s.real_loss) & (s.real_loss != 0)
    if not judged.any():
        return None
    ratio = np.median(s.loss[judged] / s.real_loss[judged])
    low, high = shares_of_batches(view)
    if not low * (1 - DIVISOR) <= ratio <= min(high * (1 + DIVISOR), 1 - PADDED):
        return None
    words = "Leave the dividing to Keras: a mask, and a loss that returns one value per step."
    way = none(words) if view.ranked else remedy(words, loss="mse", mask="aligned")
    if view.path.weighted:
        words = "Divide by the sum of the weights: reduction “mean_with_sample_weight”."
        way = remedy(words, reduction="mean_with_sample_weight")
    return Evidence(
        f"The loss is {ratio:.3g} times the loss on real steps, and {share:.3g} of all steps are real: it is divided "
        f"by {plural(view.padding.size, 'step')}, not by {int(view.run.batch.real.sum())}.",
        {"ratio": ratio, "real_share": share},
        epochs=(0, view.last),
        **way,
    )


def shares_of_batches(view: RunView) -> tuple[float, float]:
    """The smallest and the largest share of real steps in a batch: between them lies a loss divided by all steps."""
    real, size = view.run.batch.real, view.run.recipe.update_size
    shares = [real[k : k + size].mean() for k in range(0, len(real), size)]
    return min(shares), max(shares)


@RUN_RULES.rule(
    code="validation_unmasked",
    severity="warning",
    title="The validation loss counts padding",
    tried="whether the validation data come with the mask that training has",
    why="A mask belongs to its data set: that training is masked says nothing about validation.",
    fix="Give the validation data their own mask.",
    lesson="validation",
    fires_on=GARBAGE.with_changes({"validation_mask": "none"}),
    silent_on=GARBAGE.with_changes({"validation_mask": "aligned"}),
)
def validation_unmasked(view: RunView) -> Evidence | None:
    if not (view.masked and view.run.recipe.validation_mask == "none" and view.padding.any()):
        return None
    held_out, real = float(view.snapshot.val_loss[-1]), float(view.snapshot.real_loss[-1])
    return Evidence(
        f"Training has a mask and validation has none: the validation loss ends at {held_out:.3g} with its padding in "
        f"it, and the loss on real training steps at {real:.3g}.",
        {"val_loss": held_out, "real_loss": real},
        epochs=(0, view.last),
        **remedy("Give the validation data their own mask.", validation_mask="same"),
    )
