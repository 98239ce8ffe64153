"""Run: what a training returns. NumPy only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from lessons.recipe.data import Bools, Floats, PaddedBatch, Whole
from lessons.recipe.output import Output
from lessons.recipe.plain import plain
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.runs.metrics import MetricValues

THRESHOLDS = {"number": 0.5, "probability": 0.5, "logit": 0.0}  # what a prediction can be; above, it counts as 1
CURVES = ("loss", "real_loss", "error", "val_loss", "gradient", "input_gradient")  # of a snapshot, in JSON
READ_OFF = ("baseline", "leak", "input_leak", "starved", "predictions", "scores")  # of a run, in JSON
PICTURES = 10  # of the attention and the writing, in a run: the last of them when it is trained
WRITTEN = 3  # in every third of them the model writes
WEIGHTS = 60_000  # of the attention in a run; longer sequences have fewer of them in the pictures
KEPT_EPOCHS = 200  # gradients of more epochs than this are thinned to as many, evenly spaced


def kept_epochs(epochs: int) -> Whole:
    """The epochs (from 0) whose gradients are kept: all, or KEPT_EPOCHS evenly spaced ones."""
    return np.unique(np.linspace(0, epochs - 1, min(epochs, KEPT_EPOCHS)).round().astype(int))


def pictured_epochs(epochs: int) -> Whole:
    """The epochs (from 0) before whose update pictures are taken: PICTURES - 1 at most, evenly spaced."""
    return np.unique(np.linspace(0, epochs - 1, min(epochs, PICTURES - 1)).round().astype(int))


def written_epochs(epochs: int) -> Whole:
    """(text,) those of them at which the model writes, and the number of epochs: it costs more than a look."""
    return np.array([*pictured_epochs(epochs)[::WRITTEN], epochs])


@dataclass(frozen=True)
class Pictures:
    """What a family with an attention shows of itself while it trains, and when it is trained."""

    epochs: Whole  # (picture,) from 0, each before its update; last the number of epochs: the trained model
    attention: Floats | None  # (picture, head, sequence, query, key) weights of the first sequences, as many as fit
    text_epochs: Whole  # (text,) those of them at which it writes
    text: Whole | None  # (text, batch, time) token ids that it writes alone, -1 where it writes none
    reach: Floats | None  # (time, time) of the trained model: see Settings.reach


@dataclass(frozen=True)
class Snapshot:
    """Consecutive epochs as they were trained. Loss and gradients are from before each epoch's update, val_loss after.

    `epochs` counts from 0; `kept` are those of them whose gradients and predictions are here.
    """

    epochs: Whole  # (epoch,) int
    loss: Floats  # (epoch,) what fit reports
    real_loss: Floats  # (epoch,) the same loss on real steps only, against the true labels
    val_loss: Floats  # (epoch,)
    error: Floats  # (epoch,)
    kept: Whole  # (kept,) int
    gradient: Floats  # (kept, batch, time) |d loss / d prediction|, its norm over the columns where there are some
    input_gradient: Floats  # (kept, batch, time) norm over features of d loss / d input
    predictions: Floats  # (kept, batch, time), the class id for classes
    scores: Floats | None = None  # (kept, batch, time, class) where there are classes


@dataclass(frozen=True)
class LayerMask:
    """One row of the model's x-ray: whether a mask goes into a layer and whether one comes out."""

    name: str
    layer: str  # its class
    mask_in: bool
    mask_out: bool


@dataclass(frozen=True)
class Opening:
    """What is known before the first epoch: sent first, so that a page can draw at once."""

    source: str  # the text of the loss that runs
    warnings: tuple[str, ...]  # what Keras warned of while the model was built and traced
    versions: dict[str, str]
    layers: tuple[LayerMask, ...] = ()  # from the input to the prediction
    output: str = "number"  # what a prediction is: one of THRESHOLDS


@dataclass(frozen=True)
class Closing:
    """What is known after the last epoch."""

    predictions: Floats  # (batch, time) of the trained model, the class id for classes
    seconds: float  # in the worker, tracing included
    scores: Floats | None = None  # (batch, time, class) of the trained model, where there are classes
    measures: Mapping[str, float] = field(default_factory=dict)  # what its family measures besides, Settings.measured
    metrics: tuple[MetricValues, ...] = ()  # loss and metrics of a model of the learner's own, where some are asked for
    pictures: Pictures | None = None  # where its family has some, Settings.pictured


