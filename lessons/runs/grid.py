"""The map of failure: which trainings a map is made of, and what one cell of it says. NumPy only."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Protocol

import numpy as np

from lessons.recipe.bad_input import BadInput
from lessons.recipe.numeral import is_whole
from lessons.recipe.plain import plain
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.recipe.spec import Choice, LossName, Number
from lessons.recipe.table import Table
from lessons.runs.outcome import OUTCOMES

SIZE = 16  # values along an axis, where nothing else is asked for
MOST_ALONG = 64  # values along an axis: more are smaller than a fingertip on any screen
MOST_SEEDS = 8  # enough to see whether a cell is luck
MOST_EPOCHS = 500_000  # of all trainings together: some minutes on two cores
MOST_OWN = 25  # trainings on own data, of which each may take some seconds
LOGARITHMIC = 100.0  # offered stops that span such a ratio are spaced by their logarithm
OF_LOSS = ("loss", "epsilon", "reduction", "loss_dtype", "sample_weight")  # fields that no model depends on
QUERY = ("map_x", "map_y", "map_size", "map_xs", "map_ys", "map_seeds")  # the names in an address


Values = tuple[Any, ...]  # of a field, whatever it takes


class Axes(Protocol):
    """What offers fields as axes: a lesson, which stands above this package."""

    @property
    def slug(self) -> str: ...
    @property
    def controls(self) -> tuple[str, ...]: ...  # fields in sight
    @property
    def more(self) -> tuple[str, ...]: ...  # fields behind "More"
    @property
    def losses(self) -> tuple[str, ...]: ...  # names of the losses on offer
    @property
    def presets(self) -> Sequence[Any]: ...  # each has settings of the lesson's family


@dataclass(frozen=True)
class Grid:
    """A grid of trainings: `base` with the field `x` set along the columns and `y` along the rows, for each seed.

    On a learner's own data where there is a `table`. Raises BadInput where that is no map.
    """

    base: Settings
    x: str
    y: str
    xs: Values
    ys: Values
    seeds: tuple[int, ...] = (0,)
    table: Table | None = None

    def __post_init__(self) -> None:
        if self.x == self.y:
            raise BadInput(f"map: got “{self.x}” for both axes; takes two different fields.")
        for kept, name, most in (("xs", self.x, MOST_ALONG), ("ys", self.y, MOST_ALONG), ("seeds", "seed", MOST_SEEDS)):
            object.__setattr__(self, kept, distinct(self.base, name, getattr(self, kept), most))
        if "seed" in (self.x, self.y) and len(self.seeds) > 1:
            raise BadInput(f"map: got {len(self.seeds)} seeds and an axis of seeds; takes one or the other.")
        if self.table and self.runs > MOST_OWN:
            raise BadInput(f"map: got {self.runs} trainings on your own data; takes {MOST_OWN} at most.")
        self._refuse_idle(self.x, [self.recipe(row, 0) for row in range(len(self.ys))])
        self._refuse_idle(self.y, [self.recipe(0, column) for column in range(len(self.xs))])
        if self.epochs > MOST_EPOCHS:
            raise BadInput(
                f"map: got {self.runs} trainings of {self.epochs} epochs together; takes {MOST_EPOCHS} at most."
            )

    def _refuse_idle(self, name: str, recipes: list[Recipe]) -> None:
        """A field that can change no cell makes no axis."""
        reasons = [recipe.idle().get(name) for recipe in recipes]
        if all(reasons):
            raise BadInput(f"map: {name} changes nothing here. {reasons[0]}")

    def recipe(self, row: int, column: int, seed: int = 0) -> Recipe:
        """What one cell trains. `seed` is the place in `seeds`."""
        return Recipe(self.settings(row, column, seed), self.table)

    def settings(self, row: int, column: int, seed: int = 0) -> Settings:
        """The settings of one cell, as they are asked for."""
        changes = {"seed": self.seeds[seed], self.x: self.xs[column], self.y: self.ys[row]}
        return dataclasses.replace(self.base, **changes)

    def cells(self) -> list[tuple[int, int, int]]:
        """(row, column, seed) of every training: the first seed's whole picture first, from coarse to fine."""
        order = coarse_first(len(self.ys), len(self.xs))
        return [(row, column, seed) for seed in range(len(self.seeds)) for row, column in order]

    def groups(self) -> dict[Settings, list[tuple[int, int, int]]]:
        """The cells by the graph that trains them (`Settings.structure`), each group from coarse to fine."""
        of_graph = [self.base.specs()[name].retraces or name == "batch_size" for name in (self.x, self.y)]
        known: dict[tuple[int, int], Settings] = {}
        groups: dict[Settings, list[tuple[int, int, int]]] = {}
        for row, column, seed in self.cells():
            key = (column * of_graph[0], row * of_graph[1])
            if key not in known:
                known[key] = self.settings(row, column).structure()
            groups.setdefault(known[key], []).append((row, column, seed))
        return groups

    @property
    def runs(self) -> int:
        """How many trainings it takes."""
        return len(self.xs) * len(self.ys) * len(self.seeds)

    @property
    def epochs(self) -> int:
        """Of all trainings together."""
        each = {self.x: self.xs, self.y: self.ys}.get("epochs", (self.base.epochs,))
        return self.runs // len(each) * sum(each)

    def to_query(self, lesson: Axes) -> dict[str, str]:
        """The map for an address, without its base: that is the form's. `from_query` reads it."""
        query = {"map_x": self.x, "map_y": self.y, "map_size": f"{len(self.xs)}x{len(self.ys)}"}
        for key, name, values in (("map_xs", self.x, self.xs), ("map_ys", self.y, self.ys)):
            if values != axis_values(name, lesson, len(values)):
                query[key] = listed(values)
        if self.seeds != (self.base.seed,):
            query["map_seeds"] = listed(self.seeds)
        return query

    @classmethod
    def from_query(cls, query: Mapping[str, str], lesson: Axes, base: Settings, table: Table | None = None) -> Grid:
        """The map that an address, or a command line, asks for. Raises BadInput."""
        x, y = (axis(query.get(key, ""), lesson) for key in ("map_x", "map_y"))
        across, down = size(query.get("map_size", ""))
        xs: Values = split(query["map_xs"]) if "map_xs" in query else axis_values(x, lesson, across)
        ys: Values = split(query["map_ys"]) if "map_ys" in query else axis_values(y, lesson, down)
        seeds: Values = split(query["map_seeds"]) if "map_seeds" in query else (base.seed,)
        return cls(base, x, y, xs, ys, seeds, table)

    def to_json(self) -> dict[str, Any]:
        """Its parts by their names, without own data; `base` as Settings.to_json has it."""
        names = (part.name for part in dataclasses.fields(self) if part.name != "table")
        return plain({name: getattr(self, name) for name in names} | {"base": dataclasses.asdict(self.base)})


