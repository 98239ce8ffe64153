"""Table: a learner's own data in place of a lesson's generated ones, as a run takes them. NumPy only.

It is part of a Recipe and kept nowhere but in the session that brought it. `lessons/own_data` makes it of a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.recipe.data import Bools, Floats, Whole
from lessons.recipe.settings import CELLS, Settings

# A column is far from 0 ± 1 beyond a mean of OFFSET or a factor of SIZE: on the sample file, shifted or scaled so, 60
# epochs leave 1.4 to 2 times the error that is left after standardising (label × 10, label + 3).
OFFSET, SIZE = 3.0, 10.0
FEATURES = 64  # of a step, a category of a text counted as one
STEPS = int(Settings.number("timesteps").high)  # of a sequence
MOST = int(Settings.number("sequences").high)  # sequences in the training data
HELD_OUT = 3  # one of so many sequences is validation data
TOO_FAR = 1e6  # steps: a gap that fits nowhere


@dataclass(frozen=True)
class Columns:
    """The names of the columns by what they were taken for; where there is none, an empty text."""

    id: str
    time: str
    features: tuple[str, ...]
    label: str
    ahead: int = 0  # the label is that column's value so many steps later


@dataclass(frozen=True)
class Feature:
    """One feature of a step as the file has it. A text is the place of its category."""

    name: str
    categories: tuple[str, ...] = ()  # none where it is a number
    one_hot: bool = True  # a column of the model for each category; else they are numbered

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns that the model sees."""
        if not (self.categories and self.one_hot):
            return (self.name,)
        return tuple(f"{self.name} = {category}" for category in self.categories)


@dataclass(frozen=True, eq=False)
class Series:
    """One sequence in the order of time."""

    id: str
    x: Floats  # (rows, features) as the file has them, NaN where missing
    y: Floats  # (rows,) NaN where missing
    places: Whole  # (rows,) int, the step of each row when gaps are kept: rises from 0
    group: int = 0  # sequences of one group are all trained or all held out

    @property
    def extent(self) -> int:
        """Steps from the first row to the last, those without a row included."""
        return int(self.places[-1]) + 1

    def laid_out(self, keep_gaps: bool) -> tuple[Floats, Floats]:
        """Inputs (steps, features) and labels (steps,); a step without a row is NaN."""
        if not keep_gaps:
            return self.x, self.y
        x, y = np.full((self.extent, self.x.shape[1]), np.nan), np.full(self.extent, np.nan)
        x[self.places], y[self.places] = self.x, self.y
        return x, y


