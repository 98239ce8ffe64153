"""Own: a model that somebody has pasted, with data that suit it; without one, the recurrent model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lessons.families.recurrent import Recurrent
from lessons.recipe.data import Floats, Whole
from lessons.recipe.model_data import labels_of, step_and_before
from lessons.recipe.output import Output
from lessons.recipe.spec import choice, whole


@dataclass(frozen=True)
class Own(Recurrent):
    """The model of `Recipe.model`, which decides most of these fields. Its text is run by engine/pasted_model."""

    features: int = whole(2, 1, 64, "Features", "Numbers, or ids, of a step in the generated data.", True)
    columns: int = whole(1, 1, 2048, "Columns", "Of the model's last axis.", True)
    columns_are: str = choice(
        "classes",
        {"classes": "the scores of classes", "numbers": "numbers of their own"},
        "Columns are",
        "What 2 and more columns of a prediction are.",
        True,
    )
    words: int = whole(0, 0, 1_000_000, "Words", "A step is the id of a word below this; 0: it is numbers.", True)

    takes_model: ClassVar[bool] = True

    @property
    def predicts(self) -> Output:
        """Scores of classes, or numbers, where there are several columns."""
        if self.columns == 1:
            return super().predicts
        per_step = self.output == "every_step"
        if self.columns_are == "classes":
            return Output("class", per_step, self.columns)
        kind = "binary" if self.task == "binary" else "number"
        return Output(kind, per_step, width=self.columns, probability=self.activation == "sigmoid")

    def generated(self, lengths: Whole, rng: np.random.Generator, noise: np.random.Generator) -> tuple[Floats, Floats]:
        """Inputs (count, timesteps, features) and labels (count, timesteps, columns) of this step and the one before.

        An id is drawn from 1 on: 0 is padding. It counts as a number of mean 0 and deviation 1.
        """
        if (self.words, self.features, self.columns) == (0, 2, 1):
            return super().generated(lengths, rng, noise)
        steps = (len(lengths), self.timesteps)
        if self.words:
            x = rng.integers(1, max(2, self.words), (*steps, self.features)).astype(float)
            value = (x[..., 0] - self.words / 2) / max(1.0, self.words / np.sqrt(12))
            other = value
            inner = 1 + noise.integers(0, self.features, (*steps, 1))  # words of a sentence: at least one
            x[np.arange(self.features) >= inner] = 0
        else:
            x = rng.normal(size=(*steps, self.features))
            value, other = x[..., 0], x[..., 1 % self.features]
        return x, labels_of(self.predicts, step_and_before(value, other)[..., None])
