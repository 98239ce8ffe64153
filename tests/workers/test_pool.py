"""The workers: real processes, that stream, stop, die and come back."""

import contextlib
import functools
import itertools
import os
import signal
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from lessons.families.recurrent import Recurrent
from lessons.recipe.recipe import Recipe
from lessons.runs.run import Snapshot
from lessons.server import tasks
from lessons.server.laboratory import structure
from lessons.workers import forking
from lessons.workers import pool as pool_module
from lessons.workers.capacity import default_size
from lessons.workers.job import OutOfOrder, WorkerDied
from lessons.workers.pool import STARTS, WorkerPool
from tests.tools.patience import patient

LONG = Recurrent(epochs=3000, padded_labels="garbage")
PATIENT = patient(60)  # seconds for what takes no time on an idle machine


# What the workers are asked to do. They find these functions by name.


def number_of_process() -> int:
    return os.getpid()


def environment_and_files(name: str) -> tuple[str | None, list[str]]:
    files = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the folder's own
            files.append(os.readlink(link))
    return os.environ.get(name), files


def count(to: int, pause: float = 0.0):
    for k in range(to):
        time.sleep(pause)
        yield os.getpid(), k


def nap(_settings, seconds: float) -> tuple[float, float]:
    """When it began and when it ended."""
    began = time.monotonic()
    time.sleep(seconds)
    return began, time.monotonic()


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: str):
    """Dies in the first attempt, after one item."""
    yield "begun"
    if not Path(marker).exists():
        Path(marker).touch()
        die()
    yield "ended"


def fail(kind: str):
    if kind == "decoding":
        b"\xff".decode()
    if kind == "tensorflow":
        import tensorflow as tf

        tf.reshape(tf.zeros(3), (2, 2))
    raise ValueError("this cannot be trained")


def unpicklable():
    return lambda: 0


def yield_unpicklable():
    yield 1
    yield lambda: 0


def chatter():
    print("printed into the protocol?")
    os.write(1, b"\x80\x05 written into it?")
    return "heard"


@pytest.fixture(scope="module")
def pool():
    pool = WorkerPool(2, affinity=structure)
    yield pool
    pool.shutdown()
    assert all(worker.process.poll() is not None for worker in pool.workers), "a worker outlived its pool"


@pytest.fixture
def both(pool) -> WorkerPool:
    """The pool with both workers ready."""
    pool.start()
    assert eventually(lambda: all(worker.ready and worker.idle for worker in pool.workers))
    return pool


def eventually(condition, within: float = PATIENT) -> bool:
    end = time.monotonic() + within
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


def kill(worker) -> int:
    """Kill the process of a worker. Its number."""
    pid = worker.process.pid
    os.kill(pid, signal.SIGKILL)
    return pid


def test_results_and_items_come_back(both):
    assert both.submit(number_of_process).result(PATIENT) in {worker.process.pid for worker in both.workers}
    job = both.submit(count, 5)
    assert job.result(PATIENT) is None
    assert [k for _, k in job.items] == [0, 1, 2, 3, 4]


def test_items_stream_while_the_job_runs(both):
    job = both.submit(count, 1000, 0.02)
    assert job.wait_beyond(2, PATIENT) and not job.done()
    seen = len(job.items)
    assert job.wait_beyond(seen, PATIENT) and not job.done()
    job.stop()
    job.result(PATIENT)
    assert 2 < len(job.items) < 1000
    assert [k for _, k in job.items] == list(range(len(job.items)))


def test_a_stopped_training_frees_its_worker_at_once_and_keeps_what_it_has(both):
    both.submit(tasks.trace, Recipe(LONG)).result(PATIENT)
    freed = []
    for _ in range(3):  # the machine may hiccup once
        job = both.submit(tasks.train, Recipe(LONG))
        assert job.wait_beyond(3, PATIENT) and not job.done()
        began = time.monotonic()
        job.stop()
        job.result(PATIENT)
        assert both.submit(number_of_process).result(PATIENT)
        freed.append(time.monotonic() - began)
        assert len(job.items) >= 4 and sum(len(part.loss) for part in job.items if isinstance(part, Snapshot)) < 3000
    assert min(freed) < 0.3


def test_a_job_that_waits_is_cancelled_by_stop(both):
    busy = [both.submit(count, 1000, 0.02) for _ in both.workers]
    assert all(job.wait_beyond(0, PATIENT) for job in busy)
    waiting = both.submit(number_of_process)
    waiting.stop()
    with pytest.raises(CancelledError):
        waiting.result(PATIENT)
    for job in busy:
        job.stop()
        job.result(PATIENT)


