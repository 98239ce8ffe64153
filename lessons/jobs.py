"""What workers are asked to do. The functions import TensorFlow inside, so naming one costs a page nothing.

Any `concurrent.futures.Executor` can run them; a generator streams what it yields where the executor can.
"""

from collections.abc import Iterator

from lessons.run import Closing, Opening, Snapshot
from lessons.settings import Settings

GRAPHS_KEPT = 24  # traced graphs that a worker keeps, 9-15 MB each; the oldest is dropped


def train(settings: Settings) -> Iterator[Opening | Snapshot | Closing]:
    from lessons.engine.train import train

    return train(settings)


def trace(settings: Settings) -> None:
    from lessons.engine.train import trace

    trace(settings)


def collect(function, *args) -> tuple[list, object]:
    """All that a generator yields, and what a plain function returns, for executors that cannot stream."""
    result = function(*args)
    return (list(result), None) if isinstance(result, Iterator) else ([], result)


def measure(function, *args):
    """What an experiment of a lesson file measures."""
    return function(*args)


def claim(number: int):
    """The Outcome of one claim of lessons/claims, measured here and now."""
    from lessons import claims

    return claims.find(number).verify()
