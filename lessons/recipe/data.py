"""The padded data set of a run and the mask that Keras is told, in NumPy only. True in a mask means real step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lessons.recipe.output import Output

if TYPE_CHECKING:
    from lessons.recipe.recipe import Recipe
    from lessons.recipe.settings import Settings

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
Whole = NDArray[np.integer]

GARBAGE = 1000.0
FILL_GARBAGE = 1e6


@dataclass(frozen=True)
class PaddedBatch:
    """What `fit` is given, and the truth behind it."""

    x: Floats  # (batch, time, features) float32
    y: Floats  # (batch, time, columns) or (batch, columns) float32, as given: padded, NaN and filled ones included
    truth: Floats  # like y: the true labels, 0 on padding; NaN where nobody knows, in a learner's own data
    real: Bools  # (batch, time) bool, the true steps
    mask: Bools  # (batch, time) bool, the mask as used; all True where none is passed
    # Of a model with several: (batch, …) float32, in its order.
    inputs: Sequence[Floats] = ()  # those besides x and its mask
    labels: Sequence[Floats] = ()  # of the outputs that are trained besides the one that is looked at, as given
    truths: Sequence[Floats] = ()  # like labels: the true ones, 0 on padding
    label_steps: Sequence[Bools] = ()  # (batch, time) of each of them, the true steps; (batch, 1) where it has none

    @property
    def label_real(self) -> Bools:
        """Where a label belongs to a real step: (batch, time), or (batch, 1) for one label per sequence."""
        return self.real if self.y.ndim == 3 else np.ones((len(self.y), 1), bool)

    @property
    def known(self) -> Bools:
        """Where a prediction can be held against a true label: like label_real, without what nobody knows.

        (batch, time), or (batch, 1), bool.
        """
        return self.label_real & ~np.isnan(self.truth[..., 0] if self.truth.ndim == 3 else self.truth[:, :1])


def sizes(settings: Settings) -> tuple[int, int]:
    """Sequences in the training and in the validation data, where they are generated."""
    return settings.sequences, max(2, settings.sequences // 2)


def extent(recipe: Recipe) -> tuple[int, int, int]:
    """Sequences in the training and in the validation data, and features: what a graph is made for."""
    own = recipe.table
    return (*own.sizes(recipe.settings), own.features) if own else (*sizes(recipe.settings), recipe.settings.features)


def training_batch(recipe: Recipe, every_label: bool = False) -> PaddedBatch:
    """What a recipe (lessons/recipe/recipe.py) trains on: a learner's own data, or generated ones.

    `every_label`: those of all steps, also where one label per sequence is used.
    """
    settings = recipe.settings
    return _batch(recipe, settings.mask, settings.padded_labels, 0, every_label)


def validation_batch(recipe: Recipe, every_label: bool = False) -> PaddedBatch:
    """Other sequences from the same source, half as many; mask and padded labels as the settings say."""
    settings = recipe.settings
    held = settings.padded_labels if settings.validation_labels == "same" else settings.validation_labels
    return _batch(recipe, recipe.validation_mask, held, 1, every_label)


def _batch(recipe: Recipe, mask: str, padded_labels: str, stream: int, every_label: bool) -> PaddedBatch:
    settings = recipe.settings
    table, model = recipe.table, recipe.model
    several = None
    # One generator per purpose: a toggle that draws more numbers must not shift the others' draws.
    steps, noise, labels, gaps, inputs = (np.random.default_rng([settings.seed, stream, k]) for k in range(5))
    if table:
        features, target, lengths = table.sequences(settings, stream)
    else:
        count = sizes(settings)[stream]
        lengths = draw_lengths(steps, count, settings.timesteps, settings.padding_share)
        if model and model.interface.several:
            several = model.generated(recipe, lengths, stream)
            features, target = several.looked_at(model.interface)
        else:
            features, target = settings.generated(lengths, steps, noise)
    real = real_steps(lengths, settings.timesteps, settings.padding)
    x, truth = placed(features, real), placed(target, real)
    y = truth.copy()
    y[real] = settings.labels_given(x[real], truth[real])
    y[~real] = padded_values(padded_labels, (~real).sum(), settings.predicts, labels)[:, None]
    x[~real] = padded_inputs(settings.padded_inputs, (~real).sum(), inputs, x.shape[-1])
    if model and model.interface.mark is not None:
        x[~real] = model.interface.mark
    if table or settings.nan_share:
        y = with_missing(y, real, 0 if table else settings.nan_share, settings.nan_fill, gaps, settings.predicts.ranked)
    used = used_mask(mask, settings.mask_shift, real, x, y)
    if not (settings.predicts.per_step or every_label):
        last = last_steps(real)[:, None]
        y, truth = (np.take_along_axis(a, last[..., None], axis=1)[:, 0] for a in (y, truth))
    batch = PaddedBatch(x.astype("float32"), y.astype("float32"), truth.astype("float32"), real, used)
    return replace(batch, **model.padded(recipe, several, padded_labels, stream)) if model and several else batch


def placed(features: Floats, real: Bools, padding: float = 0.0) -> Floats:
    """Sequences (batch, time, features) that stand at their beginning, put where `real`, (batch, time), has steps."""
    x = np.full_like(features, padding)
    for row, length in enumerate(real.sum(axis=1)):  # boolean assignment keeps the order of the steps on either side
        x[row, real[row]] = features[row, :length]
    return x


def draw_lengths(rng: np.random.Generator, count: int, timesteps: int, padding_share: float) -> Whole:
    """Lengths (count,) around the wanted share, longest first as bucketed data is; each at least 1."""
    mean = timesteps * (1 - padding_share)
    spread = min(mean, timesteps - mean)
    drawn = np.rint(mean + rng.uniform(-spread, spread, count))
    return np.sort(np.clip(drawn, 1, timesteps).astype(int))[::-1]


def real_steps(lengths: Whole, timesteps: int, padding: str) -> Bools:
    """(batch, time) bool: True where a sequence has a step."""
    post = np.arange(timesteps) < lengths[:, None]
    return post if padding == "post" else post[:, ::-1]


def last_steps(real: Bools) -> Whole:
    """(batch,) the last True of each row of (batch, time)."""
    return (real * np.arange(1, real.shape[1] + 1)).argmax(axis=1)


def padded_values(kind: str, count: int, output: Output, rng: np.random.Generator) -> Floats:
    """(count,) values that stand in labels where there is no step. `output`: what predictions are."""
    if kind == "random":
        if output.kind == "number":
            return rng.normal(size=count)
        return rng.integers(0, 2 if output.kind == "binary" else output.classes, count).astype(float)
    return np.full(count, {"zero": 0.0, "garbage": GARBAGE, "nan": np.nan}[kind])


def padded_inputs(kind: str, count: int, rng: np.random.Generator, features: int) -> Floats:
    """(count, features) values that stand in inputs where there is no step."""
    if kind == "random":
        return rng.normal(size=(count, features))
    return np.full((count, features), {"zero": 0.0, "minus_one": -1.0, "nan": np.nan}[kind])


def with_missing(y: Floats, real: Bools, share: float, fill: str, rng: np.random.Generator, ranked: bool) -> Floats:
    """Labels (batch, time, 1) with a share of the real ones missing: NaN, or what the NaN are filled with.

    Of classes, `ranked`, the most frequent one stands for the mean.

    Real ones that are NaN already are missing too.
    """
    missing = real & ((rng.random(real.shape) < share) | np.isnan(y[..., 0]))
    kept = y[real & ~missing]
    mean = 0.0 if not kept.size else np.bincount(kept[:, 0].astype(int)).argmax() if ranked else kept.mean()
    value = {"keep": np.nan, "zero": 0.0, "mean": mean, "garbage": FILL_GARBAGE}[fill]
    return np.where(missing[..., None], value, y)


def used_mask(kind: str, shift: int, real: Bools, x: Floats, y: Floats) -> Bools:
    """The mask (batch, time) bool that is used, from the true steps, the inputs or the labels."""
    if kind == "none":
        return np.ones_like(real)
    if kind == "shifted":
        return shifted(real, shift)
    if kind == "inverted":
        return ~real
    if kind == "wrong_side":
        return real[:, ::-1].copy()
    if kind == "inputs":  # what keras.layers.Masking(0) computes
        return (x != 0).any(axis=-1)
    if kind == "labels":
        return y[..., 0] != 0
    if kind == "not_nan":
        return ~np.isnan(y[..., 0])
    return real.copy()


def shifted(mask: Bools, steps: int) -> Bools:
    """The mask (batch, time) moved by `steps` to later times, filled with False: it never wraps around."""
    moved = np.zeros_like(mask)
    steps = max(-mask.shape[1], min(steps, mask.shape[1]))
    if steps >= 0:
        moved[:, steps:] = mask[:, : mask.shape[1] - steps]
    else:
        moved[:, :steps] = mask[:, -steps:]
    return moved
