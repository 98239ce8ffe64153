"""Workers with TensorFlow in processes of their own, behind one `concurrent.futures.Executor`."""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Executor
from typing import Any

from lessons.workers.capacity import default_size
from lessons.workers.forking import ROOT, Process, start
from lessons.workers.job import Job, OutOfOrder, WorkerDied

ATTEMPTS = 2  # a job whose worker died is tried once more
STARTS = 3  # a worker that cannot be started is not tried for ever: each attempt takes seconds of a processor
PATIENCE = 0.4  # seconds that a job may be overtaken by jobs whose graph this worker has traced
PATIENCE_BEHIND = 2.0  # the same for work in the background: about what it takes to compile a graph for a map
QUIET = 30.0  # seconds since somebody wanted something, before what can be done later begins
STARTING = 300.0  # seconds to get ready, far more than a busy machine needs; what hangs is given up for another
ENDING = 0.3  # seconds from a process' last word to its end
LOOK_AROUND = 1.0  # seconds between two looks of an idle worker's thread whether its process still lives


class WorkerPool(Executor):
    """An executor over `size` worker processes.

    `affinity(function, args)` names what a worker keeps warm for a job; it keeps the last `keeps` of each type.
    """

    def __init__(
        self, size: int | None = None, affinity: Callable[[Callable, tuple], Hashable] = lambda *_: None, keeps: int = 1
    ):
        self.size = size or default_size()
        self.affinity = affinity
        self.keeps = keeps
        # Whether a worker may begin to warm up. Asked often, and by any thread.
        self.may_warm: Callable[[], bool] = lambda: True
        self.queue: deque[Job] = deque()
        self.later: deque[Job] = deque()
        self.wanted = time.monotonic()  # when somebody asked for something last
        self.changed = threading.Condition()
        self.closed = False
        self.proven = False  # some worker has been ready once
        self.trouble = ""  # why it does no jobs, in one sentence without its full stop
        self.workers: list[Worker] = []

    def start(self) -> None:
        """Start the workers in the background. Called by the first `submit` too."""
        with self.changed:
            if not (self.workers or self.closed or self.trouble):
                self.workers = [self.hire(index) for index in range(self.size)]
                for worker in self.workers:
                    worker.thread.start()

    def hire(self, index: int) -> Worker:
        return Worker(self, index)

    def submit(self, fn: Callable, /, *args, **kwargs) -> Job:
        return self.enqueue(Job(fn, args, kwargs, self.affinity(fn, args)))

    def submit_behind(self, fn: Callable, /, *args) -> Job:
        """The same in the background: done when no other job waits, and not by all workers where it must trace."""
        return self.enqueue(Job(fn, args, {}, self.affinity(fn, args), background=True))

    def submit_ahead(self, fn: Callable, /, *args) -> Job:
        """The same before all others: what takes milliseconds, and a page waits for."""
        return self.enqueue(Job(fn, args, {}, self.affinity(fn, args)), ahead=True)

    def enqueue(self, job: Job, ahead: bool = False) -> Job:
        """The job, which has failed already by OutOfOrder where the pool does none."""
        self.start()
        with self.changed:
            self.wanted = time.monotonic()
            if self.closed:
                raise RuntimeError("the pool is shut down")
            if self.trouble:
                job.set_exception(OutOfOrder(self.trouble))
                return job
            self.queue.appendleft(job) if ahead else self.queue.append(job)
            self.changed.notify_all()
        return job

    def warm(self, fn: Callable, /, *args) -> None:
        """Have every worker that has not done so run this when it is idle. What is asked last comes first.

        None begins while a job waits, or while `may_warm` says no: nobody waits for a warm-up.
        """
        key = self.affinity(fn, args)
        self.start()
        with self.changed:
            self.wanted = time.monotonic()
            for worker in self.workers:
                if key not in worker.keys:
                    for job in [job for job in worker.warm if job.key == key]:
                        worker.warm.remove(job)
                    worker.warm.appendleft(Job(fn, args, {}, key, background=True))
            self.changed.notify_all()

    def do_later(self, fn: Callable, /, *args) -> Job:
        """Do it when nobody has wanted anything for a while, in one worker while another stays free.

        With one worker never: whoever came then would wait for it.
        """
        job = Job(fn, args, {}, background=True)
        with self.changed:
            self.later.append(job)
            self.changed.notify_all()
        return job

    def missed(self, worker: Worker, ending: str) -> None:
        """This worker could not be started. After some attempts it is given up, and with the last one the pool."""
        with self.changed:
            worker.misses += 1
            worker.retired = worker.misses >= STARTS
            if worker.retired and not (self.proven and any(not other.retired for other in self.workers)):
                self.give_up(
                    f"no process could be started for this: {STARTS} attempts failed, the last with {ending}; "
                    "the server's log says more"
                )

    def give_up(self, trouble: str) -> None:
        """Do no more jobs. Those that wait fail by OutOfOrder."""
        with self.changed:
            self.trouble, left = trouble, [*self.queue]
            self.queue.clear()
            self.changed.notify_all()
        for job in left:
            if job.running() or job.set_running_or_notify_cancel():
                job.set_exception(OutOfOrder(trouble))

    def ready(self) -> bool:
        """Whether some worker can take a job."""
        return any(worker.ready for worker in self.workers)

    def knows(self, fn: Callable, /, *args) -> bool:
        """Whether some worker has done the like before, so that it will not have to trace."""
        key = self.affinity(fn, args)
        return any(key in worker.keys for worker in self.workers)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self.changed:
            self.closed = True
            left = list(self.queue) if cancel_futures else []
            self.changed.notify_all()
        for job in left:
            job.cancel()
        if not wait:
            return
        for worker in self.workers:
            worker.thread.join(timeout=10)

    def next_job(self, worker: Worker) -> Job | None:
        """The job this worker should do now; None after a while without one."""
        with self.changed:
            self.changed.wait_for(
                lambda: self._choice(worker) or self.trouble or (self.closed and not self.queue), LOOK_AROUND
            )
            job = self._choice(worker)
            if job in self.queue:
                self.queue.remove(job)
            elif job:
                (worker.warm if job in worker.warm else self.later).remove(job)
            worker.job = job
            return job

    def release(self, worker: Worker) -> None:
        """This worker is through with its job."""
        with self.changed:
            worker.job = None
            self.changed.notify_all()

    def put_back(self, job: Job) -> None:
        with self.changed:
            self.queue.appendleft(job)
            self.changed.notify_all()

    def _choice(self, worker: Worker) -> Job | None:
        """Oldest first, but a job waits a little for a worker that has its graph; background work only when idle."""
        urgent = [job for job in self.queue if not job.background]
        if urgent:
            head = urgent[0]
            if time.monotonic() - head.asked > PATIENCE:
                return head
            known = next((job for job in urgent if job.key in worker.keys), None)
            elsewhere = any(other.idle and head.key in other.keys for other in self.workers if other is not worker)
            return known or (None if elsewhere else head)
        return self._choice_behind(worker)

    def _choice_behind(self, worker: Worker) -> Job | None:
        """A job that this worker has the graph of; else one to trace, if a worker stays free of tracing for a click."""
        behind = [job for job in self.queue if job.background]
        free = sum(other.tracing for other in self.workers) < max(1, self.size - 1)
        if behind and time.monotonic() - behind[0].asked > PATIENCE_BEHIND and (free or behind[0].key in worker.keys):
            return behind[0]
        known = next((job for job in behind if job.key in worker.keys), None)
        if known or not free:
            return known
        elsewhere = {key for other in self.workers for key in (*other.keys, other.job and other.job.key)}
        quiet = self.size > 1 and time.monotonic() - self.wanted > QUIET
        ahead = [*worker.warm] or ([*self.later] if quiet else [])
        candidates = behind or (ahead if ahead and self.may_warm() else [])
        return next((job for job in candidates if job.key not in elsewhere), next(iter(candidates), None))


