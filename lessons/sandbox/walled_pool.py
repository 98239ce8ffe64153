"""The walled pool: an executor over walled processes, for code from strangers. The server side.

It gives every job limits and ends the process of a job that breaks one. A spare process, warm, takes the next job while
another is started; no job that had begun is tried again, for it can be what ended its process.

Learners share the processes: whoever has had less of them lately comes first, and one process is kept for those who
have had little, so that nobody waits long behind somebody who fills the queue, brings processes down or holds them.
"""

from __future__ import annotations

import builtins
import contextlib
import math
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lessons.recipe.bad_input import BadInput
from lessons.recipe.once import Once
from lessons.sandbox import confinement, messages
from lessons.sandbox.confinement import LESSONS, mapped
from lessons.sandbox.fewer_walls import FEWER_WALLS, fewer_walls_allowed
from lessons.workers.capacity import default_size, memory
from lessons.workers.forking import Process, bare_environment, start
from lessons.workers.job import Job, WorkerDied
from lessons.workers.pool import Worker, WorkerPool

GRACE = 0.3  # seconds that a job has to end by itself when it is stopped
AT_ONCE = 2  # jobs of one learner: one that runs and one that waits
ROOMY = 3e9  # bytes that a machine should have for a process that only stands by
SHARE = 15.0  # seconds of the processes that a learner may have had lately without standing back for others
FORGOTTEN = 300.0  # seconds after which half of what a learner has had counts no more
LOOK = 0.25  # seconds between two looks at what the processes use
MOST_THREADS = 256  # beyond those that TensorFlow has when it is warm
ROUNDING = 2.0  # seconds of computing that the kernel's own limit, of whole seconds, may let pass
AT_REST = 1.0  # seconds of computing that are too many for a process that has no job
WORN = 0.5  # share of the memory it may take that a process may keep after a job
LOAD = "lessons.server.walled_tasks.load"
WARM = "lessons.server.walled_tasks.warm_up"
KINDS = ("begun", "item", "done", "failed")
OUT_OF_TURN = "it answered out of turn"
LONGEST_FAILURE = 2000  # letters


class Overrun(RuntimeError):
    """The job was ended because it broke a limit. `str()` is one sentence that names it."""


class Busy(RuntimeError):
    """This learner has a job that runs and one that waits."""


@dataclass(frozen=True)
class Limits:
    """What one job may use."""

    waiting: float = 30.0  # seconds on the clock
    computing: float = 20.0  # seconds of the processor, rounded up to whole ones
    memory: float = 2e9  # bytes of address space beyond what is mapped once TensorFlow is warm


class Shares:
    """For how many seconds each learner has had a process lately."""

    def __init__(self):
        self.had: dict[Hashable, tuple[float, float]] = {}  # seconds, and when that was so

    def of(self, who: Hashable) -> float:
        seconds, then = self.had.get(who, (0.0, 0.0))
        return seconds * 0.5 ** ((time.monotonic() - then) / FORGOTTEN)

    def mean(self) -> float:
        return sum(map(self.of, self.had)) / max(1, len(self.had))

    def add(self, who: Hashable, seconds: float) -> None:
        self.had[who] = self.of(who) + seconds, time.monotonic()
        self.had = {who: had for who, had in self.had.items() if self.of(who) > 0.1}