@dataclass(frozen=True, eq=False)
class Table:
    """Equal tables have equal content, whatever their file is called."""

    name: str
    columns: Columns
    series: tuple[Series, ...]
    tick: float = 1.0  # the time of one step, in seconds where times are dates
    dated: bool = False  # whether times are dates
    encodings: tuple[Feature, ...] = ()  # how features are given to the model; empty: all are numbers
    classes: tuple[str, ...] = ()  # of the labels, where they are classes
    held: tuple[bool, ...] = ()  # of each sequence, where time decides which are held out and not the seed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """The same for the same content, however it was written."""
        about = (self.columns, self.encodings, self.classes, self.held, [(one.id, one.group) for one in self.series])
        digest = hashlib.sha256(repr(about).encode())
        for one in self.series:
            for array in (one.x, one.y, one.places):
                digest.update(repr(array.shape).encode() + array.tobytes())
        return digest.hexdigest()

    # --- what it holds

    @cached_property
    def given(self) -> tuple[Feature, ...]:
        """The features as the file has them."""
        return self.encodings or tuple(map(Feature, self.columns.features))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the features that the model sees."""
        return tuple(name for one in self.given for name in one.names)

    @property
    def features(self) -> int:
        """Features of a step, as the model sees them."""
        return len(self.names)

    @cached_property
    def gaps(self) -> int:
        """Times without a row."""
        return sum(one.extent - len(one.y) for one in self.series)

    @cached_property
    def binary(self) -> bool:
        """Whether every label is 0 or 1."""
        labels = np.concatenate([one.y for one in self.series])
        return len(self.classes) == 2 or bool(np.isin(labels[~np.isnan(labels)], (0, 1)).all())

    @property
    def task(self) -> str:
        """What the labels are: regression, binary or classes."""
        return "classes" if len(self.classes) > 2 else "binary" if self.binary else "regression"

    @cached_property
    def whole(self) -> bool:
        """Whether each sequence has one label only, the same at all of its steps; and not all have the same."""
        each = [np.unique(one.y[~np.isnan(one.y)]) for one in self.series if len(one.y) > 1]
        one_each = bool(each) and all(len(labels) < 2 for labels in each)
        return one_each and len(np.unique(np.concatenate(each))) > 1

    @property
    def gaps_fit(self) -> bool:
        """Whether the sequences are short enough with their gaps kept."""
        return max(one.extent for one in self.series) <= STEPS

    def keeps_gaps(self, settings: Settings) -> bool:
        """Whether a time without a row is a step, under these settings."""
        return self.gaps_fit and settings.gaps == "keep"

    def lengths(self, settings: Settings) -> Whole:
        """(sequences,) steps of each sequence."""
        keep = self.keeps_gaps(settings)
        return np.array([one.extent if keep else len(one.y) for one in self.series])

    @cached_property
    def _blanks(self) -> tuple[int, int]:
        x = np.concatenate([one.x for one in self.series])
        counted = [not (one.categories and one.one_hot) for one in self.given]
        return sum(int(np.isnan(one.y).sum()) for one in self.series), int(np.isnan(x[:, counted]).sum())

    def missing(self, settings: Settings) -> tuple[int, int]:
        """Labels and inputs that are missing, those of missing steps included."""
        labels, inputs = self._blanks
        between = self.gaps if self.keeps_gaps(settings) else 0
        counted = sum(not (one.categories and one.one_hot) for one in self.given)
        return labels + between, inputs + between * counted

    def steps(self, settings: Settings) -> int:
        """The length that sequences are padded to."""
        return max(int(self.lengths(settings).max()), int(Settings.number("timesteps").low))

    def shares(self, settings: Settings) -> tuple[float, float]:
        """Of all steps the share that is padding, and of the labels on real steps the share that is missing."""
        lengths = self.lengths(settings)
        padding = 1 - lengths.sum() / (len(lengths) * self.steps(settings))
        return float(padding), float(self.missing(settings)[0] / lengths.sum())

    @property
    def unscaled(self) -> tuple[str, ...]:
        """Columns whose values are far from mean 0 and deviation 1."""
        return self._beyond(OFFSET, SIZE)

    @property
    def scaled(self) -> bool:
        """Whether all numbers are about 0 and 1 as they are."""
        return not self._beyond(1.0, 2.0)

    def _beyond(self, offset: float, size: float) -> tuple[str, ...]:
        """Columns of numbers whose mean is beyond an offset, or whose deviation is so many times 1 or a part of it."""
        numbers = [*(not one.categories for one in self.given), not (self.binary or self.classes)]
        names = (*(one.name for one in self.given), self.columns.label)
        rows = zip(names, self._moments, numbers, strict=True)
        return tuple(
            name
            for name, (mean, deviation), number in rows
            if number and not (abs(mean) < offset and 1 / size < deviation < size)
        )

    @cached_property
    def _moments(self) -> list[tuple[float, float]]:
        x, y = (np.concatenate([getattr(one, part) for one in self.series]) for part in ("x", "y"))
        return moments(np.column_stack([x, y]))

    # --- what it makes of settings

    def fit(self, settings: Settings) -> Settings:
        """The settings with what the data decide: sequences and steps, how much is missing, what the labels are."""
        padding, missing = self.shares(settings)
        return settings.with_changes(
            {
                "sequences": self.sizes(settings)[0],
                "timesteps": self.steps(settings),
                "task": "binary" if self.task == "binary" else "regression",
                "classes": len(self.classes),
                **({"activation": "linear"} if self.task == "classes" else {}),
                # The fields end there; texts tell `shares`.
                "padding_share": min(padding, Settings.number("padding_share").high),
                "nan_share": min(missing, Settings.number("nan_share").high),
            }
        )

    def care(self, settings: Settings) -> dict[str, str]:
        """How these data are treated where nobody has said it: so that a model can learn from them."""
        labels, inputs = self.missing(settings)
        care = {"scale": "standard"} if self._numbers.any() and not self.scaled else {}
        care |= {"input_fill": "last"} if inputs else {}
        return care | ({"nan_fill": "mean"} if labels else {})

    @property
    def outset(self) -> dict[str, str]:
        """What a model for these data begins with, where nobody has said anything."""
        return {"output": "last_step" if self.whole else "every_step"}

    def idle(self, settings: Settings) -> dict[str, str]:
        """The fields that this table decides or leaves without effect, with the reason."""
        inputs = self.missing(settings)[1]
        padding, missing = self.shares(settings)
        labels = {"classes": f"{len(self.classes)} classes", "binary": "0 and 1", "regression": "numbers"}[self.task]
        reasons = {
            "sequences": f"Your data have {len(self.series)}, {self.sizes(settings)[0]} of them to train on.",
            "timesteps": f"Your longest sequence has {self.lengths(settings).max()}.",
            "task": f"Your labels are {labels}.",
            "classes": f"Your labels are {labels}.",
            "padding_share": f"Your sequences leave {percent(padding)}.",
            "nan_share": f"Of your labels {percent(missing)} are missing.",
        }
        if self.task == "classes":
            reasons["activation"] = "Of the scores of classes the highest counts."
        if not inputs:
            reasons["input_fill"] = "No input is missing."
        if not self.gaps:
            reasons["gaps"] = "There are none."
        elif not self.gaps_fit:
            longest = max(self.series, key=lambda one: one.extent)
            reasons["gaps"] = (
                f"Squeezed: kept, “{longest.id}” would have {steps_words(longest.extent)} steps, and {STEPS} fit."
            )
        return reasons

    # --- the sequences as a run takes them

    def places(self, settings: Settings) -> tuple[Whole, Whole]:
        """The sequences for training and those held out, (sequences,) places in `series`, each in their order.

        The seed draws which groups are held out, unless time decides it; and which sequences are taken where there are
        more than can be trained in a few seconds.
        """
        draw = np.random.default_rng([settings.seed, len(self.series)])
        held = np.array(self.held, bool) if self.held else self._drawn(draw)
        most = max(2, min(MOST, CELLS // self.steps(settings)))
        parts = (np.flatnonzero(~held), most), (np.flatnonzero(held), max(1, most // 2))
        training, held_out = (
            part if len(part) <= count else np.sort(draw.permutation(part)[:count]) for part, count in parts
        )
        return training, held_out

    def _drawn(self, draw: np.random.Generator) -> Bools:
        """(sequences,) bool: those that are held out, one in HELD_OUT, or a few less: groups stay together."""
        groups, sizes = np.unique([one.group for one in self.series], return_counts=True)
        held: list[int] = []
        left = len(self.series) // HELD_OUT
        for place in draw.permutation(len(groups)):
            if sizes[place] <= left:
                held.append(groups[place])
                left -= sizes[place]
        return np.isin([one.group for one in self.series], held or groups[sizes.argmin()])

    def sizes(self, settings: Settings) -> tuple[int, int]:
        """Sequences in the training and in the validation data."""
        training, held_out = self.places(settings)
        return len(training), len(held_out)

    def left_out(self, settings: Settings) -> int:
        """Sequences that are neither trained nor held out, because there are too many."""
        return len(self.series) - sum(self.sizes(settings))

    def split(self, settings: Settings) -> tuple[list[Series], list[Series]]:
        """The sequences for training and those held out, in the order of the file."""
        training, held_out = ([self.series[place] for place in part] for part in self.places(settings))
        return training, held_out

    def sequences(self, settings: Settings, stream: int) -> tuple[Floats, Floats, Whole]:
        """Inputs (batch, time, features), labels (batch, time, 1) and lengths (batch,), every sequence from step 0 on.

        Stream 0 is the training data, 1 what is held out. Scaled, encoded and filled as the settings say, by what the
        training data hold and nothing else; what is unknown of the labels stays NaN.
        """
        keep = self.keeps_gaps(settings)
        parts = [[np.column_stack(one.laid_out(keep)) for one in part] for part in self.split(settings)]
        raw = np.concatenate(parts[0])  # (steps, features as given + label)
        seen = [np.unique(column[~np.isnan(column)]) for column in raw.T]
        training = self._encoded(raw, seen)  # (steps, features + label)
        shift, size = scaling(settings.scale, training, self._numbers)
        means = np.array([mean for mean, _ in moments((training - shift) / size)])
        wanted, steps = parts[stream], settings.timesteps
        x, y = np.zeros((len(wanted), steps, self.features)), np.zeros((len(wanted), steps, 1))
        for row, values in enumerate(wanted):
            scaled = (self._encoded(values, seen) - shift) / size
            x[row, : len(values)] = filled(scaled[:, :-1], settings.input_fill, means[:-1])
            y[row, : len(values), 0] = scaled[:, -1]
        return x, y, np.array([len(values) for values in wanted])

    @cached_property
    def _numbers(self) -> Bools:
        """(features + label,) bool: the columns that a scale applies to."""
        columns = [one.categories == () or not one.one_hot for one in self.given for _ in one.names]
        return np.array([*columns, not (self.binary or self.classes)])

    def _encoded(self, values: Floats, seen: Sequence[Floats]) -> Floats:
        """(steps, features + label) from (steps, features as given + label). `seen`: the values of the training data.

        A category that training has not seen is missing: 0 in all its columns, or NaN where categories are numbered.
        """
        if not any(one.categories for one in self.given):
            return values
        parts = []
        for place, one in enumerate(self.given):
            column = values[:, place]
            known = np.where(np.isin(column, seen[place]), column, np.nan)
            if one.categories and one.one_hot:
                parts.append((known[:, None] == np.arange(len(one.categories))).astype(float))
            elif one.categories:
                parts.append(np.where(np.isnan(known), np.nan, np.searchsorted(seen[place], known))[:, None])
            else:
                parts.append(column[:, None])
        return np.concatenate([*parts, values[:, -1:]], axis=1)


def moments(columns: Floats) -> list[tuple[float, float]]:
    """Mean and deviation of each column (rows, columns), NaN left out; (0, 1) where nothing is known."""
    known = [column[~np.isnan(column)] for column in columns.T]
    return [(float(column.mean()), float(column.std())) if column.size else (0.0, 1.0) for column in known]


def scaling(kind: str, training: Floats, numbers: Bools) -> tuple[Floats, Floats]:
    """What is taken off each column of training (rows, features + label), and what it is divided by.

    `numbers` (features + label,): the columns that are scaled.
    """
    shift, size = np.zeros(training.shape[1]), np.ones(training.shape[1])
    if kind == "standard":
        shift, size = (np.array(part) for part in zip(*moments(training), strict=True))
        size[size == 0] = 1.0  # a constant column
        shift[~numbers], size[~numbers] = 0.0, 1.0
    return shift, size


def filled(x: Floats, kind: str, means: Floats) -> Floats:
    """Inputs (steps, features) of one sequence with NaN replaced; means (features,)."""
    if kind == "keep":
        return x
    if kind == "last":
        seen = np.maximum.accumulate(np.where(np.isnan(x), 0, np.arange(len(x))[:, None]), axis=0)
        x = np.take_along_axis(x, seen, axis=0)
    return np.where(np.isnan(x), means if kind == "mean" else 0.0, x)


def percent(share: float) -> str:
    """Three significant digits, and neither nothing nor all where it is some."""
    if 0.9995 <= share < 1:
        return "over 99.9%"
    return f"{100 * share:.3g}%"


def steps_words(steps: int) -> str:
    """A number of steps in words: a gap is counted up to TOO_FAR of them and no further."""
    return str(steps) if steps <= TOO_FAR else f"more than {TOO_FAR:.0f}"