@dataclass(frozen=True, slots=True)
class Cell:
    """One training of a map. What it ended with is judged as a single run is (lessons/runs/outcome.py)."""

    row: int
    column: int
    seed: int  # the place in the plan's seeds
    outcome: str  # one of lessons.runs.outcome.OUTCOMES
    error: float  # on real steps: the level at the end
    loss: float  # the level at the end
    leak: float  # share of the gradient at the predictions that lies on padding, in the first epoch; NaN where it is 0
    baseline: float  # the error of the best constant
    failure: str = ""  # what Keras said of settings that cannot be trained; the outcome is then "" and the rest NaN

    def to_json(self) -> dict[str, Any]:
        """Its parts by their names; None for what is not finite."""
        return plain(dataclasses.asdict(self))


@dataclass(frozen=True)
class Square:
    """The cells of one place of the map, over the seeds that are there."""

    outcome: str  # the most frequent; of two as frequent, the worse
    agree: int  # seeds that ended so
    seeds: int  # seeds that are there
    error: float  # median over those that ended so
    loss: float
    leak: float
    baseline: float


def squares(cells: Iterable[Cell]) -> dict[tuple[int, int], Square]:
    """The map by (row, column), as far as it is filled."""
    places: dict[tuple[int, int], list[Cell]] = {}
    for cell in cells:
        places.setdefault((cell.row, cell.column), []).append(cell)
    return {place: square(found) for place, found in places.items()}


def square(cells: list[Cell]) -> Square:
    """What the cells of one place make together."""
    counts = Counter(cell.outcome for cell in cells)
    word = max(counts, key=lambda word: (counts[word], OUTCOMES.index(word) if word else -1))
    alike = [cell for cell in cells if cell.outcome == word]
    numbers = (median([getattr(cell, name) for cell in alike]) for name in ("error", "loss", "leak", "baseline"))
    return Square(word, len(alike), len(cells), *numbers)