class WalledPool(WorkerPool):
    """An executor of which `size` processes work at once, and `spares` more stand by.

    Without Landlock or seccomp it does no jobs (OutOfOrder), unless it may have `fewer_walls`; the environment says so.

    `warm` names a function, as `module.function`, that each process calls before its walls are raised. Only what lies
    below `readable` can be imported later, beside Python's own packages.
    """

    def __init__(
        self,
        size: int | None = None,
        spares: int = 1,
        limits: Limits = Limits(),
        warm: str = "",
        readable: Sequence[Path] = (LESSONS,),
        fewer_walls: bool | None = None,
    ):
        self.working = size or default_size()
        super().__init__(self.working + spares)
        self.limits, self.warming_up, self.readable = limits, warm, readable
        self.loading = LOAD if warm == WARM else ""
        self.fewer_walls = fewer_walls_allowed() if fewer_walls is None else fewer_walls
        self.shares, self.share = Shares(), SHARE
        if not self.fewer_walls and (lacking := confinement.lacking()):
            self.trouble = (
                f"what strangers bring is not run or read here, because this system has no {' and no '.join(lacking)}; "
                f"where only its owner can reach the server, {FEWER_WALLS}=1 lets it run"
            )

    def start(self) -> None:
        """Start the processes, unless this system lacks a wall (`trouble`)."""
        with self.changed:
            if self.workers or self.trouble or self.closed:
                return
            super().start()
        threading.Thread(target=self._look_after, daemon=True, name="walled_pool").start()

    def hire(self, index: int) -> WalledWorker:
        return WalledWorker(self, index)

    def submit(self, fn: Callable, /, *args, who: Hashable = None, **kwargs) -> Job:
        """The job of `fn`, which may answer with plain values and arrays of numbers only (`lessons.sandbox.messages`).

        Raises Busy when `who` has two jobs here already; None may have any number.
        """
        with self.changed:
            if who is not None and sum(job.who == who for job in self.unfinished()) >= AT_ONCE:
                raise Busy("two of yours run or wait already: try again when the first is done")
            return self.enqueue(Job(fn, args, kwargs, who=who))

    def unfinished(self) -> list[Job]:
        """The jobs that wait and those under way."""
        jobs = {*self.queue, *(walled_worker.job for walled_worker in self.workers if walled_worker.job)}
        return [job for job in jobs if not job.done()]

    @property
    def walls(self) -> list[str]:
        """The walls around the processes, in words; none before one is ready."""
        return next((walled_worker.greeting for walled_worker in self.workers if walled_worker.ready), [])

    def next_job(self, worker: WalledWorker) -> Job | None:
        """What this process is given next; None where nothing is left for it."""
        with self.changed:
            job = super().next_job(worker)
            worker.since = time.monotonic()
            return job

    def _choice(self, worker: WalledWorker) -> Job | None:
        """The oldest job of whoever has had least; nobody has two jobs running.

        Who has had more than a share leaves a process to others, where there are any, and does not count where one of
        those comes.
        """
        running = [walled_worker for walled_worker in self.workers if walled_worker.job]
        served = {walled_worker.job.who for walled_worker in running} - {None}
        allowed = [job for job in self.queue if job.who not in served]
        job = min(allowed, key=lambda job: self.shares.of(job.who), default=None)
        if job and self._has_had_enough(job.who):
            alone = len(self.workers) == 1 or self.shares.had.keys() <= {job.who}
            free = alone or any(other.idle for other in self.workers if other is not worker)
            return job if free and len(running) < self.working else None
        others = [
            walled_worker
            for walled_worker in running
            if not self._has_had_enough(walled_worker.job.who, walled_worker.held)
        ]
        return job if len(others) < self.working else None

    def _has_had_enough(self, who: Hashable, held: float = 0.0) -> bool:
        """More than a share, and than half of what learners have had on average. `held`: by a job that runs."""
        return who is not None and self.shares.of(who) + held > max(self.share, self.shares.mean() / 2)

    def _look_after(self) -> None:
        """Have every process looked at, as long as there are any."""
        while not (self.closed or self.trouble):
            for walled_worker in self.workers:
                walled_worker.look_after()
            with self.changed:
                if self.queue:  # somebody may have had their share by now
                    self.changed.notify_all()
            time.sleep(LOOK)


