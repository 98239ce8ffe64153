"""One of a kind, also for threads that ask for it together."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from lessons.recipe.once import Once


def test_threads_that_ask_together_have_the_same():
    made, start = [], Barrier(8)

    @Once
    def shared() -> object:
        time.sleep(0.01)
        made.append(object())
        return made[-1]

    def ask(_: int) -> object:
        start.wait()
        return shared()

    assert not shared.there
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == set(made)
    assert len(made) == 1 and shared.there
    shared.forget()
    assert shared() is made[1]


def test_what_it_raises_is_not_kept():
    answers = iter([ValueError("not yet"), None])

    @Once
    def shared() -> str:
        if problem := next(answers):
            raise problem
        return "there"

    with pytest.raises(ValueError, match="not yet"):
        shared()
    assert shared() == "there"