def test_a_job_whose_worker_is_killed_is_tried_again_and_others_do_not_notice(both):
    victim, other = both.submit(count, 40, 0.05), both.submit(count, 40, 0.05)
    assert victim.wait_beyond(3, PATIENT) and other.wait_beyond(3, PATIENT)
    assert victim.worker is not other.worker
    pid = kill(victim.worker)
    assert other.result(PATIENT) is None and other.attempts == 1
    assert victim.result(PATIENT) is None and victim.attempts == 2
    for job in (victim, other):
        assert [k for _, k in job.items] == list(range(40)), "items of the lost attempt stayed"
        assert len({number for number, _ in job.items}) == 1
    assert pid not in {number for number, _ in victim.items}


def test_what_kills_its_worker_twice_is_told_and_the_pool_lives(both):
    with pytest.raises(WorkerDied, match="twice"):
        both.submit(die).result(PATIENT)
    assert both.submit(number_of_process).result(PATIENT)


def test_items_of_a_lost_attempt_are_dropped(both, tmp_path):
    job = both.submit(die_once, str(tmp_path / "marker"))
    job.result(PATIENT)
    assert job.items == ["begun", "ended"] and job.attempts == 2


def test_stop_between_two_attempts_is_not_forgotten(both):
    """The worker is gone and the job waits for another: a stop then must not be lost with the old process."""
    first, other = both.submit(count, 1000, 0.05), both.submit(count, 1000, 0.05)
    assert first.wait_beyond(0, PATIENT) and other.wait_beyond(0, PATIENT)
    kill(first.worker)
    assert eventually(lambda: first in both.queue)
    first.stop()
    began = time.monotonic()
    first.result(PATIENT)
    assert time.monotonic() - began < 30, "it was trained to the end (50 s) all the same"
    assert len(first.items) < 100
    other.stop()
    other.result(PATIENT)


def test_a_worker_killed_while_idle_is_replaced(both):
    worker = both.workers[0]
    pid = kill(worker)
    assert eventually(lambda: worker.process.pid != pid and worker.ready)
    busy = [both.submit(count, 20, 0.05) for _ in both.workers]
    for job in busy:
        job.result(PATIENT)
    assert {number for job in busy for number, _ in job.items} == {worker.process.pid for worker in both.workers}


def test_what_cannot_be_sent_fails_alone(both):
    with pytest.raises(Exception, match="lambda|pickle"):
        both.submit(number_of_process, lambda: 0).result(PATIENT)
    for function in (unpicklable, yield_unpicklable):
        pids = {worker.process.pid for worker in both.workers}
        with pytest.raises(Exception, match="lambda|pickle") as caught:
            both.submit(function).result(PATIENT)
        assert not isinstance(caught.value, WorkerDied)
        assert {worker.process.pid for worker in both.workers} == pids


@pytest.mark.parametrize(
    ("kind", "raised", "words"),
    [
        ("value", ValueError, "this cannot be trained"),
        ("decoding", Exception, "0xff"),
        ("tensorflow", RuntimeError, "InvalidArgumentError"),
    ],
)
def test_what_a_job_raises_is_told_in_words_that_need_no_tensorflow(both, kind, raised, words):
    job = both.submit(fail, kind)
    with pytest.raises(raised, match=words):
        job.result(PATIENT)
    assert job.attempts == 1


def test_a_print_does_not_disturb_the_answers(both):
    assert both.submit(chatter).result(PATIENT) == "heard"


def test_many_jobs_at_once_are_all_done(both):
    answers = []
    threads = [
        threading.Thread(target=lambda k=k: answers.append((k, len(run(both, k))))) for k in range(60)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENT)
    assert sorted(answers) == [(k, k) for k in range(60)]


def run(pool, to: int) -> list:
    job = pool.submit(count, to)
    job.result(PATIENT)
    return job.items


def test_no_more_is_wished_for_than_a_worker_keeps_warm():
    """Every page that is opened wishes for its graphs: those of a worker that is never idle must not pile up."""
    pool = WorkerPool(1, affinity=lambda _, args: args, keeps=3)
    pool.workers = [pool.hire(0)]  # not started: it takes nothing
    for number in (*range(50), 48):
        pool.warm(print, number)
    assert [job.key for job in pool.workers[0].warm] == [(48,), (49,), (47,)]


def test_warming_is_done_in_the_background_and_known(both):
    warmed = Recurrent(units=3, timesteps=3, sequences=3)
    assert not both.knows(tasks.train, Recipe(warmed))
    both.warm(tasks.trace, Recipe(warmed))
    assert eventually(lambda: both.knows(tasks.train, Recipe(warmed)))
    assert both.knows(tasks.train, Recipe(Recurrent(units=3, timesteps=3, sequences=3, seed=9, mask="none")))


