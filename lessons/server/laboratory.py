"""The trainings of a server: equal settings train once, however many learners ask."""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from lessons.figures.panel import run_text
from lessons.recipe.data import training_batch
from lessons.recipe.once import Once
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import Settings
from lessons.runs.grid import Grid, model_of
from lessons.runs.run import Closing, Opening, Run, RunText, Snapshot
from lessons.sandbox import walled_pool
from lessons.server import tasks, walled_tasks
from lessons.server.grid_run import UNATTENDED_AFTER, GridRun, Place, recent
from lessons.workers import GRAPHS_KEPT, cluster
from lessons.workers.job import Job, OutOfOrder, WorkerDied
from lessons.workers.pool import WorkerPool

KEPT_CELLS = 40_000  # of finished maps, together: about 10 MB
BATCH_SECONDS = 0.1  # after which a worker of ours puts a map away, so that a click can go first
FAR_BATCH_SECONDS = 0.5  # on a cluster a job costs 11 ms and its workers are many
LEAST_CELLS = 64  # what the smallest map counts as: its plan has a size too
KEPT_BYTES = 48e6  # finished runs that are remembered, together
LEAST_BYTES = 20e3  # what a training counts as at least: one that failed has no arrays, and a text all the same
KEPT_MEASUREMENTS = 200  # of experiments and NaN origins: a few kB each
WRITTEN_WITHIN = 1.0  # seconds that a page waits for a worker to write what it shows; by itself it takes 0.01
ABSENT_AFTER = 3.0  # seconds after which a watcher who has not asked again counts as gone


class Training:
    """One training and those who watch it."""

    def __init__(self, recipe: Recipe, job: Job, write: Callable[[Run, bool], str] = run_text):
        """`write` makes what a page shows of a run, where the job's worker has not: see `text`."""
        self.recipe, self.job, self.write = recipe, job, write
        self.written: tuple[Run | None, str] = None, ""
        self.watchers: dict[Hashable, float] = {}  # when each was last seen; replaced, never changed in place
        self._gathered: tuple[int, Run | None] = (0, None)
        self._lock = threading.Lock()  # whoever joins while the last one leaves either keeps it or is told that it ends

    @property
    def done(self) -> bool:
        return self.job.done()

    @property
    def failure(self) -> BaseException | None:
        """What Keras or the worker raised, once done."""
        if not self.job.done() or self.job.cancelled():
            return None
        return self.job.exception()

    @property
    def items(self) -> list[Opening | Snapshot | Closing | RunText]:
        """What the training has told so far."""
        items = list(self.job.items)
        return [walled_tasks.run_part(item) for item in items] if self.recipe.walled else items

    def text(self, run: Run, live: bool) -> str:
        """What a page shows of `run`, one of this training: as its worker has written it after this part of it.

        Left are runs that were stopped in between, and those with a pasted loss or model: what their processes say is
        read as numbers only. A whole class looks at one finished run: it is written once.
        """
        told = (item for item in reversed(self.job.items) if isinstance(item, RunText))
        if text := next((one.text for one in told if (one.epochs, one.live) == (run.epochs, live)), ""):
            return text
        if live:
            return self.write(run, live)
        if self.written[0] is not run:
            self.written = run, self.write(run, live)
        return self.written[1]

    def run(self) -> Run | None:
        """The run as far as it is trained; None before the first epoch."""
        items = self.items
        if not any(isinstance(item, Snapshot) for item in items):
            return None
        if self._gathered[0] != len(items):
            self._gathered = len(items), Run.gather(self.recipe, training_batch(self.recipe), items)
        return self._gathered[1]

    def watch(self, who: Hashable) -> bool:
        """Say that `who` looks. False where it has been stopped: it will not go on for them."""
        now = time.monotonic()
        with self._lock:
            self.watchers = recent(self.watchers, now - UNATTENDED_AFTER) | {who: now}
            return not self.job.stopped

    def leave(self, who: Hashable, since: float = math.inf) -> None:
        """Stop watching; the last to leave stops the training. Nothing happens where `who` has looked after `since`."""
        with self._lock:
            if self.watchers.get(who, -math.inf) > since:
                return
            self.watchers = {other: seen for other, seen in self.watchers.items() if other != who}
            if self.job.done() or recent(self.watchers, time.monotonic() - ABSENT_AFTER):
                return
            self.job.stopped = True
        self.job.stop()  # without the lock: a cluster may take a moment

    def halted(self) -> Training:
        """This training as far as it is now, for one who has stopped it.

        Its worker tells a little more, and for others it may go on.
        """
        job = Job(*self.job.call)
        job.tell(*self.job.items)
        job.stop()
        return Training(self.recipe, job, self.write)


