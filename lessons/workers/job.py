"""What a pool is asked to do, and how it can end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lessons.workers.pool import Worker


class WorkerDied(RuntimeError):
    """The process ended in the middle of a job, as often as ATTEMPTS."""


class OutOfOrder(RuntimeError):
    """The pool does no jobs. `str()` is one sentence that says why."""


class Job(Future[Any]):
    """A Future whose function may be a generator: `items` grow while it runs."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        key: Hashable = None,
        background: bool = False,
        who: Hashable = None,
    ):
        super().__init__()
        self.call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] = (function, args, kwargs)
        self.key = key
        self.background = background
        self.who = who
        self.items: list[Any] = []
        self.stopped = False
        self.number = 0  # in the pool that has it
        self.attempts = 0
        self.asked = time.monotonic()
        self.worker: Worker | None = None
        self.changed = threading.Condition()
        # Called when it tells something and when it is done, by the thread that tells: they must not wait.
        self.listeners: set[Callable[[], None]] = set()
        self.add_done_callback(lambda _: self.tell())

    def tell(self, *items: Any) -> None:
        with self.changed:
            self.items.extend(items)
            self.changed.notify_all()
        for listener in tuple(self.listeners):
            listener()

    def wait_beyond(self, count: int, timeout: float) -> bool:
        """Wait until there are more than `count` items or the job is done. False when neither came in time."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.items) > count or self.done(), timeout)

    def stop(self) -> None:
        """Stop it and keep what it has yielded. The worker is free after the step it is in."""
        if self.done():
            return
        self.stopped = True
        if not self.cancel() and self.worker:
            self.worker.stop(self)