def test_no_warm_up_begins_before_it_may_and_a_job_goes_first():
    pool = WorkerPool(1, affinity=lambda _, args: args)
    worker, now = pool.hire(0), threading.Event()
    pool.workers, pool.may_warm = [worker], now.is_set  # not started: the test asks in its place
    pool.warm(print, "ahead")
    assert pool._choice(worker) is None, "while a script runs"
    now.set()
    assert pool._choice(worker).key == ("ahead",)
    clicked = pool.submit(print, "clicked")
    assert pool._choice(worker) is clicked


def test_a_worker_takes_its_share_of_the_processor(both):
    """A process that is nice once is nice for good: beside other busy programs it would hardly get a turn."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert both.submit(os.getpriority, os.PRIO_PROCESS, 0).result(PATIENT) == own


def test_a_job_in_the_background_comes_after_all_others(both):
    key = Recurrent(units=7)
    for settings in (key, Recurrent(units=6)):  # nothing is left to trace
        for job in [both.submit(nap, Recipe(settings), 0.3) for _ in both.workers]:
            job.result(PATIENT)
    busy = [both.submit(count, 1000, 0.02) for _ in both.workers]
    assert all(job.wait_beyond(0, PATIENT) for job in busy)
    behind = [both.submit_behind(nap, Recipe(key), 0.2) for _ in range(4)]
    urgent = [both.submit(nap, Recipe(key), 0.2) for _ in range(4)]
    for job in busy:
        job.stop()
    last_click = max(job.result(PATIENT)[0] for job in urgent)
    assert last_click < min(job.result(PATIENT)[0] for job in behind)


def test_one_worker_stays_free_of_tracing_in_the_background(both):
    """A map's graphs take seconds to compile: not on all workers at once."""
    tracing = [both.submit_behind(nap, Recipe(Recurrent(units=units, timesteps=9)), 0.4) for units in (9, 10, 11)]
    times = sorted(job.result(PATIENT) for job in tracing)
    assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(times))
    known = [both.submit_behind(nap, Recipe(Recurrent(units=9, timesteps=9, seed=seed)), 0.4) for seed in range(2)]
    assert all(job.result(PATIENT) for job in known)


def test_a_worker_keeps_so_many_of_each_type():
    pool = WorkerPool(1, affinity=lambda _, args: args[0], keeps=2)
    pool.workers = [pool.hire(0)]
    for key in ("a", 1, "b", 2, "a", 3, "c"):
        pool.workers[0].remember(key)
    assert [key for key in ("a", "b", "c", 1, 2, 3) if pool.knows(print, key)] == ["a", "c", 2, 3]


def test_a_closed_pool_takes_nothing():
    closed = WorkerPool(1)
    closed.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        closed.submit(number_of_process)


@pytest.mark.parametrize("given", ["0", "65", "-1", "1.5", "two", " ", "²", "1e1"])
def test_an_odd_number_of_workers_is_refused_in_words(monkeypatch, given):
    monkeypatch.setenv("UNMASKED_WORKERS", given)
    with pytest.raises(ValueError, match=f"UNMASKED_WORKERS: got “{given}”; takes a whole number from 1 to 64"):
        default_size()


def test_the_number_of_workers_is_a_setting_and_bounded_by_the_cores(monkeypatch):
    monkeypatch.setenv("UNMASKED_WORKERS", "7")
    assert default_size() == 7
    monkeypatch.setenv("UNMASKED_WORKERS", "")
    assert 1 <= default_size() <= os.cpu_count()
    monkeypatch.setattr("lessons.workers.capacity.memory", lambda: 1e9)
    assert default_size() in (1, 2)
    monkeypatch.setattr("lessons.workers.capacity.memory", lambda: 0.5e9)
    assert default_size() == 1


if sys.platform == "win32":
    pytestmark = pytest.mark.skip(reason="SIGKILL")


@pytest.fixture
def no_python(monkeypatch):
    """No Python starts, and no fork server is there yet."""
    for environment in (os.environ, forking.ENVIRONMENT):
        monkeypatch.setitem(environment, "PYTHONHOME", "/nonexistent")
    monkeypatch.setattr(forking, "shared", functools.cache(forking.Reconnecting))
    yield monkeypatch
    if connection := forking.shared().connection:
        connection.close()


