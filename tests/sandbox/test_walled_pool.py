"""The second wall: real walled processes, and what code from strangers would try in them."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lessons.sandbox import landlock
from lessons.sandbox import walled_pool as walled_pools
from lessons.sandbox.walled_pool import Busy, Limits, Overrun, Shares, WalledPool
from lessons.workers.job import WorkerDied
from tests.sandbox.test_sandbox import FLOODS
from tests.tools import intruders
from tests.tools.patience import patient
from tests.tools.selection import first
from tests.workers.test_pool import eventually

ROOT = Path(__file__).parent.parent.parent
PATIENT = patient(90)
SECRET = "UNMASKED_TEST_SECRET"
COMPUTING = 4  # seconds
LIMITS = Limits(waiting=25, computing=COMPUTING, memory=1e9)

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the walls are those of Linux")
needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")


@pytest.fixture(scope="module")
def walled_pool():
    """One process and its spare. The tests' folder is readable, for the intruders are there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SECRET, "hunter2")
        walled_pool = WalledPool(
            1, limits=LIMITS, warm="tests.tools.intruders.train", readable=[ROOT / "lessons", ROOT / "tests"]
        )
        walled_pool.start()
        yield walled_pool
        walled_pool.shutdown()
    assert all(walled_worker.process.poll() is not None for walled_worker in walled_pool.workers), (
        "a process outlived its walled_pool"
    )


def both_ready(walled_pool) -> bool:
    return eventually(lambda: all(walled_worker.idle for walled_worker in walled_pool.workers), PATIENT)


def still_works(walled_pool) -> None:
    losses = walled_pool.submit(intruders.train).result(PATIENT)
    assert losses[0] > losses[2] > 0 and losses[3:] == pytest.approx([0.34657, 0.36620], abs=1e-4)


def test_the_walls_are_told(walled_pool):
    assert both_ready(walled_pool)
    told = " ".join(walled_pool.walls)
    for wall in ("no core dumps", "no file grows", "open files", "1 GB of memory", "administrator"):
        assert wall in told
    assert ("Landlock" in told) == bool(landlock.version())


def test_the_filter_and_the_limits_bind_every_thread(walled_pool):
    assert both_ready(walled_pool)
    for walled_worker in walled_pool.workers:
        threads = [path.read_text() for path in Path(f"/proc/{walled_worker.process.pid}/task").glob("*/status")]
        assert len(threads) > 3, "TensorFlow has none: then this test shows nothing"
        if "seccomp" in " ".join(walled_pool.walls):
            assert all("Seccomp:\t2" in status for status in threads)
        assert all("NoNewPrivs:\t1" in status for status in threads)
        assert Path(f"/proc/{walled_worker.process.pid}/oom_score_adj").read_text() == "1000\n", (
            "it goes first, not the server"
        )
        limits = Path(f"/proc/{walled_worker.process.pid}/limits").read_text()
        assert all(f"{name:26}0" in limits for name in ("Max file size", "Max core file size"))


def test_training_works_behind_the_walls(walled_pool):
    still_works(walled_pool)


def test_plain_values_come_back(walled_pool):
    got = walled_pool.submit(intruders.plain_values).result(PATIENT)
    assert got["numbers"] == (1, -(10**30), 1.5, float("inf"), 0.0, 0.5, True)
    assert got["array"].tolist() == [[0, 3], [1, 4], [2, 5]] and got[3] == [None, "ü\n?", {}, ()]


def test_items_stream_and_failures_are_told(walled_pool):
    job = walled_pool.submit(intruders.count, 40, 0.05)
    assert job.wait_beyond(2, PATIENT) and not job.done()
    assert job.result(PATIENT) is None and job.items == list(range(40))
    with pytest.raises(ValueError, match="^no such loss$"):
        walled_pool.submit(intruders.fail, "no such loss").result(PATIENT)