class WalledWorker(Worker):
    """One walled process and the thread that feeds it. It believes nothing that the process says."""

    pool: WalledPool

    def __init__(self, pool: WalledPool, index: int):
        super().__init__(pool, index)
        # What was written before it was given a job cannot be the answer to that job.
        self.numbers = iter(lambda: secrets.randbits(48), None)
        self.since = self.took = 0.0  # when its job was begun; how long its start took
        self.rested = math.inf  # what it had computed when it last began or ended a job
        self.threads = 0  # when it was warm

    @property
    def held(self) -> float:
        """Seconds that its job has had it."""
        return time.monotonic() - self.since

    def stop(self, job: Job) -> None:
        """Ask for an end, and after GRACE seconds end the process."""
        timer = threading.Timer(GRACE, self._end, [job])
        timer.daemon = True
        timer.start()
        super().stop(job)

    def _open(self) -> Process:
        limits = self.pool.limits
        said = [self.pool.warming_up, limits.computing, limits.memory, int(self.pool.fewer_walls), *self.pool.readable]
        process = start(
            "lessons.sandbox.walled_worker",
            *map(str, said),
            environment=bare_environment(),
            folder="/",
            session=True,
            load=self.pool.loading,
        )
        self.reader = messages.Reader(process.stdout)
        return process

    def _start(self) -> bool:
        self.rested, self.since = math.inf, time.monotonic()
        started = super()._start()
        self.mapped, self.took = self._mapped(), self.held
        used = usage(self.process.pid) if started else None
        if used:
            self.rested, self.threads = used
        return started

    def _do(self, job: Job) -> None:
        self.begun, self.verdict, self.since = False, None, time.monotonic()
        self._rest()
        limit = self.pool.limits.waiting
        timer = threading.Timer(limit, self._end, [job, Overrun(f"stopped after {limit:g} s")])
        timer.daemon = True
        timer.start()
        try:
            super()._do(job)
        finally:
            timer.cancel()
            self._rest()
        if job.who is not None:  # whoever brings a process down has had the next one's start, too
            with self.pool.changed:
                self.pool.shares.add(job.who, self.held + (0.0 if self._alive() else self.took))
        worn = self._mapped() - self.mapped > WORN * self.pool.limits.memory
        if worn or (self.begun and getattr(job.call[0], "ends_process", False)):
            self._kill()
            self.process.wait()  # else it could be given one more job

    def _hear(self, job: Job) -> tuple[bool, object]:
        self.reader.renew()
        try:
            self._answers(job)
            self.begun = True
            while True:
                kind, content = self._answers(job)
                if kind == "failed":
                    return True, self._remade(content)
                function, args, _ = job.call
                if kind == "done":
                    self._believe(getattr(function, "may_return", None), content)
                    return False, content
                self._believe(getattr(function, "may_yield", None), content, job.items, *args)
                job.tell(content)
        except (messages.TooLong, messages.Malformed) as failure:
            verdict = Overrun(str(failure)) if isinstance(failure, messages.TooLong) else WorkerDied(str(failure))
            # What was written before the job began is another's doing: this job is done elsewhere.
            self._end(job, verdict if self.begun else None)
        raise EOFError

    def _answers(self, job: Job) -> tuple[str, object]:
        """The next message, which is about this job: its kind and content. The first says that it has begun."""
        kind, number, content = self._receive()
        ours = type(number) is int and number == job.number
        if not ours or kind not in KINDS or (kind == "begun") is self.begun:
            raise messages.Malformed(OUT_OF_TURN)
        return kind, content

    def _believe(self, form: Callable[..., bool] | None, *answer) -> None:
        """Raises Malformed where a task's answer is not in the form that it has declared."""
        if form and not form(*answer):
            raise messages.Malformed("its answer cannot be read")

    def _receive(self) -> tuple:
        message = self.reader.read()
        if not (isinstance(message, tuple) and len(message) == 3 and isinstance(message[0], str)):
            raise messages.Malformed(OUT_OF_TURN)
        return message

    def _remade(self, failure: object) -> Exception:
        """The exception whose name and text were told."""
        if not (isinstance(failure, tuple) and len(failure) == 2 and all(isinstance(word, str) for word in failure)):
            raise messages.Malformed("it failed and did not tell how")
        name, text = failure[0], failure[1][:LONGEST_FAILURE]
        if name == "MemoryError" or text.startswith("ResourceExhaustedError"):
            return Overrun(f"it asked for more than {self.pool.limits.memory / 1e9:.3g} GB of memory")
        kind = BadInput if name == BadInput.__name__ else getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            with contextlib.suppress(TypeError):  # some take more than a text
                return kind(text)
        return RuntimeError(f"{name}: {text}")

    def _lost(self, job: Job) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):  # its pipe closes a moment before it ends
            self.process.wait(GRACE)
        super()._lost(job)

    def _may_retry(self, job: Job) -> bool:
        return not (self.begun or self.verdict) and job.attempts <= len(self.pool.workers)

    def _cause(self) -> Exception:
        if self.verdict:
            return self.verdict
        if self.process.returncode == -getattr(signal, "SIGXCPU", 0):
            return Overrun(f"stopped after {self.pool.limits.computing:g} s of computing")
        return WorkerDied(f"it brought down the process that it ran in ({self._ending()})")

    def _end(self, job: Job, verdict: Exception | None = None) -> None:
        """End the process if it still does this job."""
        with self.pool.changed:
            if self.job is job and not job.done():
                self.verdict = self.verdict or verdict
                self._kill()

    def _rest(self) -> None:
        used = usage(self.process.pid)
        self.rested = used[0] if used else math.inf

    def look_after(self) -> None:
        """End the process if it computes, or has threads, beyond what it may: it could lift its own limits."""
        with self.pool.changed:
            used = usage(self.process.pid) if self.ready else None
            if not used:
                return
            computed, threads = used[0] - self.rested, used[1] - self.threads
            limit = self.pool.limits.computing
            if self.job and threads > MOST_THREADS:
                self._end(self.job, Overrun(f"it started more than {MOST_THREADS} threads"))
            elif self.job and self.begun and computed > limit + ROUNDING:
                self._end(self.job, Overrun(f"stopped after {limit:g} s of computing"))
            elif not self.job and (threads > MOST_THREADS or computed > AT_REST):
                self._kill()

    def _kill(self) -> None:
        """End the process and whatever it may have started."""
        if self._alive() and hasattr(os, "killpg"):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def _mapped(self) -> int:
        """Bytes of address space that the process has; 0 where the system does not tell."""
        try:
            return mapped(Path(f"/proc/{self.process.pid}/statm").read_bytes())
        except (OSError, IndexError):  # no Linux, or it is gone
            return 0


def usage(pid: int) -> tuple[float, int] | None:
    """Seconds that a process has computed and how many threads it has; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # no Linux, or it is gone
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[17])


@Once
def shared() -> WalledPool:
    """The walled pool of this server: half of the processors at most, and one in reserve where memory allows."""
    return WalledPool(max(1, default_size() // 2), spares=int(memory() > ROOMY), warm=WARM)
