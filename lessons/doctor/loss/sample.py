"""Labels and predictions to try a loss on, drawn for a Usage. A prediction is given before its activation, as z."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.doctor.loss.draws import DRAWS, draw_boxes
from lessons.doctor.usage import RELATED, Usage

BATCH = 16
SATURATED = 200.0  # sigmoid(-200) is exactly 0 in float32, sigmoid(200) exactly 1, softplus(-200) exactly 0
ORDINARY = 1.5  # standard deviation of the z of a model in training
SURE = 8.0  # a confident but not saturated logit
NUMBERS_IN_BATCH = 40_000  # larger samples come in smaller batches


@dataclass(frozen=True)
class Point:
    """A place to look at a loss: y (batch, …) and z (batch, …), and what it is in words."""

    words: str
    y: np.ndarray
    z: np.ndarray


def batch_size(usage: Usage) -> int:
    """Samples of a batch: fewer where one holds many numbers."""
    return int(np.clip(NUMBERS_IN_BATCH // max(1, math.prod(usage.shape)), 4, BATCH))


class Sampler:
    """Draws for one usage. Every array is float32: Keras converts labels too."""

    def __init__(self, usage: Usage, seed: int = 0):
        self.usage = usage
        self.rng = np.random.default_rng(seed)
        self.size = batch_size(usage)
        self.activations = usage.activation
        self.link = link(usage)
        self.rows = 1  # so many rows of a batch a loss compares with each other
        self.related = usage.task if usage.task in RELATED else ""  # "" where a label is a value or a class
        self.unpaired = False  # whether no column of the prediction answers the same one of the label
        self.unused = False  # whether the loss does not look at its labels
        self.encoding = self.encodings()[0]

    def labels(self, size: int | None = None) -> np.ndarray:
        """Labels (size, *label_shape) float32."""
        size = size or self.size
        shape = (size, *self.usage.label_shape)
        kinds = self.usage.label_kinds
        if len(kinds) > 1:
            columns = [DRAWS[kind](self, (*shape[:-1], 1)) for kind in kinds]
            return np.concatenate(columns, axis=-1).astype(np.float32)
        return DRAWS.get(self.related, DRAWS[self.usage.labels])(self, shape).astype(np.float32)

    def others(self, y: np.ndarray) -> np.ndarray:
        """Labels that all differ from y and are as legal. (batch, …), as y."""
        kinds = self.usage.label_kinds
        if len(kinds) > 1:
            kind, more = np.array(kinds), self.labels(len(y)) + 1
            return np.select([kind == "binary", kind == "ids"], [1 - y, y == 0], more).astype(np.float32)
        if self.usage.labels == "binary":
            return 1 - y
        if self.usage.labels == "onehot":
            return np.roll(y, 1, axis=-1)
        if self.usage.labels == "ids":
            return np.where(y == 0, 1, 0).astype(np.float32)
        return self.labels(len(y)) + 1

    def predictions(self, size: int | None = None) -> np.ndarray:
        """z of ordinary predictions, as a model in training makes them. (size, *shape) float32."""
        size = size or self.size
        shape = (size, *self.usage.shape)
        if self.usage.labels == "boxes" and shape[-1] == 4:
            return self.before_activation(draw_boxes(self, shape)).astype(np.float32)
        z = self.rng.normal(0, ORDINARY, shape)
        if self.usage.task == "distance" and "linear" in self.activations:
            z = np.abs(z) * 0.7 + 0.02
        return z.astype(np.float32)

    def before_activation(self, p: np.ndarray) -> np.ndarray:
        """z whose prediction says p, as well as float64 gives it. (batch, …) float64, as p."""
        p = p.astype(np.float64)
        if self.link[0] == "softmax":
            return np.log(np.maximum(p, 1e-30))
        inverse = {
            "linear": lambda p: p,
            "sigmoid": lambda p: np.log(np.clip(p, 3e-4, 1 - 3e-4)) - np.log1p(-np.clip(p, 3e-4, 1 - 3e-4)),
            "softplus": lambda p: np.log(np.expm1(np.maximum(p, 1e-6))),
        }
        if len(self.link) == 1:
            return inverse[self.link[0]](p)
        parts = [inverse[name](p[..., i]) for i, name in enumerate(self.link)]
        return np.stack(parts, axis=-1)

    def encodings(self) -> tuple[str, ...]:
        """The ways in which predictions may say a label, the usual first; a loss knows which one it means."""
        usage = self.usage
        if not self.has_truth:
            return ("none",)
        if usage.labels == "ids" and self.classes > 1:
            return ("class", "rank")
        if usage.labels in ("binary", "onehot") and usage.task in ("binary", "multiclass"):
            return ("sure", "plain") if usage.activation == ("linear",) else ("sure",)
        return ("plain",)

    @property
    def grouped(self) -> bool:
        """Whether a loss compares the rows of a group."""
        return self.rows > 1

    @property
    def has_truth(self) -> bool:
        """Whether a label says what its prediction should be: not for label sequences of another length (CTC), for
        distances, for an angle that several columns code, for labels of more columns than the prediction, where no
        column answers the same one of the label, and where the loss does not look at them."""
        label, shape = self.usage.label_shape, self.usage.shape
        if self.unused or self.unpaired or self.related or self.grouped or self.usage.task == "distance":
            return False
        if self.usage.labels == "angles" and label != shape:
            return False
        if len(label) == len(shape) > 0 and label[-1] > shape[-1]:
            return False
        if self.usage.labels != "ids" and not aligns(label, shape):
            return False
        if len(self.usage.label_kinds) > 1 and label != shape:  # which column answers which is not known
            return False
        return self.usage.labels != "ids" or label in (shape, shape[:-1], (*shape[:-1], 1))

    @property
    def one_to_one(self) -> bool:
        """Whether every step has a label of its own, not one for a whole sequence."""
        label, shape = self.usage.label_shape, self.usage.shape
        return self.has_truth and (self.usage.labels == "ids" or label[: len(shape) - 1] == shape[:-1])

    @property
    def logits(self) -> bool:
        """Whether z are logits: the loss itself makes probabilities of them."""
        return self.usage.activation == ("linear",) and self.usage.task in ("binary", "multiclass")

    @property
    def classes(self) -> int:
        """Columns of the prediction, the last of its axes."""
        return self.usage.shape[-1] if self.usage.shape else 1

    def truth(self, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """z that says what the labels say. Columns that no label speaks of (a scale) stay as in z.

        y (batch, …) and z (batch, …) may have different axes; the answer has those of z.
        """
        match self.encoding:
            case "none":
                return z
            case "sure":
                return in_place(SURE * (2 * y - 1), z)
            case "plain":
                return self.before(y, z)
        ids = y.astype(int).reshape(z.shape[:-1])
        if self.encoding == "rank":  # as many ones as the rank
            return np.where(np.arange(self.classes) < ids[..., None], SURE, -SURE).astype(np.float32)
        return (SURE * np.eye(self.classes)[ids % self.classes]).astype(np.float32)

    def before(self, p: np.ndarray, z: np.ndarray) -> np.ndarray:
        """z with the columns that p has replaced by what gives p. (batch, …), as z."""
        full = in_place(p, np.full_like(z, 0.5))
        given = in_place(np.ones_like(p), np.zeros_like(z)) > 0
        return np.where(given, self.before_activation(full), z).astype(np.float32)

    def off_by(self, y: np.ndarray, z: np.ndarray, error: float) -> np.ndarray | None:
        """z whose predictions are off the labels by `error`; None where no such prediction exists.

        (batch, …), as z; the error in the unit of the labels.
        """
        usage = self.usage
        if not self.has_truth and usage.task != "distance":
            return z if error > 0 else None
        if self.encoding != "plain" and (usage.labels in ("ids", "onehot") or self.activations[0] == "linear"):
            return (np.sign(self.truth(y, z)) * error).astype(np.float32)
        if "softmax" in self.link:
            return None
        if usage.labels == "binary" and usage.task != "distance":
            p = np.abs(y - abs(error))
        elif usage.task == "distance":
            p = np.full_like(z, abs(error))
        else:
            p = y + error
        return self.before(p, z) if self.legal(p) else None

    def legal(self, p: np.ndarray) -> bool:
        """Whether the activations can give p. p (batch, …)."""
        inside = {"linear": True, "sigmoid": ((p > 0) & (p < 1)).all(), "softplus": (p > 0).all(), "softmax": True}
        return bool(inside[self.link[0]])

    def edges(self, said, saturated: float = SATURATED, far: bool = True) -> Iterator[Point]:
        """The ends of what predictions and labels can be: exact, 0, saturated. `said`: z -> what it says."""
        usage = self.usage
        y, z = self.labels(), self.predictions()
        hard = usage.labels in ("binary", "onehot", "ids")
        logits, several = self.logits, len(usage.label_kinds) > 1
        yield Point("ordinary predictions", y, z)
        if self.grouped and usage.labels == "binary":  # scores of a group may be as far apart as logits
            sides = np.where(np.arange(len(z)) % self.rows == 0, saturated, -saturated)
            far_apart = (sides.reshape(-1, *[1] * (z.ndim - 1)) + 0 * z).astype(np.float32)
            yield Point("predictions far apart within a group", y, far_apart)
        if not self.has_truth:
            pass
        elif hard:
            sides = self.truth(y, z) * (saturated / SURE if self.encoding != "plain" else 1)
            yield Point("predictions that are right and completely sure", y, sides)
            yield Point("predictions that are wrong and completely sure", y, self.wrong(sides))
        else:
            p = said(z)
            bounded = usage.labels in ("nonnegative", "probabilities") and self.link == ("linear",)
            if (bounded or several) and aligns(usage.label_shape, usage.shape):  # not every prediction is such a label
                yield Point("predictions equal to the labels", y, self.truth(y, z))
            elif usage.label_shape == usage.shape:
                yield Point("predictions equal to the labels", p, z)
            elif y.ndim == z.ndim and y.shape[-1] < z.shape[-1]:
                yield Point("predictions equal to the labels", p[..., : y.shape[-1]], z)
        lowest = self.everywhere(z, -saturated)
        if far or logits or "linear" not in self.activations:  # a linear output is never exactly 0
            yield Point("predictions of 0" if not logits else "scores so low that their probability is 0", y, lowest)
        if "sigmoid" in self.activations or logits:
            yield Point(
                "predictions of 1" if not logits else "scores so high that their probability is 1",
                y,
                self.everywhere(z, saturated),
            )
        if "linear" in self.activations and not logits and far:
            values = (-1.0, -3.0) if usage.labels != "boxes" else ()
            for value in values if usage.task != "distance" else (1.0, 20.0):
                if len(self.activations) == 1:
                    yield Point(f"predictions of {value:g}", y, np.full_like(z, value))
        if self.related:  # what is absent has a rule of its own
            return
        surplus = len(usage.label_shape) == 1 and 1 < usage.label_shape[0] <= 8 and not self.has_truth
        kinds = usage.label_kinds if several else (usage.labels,) * y.shape[-1] * surplus
        for column, kind in enumerate(kinds):
            if (kind == "nonnegative" or (several and kind == "float")) and usage.padding != 0:
                zero = y.copy()
                zero[..., column] = 0
                yield Point(f"labels of 0 in column {column + 1}", zero, z)
        plain = usage.labels in ("float", "nonnegative", "binary", "probabilities") and "softmax" not in self.link
        vector = len(usage.label_shape) == 1 and usage.label_shape[0] > 1 and usage.labels in ("float", "nonnegative")
        padding = usage.padding == 0  # then they are no labels
        if plain and not padding and (far or not vector):  # a vector of labels is hardly ever all 0
            yield Point("labels of 0", np.zeros_like(y), z)
            if far or "linear" not in self.activations:
                yield Point("labels of 0 and predictions of 0", np.zeros_like(y), lowest)

    def everywhere(self, z: np.ndarray, value: float) -> np.ndarray:
        """z with every column at `value`, or at 0 where its activation is linear and no logit is meant.

        (batch, …), as z.
        """
        if self.activations[0] == "softmax":
            return (np.eye(z.shape[-1])[np.zeros(z.shape[:-1], int)] * abs(value)).astype(np.float32)
        width = z.shape[-1] if z.ndim > 1 else 1
        names = np.resize(np.array(self.activations), width)
        row = np.where((names == "linear") & (not self.logits), 0.0, value)
        return np.broadcast_to(row if z.ndim > 1 else row[0], z.shape).astype(np.float32)

    def wrong(self, sides: np.ndarray) -> np.ndarray:
        """Saturated predictions of another class. sides (batch, …): z of saturated predictions."""
        if sides.shape[-1] > 1 and self.usage.labels in ("onehot", "ids"):
            return np.roll(sides, 1, axis=-1)
        return -sides


def aligns(label: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether `in_place` can lay labels of one shape over predictions of the other: all axes but the last agree."""
    return all(a == b or a == 1 for a, b in zip(label[: len(shape) - 1], shape[:-1], strict=False))


def link(usage: Usage) -> tuple[str, ...]:
    """What makes of z what the labels speak of: the activation; for logits of soft labels the one inside the loss."""
    inside = {"binary": ("sigmoid",), "multiclass": ("softmax",)}
    if usage.activation == ("linear",) and usage.labels == "probabilities":
        return inside.get(usage.task, usage.activation)
    return usage.activation


def in_place(y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """y in the shape of z: missing axes added, surplus columns dropped, missing columns taken from z.

    y (batch, …), z (batch, …); float32.
    """
    while y.ndim < z.ndim:
        y = y[..., None]
    while y.ndim > z.ndim:
        y = y[..., 0]
    if y.shape == z.shape or z.ndim == 1:
        return y.astype(np.float32)
    width = z.shape[-1]
    y = np.broadcast_to(y[..., :width], (*z.shape[:-1], min(width, y.shape[-1])))
    return np.concatenate([y, z[..., y.shape[-1] :]], axis=-1).astype(np.float32)
