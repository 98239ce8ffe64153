"""The trainings of a server: equal settings train once, however many learners ask."""

from __future__ import annotations

import functools
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from weakref import WeakValueDictionary

from lessons import cluster, jobs
from lessons.atlas import Plan, model_of
from lessons.data import extent, training_batch
from lessons.doctor import orders, ward
from lessons.doctor.orders import Pasted
from lessons.pool import Job, WorkerDied, WorkerPool
from lessons.run import Closing, Opening, Run, Snapshot
from lessons.settings import Settings
from lessons.survey import Survey
from lessons.table import Table

KEPT_CELLS = 40_000  # of finished maps, together: about 10 MB
BATCH_SECONDS = 0.1  # after which a worker of ours puts a map away, so that a click can go first
FAR_BATCH_SECONDS = 0.5  # on a cluster a job costs 11 ms and its workers are many
KEPT_BYTES = 48e6  # finished runs that are remembered, together
ABSENT_AFTER = 3.0  # seconds after which a watcher who has not asked again counts as gone


class Training:
    """One training and those who watch it."""

    def __init__(self, settings: Settings, job: Job, pasted: Pasted | None = None, table: Table | None = None):
        self.settings, self.job, self.pasted, self.table = settings, job, pasted, table
        self.watchers: dict[Hashable, float] = {}
        self._gathered: tuple[int, Run | None] = (0, None)

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
    def items(self) -> list[Opening | Snapshot | Closing]:
        """What the training has told so far."""
        items = list(self.job.items)
        return [orders.told(item) for item in items] if self.pasted else items

    def run(self) -> Run | None:
        """The run as far as it is trained; None before the first epoch."""
        items = self.items
        if not any(isinstance(item, Snapshot) for item in items):
            return None
        if self._gathered[0] != len(items):
            settings = self.table.fit(self.settings) if self.table else self.settings
            self._gathered = len(items), Run.gather(settings, training_batch(settings, self.table), items)
        return self._gathered[1]

    def watch(self, who: Hashable) -> None:
        self.watchers[who] = time.monotonic()

    def leave(self, who: Hashable) -> None:
        """Stop watching; the last to leave stops the training."""
        self.watchers.pop(who, None)
        recent = time.monotonic() - ABSENT_AFTER
        if not any(seen > recent for seen in self.watchers.values()):
            self.job.stop()

    def halted(self) -> Training:
        """This training as far as it is now, for one who has stopped it.

        Its worker tells a little more, and for others it may go on.
        """
        job = Job(*self.job.call)
        job.tell(*self.job.items)
        job.stop()
        return Training(self.settings, job, self.pasted, self.table)


class Laboratory:
    """Trains settings on an executor and remembers the runs."""

    def __init__(self, executor: Executor):
        self.executor = executor
        self.trainings: OrderedDict[tuple[Settings, Pasted | None], Training] = OrderedDict()
        # On own data: a training goes when the last session that shows it does, and its key, with the data, goes too.
        self.private: WeakValueDictionary[tuple[Settings, Pasted | None, Table], Training] = WeakValueDictionary()
        self.surveys: OrderedDict[Plan, Survey] = OrderedDict()
        self.measurements: dict[tuple, Job] = {}
        self.lock = threading.Lock()

    def train(
        self,
        settings: Settings,
        who: Hashable,
        pasted: Pasted | None = None,
        table: Table | None = None,
        learner: Hashable = None,
    ) -> Training:
        """The training of these settings, watched by `who`: one under way, one remembered, or a new one.

        With a `pasted` loss it runs behind the walls of the ward, on the account of `learner`, who may watch from
        several places; left out, of `who`. Raises Busy. With a `table` it is trained on that,
        and remembered only as long as somebody holds it.
        """
        with self.lock:
            kept = self.private if table else self.trainings
            key = (settings, pasted, table) if table else (settings, pasted)
            training = kept.get(key)
            if training is None or training.job.stopped or training.failure:
                data = (table.fit(settings), table) if table else (settings,)
                if pasted:
                    job = ward.shared().submit(orders.train, pasted, *data, who=who if learner is None else learner)
                else:
                    job = submit(self.executor, jobs.train, *data)
                training = kept[key] = Training(settings, job, pasted, table)
                if table:
                    weakref.finalize(training, release, job).atexit = False
            if not table:
                self.trainings.move_to_end(key)
            training.watch(who)
            self._forget()
            return training

    def survey(self, plan: Plan, who: Hashable) -> Survey:
        """The map of this plan, watched by `who`: one under way, one remembered, or a new one.

        Ask again while you look: a watcher who has not asked for a while counts as gone.
        """
        with self.lock:
            survey = self.surveys.get(plan)
            if survey is None or survey.ended:
                survey = self.surveys[plan] = Survey(plan, self._hand_out, workers_of(self.executor))
            self.surveys.move_to_end(plan)
            survey.watch(who)
            self._forget_cells()
        survey.begin()
        return survey

    def _hand_out(self, plan: Plan, batch: list, compiled: bool) -> Job:
        """A batch of a map's cells as a job, which waits behind the clicks where the executor can do that."""
        seconds = BATCH_SECONDS if isinstance(self.executor, WorkerPool) else FAR_BATCH_SECONDS
        return submit(self.executor, jobs.survey, plan, tuple(batch), seconds, compiled, behind=True)

    def measure(self, function: Callable, *args) -> Job:
        """The job of an experiment: one for all who ask. What it raises is remembered too: it can be the point."""
        with self.lock:
            job = self.measurements.get((function, args))
            if job is None or (job.done() and isinstance(job.exception(), WorkerDied)):
                job = submit(self.executor, jobs.measure, function, *args)
                self.measurements[(function, args)] = job
            return job

    def prepare(self, *recipes: Settings) -> None:
        """Trace the graphs of these settings in the background, the first of them first."""
        if isinstance(self.executor, WorkerPool):
            for settings in reversed(recipes):
                self.executor.warm(jobs.trace, settings)

    def ready(self) -> bool:
        """Whether a worker can take a job."""
        return getattr(self.executor, "ready", lambda: True)()

    @property
    def trouble(self) -> str:
        """Why nothing is trained, in one sentence without its full stop; empty if it is."""
        return getattr(self.executor, "trouble", "")

    def traced(self, settings: Settings, table: Table | None = None) -> bool:
        """Whether these settings would start without tracing."""
        data = (table.fit(settings), table) if table else (settings,)
        return not isinstance(self.executor, WorkerPool) or self.executor.knows(jobs.train, *data)

    def _forget_cells(self) -> None:
        """Drop the oldest finished maps beyond KEPT_CELLS."""
        total = sum(survey.plan.runs for survey in self.surveys.values())
        for plan, survey in list(self.surveys.items())[:-1]:
            if total > KEPT_CELLS and survey.done:
                total -= plan.runs
                del self.surveys[plan]

    def _forget(self) -> None:
        """Drop the oldest finished runs beyond KEPT_BYTES."""
        sizes = {key: size(training) for key, training in self.trainings.items() if training.done}
        total = sum(sizes.values())
        for key, bytes_ in sizes.items():
            if total <= KEPT_BYTES:
                return
            total -= bytes_
            del self.trainings[key]