def model_of(settings: Settings) -> Settings:
    """What the compiled model of a training depends on: its structure without the loss, and the size of its batches."""
    usual = type(settings)()
    of_loss = {name: getattr(usual, name) for name in OF_LOSS}
    return dataclasses.replace(settings.structure(), **of_loss, batch_size=settings.batched * settings.batch_size)


def fields_of(lesson: Axes) -> tuple[str, ...]:
    """The fields that can be an axis: the lesson's, those in sight first."""
    return (*lesson.controls, *lesson.more)


def axis(name: str, lesson: Axes) -> str:
    """A field of the lesson, as typed. Raises BadInput."""
    if name not in fields_of(lesson):
        raise BadInput(f"map: got “{name[:40]}” for an axis; {lesson.slug} has {', '.join(fields_of(lesson))}.")
    return name


def axis_values(name: str, lesson: Axes, count: int = SIZE) -> Values:
    """Up to `count` values of a field for an axis, in order; all of them where it has choices.

    A number runs over the stops that its widget offers, or its range: by equal steps, or by equal ratios where the
    stops span a hundredfold. Where each value needs a graph of its own only the stops themselves are taken. Raises
    BadInput for a count that does not fit, and for a name that is no field.
    """
    if not 1 <= count <= MOST_ALONG:
        raise BadInput(f"map: got {count} values along {name}; takes 1 to {MOST_ALONG}.")
    spec = lesson.presets[0].settings.spec_of(name)
    if isinstance(spec, LossName):
        return lesson.losses
    if isinstance(spec, Number):
        return thinned(spec.offered, count) if spec.retraces and spec.offered else numbers(spec, count)
    assert isinstance(spec, Choice)
    return tuple(spec.options)


def thinned(stops: Values, count: int) -> Values:
    """At most `count` of the stops, evenly taken, both ends among them where there is room."""
    if count == 1:
        return stops[:1]
    return tuple(
        stops[k] for k in np.unique(np.linspace(0, len(stops) - 1, min(count, len(stops))).round().astype(int))
    )


def numbers(spec: Number, count: int) -> Values:
    """Up to `count` different values over what the spec offers: multiples of one whole step, or three digits each."""
    stops = spec.offered or (spec.low, spec.high)
    spaced: Iterable[float]
    low, high, above = min(stops), max(stops), [stop for stop in stops if stop > 0]
    if low >= 0 and high / min(above) >= LOGARITHMIC:
        zero = [0.0] * (low == 0 and count > 1)
        spaced = [*zero, *np.geomspace(min(above), high, count - len(zero))]
    elif spec.whole:
        step = max(1, round((high - low) / max(1, count - 1)))
        spaced = range(math.ceil(low / step) * step, int(high) + 1, step)[:count]
    else:
        spaced = np.linspace(low, high, count)
    return tuple(dict.fromkeys(round(value) if spec.whole else float(f"{value:.3g}") for value in spaced))


def coarse_first(rows: int, columns: int) -> list[tuple[int, int]]:
    """All (row, column), every 8th each way first, then every 4th …: the picture appears before it is sharp."""

    def step(row: int, column: int) -> int:
        return next(stride for stride in (8, 4, 2, 1) if row % stride == column % stride == 0)

    places = [(row, column) for row in range(rows) for column in range(columns)]
    return sorted(places, key=lambda place: -step(*place))


def distinct(base: Settings, name: str, given: Values, most: int) -> Values:
    """The values of an axis, each as its field takes it. Raises BadInput."""
    values = tuple(base.spec_of(name).parse(name, value) for value in given)
    if not 1 <= len(values) <= most:
        raise BadInput(f"map: got {len(values)} values of {name}; takes 1 to {most}.")
    if len(set(values)) < len(values):
        raise BadInput(f"map: got a value of {name} twice; takes different ones.")
    return values


def size(given: str) -> tuple[int, int]:
    """(columns, rows) from “16x12” or “16”. Raises BadInput."""
    parts = (given or str(SIZE)).split("x")
    if len(parts) > 2 or not all(is_whole(part, 1, MOST_ALONG) for part in parts):
        raise BadInput(f"map: got “{given[:40]}” for its size; takes 1 to {MOST_ALONG}, or two such as 16x12.")
    return int(parts[0]), int(parts[-1])


def split(given: str) -> tuple[str, ...]:
    """The values between commas, still as text."""
    return tuple(value.strip() for value in given.split(","))


def listed(values: Values) -> str:
    """Values with commas between, for an address: `split` and the field's `parse` read them."""
    return ",".join(f"{value:.12g}" if isinstance(value, float) else str(value) for value in values)