DENIED = [
    intruders.read_passwd,
    intruders.read_passwd_in_graph,
    intruders.read_passwd_in_every_thread,
    intruders.read_app,
    intruders.read_parent_environment,
    intruders.read_parent_memory,
    intruders.list_root,
    intruders.open_socket,
    intruders.open_socket_pair,
    intruders.fork,
    intruders.spawn,
    intruders.become_another,
    intruders.signal_parent,
    intruders.signal_everybody,
    intruders.trace_parent,
    intruders.outlive_parent,
    intruders.limit_parent,
    intruders.share_memory,
    intruders.hidden_file,
    intruders.signal_by_pipe,
    intruders.signal_by_pipe_of_a_thread,
    intruders.signal_by_ioctl,
    intruders.lease,
    intruders.watch_folder,
    intruders.grow_pipe,
    intruders.lock_file,
    intruders.remove_semaphores,
    intruders.remove_messages,
    intruders.asynchronous_io,
    intruders.flush_disks,
    intruders.make_timer,
    intruders.move_parent,
]
DENIED_IN_FOLDER = [
    intruders.write_file,
    intruders.write_file_in_tensorflow,
    intruders.make_folder,
    intruders.remove_file,
    intruders.change_mode,
]


@needs_landlock
@pytest.mark.parametrize("attempt", DENIED, ids=lambda attempt: attempt.__name__)
def test_is_denied(walled_pool, attempt):
    with pytest.raises((PermissionError, RuntimeError), match="Permission denied|not permitted"):
        walled_pool.submit(attempt).result(PATIENT)


@needs_landlock
@pytest.mark.parametrize("attempt", DENIED_IN_FOLDER, ids=lambda attempt: attempt.__name__)
def test_changes_no_file(walled_pool, attempt, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("ours")
    before = precious.stat().st_mode
    with pytest.raises((PermissionError, RuntimeError), match="Permission denied|not permitted"):
        walled_pool.submit(attempt, str(tmp_path)).result(PATIENT)
    assert [*tmp_path.iterdir()] == [precious] and precious.stat().st_mode == before


def test_reaches_no_server(walled_pool):
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(PermissionError):
            walled_pool.submit(intruders.connect_home, server.getsockname()[1]).result(PATIENT)
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("attempt", [intruders.unlimited_memory, intruders.unlimited_files])
def test_a_limit_stays(walled_pool, attempt):
    with pytest.raises((ValueError, PermissionError)):
        walled_pool.submit(attempt).result(PATIENT)


OUTSIDE = [attempt for attempt in DENIED if attempt.__name__ not in (
    "read_passwd_in_graph", "read_passwd_in_every_thread",  # a TensorFlow for each takes long
    "read_parent_memory", "trace_parent", "become_another",  # a careful system denies them anyway; nothing would return
)]  # fmt: skip


@pytest.mark.parametrize("attempt", OUTSIDE, ids=lambda attempt: attempt.__name__)
def test_the_attempts_would_succeed_without_walls(attempt):
    """Else the tests above would show nothing."""
    program = f"from tests.tools import intruders; assert intruders.{attempt.__name__}() is not None"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=PATIENT)


def test_nothing_of_the_servers_environment_is_seen(walled_pool):
    seen = walled_pool.submit(intruders.environment).result(PATIENT)
    assert os.environ[SECRET] == "hunter2"
    assert SECRET not in seen and "PATH" not in seen and seen["HOME"] == "/nonexistent"
    assert "hunter2" not in " ".join(seen.values())


@pytest.mark.parametrize(
    ("attempt", "raised", "words"),
    first(3, [
        (intruders.take_8_gb, Overrun, "^it asked for more than 1 GB of memory$"),
        (intruders.map_8_gb, OSError, "memory"),
        (intruders.start_threads, RuntimeError, "thread"),
        (intruders.answer_object, TypeError, "plain values"),
        (intruders.answer_values, ValueError, "100,000 values"),
        (intruders.take_8_gb_in_tensorflow, Overrun, "^it asked for more than 1 GB of memory$"),
        (intruders.start_small_threads, Overrun, "^it started more than 256 threads$"),
        (intruders.recurse, RecursionError, "recursion"),
        (intruders.answer_at_length, ValueError, "64 MB"),
        (intruders.answer_colliding, TypeError, "texts and small integers as keys"),
    ]),
)  # fmt: skip
def test_too_much_is_told_and_the_next_job_works(walled_pool, attempt, raised, words):
    with pytest.raises(raised, match=words):
        walled_pool.submit(attempt).result(PATIENT)
    still_works(walled_pool)


