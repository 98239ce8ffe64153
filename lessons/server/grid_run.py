"""A map that fills: its cells go to the workers in batches, and whoever watches sees what is there.

A batch ends by itself when its time is up and what it left goes into another, so that a click never waits for a map.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any

from lessons.recipe.settings import Settings
from lessons.runs.grid import Cell, Grid, model_of
from lessons.workers.job import Job

MOST_AT_ONCE = 64  # cells of a batch
AHEAD = 2  # batches for each worker, the one it does included: it never waits for the next
COMPILED_FROM = 2000  # epochs with one model, of all cells: for fewer it takes longer to compile than that saves
UNATTENDED_AFTER = 180.0  # seconds without a watcher; a browser wakes a hidden page once a minute

Place = tuple[int, int, int]  # row, column, seed


class GridRun:
    """One map and those who watch it. `begin` hands out the first batches."""

    def __init__(self, grid: Grid, hand_out: Callable[[Grid, Sequence[Place], bool], Job], workers: int):
        """`hand_out` makes a job of some cells that share a graph, compiled or not; it may leave some undone."""
        self.grid, self.hand_out, self.workers = grid, hand_out, workers
        self.watchers: dict[Hashable, float] = {}  # when each was last seen; replaced, never changed in place
        groups = grid.groups()
        self.left = {graph: deque(places) for graph, places in groups.items()}  # cells not handed out
        self.compiled = worth_compiling(grid, groups)
        self.found: dict[Place, Cell] = {}
        self.out: dict[Job, tuple[Settings, list[Place]]] = {}  # batches under way, each of one graph
        self.stopped = False
        self.failure: BaseException | None = None  # what kept it from being finished
        self.changed = threading.Condition(threading.RLock())

    @property
    def cells(self) -> list[Cell]:
        """What is there so far, in the order in which it came."""
        with self.changed:
            under_way = [cell for job in self.out for cell in list(job.items) if cell]
            return [*self.found.values(), *under_way]

    @property
    def share(self) -> float:
        """From 0 to 1: how much of it is there."""
        return len(self.cells) / self.grid.runs

    @property
    def done(self) -> bool:
        """Whether nothing more will come: it is whole, stopped, or has failed."""
        with self.changed:
            return not self.out and (self.ended or not self.left)

    @property
    def ended(self) -> bool:
        return self.stopped or self.failure is not None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is done. False when it is not in that time."""
        with self.changed:
            return self.changed.wait_for(lambda: self.done, timeout)

    def wait_beyond(self, count: int, timeout: float) -> bool:
        """Wait until there are more than `count` cells or it is done. False when neither came in time."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.found) > count or self.done, timeout)

    def watch(self, who: Hashable) -> bool:
        """Say that `who` looks. False where it has ended. What nobody has looked at for UNATTENDED_AFTER stops."""
        now = time.monotonic()
        with self.changed:
            self.watchers = recent(self.watchers, now - UNATTENDED_AFTER) | {who: now}
            return not self.ended

    def leave(self, who: Hashable, absent_after: float, since: float = math.inf) -> None:
        """Stop watching; the last to leave stops the map. Nothing happens where `who` has looked after `since`."""
        with self.changed:
            if self.watchers.get(who, -math.inf) > since:
                return
            self.watchers = {other: seen for other, seen in self.watchers.items() if other != who}
            if self.attended(absent_after):
                return
            self.stopped = self.stopped or not self.done
        self.stop()

    def attended(self, absent_after: float) -> bool:
        return bool(recent(self.watchers, time.monotonic() - absent_after))

    def stop(self) -> None:
        """Hand out no more and keep what is there. The workers are free after the chunk of epochs they are in."""
        with self.changed:
            self.stopped = self.stopped or not self.done
            jobs = list(self.out)
        for job in jobs:
            job.stop()

    def begin(self) -> None:
        """Hand out batches until every worker has enough before it."""
        with self.changed:
            while not self.ended and len(self.out) < AHEAD * self.workers and (graph := self._next_graph()):
                batch = self._take(graph)
                try:
                    job = self.hand_out(self.grid, batch, graph in self.compiled)
                except RuntimeError as closed:  # the server ends
                    self.failure = closed
                    break
                self.out[job] = graph, batch
                job.add_done_callback(partial(self._collect, job))
            self.changed.notify_all()

    def _next_graph(self) -> Settings | None:
        """One that nobody works on, while those are fewer than the workers: none traces more than it must."""
        out = Counter(graph for graph, _ in self.out.values())
        new = next((graph for graph in self.left if graph not in out), None)
        if new and len(out) < self.workers:
            return new
        return min((graph for graph in self.left if graph in out), key=out.__getitem__, default=None)

    def _take(self, graph: Settings) -> list[Place]:
        """The next cells of a graph: fewer towards the end, so that all workers end together."""
        places = self.left[graph]
        remaining = sum(map(len, self.left.values()))
        count = min(len(places), MOST_AT_ONCE, max(1, remaining // (AHEAD * self.workers)))
        batch = [places.popleft() for _ in range(count)]
        if not places:
            del self.left[graph]
        return batch

    def _collect(self, job: Job, _: Future[Any]) -> None:
        """A batch is done: keep its cells, put back what it left, and hand out the next."""
        with self.changed:
            graph, batch = self.out.pop(job)
            found = {(cell.row, cell.column, cell.seed): cell for cell in job.items if cell}
            self.found |= found
            try:
                job.result()
            except CancelledError:
                pass  # it was stopped while it waited
            except Exception as failure:
                self.failure = self.failure or failure
            if undone := [place for place in batch if place not in found]:
                rest = self.left.pop(graph, deque())
                self.left = {graph: deque(undone) + rest, **self.left}
            if not self.ended and not self.attended(UNATTENDED_AFTER):
                self.stopped = True
            self.begin()


def recent(watchers: dict[Hashable, float], since: float) -> dict[Hashable, float]:
    """Those who were seen after `since`."""
    return {who: seen for who, seen in watchers.items() if seen > since}


def worth_compiling(grid: Grid, groups: dict[Settings, list[Place]]) -> set[Settings]:
    """The graphs whose model trains so often that it pays to compile it; on own data none."""
    if grid.table:
        return set()
    models = {graph: model_of(grid.settings(*places[0])) for graph, places in groups.items()}
    epochs: dict[Settings, float] = dict.fromkeys(models.values(), 0.0)
    for graph, places in groups.items():
        epochs[models[graph]] += grid.epochs * len(places) / grid.runs
    return {graph for graph, model in models.items() if epochs[model] >= COMPILED_FROM}
