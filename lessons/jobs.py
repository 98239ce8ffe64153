"""What workers are asked to do. The functions import TensorFlow inside, so naming one costs a page nothing.

Any `concurrent.futures.Executor` can run them; a generator streams what it yields where the executor can.
"""

from collections.abc import Iterator

from lessons.run import Closing, Opening, Snapshot
from lessons.settings import Settings


def train(settings: Settings) -> Iterator[Opening | Snapshot | Closing]:
    from lessons.engine.train import train

    return train(settings)


def trace(settings: Settings) -> None:
    from lessons.engine.train import trace

    trace(settings)


def collect(function, *args) -> list:
    """All that a generator yields, for executors that cannot stream."""
    return list(function(*args))


def measure(function, *args):
    """What an experiment of a lesson file measures."""
    return function(*args)