@pytest.mark.parametrize(
    ("attempt", "raised", "words"),
    first(
        2,
        [
            (intruders.spin_in_graph, Overrun, "^stopped after 4 s of computing$"),
            (intruders.recurse_in_c, WorkerDied, "SIGSEGV"),
            (intruders.leave, WorkerDied, "exit code 3"),
            (intruders.answer_too_much, Overrun, "^it answered with more than 64 MB$"),
            (intruders.close_pipe, WorkerDied, "SIGKILL"),
            (intruders.end_by_a_signal_without_a_name, WorkerDied, rf"\(signal {signal.SIGRTMIN + 1}\)"),
            (intruders.spin, Overrun, "^stopped after 4 s of computing$"),
            (
                intruders.take_ever_more,
                Overrun,
                "^(it asked for more than 1 GB of memory|stopped after 4 s of computing)$",
            ),
            (intruders.leave_politely, WorkerDied, "exit code 1"),
            (intruders.segfault, WorkerDied, "SIGSEGV"),
            (intruders.abort, WorkerDied, "SIGABRT"),
            (intruders.answer_too_often, Overrun, "^it answered with more than 4,096 messages$"),
            (intruders.answer_for_another, WorkerDied, "^it answered out of turn$"),
        ],
    ),
)
def test_is_ended_in_one_sentence_and_the_next_job_works(walled_pool, attempt, raised, words):
    job = walled_pool.submit(attempt)
    with pytest.raises(raised, match=words) as told:
        job.result(PATIENT)
    assert job.attempts == 1 and "\n" not in str(told.value)
    assert walled_pool.submit(intruders.pause, 0, 5).result(PATIENT) == 5


@pytest.mark.parametrize("attempt", first(1, [intruders.hold_the_lock, intruders.spin_and_ignore, intruders.sleep]))
def test_is_ended_by_the_clock(walled_pool, attempt, monkeypatch):
    monkeypatch.setattr(
        walled_pool, "limits", Limits(waiting=COMPUTING + 1.5, computing=COMPUTING, memory=1e9)
    )  # the clock is the server's
    with pytest.raises(Overrun, match="^stopped after 5.5 s$"):
        walled_pool.submit(attempt).result(PATIENT)


@pytest.mark.parametrize(
    "content",
    first(
        2,
        [
            b"\x00" * 8,
            struct.pack("!II", 2, 5) + b"1 more..",
            struct.pack("!II", 1, 0) + b"[",
            struct.pack("!II", 2, 0) + b"[]",
        ],
    ),
)
def test_an_answer_that_is_none_ends_the_process(walled_pool, content):
    with pytest.raises(WorkerDied, match="its answer|out of turn"):
        walled_pool.submit(intruders.answer_bytes, content).result(PATIENT)


@pytest.mark.parametrize("told", first(1, ['["MemoryError", "x"]', '{"tuple": ["MemoryError", 1]}']))
def test_a_failure_that_is_none_ends_the_process(walled_pool, told):
    with pytest.raises(WorkerDied, match="did not tell"):
        walled_pool.submit(intruders.answer_text, '{"tuple": ["failed", NUMBER, ' + told + "]}").result(PATIENT)


def test_nobody_answers_for_the_next_learner(walled_pool):
    assert both_ready(walled_pool)
    assert walled_pool.submit(intruders.answer_ahead, who="a").result(PATIENT) == "mine"
    assert [walled_pool.submit(intruders.pause, 0, k, who="b").result(PATIENT) for k in (7, 8, 9)] == [7, 8, 9]


