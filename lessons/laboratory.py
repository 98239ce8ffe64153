"""The trainings of a server: equal settings train once, however many learners ask."""

from __future__ import annotations

import functools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Executor

from lessons import jobs
from lessons.data import training_batch
from lessons.doctor import orders, ward
from lessons.doctor.orders import Pasted
from lessons.pool import Job, WorkerDied, WorkerPool
from lessons.run import Closing, Opening, Run, Snapshot
from lessons.settings import Settings

KEPT_BYTES = 48e6  # finished runs that are remembered, together
ABSENT_AFTER = 3.0  # seconds after which a watcher who has not asked again counts as gone


class Training:
    """One training and those who watch it."""

    def __init__(self, settings: Settings, job: Job, pasted: Pasted | None = None):
        self.settings, self.job, self.pasted = settings, job, pasted
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
            self._gathered = len(items), Run.gather(self.settings, training_batch(self.settings), items)
        return self._gathered[1]

    def watch(self, who: Hashable) -> None:
        self.watchers[who] = time.monotonic()

    def leave(self, who: Hashable) -> None:
        """Stop watching; the last to leave stops the training."""
        self.watchers.pop(who, None)
        recent = time.monotonic() - ABSENT_AFTER
        if not any(seen > recent for seen in self.watchers.values()):
            self.job.stop()


class Laboratory:
    """Trains settings on an executor and remembers the runs."""

    def __init__(self, executor: Executor):
        self.executor = executor
        self.trainings: OrderedDict[tuple[Settings, Pasted | None], Training] = OrderedDict()
        self.measurements: dict[tuple, Job] = {}
        self.lock = threading.Lock()

    def train(self, settings: Settings, who: Hashable, pasted: Pasted | None = None) -> Training:
        """The training of these settings, watched by `who`: one under way, one remembered, or a new one.

        With a `pasted` loss it runs behind the walls of the ward. Raises Busy.
        """
        with self.lock:
            key = settings, pasted
            training = self.trainings.get(key)
            if training is None or training.job.stopped or training.failure:
                if pasted:
                    job = ward.shared().submit(orders.train, pasted, settings, who=who)
                else:
                    job = submit(self.executor, jobs.train, settings)
                training = self.trainings[key] = Training(settings, job, pasted)
            self.trainings.move_to_end(key)
            training.watch(who)
            self._forget()
            return training

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
        return not isinstance(self.executor, WorkerPool) or self.executor.ready()

    def traced(self, settings: Settings) -> bool:
        """Whether these settings would start without tracing."""
        return not isinstance(self.executor, WorkerPool) or self.executor.knows(jobs.train, settings)

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


def submit(executor: Executor, function: Callable, *args) -> Job:
    """A Job on any executor. Where the executor cannot stream, the items come all at once at the end."""
    if isinstance(executor, WorkerPool):
        return executor.submit(function, *args)
    job = Job(function, args, {})
    job.set_running_or_notify_cancel()

    def pass_on(future) -> None:
        try:
            items, result = future.result()
            job.tell(*items)
            job.set_result(result)
        except (Exception, CancelledError) as failure:
            job.set_exception(failure)

    executor.submit(jobs.collect, function, *args).add_done_callback(pass_on)
    return job


def structure(_function: Callable, args: tuple) -> Hashable:
    """What a worker keeps warm: the traced graph of the settings."""
    return args[0].structure() if args and isinstance(args[0], Settings) else None


@functools.cache
def shared() -> Laboratory:
    """The laboratory of this process, over a pool of workers that starts on first use."""
    return Laboratory(WorkerPool(affinity=structure, keeps=jobs.GRAPHS_KEPT))
