"""Both walls together: what the first wall admits and only limits can end. Nothing gets through, nobody else waits."""

import os
import statistics
import threading
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from lessons.doctor import orders
from lessons.doctor.ward import WARM, Limits, Overrun, Ward
from lessons.pool import WorkerDied
from tests import intruders
from tests.attacks import ATTACKS, LIMITED, TRACE
from tests.test_pool import eventually

LIMITS = Limits(waiting=14, computing=4, memory=1.5e9)
HEALTHY = "def loss(y_true, y_pred):\n    return tf.reduce_mean(tf.square(y_true - y_pred), axis=-1)\n"
SOME = 4  # of them in `make test`, evenly chosen; all in `make verify`
LIMITED_ATTACKS = [(name, text) for name, text, fate in ATTACKS if fate == LIMITED]
CHOSEN = LIMITED_ATTACKS if os.environ.get("VERIFY") else LIMITED_ATTACKS[:: max(1, len(LIMITED_ATTACKS) // SOME)]


@pytest.fixture(scope="module")
def ward():
    ward = Ward(1, spares=1, limits=LIMITS, warm=WARM)
    assert ward.submit(orders.examine, HEALTHY, None, {}).result(60)["healthy"]
    yield ward
    ward.shutdown()


@pytest.mark.parametrize(("name", "text"), CHOSEN, ids=[name for name, _ in CHOSEN])
def test_what_is_admitted_ends_within_the_limits_and_the_next_learner_is_served(ward, name, text):
    started = time.monotonic()
    job = ward.submit(orders.examine, text, None, {}, who="attacker")
    next_job = ward.submit(orders.examine, HEALTHY, None, {}, who="learner")
    try:
        answer = job.result(LIMITS.waiting + 15)
    except (Overrun, WorkerDied) as ended:
        assert str(ended) and "\n" not in str(ended)
    else:
        assert answer["refused"] or answer["findings"] or answer["healthy"]
    assert time.monotonic() - started < LIMITS.waiting + 15
    assert next_job.result(60)["healthy"]
    assert not Path(TRACE).exists()


def test_the_attacks_are_many_and_of_both_kinds():
    assert len(ATTACKS) >= 60 and len(LIMITED_ATTACKS) >= 10


def test_one_learners_text_is_not_in_anothers_answer(ward):
    secret = "def loss(y_true, y_pred):\n    my_private_name = y_true\n    return undefined_thing(my_private_name)\n"
    first = ward.submit(orders.examine, secret, None, {}, who="one").result(60)
    second = ward.submit(orders.examine, HEALTHY, None, {}, who="two").result(60)
    assert first["refused"] or first["findings"]
    assert "my_private_name" not in repr(second) and "undefined_thing" not in repr(second)


@pytest.mark.verify
@pytest.mark.parametrize("attack", [intruders.leave, intruders.hold_the_lock, intruders.spin])
def test_a_neighbour_of_five_loops_waits_at_most_twice_as_long_as_it_takes(attack):
    """Five learners, each of whom brings a process down or holds it whenever they get one.

    Each examination against its own time in the process: others may have this machine at the one moment or the other.
    """
    tests = Path(__file__).parent
    ward = Ward(1, spares=1, limits=LIMITS, warm=WARM, readable=[tests.parent / "lessons", tests])
    over = threading.Event()

    def examined(who: str) -> tuple[float, float]:
        """Seconds from the question to the answer, and those of them that it ran."""
        asked = time.monotonic()
        job = ward.submit(orders.examine, HEALTHY, None, {}, who=who)
        assert eventually(lambda: job.running() or job.done(), 300)
        began = time.monotonic()
        assert job.result(300)["healthy"]
        return time.monotonic() - asked, time.monotonic() - began

    def loop(who: int) -> None:
        while not over.is_set():
            wait([ward.submit(attack, who=who)])

    ward.start()
    try:
        assert eventually(lambda: all(bed.idle for bed in ward.workers), 120)
        alone = statistics.median(examined("before")[0] for _ in range(3))
        threads = [threading.Thread(target=loop, args=(who,), daemon=True) for who in range(5)]
        for thread in threads:
            thread.start()
        assert eventually(lambda: all(ward.shares.of(who) > ward.share for who in range(5)), 600)
        beside = [examined("neighbour") for _ in range(5)]
        print(f"{attack.__name__}: alone {alone:.2f} s, beside (whole, running) {beside}")
        assert all(whole <= 3 * running for whole, running in beside)
    finally:
        over.set()
        for job in ward.unfinished():
            job.stop()
        ward.shutdown(wait=False, cancel_futures=True)
