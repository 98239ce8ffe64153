"""What workers are asked to do. The functions import TensorFlow inside, so naming one costs a page nothing.

Any `concurrent.futures.Executor` can run them; a generator streams what it yields where the executor can.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lessons.figures.panel import run_text
from lessons.recipe.data import training_batch
from lessons.recipe.recipe import Recipe
from lessons.runs.grid import Cell, Grid
from lessons.runs.nan_origin import NaNOrigin
from lessons.runs.run import Closing, Opening, Run, RunText, Snapshot

if TYPE_CHECKING:
    from lessons.claims.claim import Outcome

ONE_AT_A_TIME = threading.Lock()  # a traced graph belongs to one run; an executor's worker may have several threads


def train(recipe: Recipe) -> Iterator[Opening | Snapshot | Closing | RunText]:
    """A training, and what a page shows of it: made here, once for all who look, so that the server passes it on."""
    from lessons.engine.train import train

    batch, parts = training_batch(recipe), list[Opening | Snapshot | Closing]()
    for part in train(recipe):
        parts.append(part)
        live = isinstance(part, Snapshot) and part.epochs[-1] + 1 < recipe.settings.epochs
        if live or isinstance(part, Closing):
            run = Run.gather(recipe, batch, parts)
            yield RunText(run_text(run, live), run.epochs, live)
        yield part


def write(run: Run, live: bool) -> str:
    """What a page shows of a run whose own process could not write it."""
    return run_text(run, live)


def trace(recipe: Recipe) -> None:
    from lessons.engine.train import trace

    trace(recipe)


def store_graph(recipe: Recipe) -> None:
    from lessons.engine.train import store_graph

    store_graph(recipe)


def grid_run(
    grid: Grid, cells: Sequence[tuple[int, int, int]], seconds: float, compiled: bool
) -> Iterator[Cell | None]:
    """Some cells of a map, whose graph they share: the first, and as many more as can begin in these seconds."""
    from lessons.engine.grid_training import grid_run

    return grid_run(grid, cells, seconds, compiled)


def nan_origin(recipe: Recipe) -> NaNOrigin | None:
    """Where the first number of this run that is not finite came from; None where all are finite."""
    from lessons.engine.nan_search import nan_origin

    return nan_origin(recipe)


def collect(
    function: Callable[..., Any], *args: Any, say: Callable[[int, Any], None] = lambda index, item: None
) -> tuple[list[Any], object]:
    """All that a generator yields, and what a plain function returns, for executors that cannot stream.

    `say` is called with the number of each item and the item, when it comes.
    """
    with ONE_AT_A_TIME:
        result = function(*args)
        if not isinstance(result, Iterator):
            return [], result
        items = list[Any]()
        for item in result:
            say(len(items), item)
            items.append(item)
        return items, None


def measure(function: Callable[..., Any], *args: Any) -> Any:
    """What an experiment of a lesson file measures."""
    return function(*args)


def claim(number: int) -> Outcome:
    """The Outcome of one claim of lessons/claims, measured here and now."""
    from lessons import claims

    return claims.find(number).verify()
