"""The ward: an executor over walled processes, for code from strangers. The server side.

It gives every job limits and ends the process of a job that breaks one. A spare process, warm, takes the next job while
another is started; no job that had begun is tried again, for it can be what ended its process.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lessons.doctor.walls import wire
from lessons.doctor.walls.sandbox import LESSONS, mapped
from lessons.pool import ROOT, Job, Worker, WorkerDied, WorkerPool, default_size, memory
from lessons.worker import QUIET

GRACE = 0.3  # seconds that a job has to end by itself when it is stopped
AT_ONCE = 2  # jobs of one learner: one that runs and one that waits
ROOMY = 3e9  # bytes that a machine should have for a process that only stands by
WORN = 0.5  # share of the memory it may take that a process may keep after a job
WARM = "lessons.doctor.loss.examination.warm_up"
KINDS = ("begun", "item", "done", "failed")
OUT_OF_TURN = "it answered out of turn"
LONGEST_FAILURE = 2000  # letters

# All that a process sees of the environment. Keras would make itself a folder: below /dev/null nobody can.
ENVIRONMENT = {
    **QUIET,
    "PYTHONPATH": str(ROOT),
    "PYTHONSAFEPATH": "1",
    "PYTHONNOUSERSITE": "1",
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",
    "KERAS_HOME": "/dev/null/keras",
    "KERAS_BACKEND": "tensorflow",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",  # glibc would map 64 MB for each thread, which counts as memory
}
KEPT = ("LD_LIBRARY_PATH", "SYSTEMROOT")  # what some systems need to start Python at all


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


class Ward(WorkerPool):
    """An executor of which `size` processes work at once, and `spares` more stand by.

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
    ):
        self.working = size or default_size()
        super().__init__(self.working + spares)
        self.limits, self.warming_up, self.readable = limits, warm, readable
        self.served: Hashable = None  # whose job was begun last

    def hire(self, index: int) -> Bed:
        return Bed(self, index)

    def submit(self, fn: Callable, /, *args, who: Hashable = None, **kwargs) -> Job:
        """The job of `fn`, which may answer with plain values and arrays of numbers only (`lessons.doctor.walls.wire`).

        Raises Busy when `who` has two jobs here already; None may have any number.
        """
        with self.changed:
            if who is not None and sum(job.who == who for job in self.unfinished()) >= AT_ONCE:
                raise Busy("one of your examinations runs and one waits: try again when the first is done")
            return self.enqueue(Job(fn, args, kwargs, who=who))

    def unfinished(self) -> list[Job]:
        jobs = {*self.queue, *(bed.job for bed in self.workers if bed.job)}
        return [job for job in jobs if not job.done()]

    @property
    def walls(self) -> list[str]:
        """The walls around the processes, in words; none before one is ready."""
        return next((bed.greeting for bed in self.workers if bed.ready), [])

    def next_job(self, worker: Bed) -> Job | None:
        with self.changed:
            job = super().next_job(worker)
            self.served = job.who if job else self.served
            return job

    def _choice(self, worker: Bed) -> Job | None:
        """The oldest, but nobody has two jobs running, and whoever was served last comes after the others."""
        running = [bed.job for bed in self.workers if bed.job]
        if len(running) >= self.working:
            return None
        served = {job.who for job in running} - {None}
        allowed = [job for job in self.queue if job.who not in served]
        return min(allowed, key=lambda job: job.who == self.served, default=None)


class Bed(Worker):
    """One walled process and the thread that feeds it. It believes nothing that the process says."""

    pool: Ward

    def __init__(self, pool: Ward, index: int):
        super().__init__(pool, index)
        # What was written before it was given a job cannot be the answer to that job.
        self.numbers = iter(functools.partial(secrets.randbits, 48), None)

    def stop(self, job: Job) -> None:
        timer = threading.Timer(GRACE, self._end, [job])
        timer.daemon = True
        timer.start()
        super().stop(job)

    def _open(self) -> subprocess.Popen:
        limits = self.pool.limits
        said = [self.pool.warming_up, limits.computing, limits.memory, *self.pool.readable]
        process = subprocess.Popen(
            [sys.executable, "-m", "lessons.doctor.walls.bed", *map(str, said)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd="/",
            env={**ENVIRONMENT, **{name: os.environ[name] for name in KEPT if name in os.environ}},
            start_new_session=True,
        )
        self.reader = wire.Reader(process.stdout)
        return process

    def _start(self) -> bool:
        started = super()._start()
        self.mapped = self._mapped()
        return started

    def _do(self, job: Job) -> None:
        self.begun, self.verdict = False, None
        limit = self.pool.limits.waiting
        timer = threading.Timer(limit, self._end, [job, Overrun(f"stopped after {limit:g} s")])
        timer.daemon = True
        timer.start()
        try:
            super()._do(job)
        finally:
            timer.cancel()
        if self._mapped() - self.mapped > WORN * self.pool.limits.memory:
            self._kill()
            self.process.wait()  # else it could be given one more job

    def _hear(self, job: Job) -> tuple[bool, object]:
        self.reader.renew()
        try:
            self._answers(job)
            self.begun = True
            while True:
                kind, content = self._answers(job)
                if kind != "item":
                    return kind == "failed", self._remade(content) if kind == "failed" else content
                job.tell(content)
        except (wire.TooLong, wire.Malformed) as failure:
            verdict = Overrun(str(failure)) if isinstance(failure, wire.TooLong) else WorkerDied(str(failure))
            # What was written before the job began is another's doing: this job is done elsewhere.
            self._end(job, verdict if self.begun else None)
        raise EOFError

    def _answers(self, job: Job) -> tuple[str, object]:
        """The next message, which is about this job: its kind and content. The first says that it has begun."""
        kind, number, content = self._receive()
        ours = type(number) is int and number == job.number
        if not ours or kind not in KINDS or (kind == "begun") is self.begun:
            raise wire.Malformed(OUT_OF_TURN)
        return kind, content

    def _receive(self) -> tuple:
        message = self.reader.read()
        if not (isinstance(message, tuple) and len(message) == 3 and isinstance(message[0], str)):
            raise wire.Malformed(OUT_OF_TURN)
        return message

    def _remade(self, told: object) -> Exception:
        """The exception whose name and text were told."""
        if not (isinstance(told, tuple) and len(told) == 2 and all(isinstance(word, str) for word in told)):
            raise wire.Malformed("it failed and did not tell how")
        name, text = told[0], told[1][:LONGEST_FAILURE]
        if name == "MemoryError" or text.startswith("ResourceExhaustedError"):
            return Overrun(f"it asked for more than {self.pool.limits.memory / 1e9:.3g} GB of memory")
        kind = getattr(builtins, name, None)
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
        code = self.process.returncode
        if code == -getattr(signal, "SIGXCPU", 0):
            return Overrun(f"stopped after {self.pool.limits.computing:g} s of computing")
        ending = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return WorkerDied(f"it brought down the process that it ran in ({ending})")

    def _end(self, job: Job, verdict: Exception | None = None) -> None:
        """End the process if it still does this job."""
        with self.pool.changed:
            if self.job is job and not job.done():
                self.verdict = self.verdict or verdict
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


@functools.cache
def shared() -> Ward:
    """The ward of this server. Half of the processors at most, and one process that stands by where memory allows."""
    return Ward(max(1, default_size() // 2), spares=int(memory() > ROOMY), warm=WARM)
