"""Own: a model that somebody has pasted, with data that suit it; without one, the recurrent model."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np

from lessons.families.recurrent import Recurrent
from lessons.recipe.data import Floats, Whole
from lessons.recipe.output import Output
from lessons.recipe.spec import whole


@dataclass(frozen=True)
class Own(Recurrent):
    """The model of `Recipe.model`, which decides most of these fields. Its text is run by engine/pasted_model."""

    features: int = whole(2, 1, 64, "Features", "Numbers of a step in the generated data.", True)
    columns: int = whole(1, 1, 64, "Columns", "Of the model's last axis: 2 and more are the scores of classes.", True)
    words: int = whole(0, 0, 1_000_000, "Words", "A step is the id of a word below this; 0: it is numbers.", True)

    takes_model: ClassVar[bool] = True

    @property
    def predicts(self) -> Output:
        """Scores of classes where there are several columns."""
        if self.columns == 1:
            return super().predicts
        return Output("class", self.output == "every_step", self.columns)

    def generated(self, lengths: Whole, rng: np.random.Generator, noise: np.random.Generator) -> tuple[Floats, Floats]:
        """Inputs (count, timesteps, features) and labels (count, timesteps, 1) of this step and the one before.

        An id (count, timesteps, 1) is drawn from 1 on: 0 is padding. It counts as a number of mean 0 and deviation 1.
        """
        if (self.words, self.features, self.columns) == (0, 2, 1):
            return super().generated(lengths, rng, noise)
        steps = (len(lengths), self.timesteps)
        if self.words:
            x = rng.integers(1, max(2, self.words), (*steps, 1)).astype(float)
            value = (x[..., 0] - self.words / 2) / max(1.0, self.words / np.sqrt(12))
            other = value
        else:
            x = rng.normal(size=(*steps, self.features))
            value, other = x[..., 0], x[..., 1 % self.features]
        before = np.pad(other[:, :-1], ((0, 0), (1, 0)))
        signal = (0.8 * value + 0.6 * before)[..., None]
        if self.columns > 1:  # classes of about the same size
            edges = [NormalDist().inv_cdf(place / self.columns) for place in range(1, self.columns)]
            return x, np.searchsorted(edges, signal).astype(float)
        return x, (signal > 0).astype(float) if self.task == "binary" else signal
