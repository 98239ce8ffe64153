"""Questions that may hang, such as those to a database: each in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Found = TypeVar("Found")


def aside(question: Callable[[], Found]) -> "Future[Found]":
    """What it will return or raise. A daemon: where it hangs, it uses up no pool and lets the server end."""
    future: Future[Found] = Future()

    def ask() -> None:
        try:
            future.set_result(question())
        except BaseException as problem:
            future.set_exception(problem)

    Thread(target=ask, name="asks aside", daemon=True).start()
    return future