class Laboratory:
    """Trains recipes on an executor and remembers the runs."""

    def __init__(self, executor: Executor):
        self.executor = executor
        # A training goes when the last who holds it does, and its recipe, with a learner's own data, goes too.
        self.trainings: WeakValueDictionary[Recipe, Training] = WeakValueDictionary()
        self.remembered: OrderedDict[Recipe, Training] = OrderedDict()  # those that the laboratory itself holds
        self.grid_runs: OrderedDict[Grid, GridRun] = OrderedDict()
        self.measurements: OrderedDict[tuple[Any, ...], Job] = OrderedDict()
        self.lock = threading.Lock()

    def train(self, recipe: Recipe, who: Hashable, learner: Hashable = None) -> Training:
        """The training of this recipe, watched by `who`: one under way, one remembered, or a new one.

        With a pasted loss or model it runs behind the walls, on the account of `learner`, who may watch from several
        places; left out, of `who`. Raises Busy. On a learner's own data it is remembered only as long as somebody holds
        it.
        """
        with self.lock:
            training = self.trainings.get(recipe)
            if training is None or training.failure or not training.watch(who):
                if recipe.walled:
                    task = walled_tasks.train_model if recipe.model else walled_tasks.train
                    job = walled_pool.shared().submit(task, recipe, who=who if learner is None else learner)
                else:
                    job = submit(self.executor, tasks.train, recipe)
                training = self.trainings[recipe] = Training(recipe, job, self.write)
                training.watch(who)
                if recipe.table:
                    weakref.finalize(training, release, job).atexit = False
            if not recipe.table:
                self.remembered[recipe] = training
                self.remembered.move_to_end(recipe)
            self._forget()
            return training

    def write(self, run: Run, live: bool) -> str:
        """What a page shows of a run: by a worker, for all pages share one processor; here where none is free soon."""
        if isinstance(self.executor, WorkerPool) and self.executor.ready():
            job = self.executor.submit_ahead(tasks.write, run, live)
            with suppress(TimeoutError, CancelledError, WorkerDied, OutOfOrder):
                return job.result(WRITTEN_WITHIN)
            job.stop()
        return run_text(run, live)

    def grid_run(self, grid: Grid, who: Hashable) -> GridRun:
        """The map of this plan, watched by `who`: one under way, one remembered, or a new one.

        Ask again while you look: a watcher who has not asked for a while counts as gone. One on own data is its
        owner's, and kept nowhere.
        """
        with self.lock:
            grid_run = self.grid_runs.get(grid)
            if grid_run is None or not grid_run.watch(who):
                grid_run = GridRun(grid, self._hand_out, workers_of(self.executor))
                grid_run.watch(who)
            if not grid.table:
                self.grid_runs[grid] = grid_run
                self.grid_runs.move_to_end(grid)
                self._forget_cells()
        grid_run.begin()
        return grid_run

    def _hand_out(self, grid: Grid, batch: Sequence[Place], compiled: bool) -> Job:
        """A batch of a map's cells as a job, which waits behind the clicks where the executor can do that."""
        seconds = BATCH_SECONDS if isinstance(self.executor, WorkerPool) else FAR_BATCH_SECONDS
        return submit(self.executor, tasks.grid_run, grid, tuple(batch), seconds, compiled, behind=True)

    def measure(self, function: Callable[..., Any], *args: Any) -> Job:
        """The job of an experiment: one for all who ask. What it raises is remembered too: it can be the point."""
        key = function, args
        with self.lock:
            job = self.measurements.get(key)
            if job is None or (job.done() and isinstance(job.exception(), WorkerDied)):
                job = self.measurements[key] = submit(self.executor, tasks.measure, function, *args)
            self.measurements.move_to_end(key)
            self._forget_measurements()
            return job

    def nan_origin(self, recipe: Recipe) -> Job:
        """The job that finds the first number that is not finite. One on own data is remembered nowhere."""
        if recipe.table:
            return submit(self.executor, tasks.nan_origin, recipe)
        return self.measure(tasks.nan_origin, recipe)

    def prepare(self, *recipes: Recipe) -> None:
        """Trace the graphs of these recipes in the background, the first of them first."""
        if isinstance(self.executor, WorkerPool):
            for recipe in reversed(recipes):
                self.executor.warm(tasks.trace, recipe)

    def start(self, recipes: Iterable[Recipe]) -> None:
        """Start our workers. When nobody wants anything of them they trace these recipes, for this machine to keep.

        Whoever asks for one of them then, today or after a restart, does not wait for its tracing.
        """
        if isinstance(self.executor, WorkerPool):
            self.executor.start()
            for recipe in {recipe.structure(): recipe for recipe in recipes}.values():
                self.executor.do_later(tasks.store_graph, recipe)

    def ready(self) -> bool:
        """Whether a worker can take a job."""
        return getattr(self.executor, "ready", lambda: True)()

    @property
    def trouble(self) -> str:
        """Why nothing is trained, in one sentence without its full stop; empty if it is."""
        return getattr(self.executor, "trouble", "")

    def traced(self, recipe: Recipe) -> bool:
        """Whether this recipe would start without tracing."""
        return not isinstance(self.executor, WorkerPool) or self.executor.knows(tasks.train, recipe)

    def _forget_cells(self) -> None:
        """Drop the oldest finished maps beyond KEPT_CELLS."""
        total = sum(max(grid.runs, LEAST_CELLS) for grid in self.grid_runs)
        for grid, grid_run in list(self.grid_runs.items())[:-1]:
            if total > KEPT_CELLS and grid_run.done:
                total -= max(grid.runs, LEAST_CELLS)
                del self.grid_runs[grid]

    def _forget_measurements(self) -> None:
        """Drop the oldest finished measurements beyond KEPT_MEASUREMENTS."""
        beyond = len(self.measurements) - KEPT_MEASUREMENTS
        for key in list(self.measurements)[: max(0, beyond)]:
            if self.measurements[key].done():
                del self.measurements[key]

    def _forget(self) -> None:
        """Drop the oldest finished runs beyond KEPT_BYTES."""
        sizes = {recipe: size(training) for recipe, training in self.remembered.items() if training.done}
        total = sum(sizes.values())
        for recipe, bytes_ in sizes.items():
            if total <= KEPT_BYTES:
                return
            total -= bytes_
            del self.remembered[recipe]


