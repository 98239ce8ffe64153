"""Which claims have been measured on this server, and by whom they were asked for. One result serves every learner."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Hashable, Iterable
from concurrent.futures import CancelledError, Executor, Future
from typing import Any

from lessons.claims import CLAIMS
from lessons.claims.claim import Outcome
from lessons.recipe.once import Once
from lessons.recipe.recipe import Recipe
from lessons.recipe.words import first_line
from lessons.server import laboratory, tasks
from lessons.workers.job import Job
from lessons.workers.pool import WorkerPool


class Verification:
    """Measures claims on an executor, a few at a time: jobs for all in its queue would keep lessons waiting."""

    def __init__(self, executor: Executor, at_once: int | None = None):
        self.executor = executor
        self.at_once = at_once or free_for_claims(executor)
        self.outcomes: dict[int, Outcome] = {}
        self.failures: dict[int, str] = {}
        self.when: dict[int, float] = {}  # seconds since the epoch at which each outcome came
        self.running: dict[int, Job] = {}
        self.waiting: dict[int, set[Hashable]] = {}  # in their order, with those who asked
        self.lock = threading.RLock()  # a job may be done before submit has returned

    def ask(self, ids: Iterable[int], who: Hashable, first: bool = False) -> None:
        """Have these measured, now or in their turn. `first`: before what is waiting."""
        with self.lock:
            asked = {id: self.waiting.get(id, set()) | {who} for id in ids if id not in self.running}
            rest = {id: askers for id, askers in self.waiting.items() if id not in asked}
            self.waiting = asked | rest if first else rest | asked
            self._feed()

    def measure_in_idle_time(self, ids: Iterable[int]) -> None:
        """Measure these too, one after the other, whenever nobody has wanted anything of the workers for a while."""
        if isinstance(self.executor, WorkerPool):
            for number in ids:
                job = self.executor.do_later(tasks.claim, number)
                job.add_done_callback(functools.partial(self._came, number))

    def stop(self, who: Hashable) -> None:
        """Give up what waits for this learner alone. What is being measured takes a second more and is kept."""
        with self.lock:
            for askers in self.waiting.values():
                askers.discard(who)
            self.waiting = {id: askers for id, askers in self.waiting.items() if askers}

    def waits_for(self, who: Hashable) -> bool:
        with self.lock:
            return any(who in askers for askers in self.waiting.values())

    @property
    def busy(self) -> bool:
        return bool(self.waiting or self.running)

    def state(self) -> tuple[object, ...]:
        """Equal as long as a page has nothing new to show."""
        with self.lock:
            return tuple(self.waiting), tuple(self.running), tuple(map(id, self.outcomes.values())), len(self.failures)

    def _feed(self) -> None:
        while self.waiting and len(self.running) < self.at_once:
            number = next(iter(self.waiting))
            del self.waiting[number]
            try:
                job = laboratory.submit(self.executor, tasks.claim, number)
            except RuntimeError:  # the server is going down
                self.waiting.clear()
                return
            self.running[number] = job
            job.add_done_callback(functools.partial(self._done, number))

    def _done(self, number: int, job: Future[Any]) -> None:
        with self.lock:
            del self.running[number]
            self._came(number, job)
            self._feed()

    def _came(self, number: int, job: Future[Any]) -> None:
        """Keep what a job has measured, or why it could not."""
        with self.lock:
            try:
                self.outcomes[number] = job.result()
                self.when[number] = time.time()
                self.failures.pop(number, None)
            except CancelledError:  # the server is going down
                pass
            except Exception as failure:
                self.failures[number] = first_line(failure)


def free_for_claims(executor: Executor) -> int:
    """How many claims are measured at once: one worker stays free for lessons where there is more than one."""
    return max(1, executor.size - 1) if isinstance(executor, WorkerPool) else 1


@Once
def shared() -> Verification:
    """The verification of this process, on the workers that train its lessons."""
    return Verification(laboratory.shared().executor)


def begin(recipes: Iterable[Recipe]) -> None:
    """Start the workers; in idle time they trace these recipes for this machine, and put the claims to the test."""
    laboratory.shared().start(recipes)
    shared().measure_in_idle_time(CLAIMS)