def size(training: Training) -> float:
    snapshots = [item for item in training.items if isinstance(item, Snapshot)]
    return sum(array.nbytes for snapshot in snapshots for array in vars(snapshot).values())


class FarJob(Job):
    """A Job on any executor: `future` is what that gave for it."""

    future: Future

    def stop(self) -> None:
        """What has been begun may go on where it runs, but nobody waits for it any more."""
        super().stop()
        self.future.cancel()

    def answer(self, future: Future) -> None:
        try:
            items, result = future.result()
            self.tell(*items)
            self.set_result(result)
        except CancelledError:
            self.set_result(None) if self.stopped else self.set_exception(WorkerDied("the cluster gave this job up"))
        except Exception as failure:
            self.set_exception(failure)


def submit(executor: Executor, function: Callable, *args, behind: bool = False) -> Job:
    """A Job on any executor. Where the executor cannot stream, the items come all at once at the end.

    `behind`: after all that somebody waits for, where the executor can do that.
    """
    begin = getattr(executor, "submit_behind", executor.submit) if behind else executor.submit
    if isinstance(executor, WorkerPool):
        return begin(function, *args)
    job = FarJob(function, args, {})
    job.set_running_or_notify_cancel()
    job.future = begin(jobs.collect, function, *args)
    job.future.add_done_callback(job.answer)
    return job


def workers_of(executor: Executor) -> int:
    """How many jobs it does at a time. A plain executor does not say."""
    return getattr(executor, "size", 2)


def release(job: Job) -> None:
    """Let go of the data of a training that nobody holds any more."""
    job.stopped = True  # a worker that has not begun it will not
    job.call = (None, (), {})
    job.items.clear()


@dataclass(frozen=True)
class Compiled:
    """The compiled model of a map, which a worker keeps beside the graphs of single runs."""

    model: Settings


def structure(function: Callable, args: tuple) -> Hashable:
    """What a worker keeps warm: the traced graph of the settings, and of the data's extent where they are one's own."""
    args = args[1:] if function is jobs.measure else args  # the first is what shall measure
    if args and isinstance(args[0], Plan):
        plan, batch, _, compiled = args
        settings = plan.settings(*batch[0])
        return Compiled(model_of(settings)) if compiled else settings.structure()
    if not args or not isinstance(args[0], Settings):
        return None
    graph = args[0].structure()
    return (graph, extent(*args)) if isinstance(args[-1], Table) else graph


@functools.cache
def shared() -> Laboratory:
    """The laboratory of this process: on a cluster where one is named, else on workers that start on first use.

    Raises BadInput where the cluster cannot be reached.
    """
    if address := cluster.wanted():
        return Laboratory(cluster.connect(address))
    return Laboratory(WorkerPool(affinity=structure, keeps=jobs.GRAPHS_KEPT))