@dataclass(frozen=True)
class RunText:
    """The text that a page shows of a run after so many epochs; comes before the part that brings it there.

    `live`: there is more to come.
    """

    text: str
    epochs: int
    live: bool


@dataclass(frozen=True, eq=False)
class Run:
    """A finished or stopped training."""

    recipe: Recipe
    batch: PaddedBatch
    opening: Opening
    snapshot: Snapshot  # all epochs that were trained
    closing: Closing | None  # None when it was stopped

    @classmethod
    def gather(cls, recipe: Recipe, batch: PaddedBatch, parts: Iterable[Opening | Snapshot | Closing | RunText]) -> Run:
        """The run so far, from the parts that `train` yields. Raises ValueError before the first epoch."""
        parts = list(parts)
        snapshots = [part for part in parts if isinstance(part, Snapshot)]
        if not snapshots:
            raise ValueError("not one epoch has been trained")
        opening = next(part for part in parts if isinstance(part, Opening))
        closing = next((part for part in parts if isinstance(part, Closing)), None)
        whole: dict[str, Any] = {
            name: joined([getattr(part, name) for part in snapshots]) for name in Snapshot.__dataclass_fields__
        }
        return cls(recipe, batch, opening, Snapshot(**whole), closing)

    @property
    def settings(self) -> Settings:
        """As they were trained."""
        return self.recipe.settings

    @property
    def epochs(self) -> int:
        """How many were trained."""
        return len(self.snapshot.loss)

    @cached_property
    def predictions(self) -> Floats:
        """(batch, time) of the trained model, or of the last kept epoch when the run was stopped."""
        return self.closing.predictions if self.closing else self.snapshot.predictions[-1]

    @property
    def scores(self) -> Floats | None:
        """(batch, time, class) of the trained model as `predictions` are; None where there are no classes."""
        if self.closing:
            return self.closing.scores
        return None if self.snapshot.scores is None else self.snapshot.scores[-1]

    @property
    def measures(self) -> Mapping[str, float]:
        """What the family measures besides, by the names in Settings.measured; none of a training that was stopped."""
        return self.closing.measures if self.closing else {}

    @property
    def metrics(self) -> tuple[MetricValues, ...]:
        """Loss and metrics side by side, where some were asked for; none of a training that was stopped."""
        return self.closing.metrics if self.closing else ()

    @property
    def pictures(self) -> Pictures | None:
        """Attention and writing; None where its family has none, and of a training that was stopped."""
        return self.closing.pictures if self.closing else None

    @property
    def measured(self) -> str:
        """The measures in words, such as “3% of the answers wrong”; nothing where there are none."""
        words = self.settings.measured
        told = {name: value for name, value in self.measures.items() if not math.isnan(value)}
        return "; ".join(f"{100 * value:.0f}% {words[name]}" for name, value in told.items())

    @cached_property
    def leak(self) -> Floats:
        """(kept,) share of the gradient at the predictions that lies on padding; NaN where all of it is 0."""
        return leak(self.snapshot.gradient, self.batch.label_real)

    @cached_property
    def input_leak(self) -> Floats:
        """(kept,) the same at the inputs."""
        return leak(self.snapshot.input_gradient, self.batch.real)

    @cached_property
    def past_predictions(self) -> bool:
        """Whether the loss is made inside the model, of what the predictions are made of (`add_loss`), and not of them.

        Then no gradient arrives at any prediction, and some at the inputs.
        """
        return not self.snapshot.gradient.any() and bool(self.snapshot.input_gradient.any())

    @cached_property
    def starved(self) -> Bools:
        """(batch, time) bool: real steps whose prediction got no gradient in any kept epoch, where any could."""
        return self.batch.label_real & (self.snapshot.gradient == 0).all(axis=0) & (not self.past_predictions)

    @cached_property
    def baseline(self) -> float:
        """The error of the best constant, in the unit of `error`; NaN where no label is known."""
        return baseline(self.settings, self.batch)

    def to_json(self) -> dict[str, Any]:
        """What `run --json` promises (docs/command_line.md); the doctor adds findings. Not finite is None."""
        curves = {name: plain(getattr(self.snapshot, name)) for name in CURVES}
        read_off = {name: plain(getattr(self, name)) for name in READ_OFF}
        return {
            "settings": self.settings.to_json(),
            **curves,
            "gradient_epochs": plain(self.snapshot.kept),
            "mask": plain(self.batch.mask),
            "real": plain(self.batch.real),
            **read_off,
            "measures": plain(dict(self.measures)),
            "metrics": [plain(vars(one)) for one in self.metrics],
            "pictures": self.pictures and {name: plain(value) for name, value in vars(self.pictures).items()},
            "source": self.opening.source,
            "warnings": list(self.opening.warnings),
            "versions": self.opening.versions,
            "stopped": self.closing is None,
        }


