"""Table: a learner's own data in place of a lesson's generated ones, as a run takes them. NumPy only.

It is part of a Recipe and kept nowhere but in the session that brought it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.recipe.data import Floats, Whole
from lessons.recipe.settings import Settings
from lessons.recipe.table_file import HELD_OUT, STEPS, TOO_FAR, Columns, Series, digest_of, read

# A column is far from 0 ± 1 beyond a mean of OFFSET or a factor of SIZE: on the sample file, shifted or scaled so, 60
# epochs leave 1.4 to 2 times the error that is left after standardising (label × 10, label + 3).
OFFSET, SIZE = 3.0, 10.0


@dataclass(frozen=True, eq=False)
class Table:
    """Equal tables have equal content, whatever their file is called."""

    name: str
    columns: Columns
    series: tuple[Series, ...]  # in the order of their first rows in the file
    tick: float  # the time of one step, in seconds where times are dates
    dated: bool  # whether times are dates
    digest: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @classmethod
    def parse(cls, data: bytes, name: str) -> Table:
        """The table in a CSV file. Raises BadInput, which names line and column."""
        columns, series, tick, dated = read(data)
        return cls(name, columns, series, tick, dated, digest_of(columns, series))

    # --- what it holds

    @property
    def features(self) -> int:
        """Features of a step."""
        return len(self.columns.features)

    @cached_property
    def gaps(self) -> int:
        """Times without a row."""
        return sum(one.extent - len(one.y) for one in self.series)

    @cached_property
    def binary(self) -> bool:
        """Whether every label is 0 or 1."""
        labels = np.concatenate([one.y for one in self.series])
        return bool(np.isin(labels[~np.isnan(labels)], (0, 1)).all())

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

    def missing(self, settings: Settings) -> tuple[int, int]:
        """Labels and inputs that are missing, those of missing steps included."""
        parts = [one.laid_out(self.keeps_gaps(settings)) for one in self.series]
        return sum(int(np.isnan(y).sum()) for _, y in parts), sum(int(np.isnan(x).sum()) for x, _ in parts)

    def steps(self, settings: Settings) -> int:
        """The length that sequences are padded to."""
        return max(int(self.lengths(settings).max()), int(Settings.number("timesteps").low))

    def shares(self, settings: Settings) -> tuple[float, float]:
        """Of all steps the share that is padding, and of the labels on real steps the share that is missing."""
        lengths = self.lengths(settings)
        padding = 1 - lengths.sum() / (len(lengths) * self.steps(settings))
        return float(padding), float(self.missing(settings)[0] / lengths.sum())

    @cached_property
    def unscaled(self) -> tuple[str, ...]:
        """Columns whose values are far from mean 0 and deviation 1."""
        x, y = (np.concatenate([getattr(one, part) for one in self.series]) for part in ("x", "y"))
        table = np.column_stack([x, y])
        far = [not (abs(mean) < OFFSET and 1 / SIZE < deviation < SIZE) for mean, deviation in moments(table)]
        far[-1] = far[-1] and not self.binary
        names = (*self.columns.features, self.columns.label)
        return tuple(name for name, is_far in zip(names, far, strict=True) if is_far)

    # --- what it makes of settings

    def fit(self, settings: Settings) -> Settings:
        """The settings with what the data decide: sequences and steps, how much is missing, what the labels are."""
        padding, missing = self.shares(settings)
        return settings.with_changes(
            {
                "sequences": self.sizes[0],
                "timesteps": self.steps(settings),
                "task": "binary" if self.binary else "regression",
                # The fields end there; texts tell `shares`.
                "padding_share": min(padding, Settings.number("padding_share").high),
                "nan_share": min(missing, Settings.number("nan_share").high),
            }
        )

    def idle(self, settings: Settings) -> dict[str, str]:
        """The fields that this table decides or leaves without effect, with the reason."""
        inputs = self.missing(settings)[1]
        padding, missing = self.shares(settings)
        reasons = {
            "sequences": f"Your data have {sum(self.sizes)}, {self.sizes[0]} of them to train on.",
            "timesteps": f"Your longest sequence has {self.lengths(settings).max()}.",
            "task": f"Your labels are {'0 and 1' if self.binary else 'numbers'}.",
            "padding_share": f"Your sequences leave {percent(padding)}.",
            "nan_share": f"Of your labels {percent(missing)} are missing.",
        }
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

    @property
    def sizes(self) -> tuple[int, int]:
        """Sequences in the training and in the validation data."""
        held_out = len(self.series) // HELD_OUT
        return len(self.series) - held_out, held_out

    def split(self, seed: int) -> tuple[list[Series], list[Series]]:
        """The sequences for training and those held out, each in the order of the file."""
        drawn = np.random.default_rng([seed, len(self.series)]).permutation(len(self.series))
        places = np.sort(drawn[self.sizes[1] :]), np.sort(drawn[: self.sizes[1]])
        training, held_out = ([self.series[place] for place in part] for part in places)
        return training, held_out

    def sequences(self, settings: Settings, stream: int) -> tuple[Floats, Floats, Whole]:
        """Inputs (batch, time, features), labels (batch, time, 1) and lengths (batch,), every sequence from step 0 on.

        Stream 0 is the training data, 1 what is held out. Scaled and filled as the settings say, which fit the table;
        what is unknown of the labels stays NaN.
        """
        keep = self.keeps_gaps(settings)
        parts = [[np.column_stack(one.laid_out(keep)) for one in part] for part in self.split(settings.seed)]
        training = np.concatenate(parts[0])  # (steps, features + label)
        shift, size = scaling(settings.scale, training, self.binary)
        means = np.array([mean for mean, _ in moments((training - shift) / size)])
        wanted, steps = parts[stream], settings.timesteps
        x, y = np.zeros((len(wanted), steps, self.features)), np.zeros((len(wanted), steps, 1))
        for row, values in enumerate(wanted):
            scaled = (values - shift) / size
            x[row, : len(values)] = filled(scaled[:, :-1], settings.input_fill, means[:-1])
            y[row, : len(values), 0] = scaled[:, -1]
        return x, y, np.array([len(values) for values in wanted])


def moments(columns: Floats) -> list[tuple[float, float]]:
    """Mean and deviation of each column (rows, columns), NaN left out; (0, 1) where nothing is known."""
    known = [column[~np.isnan(column)] for column in columns.T]
    return [(float(column.mean()), float(column.std())) if column.size else (0.0, 1.0) for column in known]


def scaling(kind: str, training: Floats, binary: bool) -> tuple[Floats, Floats]:
    """What is taken off each column of training (rows, features + label), and what it is divided by."""
    shift, size = np.zeros(training.shape[1]), np.ones(training.shape[1])
    if kind == "standard":
        shift, size = (np.array(part) for part in zip(*moments(training), strict=True))
        size[size == 0] = 1.0  # a constant column
        if binary:
            shift[-1], size[-1] = 0.0, 1.0
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