@pytest.mark.verify
@pytest.mark.parametrize("name", first(1, [*FLOODS]))
def test_what_a_process_answers_costs_the_server_no_more_than_the_longest_answer(walled_pool, name):
    """All threads of the server share its interpreter: what it spends on an answer the pages wait for.

    Fifteen messages of a hostile process against fifteen answers. It is counted in the server's own time on the
    processor, and in memory that stays, so that other processes on this machine make no difference.
    """
    assert both_ready(walled_pool)
    began = time.process_time()
    for _ in range(15):
        assert len(walled_pool.submit(intruders.answer_at_most).result(PATIENT)) == 24_000
    allowed, began, before = time.process_time() - began, time.process_time(), resident()
    job = walled_pool.submit(intruders.answer_items, [FLOODS[name]] * 15)
    with pytest.raises((WorkerDied, Overrun), match="it answered with more than|its answer cannot be read"):
        job.result(PATIENT)
    assert time.process_time() - began < 3 * allowed
    assert resident() - before < 100e6, "the job's items stay as long as the job"


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_answers_are_not_unpickled(walled_pool, tmp_path):
    with pytest.raises((Overrun, WorkerDied)):
        walled_pool.submit(intruders.answer_pickle, str(tmp_path / "marker")).result(PATIENT)
    assert not (tmp_path / "marker").exists()


def test_floods_go_nowhere(walled_pool):
    assert walled_pool.submit(intruders.flood_stdout).result(PATIENT) == "flooded"


@pytest.mark.verify
def test_a_thread_that_computes_after_its_job_is_ended(walled_pool):
    assert both_ready(walled_pool)
    pid = walled_pool.submit(intruders.leave_a_thread_that_computes).result(PATIENT)
    assert eventually(lambda: gone(pid), PATIENT), "nothing else asks for this process"
    assert eventually(lambda: pid not in {one.process.pid for one in walled_pool.workers}, PATIENT), "it is replaced"
    assert both_ready(walled_pool)


@pytest.mark.verify
def test_a_job_that_lifts_its_limit_is_ended(walled_pool, monkeypatch):
    monkeypatch.setattr(walled_pool, "limits", Limits(waiting=PATIENT, computing=3, memory=1e9))
    with pytest.raises(Overrun, match="^stopped after 3 s of computing$"):
        walled_pool.submit(intruders.compute_without_limit).result(PATIENT)


def gone(pid: int) -> bool:
    try:
        return "Z (" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_a_spare_takes_over_at_once(walled_pool):
    assert both_ready(walled_pool)
    before = {walled_worker.process.pid for walled_worker in walled_pool.workers}
    with pytest.raises(WorkerDied):
        walled_pool.submit(intruders.leave).result(PATIENT)
    assert walled_pool.submit(intruders.number_of_process).result(PATIENT) in before, (
        "the next job waited for a new process"
    )
    assert both_ready(walled_pool)
    assert len({walled_worker.process.pid for walled_worker in walled_pool.workers} - before) == 1


@pytest.mark.parametrize("attempt", first(1, [intruders.hold_the_lock, intruders.spin_in_graph, intruders.spin]))
def test_stop_ends_what_does_not_end_itself(walled_pool, attempt):
    assert both_ready(walled_pool)
    job = walled_pool.submit(attempt)
    assert eventually(job.running)
    time.sleep(0.5)
    job.stop()
    assert job.result(3) is None


def test_stop_keeps_the_process_of_a_job_that_ends_itself(walled_pool):
    assert both_ready(walled_pool)
    before = {walled_worker.process.pid for walled_worker in walled_pool.workers}
    job = walled_pool.submit(intruders.count, 1000, 0.02)
    assert job.wait_beyond(2, PATIENT)
    job.stop()
    job.result(PATIENT)
    time.sleep(0.5)
    assert before == {walled_worker.process.pid for walled_worker in walled_pool.workers} and both_ready(walled_pool)