def size(training: Training) -> float:
    """About how many bytes it keeps."""
    snapshots = [item for item in training.items if isinstance(item, Snapshot)]
    text = sum(len(own.text) for own in (training.recipe.pasted, training.recipe.model) if own)
    text += sum(len(item.text) for item in training.items if isinstance(item, RunText)) + len(training.written[1])
    arrays = [array for snapshot in snapshots for array in vars(snapshot).values() if array is not None]
    return LEAST_BYTES + text + sum(array.nbytes for array in arrays)


class FarJob(Job):
    """A Job on any executor: `future` is what that gave for it."""

    future: Future[Any]

    def stop(self) -> None:
        """What has been begun may go on where it runs, but nobody waits for it any more."""
        super().stop()
        self.future.cancel()

    def hear(self, index: int, item: Any) -> None:
        """One thing that it tells while it runs. A worker that takes over from one that died begins again."""
        with self.changed:
            if index == len(self.items) and not (self.stopped or self.done()):
                self.tell(item)

    def answer(self, future: Future[Any]) -> None:
        try:
            items, result = future.result()
            with self.changed:
                self.tell(*items[len(self.items) :])
            self.set_result(result)
        except CancelledError:
            self.set_result(None) if self.stopped else self.set_exception(WorkerDied("the cluster gave this job up"))
        except Exception as failure:
            self.set_exception(failure)


def submit(executor: Executor, function: Callable[..., Any], *args: Any, behind: bool = False) -> Job:
    """A Job on any executor. Where the executor cannot stream, the items come all at once at the end.

    On a cluster a map's cells do: nobody waits for one of them.

    `behind`: after all that somebody waits for, where the executor can do that.
    """
    begin: Callable[..., Any] = getattr(executor, "submit_behind", executor.submit) if behind else executor.submit
    if isinstance(executor, WorkerPool):
        return begin(function, *args)
    job = FarJob(function, args, {})
    job.set_running_or_notify_cancel()
    if isinstance(executor, cluster.Cluster) and not behind:
        job.future = executor.stream(job.hear, tasks.collect, function, *args)
    else:
        job.future = begin(tasks.collect, function, *args)
    job.future.add_done_callback(job.answer)
    return job


def workers_of(executor: Executor) -> int:
    """How many jobs it does at a time. A plain executor does not say."""
    return getattr(executor, "size", 2)


def release(job: Job) -> None:
    """Let go of the data of a training that nobody holds any more."""
    job.stopped = True  # a worker that has not begun it will not
    job.call = (object, (), {})
    job.items.clear()


@dataclass(frozen=True)
class Compiled:
    """The compiled model of a map, which a worker keeps beside the graphs of single runs."""

    model: Settings


def structure(function: Callable[..., Any], args: tuple[Any, ...]) -> Hashable:
    """What a worker keeps warm: the traced graph of a recipe, or a map's compiled model."""
    args = args[1:] if function is tasks.measure else args  # the first is what shall measure
    if args and isinstance(args[0], Grid):
        grid, batch, _, compiled = args
        return Compiled(model_of(grid.settings(*batch[0]))) if compiled else grid.recipe(*batch[0]).structure()
    return args[0].structure() if args and isinstance(args[0], Recipe) else None


@Once
def shared() -> Laboratory:
    """The laboratory of this process: on a cluster where one is named, else on workers that start on first use.

    Raises BadInput where the cluster cannot be reached.
    """
    if address := cluster.wanted():
        return Laboratory(cluster.connect(address))
    return Laboratory(WorkerPool(affinity=structure, keeps=GRAPHS_KEPT))
