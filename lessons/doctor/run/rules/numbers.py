"""Where the first number was born that is not finite."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.doctor.rule import Evidence
from lessons.doctor.run.remedy import Remedy, none, plain_loss, remedy, single, skip_missing, smaller_steps
from lessons.doctor.run.rules import RUN_RULES
from lessons.doctor.run.view import RunView
from lessons.families.recurrent import Recurrent
from lessons.recipe import losses
from lessons.recipe.words import plural

ORDER = 1  # causes before what they cause
BORN = ("epoch", "batch", "sequence", "timestep", "phase", "tensor", "op", "inputs", "line")  # what a origin tells
SAFE = 1e-7  # the smallest power of ten that 1 does not absorb in float32


@dataclass(frozen=True)
class Onset:
    """The first epoch with a number that is not finite: whether it was born forward or backward, and where it shows.

    `where`: "inputs", "labels", "loss", "gradient", "update", or "validation". `cells`: as Finding's.
    """

    epoch: int
    phase: str
    where: str
    cells: np.ndarray | None = None
    at: str = "predictions"


@RUN_RULES.rule(
    code="non_finite",
    severity="error",
    title="Not a number",
    tried="whether losses, gradients and predictions are finite in every epoch",
    why="Somewhere a number has no finite value or no finite slope, and a mask of 0 times that is NaN. One NaN in the "
    "gradient reaches every weight with the next update.",
    fix="Find the first number that is not finite, and change what it is computed from.",
    lesson="first_iteration",
    fires_on=Recurrent(loss="first_iteration.root_of_square", epsilon=0, padding="pre", padded_labels="zero", epochs=5),
    silent_on=Recurrent(
        loss="first_iteration.root_of_square", epsilon=1e-7, padding="pre", padded_labels="zero", epochs=5
    ),
)
def non_finite(view: RunView) -> Evidence | None:
    onset = found_onset(view)
    if onset is None:
        return None
    numbers: dict[str, Any] = {"epoch": onset.epoch, "phase": onset.phase, "where": onset.where}
    if onset.cells is not None:
        numbers["cells"] = int(onset.cells.sum())
    said = SAID[onset.where](view, onset)
    if view.nan_origin:
        said += " " + view.nan_origin.said
        numbers |= {name: getattr(view.nan_origin, name) for name in BORN}
    return Evidence(
        said,
        numbers,
        epochs=(numbers["epoch"], view.last),
        cells=onset.cells,
        at=onset.at,
        **way_out(view, onset),
    )


def found_onset(view: RunView) -> Onset | None:
    s = view.snapshot
    bad = {name: ~np.isfinite(getattr(s, name)) for name in ("loss", "error", "predictions", "gradient")}
    bad_inputs = ~np.isfinite(view.sizes["inputs"])
    at_kept = bad["predictions"].any(axis=(1, 2)) | bad["gradient"].any(axis=(1, 2)) | bad_inputs  # (kept,)
    if not view.known.any():  # then the error is NaN for want of a label
        bad["error"][:] = False
    epochs = [*np.flatnonzero(bad["loss"] | bad["error"])[:1], *s.kept[at_kept][:1]]
    if not epochs:
        return late_onset(view)
    epoch = int(min(epochs))
    k = np.flatnonzero(s.kept == epoch)
    predicted = bad["predictions"][k[0]] if k.size else np.zeros(view.real.shape, bool)
    graded = bad["gradient"][k[0]] if k.size else np.zeros(view.real.shape, bool)
    if predicted.any() or bad["error"][epoch]:
        recipe = view.run.recipe
        within = recipe.updates > 1 and not predicted[: recipe.update_size].any()
        if epoch == 0 and not within:
            return Onset(0, "forward", "inputs", predicted)
        return Onset(epoch if within else epoch - 1, "backward", "update")
    if bad["loss"][epoch]:
        nan = np.isnan(view.labels)
        return Onset(epoch, "forward", "labels", nan) if nan.any() else Onset(epoch, "forward", "loss", shown(graded))
    if graded.any():
        return Onset(epoch, "backward", "gradient", graded)
    return Onset(epoch, "backward", "gradient", ~np.isfinite(s.input_gradient[k[0]]), "inputs")


def late_onset(view: RunView) -> Onset | None:
    """What the curves cannot tell: the last update, and what only validation met."""
    if not np.isfinite(view.run.predictions).all():
        return Onset(view.last, "backward", "update")
    bad = np.flatnonzero(~np.isfinite(view.snapshot.val_loss))
    return Onset(int(bad[0]), "forward", "validation") if bad.size else None


def shown(cells: np.ndarray) -> np.ndarray | None:
    """Cells (batch, time) bool for the charts to shade, None where there are none."""
    return cells if cells.any() else None


# --- in words. Epochs count from 1, as the charts do.


def said_of_inputs(view: RunView, onset: Onset) -> str:
    found = int(onset.cells.sum())
    verb = "is" if found == 1 else "are"
    said = f"{plural(found, 'prediction')} of epoch 1 {verb} not finite before anything was learned"
    if not bad_inputs(view):
        return f"{said}, and every input is a number: the model itself computes the first one that is none."
    return f"{said}: NaN stands in the inputs of {plural(bad_inputs(view), 'step')}."


def said_of_labels(view: RunView, onset: Onset) -> str:
    on_padding = int((onset.cells & ~view.real).sum())
    return (
        f"In epoch {onset.epoch + 1} every prediction is finite and the loss is not: {onset.cells.sum()} labels are "
        f"NaN, {on_padding} of them on padding, and the loss computes with them."
    )


def said_of_loss(view: RunView, onset: Onset) -> str:
    value = view.snapshot.loss[onset.epoch]
    said = f"In epoch {onset.epoch + 1} labels and predictions are finite and the loss is {spoken(value)}"
    if onset.cells is None:
        return f"{said}; the gradient at every prediction stays finite."
    return f"{said}. The gradient is not finite at {places(view, onset)}."


def said_of_gradient(view: RunView, onset: Onset) -> str:
    value = view.snapshot.loss[onset.epoch]
    said = f"Backward only: in epoch {onset.epoch + 1} the loss is {value:.3g}, a number, and its gradient is not"
    if onset.at == "predictions":
        return f"{said}, at {places(view, onset)}."
    said += f" at the inputs of {plural(int(onset.cells.sum()), 'step')}"
    if bad_inputs(view):
        said += f": the mask hides the NaN that stands in {bad_inputs(view)} of them, and not from the gradient"
    return said + "."


def said_of_update(view: RunView, onset: Onset) -> str:
    said = f"Backward only: in epoch {onset.epoch + 1} the loss is still {spoken(view.snapshot.loss[onset.epoch])}"
    if view.run.recipe.updates > 1:
        said = f"Backward only: the loss is a number until epoch {onset.epoch + 1}"
    if bad_inputs(view):
        said += f", for the mask hides the NaN in the inputs of {plural(bad_inputs(view), 'step')}"
    return f"{said}, and an update makes the predictions NaN: the gradient of the weights was not finite."


def said_of_validation(view: RunView, onset: Onset) -> str:
    return (
        f"The validation loss is {spoken(view.snapshot.val_loss[onset.epoch])} from epoch {onset.epoch + 1} on; in "
        "training every number stays finite."
    )


SAID = {
    "inputs": said_of_inputs,
    "labels": said_of_labels,
    "loss": said_of_loss,
    "gradient": said_of_gradient,
    "update": said_of_update,
    "validation": said_of_validation,
}


def spoken(value: float) -> str:
    """A number, or what is none in words."""
    return "NaN" if np.isnan(value) else "infinite" if np.isinf(value) else f"{value:.3g}"


def places(view: RunView, onset: Onset) -> str:
    """How many, and the first of them with its label and prediction where no origin of a NaN tells it."""
    many, on_padding = int(onset.cells.sum()), int((onset.cells & ~view.real).sum())
    said = (
        f"{many} steps, {on_padding} of them padding" if many > 1 else f"one {'padded' if on_padding else 'real'} step"
    )
    if view.nan_origin:
        return said
    kept = int(np.flatnonzero(view.snapshot.kept == onset.epoch)[0])
    row, step = (int(i) for i in np.argwhere(onset.cells)[0])
    prediction = view.snapshot.predictions[kept, row, step]
    said += "; the first is" if many > 1 else ":"
    where = f"sequence {row}, step {step}" if view.every_step else f"sequence {row}"
    label = spoken(view.labels[row, step])
    return f"{said} {where}, with label {label} and prediction {spoken(prediction)}"


def bad_inputs(view: RunView) -> int:
    """Steps with an input that is not finite."""
    return int((~np.isfinite(view.run.batch.x)).any(axis=-1).sum())


# --- what to do


def way_out(view: RunView, onset: Onset) -> Remedy:
    """By where it was born, and what stands there."""
    settings, batch = view.settings, view.run.batch
    if RUN_RULES.found(view, "row_without_keys"):
        return none("Leave no query without a key: a softmax over −inf alone is 0/0, forward and backward.")
    if nothing_left := RUN_RULES.evidence(view, "all_ignored"):
        return remedy(nothing_left.fix, **nothing_left.changes)
    if bad_inputs(view) and (onset.where in ("inputs", "update") or onset.at == "inputs"):
        if np.isfinite(batch.x[batch.real]).all():
            return remedy("Pad the inputs with a number: NaN times a mask of 0 is NaN.", padded_inputs="zero")
        words = "Fill the NaN in the inputs of real steps before training: no mask and no loss takes them out."
        return remedy(words, input_fill="mean")
    if onset.where == "inputs":
        return none("Look for the layer that makes NaN of finite numbers: a softmax over −inf alone, a division by 0.")
    if onset.where == "update":
        return smaller_steps(view)
    nan = np.isnan(view.labels)
    if nan.any() and (onset.cells is None or (onset.cells & nan).any()):
        if not (nan & view.real).any():
            words = "Pad the labels with a number: the mask multiplies, and NaN times 0 is NaN."
            return remedy(words, padded_labels="zero")
        return skip_missing(view)
    if losses.uses_epsilon(settings.loss) and settings.epsilon < SAFE and settings.predicts.kind == "number":
        words = f"Give the loss an epsilon that the float type can hold, such as {SAFE:g}."
        return remedy(words, epsilon=SAFE, **single(view))
    if settings.loss in ("mse", "bce_from_logits") and not single(view):
        return smaller_steps(view)
    return plain_loss(view)
