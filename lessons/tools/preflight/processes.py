"""The app's processes: the server, and the workers or the cluster. Each is started, used and ended."""

import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import replace

from lessons.families.recurrent import Recurrent
from lessons.recipe.bad_input import BadInput
from lessons.recipe.recipe import Recipe
from lessons.server.laboratory import Laboratory, structure
from lessons.tools.preflight.check import FAILED, OK, WARNING, Check, size
from lessons.tools.preflight.memory import memory_of
from lessons.workers import cluster, forking
from lessons.workers.pool import ROOT, WorkerPool

SERVER_WITHIN = 60.0  # seconds
WORKER_WITHIN = 120.0  # seconds; TensorFlow that is not byte-compiled takes 8 s to import, a cold disk longer
SETTINGS = Recurrent(epochs=20)  # LSTM 16, batch 32, 12 timesteps


def server() -> Check:
    """The real server, started on a port of its own, asked, and ended."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    flags = [f"--server.port={port}", "--server.address=127.0.0.1", "--server.headless=true"]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *flags]
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            answered = await_health(process, f"http://127.0.0.1:{port}/_stcore/health", started + SERVER_WITHIN)
            seconds, bytes_ = time.monotonic() - started, memory_of(process.pid)[0]
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.seek(0)
        lines = log.read().decode(errors="replace").split("\n")
    if not answered:
        said = f"It did not answer: {cause(lines)[:200]}"
        return Check("server", FAILED, said, "Start it with make run to see all that it says.")
    says = f"It answers {seconds:.1f} s after its start" + (f" and holds {size(bytes_)}." if bytes_ else ".")
    return Check("server", OK, says, measured={"seconds": seconds, "bytes": bytes_})


def cause(lines: list[str]) -> str:
    """The last line of a log that names an error or is ours; else the last line."""
    told = [line.strip() for line in lines if line.strip()]
    named = [line for line in told if line.startswith("unmasked: ") or re.match(r"[\w.]+(Error|Exception): ", line)]
    return (named or told or ["it said nothing"])[-1]


def await_health(process: subprocess.Popen, url: str, until: float) -> bool:
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    return False


def worker() -> Check:
    """A worker started, a graph traced, a training timed; or the same on the cluster that is named."""
    if address := cluster.wanted():
        return far_workers(address)
    workers = WorkerPool(1, affinity=structure, keeps=2)
    try:
        began = time.monotonic()
        workers.start()
        while not workers.ready():
            if time.monotonic() - began > WORKER_WITHIN:
                do = "python -m lessons run mask_and_loss shows what TensorFlow says."
                return Check("worker", FAILED, f"No worker was ready within {WORKER_WITHIN:.0f} s.", do)
            time.sleep(0.05)
        ready = time.monotonic() - began
        first, again = timed(Laboratory(workers))
        whole_, own = memory_of(workers.workers[0].process.pid)
        if own and (connection := forking.shared().connection):
            whole_ = own + (memory_of(connection.process.pid)[0] or 0)  # what all workers have of it, once
    finally:
        workers.shutdown(wait=False, cancel_futures=True)
    says = f"Ready after {ready:.1f} s; the first training took {first:.2f} s, the next {again:.3f} s."
    says += f" It holds {size(whole_)} with what all workers share, {size(own)} for itself." if whole_ and own else ""
    measured = {"ready": ready, "first": first, "again": again, "bytes": whole_, "own_bytes": own}
    slow = ready > 10
    do = "Byte-compile the packages, as make run does: TensorFlow then loads in a third of the time." if slow else ""
    return Check("worker", WARNING if slow else OK, says, do, measured)


def far_workers(address: str) -> Check:
    try:
        executor = cluster.connect(address)
    except BadInput as problem:
        return Check("worker", FAILED, str(problem), f"Start the scheduler, or unset {cluster.ADDRESS}.")
    try:
        if not executor.ready():
            do = f"Start workers: python -m dask worker {address} --nworkers 4 --nthreads 1"
            return Check("worker", FAILED, f"The scheduler at {address} answers, but has no workers.", do)
        first, again = timed(Laboratory(executor))
        count = executor.size
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    says = f"The cluster has {count} workers; the first training took {first:.2f} s, the next {again:.3f} s."
    return Check("worker", OK, says, measured={"first": first, "again": again, "workers": count})


def timed(laboratory: Laboratory) -> tuple[float, float]:
    """Seconds of a training that has to be traced, and of one that need not be. Raises what the training raises."""
    seconds = []
    for seed in (1, 2, 3):
        began = time.monotonic()
        laboratory.train(Recipe(replace(SETTINGS, seed=seed)), "preflight").job.result(WORKER_WITHIN)
        seconds.append(time.monotonic() - began)
    return seconds[0], min(seconds[1:])
