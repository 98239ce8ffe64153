"""Both walls together: what the first wall admits and only limits can end. Nothing gets through, nobody else waits."""

import os
import platform
import statistics
import threading
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from lessons.sandbox.confinement import LESSONS
from lessons.sandbox.walled_pool import WARM, Overrun, WalledPool
from lessons.server import walled_tasks
from lessons.workers.job import WorkerDied
from tests.sandbox.conftest import HEALTHY, LIMITS
from tests.tools import intruders
from tests.tools.attacks import ATTACKS, LIMITED, TRACE
from tests.tools.patience import PATIENCE, patient
from tests.workers.test_pool import eventually

SOME = 1  # of them in `make test`, evenly chosen; all in `make verify`
LIMITED_ATTACKS = [(name, text) for name, text, fate in ATTACKS if fate == LIMITED]
CHOSEN = LIMITED_ATTACKS if os.environ.get("VERIFY") else LIMITED_ATTACKS[:: max(1, len(LIMITED_ATTACKS) // SOME)]


@pytest.mark.parametrize(("name", "text"), CHOSEN, ids=[name for name, _ in CHOSEN])
def test_what_is_admitted_ends_within_the_limits_and_the_next_learner_is_served(walled_pool, name, text):
    started = time.monotonic()
    job = walled_pool.submit(walled_tasks.examine, text, None, {}, who="attacker")
    next_job = walled_pool.submit(walled_tasks.examine, HEALTHY, None, {}, who="learner")
    try:
        answer = job.result(patient(LIMITS.waiting + 15))
    except (Overrun, WorkerDied) as ended:
        assert str(ended) and "\n" not in str(ended)
    else:
        assert answer["refused"] or answer["findings"] or answer["healthy"]
    assert time.monotonic() - started < patient(LIMITS.waiting + 15)
    assert next_job.result(PATIENCE)["healthy"]
    assert not Path(TRACE).exists()


def test_the_attacks_are_many_and_of_both_kinds():
    assert len(ATTACKS) >= 60 and len(LIMITED_ATTACKS) >= 10


def test_one_learners_text_is_not_in_anothers_answer(walled_pool):
    secret = "def loss(y_true, y_pred):\n    my_private_name = y_true\n    return undefined_thing(my_private_name)\n"
    first = walled_pool.submit(walled_tasks.examine, secret, None, {}, who="one").result(PATIENCE)
    second = walled_pool.submit(walled_tasks.examine, HEALTHY, None, {}, who="two").result(PATIENCE)
    assert first["refused"] or first["findings"]
    assert "my_private_name" not in repr(second) and "undefined_thing" not in repr(second)


@pytest.mark.verify
@pytest.mark.parametrize("attack", [intruders.leave, intruders.hold_the_lock, intruders.spin])
def test_a_neighbour_of_five_loops_waits_at_most_twice_as_long_as_it_takes(attack):
    """Five learners, each of whom brings a process down or holds it whenever they get one.

    Each examination against its own time in the process: others may have this machine at the one moment or the other.
    """
    tests = Path(__file__).parent.parent
    walled_pool = WalledPool(1, spares=1, limits=LIMITS, warm=WARM, readable=[tests.parent / "lessons", tests])
    over = threading.Event()

    def examined(who: str) -> tuple[float, float]:
        """Seconds from the question to the answer, and those of them that it ran."""
        asked = time.monotonic()
        job = walled_pool.submit(walled_tasks.examine, HEALTHY, None, {}, who=who)
        assert eventually(lambda: job.running() or job.done(), 300)
        began = time.monotonic()
        assert job.result(300)["healthy"]
        return time.monotonic() - asked, time.monotonic() - began

    def loop(who: int) -> None:
        while not over.is_set():
            wait([walled_pool.submit(attack, who=who)])

    walled_pool.start()
    try:
        assert eventually(lambda: all(walled_worker.idle for walled_worker in walled_pool.workers), 120)
        alone = statistics.median(examined("before")[0] for _ in range(3))
        threads = [threading.Thread(target=loop, args=(who,), daemon=True) for who in range(5)]
        for thread in threads:
            thread.start()
        assert eventually(lambda: all(walled_pool.shares.of(who) > walled_pool.share for who in range(5)), 600)
        beside = [examined("neighbour") for _ in range(5)]
        print(f"{attack.__name__}: alone {alone:.2f} s, beside (whole, running) {beside}")
        assert all(whole <= 3 * running for whole, running in beside)
        assert statistics.median(whole for whole, _ in beside) <= 3 * alone
    finally:
        over.set()
        for job in walled_pool.unfinished():
            job.stop()
        walled_pool.shutdown(wait=False, cancel_futures=True)


# Ways in which memory was handed out that nobody had written: bytes, to be searched for a word.
ROUTES = {
    "empty": "np.empty({size}, dtype='uint8')",
    "empty like another": "np.empty_like(np.zeros({size}, dtype='uint8'))",
    "where": "np.negative(np.zeros({size}, dtype='uint8'), where=False)",
    "padding": "np.pad(np.zeros(1, dtype='uint8'), (0, {size}), mode='empty')",
}
WORD = "zyxwvut"
HUNT = """
import numpy as np

for size in range(1500, 30000, 250):
    x = {route}
    found = x[: -{length}] == {first}
    for i, letter in enumerate({letters}):
        found = np.logical_and(found, x[i : len(x) - {length} + i] == letter)
    assert not np.any(found)
"""


@pytest.mark.verify
def test_what_one_learner_pasted_is_not_found_by_the_next_in_the_same_process():
    """Each route was refused or gives zeros: before, they gave pieces of the last text."""
    walled_pool = WalledPool(1, spares=0, limits=LIMITS, warm=WARM)
    letters = list(WORD.encode())
    secret = HEALTHY + f"# {WORD} {WORD}\n" * 800
    try:
        for route in ROUTES.values():
            hunt = HEALTHY + HUNT.format(
                route=route.format(size="size"), length=len(letters), first=letters[0], letters=tuple(letters)
            )
            assert walled_pool.submit(walled_tasks.examine, secret, None, {}).result(PATIENCE)["healthy"]
            answer = walled_pool.submit(walled_tasks.examine, hunt, None, {}).result(PATIENCE)
            assert answer["refused"] or answer["healthy"]  # the assertion in it has not failed
    finally:
        walled_pool.shutdown(wait=False)


@pytest.mark.verify
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc overwrites what is freed")
def test_what_one_learner_pasted_is_not_even_in_memory_that_nobody_wrote():
    """For code that is past the first wall, or a function of a library that nobody has found yet."""
    walled_pool = WalledPool(1, spares=0, limits=LIMITS, warm=WARM, readable=(LESSONS, Path(__file__).parent.parent))
    try:
        for _ in range(3):
            secret = HEALTHY + f"# {WORD} {WORD}\n" * 800
            assert walled_pool.submit(walled_tasks.examine, secret, None, {}).result(PATIENCE)["healthy"]
            assert not walled_pool.submit(intruders.find_in_freed_memory, WORD[::-1]).result(PATIENCE)
    finally:
        walled_pool.shutdown(wait=False)