def leak(gradient: Floats, real: Bools) -> Floats:
    """Share of |gradient| (epoch, batch, time) on padding, per epoch; NaN where all of it is 0 or it is not finite."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        total = gradient.sum(axis=(1, 2), dtype=float)
        on_padding = (gradient * ~real).sum(axis=(1, 2), dtype=float)
        return on_padding / total


def output_of(output: Output, takes_logits: bool) -> str:
    """What a prediction is: a last layer may make a probability, and other outputs are what the loss takes them for."""
    if output.probability:
        return "probability"
    return "logit" if takes_logits else "number"


def error(settings: Settings, predictions: Floats, truth: Floats, real: Bools, output: str) -> Floats:
    """The fixed yardstick: mean absolute error, or 1 - accuracy, on real steps against the true labels.

    A prediction of 1 is one above the threshold of what predictions are, the output. predictions (..., batch, time),
    truth and real (batch, time) -> (...). NaN where a prediction is not finite. `real` leaves out what nobody knows the
    truth of (PaddedBatch.known); NaN where that is everything. The unit is that of the labels, or a share from 0 to 1.
    """
    if not real.any():
        return np.full(predictions.shape[:-2], np.nan)
    at = predictions[..., real].astype(float)
    wanted = truth[real]
    if settings.predicts.ranked:
        return np.where(np.isfinite(at), at != wanted, np.nan).mean(axis=-1)
    if settings.predicts.kind == "binary":
        wrong = ((at > THRESHOLDS[output]) != (wanted > 0.5)).astype(float)
        return np.where(np.isfinite(at), wrong, np.nan).mean(axis=-1)
    with np.errstate(invalid="ignore"):
        return np.abs(at - wanted).mean(axis=-1)


def baseline(settings: Settings, batch: PaddedBatch) -> float:
    """The error of the best constant: the median, or the most frequent class. NaN where no label is known."""
    wanted = squeezed(batch.truth)[batch.known]
    if not wanted.size:
        return math.nan
    if settings.predicts.ranked:
        return float(1 - np.unique(wanted, return_counts=True)[1].max() / wanted.size)
    if settings.predicts.kind == "binary":
        return float(min(wanted.mean(), 1 - wanted.mean()))
    return float(np.abs(wanted - np.median(wanted)).mean())


def predicted(output: Output, columns: Floats) -> tuple[Floats, Floats | None]:
    """Predictions (..., batch, time) and scores (..., batch, time, class) from what the model put out.

    columns (..., batch, time, column), or (..., batch, column) where there is one prediction per sequence: it has one
    step then. Of classes the highest score is the prediction, NaN where a score is not finite; else scores are None.
    """
    columns = with_steps(output, columns)
    if not output.ranked:
        return columns[..., 0], None
    ids = columns.argmax(axis=-1).astype(columns.dtype)
    return np.where(np.isfinite(columns).all(axis=-1), ids, np.nan), columns


def gradient_norm(output: Output, columns: Floats) -> Floats:
    """(..., batch, time) size of a gradient at what the model puts out, whose shape `predicted` tells."""
    columns = with_steps(output, columns)
    if output.columns == 1:
        return np.abs(columns[..., 0])
    with np.errstate(over="ignore"):
        return np.sqrt(np.square(columns).sum(axis=-1))


def with_steps(output: Output, columns: Floats) -> Floats:
    """(..., batch, time, column); one prediction per sequence stands at one step."""
    return columns if output.per_step else columns[..., None, :]


def joined(parts: list[Floats]) -> Floats | None:
    """Arrays one behind the other; None where there are none. Arrays (epoch, …) give one (epochs, …)."""
    return None if parts[0] is None else np.concatenate(parts)


def squeezed(labels: Floats) -> Floats:
    """(batch, time), or (batch, 1), from labels (batch, time, columns), or (batch, columns): those of the first one."""
    return labels[..., 0] if labels.ndim == 3 else labels[:, :1]