def test_a_pool_that_cannot_be_started_says_so_and_stops(no_python):
    pool = WorkerPool(2)
    job = pool.submit(number_of_process)
    with pytest.raises(OutOfOrder, match=f"^no process could be started for this: {STARTS} attempts failed, the last"):
        job.result(PATIENT)
    assert pool.trouble == str(job.exception()) and not pool.ready()
    assert isinstance(pool.submit(number_of_process).exception(0), OutOfOrder), "at once"
    assert eventually(lambda: not any(worker.thread.is_alive() for worker in pool.workers)), "it is not tried for ever"
    assert [worker.misses for worker in pool.workers] == [STARTS, 0]
    assert all(worker.process is None or worker.process.poll() is not None for worker in pool.workers)
    pool.shutdown()


@pytest.mark.skipif(not forking.CAN_FORK, reason="processes are not forked here")
def test_a_fork_server_that_ends_takes_its_processes_along_and_another_comes():
    with WorkerPool(1) as pool:
        before, connection = pool.submit(number_of_process).result(PATIENT), forking.shared().connection
        os.kill(connection.process.pid, signal.SIGKILL)
        assert eventually(lambda: pool.workers[0].process.pid != before)
        assert pool.submit(number_of_process).result(PATIENT) != before
        assert forking.shared().connection is not connection
        assert not Path(f"/proc/{before}").exists()


@pytest.mark.skipif(not forking.CAN_FORK, reason="a process that is not forked takes longer to get ready")
def test_a_process_that_hangs_while_it_starts_is_given_up_for_another(monkeypatch):
    monkeypatch.setattr(pool_module, "STARTING", patient(2))
    opened = []

    def open_(worker):
        module = "lessons.workers.worker" if opened else "tests.tools.hangs"
        opened.append(forking.start(module, environment=dict(os.environ)))
        return opened[-1]

    monkeypatch.setattr(pool_module.Worker, "_open", open_)
    with WorkerPool(1) as pool:
        assert pool.submit(number_of_process).result(PATIENT) == opened[1].pid


@pytest.mark.skipif(not forking.CAN_FORK, reason="processes are not forked here")
def test_a_forked_process_has_the_servers_environment_and_none_of_its_files(monkeypatch, tmp_path):
    monkeypatch.setenv("UNMASKED_OF_THIS_TEST", "here")
    with (tmp_path / "open").open("w") as file, WorkerPool(2) as pool:
        os.set_inheritable(file.fileno(), True)
        for said, open_files in pool.map(environment_and_files, ["UNMASKED_OF_THIS_TEST"] * 2):
            assert said == "here"
            assert not [path for path in open_files if path == file.name]
            assert sum(path.startswith("socket:") for path in open_files) == 0, "nobody else can be asked to fork"


@pytest.mark.verify
def test_a_worker_that_starts_in_the_end_counts_from_nothing(no_python):
    pool = WorkerPool(1)
    job = pool.submit(number_of_process)
    assert eventually(lambda: pool.workers[0].misses == 1)
    for environment in (os.environ, forking.ENVIRONMENT):
        no_python.delitem(environment, "PYTHONHOME")
    assert job.result(PATIENT) and pool.workers[0].misses == 0 and not pool.trouble
    pool.shutdown()


def test_what_can_be_done_later_waits_for_a_quiet_moment(monkeypatch):
    """One worker does it, while the other is free; where there is only one, nobody does."""
    with WorkerPool(2) as pool, WorkerPool(1) as alone:
        pool.may_warm = lambda: False
        for each in (pool, alone):
            for _ in range(2):
                each.do_later(nap, None, 0.3)
        late, never = [*pool.later], [*alone.later]
        assert len({*pool.map(nap, [None] * 4, [0.05] * 4)}) == 4
        assert not any(job.done() or job.running() for job in late)
        pool.may_warm = lambda: True
        pool.submit(nap, None, 1.5).result(PATIENT)  # idle workers look around once a second
        assert not any(job.done() or job.running() for job in late), "somebody was here just now"
        monkeypatch.setattr("lessons.workers.pool.QUIET", 0.0)
        (_, first_ended), (second_began, _) = sorted(job.result(PATIENT) for job in late)
        assert first_ended <= second_began
        alone.submit(nap, None, 0.6).result(PATIENT)
        assert not any(job.done() for job in never)


@pytest.mark.skipif(not forking.CAN_FORK, reason="processes are not forked here")
def test_a_server_with_more_than_a_thousand_connections_still_hears_how_a_process_ended():
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, before[1]), before[1]))
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        with WorkerPool(1) as pool:
            number = pool.submit(number_of_process).result(PATIENT)
            os.kill(number, signal.SIGKILL)
            assert pool.submit(number_of_process).result(PATIENT) != number
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