class Worker:
    """One process and the thread that feeds it."""

    def __init__(self, pool: WorkerPool, index: int):
        self.pool, self.index = pool, index
        self.keys: list[Hashable] = []  # what it keeps warm, the latest last
        self.warm: deque[Job] = deque(maxlen=pool.keeps)  # it could not keep more warm; the oldest wish goes
        self.job: Job | None = None  # what it is doing
        self.ready = False
        self.misses = 0  # attempts in a row to start it
        self.retired = False  # it is not tried any more
        self.greeting = None  # what the process said of itself when it was ready
        self.process: Process | None = None
        self.sending = threading.Lock()
        self.numbers: Iterator[int] = itertools.count()
        self.thread = threading.Thread(target=self._serve, daemon=True, name=f"worker-{index}")

    @property
    def idle(self) -> bool:
        return self.ready and self.job is None

    @property
    def tracing(self) -> bool:
        """Whether it traces a graph in the background."""
        return self.job is not None and self.job.background and self.job.key not in self.keys

    def remember(self, key: Hashable) -> None:
        """The process has done a job of this key, and keeps as many of its type as the pool says."""
        if key is None:
            return
        if key in self.keys:
            self.keys.remove(key)
        self.keys.append(key)
        alike = [kept for kept in self.keys if type(kept) is type(key)]
        if len(alike) > self.pool.keeps:
            self.keys.remove(alike[0])

    def stop(self, job: Job) -> None:
        try:
            self._send("stop", job.number)
        except (OSError, ValueError):
            pass  # the process is gone, its pipe broken or closed already: its thread sees to it

    def _serve(self) -> None:
        while not (self.retired or self.pool.trouble) and (self.pool.queue or not self.pool.closed):
            if self._alive() or self._start():
                job = self.pool.next_job(self)
                if job and (job.running() or job.set_running_or_notify_cancel()):
                    self._do(job)
                self.pool.release(self)
        self._bury()

    def _alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _start(self) -> bool:
        """Start the process and wait until it is ready.

        The first worker goes alone, up to its first graph: two imports at once delay the page and the first click.
        """
        self.ready = False
        self.keys.clear()
        first = self.pool.workers[0]
        while not (self is first or first.retired or self.pool.closed or self.pool.trouble) and not (
            first.ready and (first.keys or not first.warm)
        ):
            time.sleep(0.05)
        if self.pool.trouble:
            return False
        self._bury()
        try:
            self.process = self._open()
            self.greeting = self._greeted()
        except (EOFError, OSError) as failure:
            if not self.pool.closed:
                self.pool.missed(self, self._ending() if isinstance(failure, EOFError) else str(failure))
                time.sleep(LOOK_AROUND)  # it cannot start: try again, but not in a spin
            return False
        self.misses, self.pool.proven, self.ready = 0, True, True
        return True

    def _greeted(self) -> Any:
        """What the new process says of itself when it is ready. It is ended where that takes longer than STARTING."""
        alarm = threading.Timer(STARTING, self.process.kill)
        alarm.daemon = True
        alarm.start()
        try:
            return self._receive()[2]
        finally:
            alarm.cancel()

    def _ending(self) -> str:
        """How the process ended, which has closed its pipe."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDING)
        code = self.process.poll()
        if code is None:
            return "no answer"
        if code >= 0:
            return f"exit code {code}"
        return signal.Signals(-code).name if -code in {*signal.Signals} else f"signal {-code}"  # some have no name

    def _bury(self) -> None:
        """End the process, if there is one, and close its pipes."""
        if self.process:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                with contextlib.suppress(OSError):  # what was not yet sent has nobody to go to
                    pipe.close()

    def _open(self) -> Process:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        return start("lessons.workers.worker", environment={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})

    def _do(self, job: Job) -> None:
        job.attempts += 1
        job.number, job.worker = next(self.numbers), self
        if job.stopped:  # between two attempts, when no worker could be told
            job.set_result(None)
            return
        try:
            self._send("job", job.number, *job.call)
            failed, content = self._hear(job)
        except (EOFError, OSError):
            self._lost(job)
            return
        except Exception as failure:  # it cannot be pickled: the caller's fault, told to the caller
            job.set_exception(failure)
            return
        self.remember(job.key)
        job.set_exception(content) if failed else job.set_result(content)

    def _hear(self, job: Job) -> tuple[bool, Any]:
        """What the process answers: (whether it failed, result or exception)."""
        while True:
            kind, _, content = self._receive()
            if kind != "item":
                return kind == "failed", content
            job.tell(content)

    def _lost(self, job: Job) -> None:
        """The process died under this job."""
        self.process.kill()
        self.process.wait()
        self.ready = False
        if job.stopped:
            job.set_result(None)
        elif self._may_retry(job):
            with job.changed:
                job.items.clear()
            self.pool.put_back(job)
        else:
            job.set_exception(self._cause())

    def _may_retry(self, job: Job) -> bool:
        return job.attempts < ATTEMPTS

    def _cause(self) -> Exception:
        """Why the job is given up, once its process is gone."""
        return WorkerDied("the worker process ended in the middle of this training, twice")

    def _receive(self) -> tuple:
        """The next message of the process: its kind, the number of the job, the content."""
        return pickle.load(self.process.stdout)

    def _send(self, *message) -> None:
        content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        with self.sending:
            self.process.stdin.write(content)
            self.process.stdin.flush()