def test_a_process_that_dies_before_the_job_begins_costs_it_nothing(walled_pool, monkeypatch):
    assert both_ready(walled_pool)
    for walled_worker in walled_pool.workers:
        os.kill(walled_worker.process.pid, signal.SIGKILL)
    assert walled_pool.submit(intruders.pause, 0, 7).result(PATIENT) == 7


def test_one_learner_has_one_running_and_one_waiting(walled_pool):
    assert both_ready(walled_pool)
    running, waiting = (walled_pool.submit(intruders.pause, 1, who="a") for _ in range(2))
    with pytest.raises(Busy, match="two of yours"):
        walled_pool.submit(intruders.pause, 0, who="a")
    other = walled_pool.submit(intruders.pause, 0, who="b")
    nobody = [walled_pool.submit(intruders.pause, 0) for _ in range(4)]
    for job in (running, waiting, other, *nobody):
        job.result(PATIENT)
    assert walled_pool.submit(intruders.pause, 0, 3, who="a").result(PATIENT) == 3


def test_others_come_first_and_one_works_at_a_time(walled_pool):
    assert both_ready(walled_pool)
    done = []
    jobs = [walled_pool.submit(intruders.pause, 0.4, k, who=who) for k, who in enumerate(["d", "d", "e", "f"])]
    for k, job in enumerate(jobs):
        job.add_done_callback(lambda _, k=k: done.append(k))
    while not all(job.done() for job in jobs):
        assert sum(job.running() for job in jobs) <= 1
        time.sleep(0.01)
    assert eventually(lambda: len(done) == 4)
    assert done == [0, 2, 3, 1]


@pytest.mark.verify
def test_whoever_has_had_much_stands_back_and_leaves_a_process_to_others(walled_pool, monkeypatch):
    monkeypatch.setattr(walled_pool, "share", 0.5)
    monkeypatch.setattr(walled_pool, "shares", Shares())
    assert both_ready(walled_pool)
    assert walled_pool.submit(intruders.pause, 0.6, who="much").result(PATIENT) == 0
    assert both_ready(walled_pool)
    held = walled_pool.submit(intruders.pause, 15, who="much")
    assert eventually(held.running, PATIENT)
    more = [walled_pool.submit(intruders.pause, 0, who=who) for who in ("much", "new")]
    assert more[1].result(PATIENT) == 0 and held.running(), "others do not wait for it"
    assert not more[0].done(), "nobody has two running"
    assert walled_pool.submit(intruders.leave, who="more").exception(PATIENT), (
        "it has had the start of the next one, too"
    )
    third = walled_pool.submit(intruders.pause, 0, who="more")
    assert not third.done() and held.running()
    held.stop()
    assert third.result(PATIENT) == more[0].result(PATIENT) == 0


def test_what_somebody_has_had_is_forgotten(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(walled_pools.time, "monotonic", lambda: now)
    shares = Shares()
    shares.add("a", 8.0)
    shares.add("b", 2.0)
    now += walled_pools.FORGOTTEN
    shares.add("b", 1.0)
    assert (shares.of("a"), shares.of("b"), shares.of("c")) == (4.0, 2.0, 0.0)
    now += 10 * walled_pools.FORGOTTEN
    shares.add("c", 1.0)
    assert shares.had.keys() == {"c"}, "the list does not grow"


SERVER = """
import sys, time
from lessons.sandbox.walled_pool import WalledPool
from lessons.workers.forking import ROOT
from tests.tools import intruders
if __name__ == "__main__":
    walled_pool = WalledPool(1, spares=0, readable=[ROOT])
    job = walled_pool.submit(intruders.hold_the_lock)
    while not job.running():
        time.sleep(0.1)
    time.sleep(1)
    print(walled_pool.workers[0].process.pid, flush=True)
    time.sleep(1000)
"""


@pytest.mark.verify
def test_a_stuck_process_ends_with_its_server():
    """Its thread that hears the pipe close cannot act: the kernel has to."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        pid = int(server.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
    finally:
        server.kill()
        server.wait()
    assert eventually(lambda: gone(pid), 10)
