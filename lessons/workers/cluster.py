"""A Dask cluster in place of worker processes of this machine: DASK_SCHEDULER_ADDRESS names its scheduler.

`distributed` is an extra (requirements-cluster.txt) and is imported only where a cluster is asked for. Its workers are
started in this folder, and need what requirements.txt names.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any
from uuid import uuid4

from lessons.recipe.bad_input import BadInput

ADDRESS = "DASK_SCHEDULER_ADDRESS"
ANSWERS_WITHIN = 5.0  # seconds that the scheduler is given
LISTENS = 2.0  # seconds that one request for what jobs tell stays open
FIRST, BEHIND = 1, 0  # Dask's priorities: a click goes before a map


class Cluster(Executor):
    """The cluster behind `client`. What a worker that dies was doing, the scheduler gives to another."""

    def __init__(self, client):
        from distributed import Queue

        self.client = client
        self.tasks = client.get_executor(pure=False)  # equal calls are not one call: a worker may have died
        self.told = Queue(f"unmasked-{uuid4().hex}", client=client)  # what jobs tell while they run
        self.hearing: dict[str, Callable[[int, Any], None]] = {}  # by job
        threading.Thread(target=self._listen, daemon=True, name="cluster").start()

    @property
    def size(self) -> int:
        """How many jobs it does at a time; workers come and go."""
        return max(1, sum(self.client.nthreads().values()))

    def ready(self) -> bool:
        """Whether some worker can take a job."""
        return bool(self.client.nthreads())

    def submit(self, fn: Callable, /, *args) -> Future:
        return self.tasks.submit(fn, *args, priority=FIRST)

    def submit_behind(self, fn: Callable, /, *args) -> Future:
        """The same for what can wait until no click does."""
        return self.tasks.submit(fn, *args, priority=BEHIND)

    def stream(self, hear: Callable[[int, Any], None], fn: Callable, *args) -> Future:
        """Submit `fn(*args, say=…)`: `hear(index, item)` is called with what it says, as long as the job runs."""
        job = uuid4().hex
        self.hearing[job] = hear
        future = self.submit(streamed, self.told.name, job, fn, *args)
        future.add_done_callback(lambda _: self.hearing.pop(job, None))
        return future

    def _listen(self) -> None:
        """Until the cluster is left. What is not heard comes with the job's result all the same."""
        while self.client.status == "running":
            try:
                job, index, item = self.told.get(timeout=LISTENS)
            except TimeoutError:
                continue
            except (OSError, RuntimeError):  # the connection is gone, or we are
                return
            if hear := self.hearing.get(job):
                hear(index, pickle.loads(item))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; it goes on without us."""
        self.tasks.shutdown(wait=wait and not cancel_futures)
        self.client.close()


def streamed(queue: str, job: str, fn: Callable, *args) -> Any:
    """Run by a worker of the cluster: `fn(*args, say=…)`, whose words go to the server's queue."""
    from distributed import Queue

    told = Queue(queue)
    return fn(*args, say=lambda index, item: told.put((job, index, pickle.dumps(item))))


def wanted() -> str:
    """The scheduler's address; empty: no cluster is asked for."""
    return os.environ.get(ADDRESS, "").strip()


def connect(address: str) -> Cluster:
    """The cluster at an address. Raises BadInput where it cannot be used."""
    try:
        from distributed import Client
    except ImportError:
        raise BadInput(
            f"{ADDRESS}: got “{address}”, and the package distributed is missing; install requirements-cluster.txt."
        ) from None
    try:
        client = Client(address, timeout=ANSWERS_WITHIN, set_as_default=False)
    except (OSError, ValueError):  # distributed's TimeoutError is an OSError too
        raise BadInput(
            f"{ADDRESS}: no scheduler answers at “{address}”; takes an address such as tcp://lab.local:8786."
        ) from None
    try:
        client.register_plugin(preparation(), name="unmasked")
    except ImportError as failure:
        client.close()
        raise BadInput(
            f"{ADDRESS}: a worker of “{address}” cannot load the lessons ({failure}); "
            "start it in this folder, with requirements.txt and requirements-cluster.txt installed."
        ) from None
    return Cluster(client)


def preparation():
    """What every worker of the cluster does once, those that join later too: load the engine as ours do."""
    from distributed import WorkerPlugin

    class Preparation(WorkerPlugin):
        def setup(self, worker) -> None:
            from lessons.workers.worker import keep_graphs, prepare

            prepare()
            keep_graphs()

    return Preparation()
