"""Before a class: does everything work on this machine, and is it enough for so many learners?

Every check does the thing itself: it starts a server, trains in a worker, opens a room in the database and deletes it.
It leaves nothing behind but the database's tables and SQLite's secret, which the app would make too.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from lessons.classroom import database, environment
from lessons.classroom.room import LARGEST
from lessons.families.recurrent import Recurrent
from lessons.recipe.numeral import is_whole
from lessons.recipe.recipe import Recipe
from lessons.recipe.settings import BadInput
from lessons.server.laboratory import Laboratory, structure
from lessons.workers import cluster, pool
from lessons.workers.pool import ROOT, WorkerPool

OK, WARNING, FAILED = "ok", "warning", "failed"
FITS = (3, 11), (3, 13)  # Python; TensorFlow and Streamlit have releases for these
DEFAULT_PORT = 8501
LEARNERS = 30  # a class, where nobody says how many
SERVER_WITHIN = 60.0  # seconds
WORKER_WITHIN = 120.0  # seconds; TensorFlow that is not byte-compiled takes 8 s to import, a cold disk longer
SETTINGS = Recurrent(epochs=20)  # LSTM 16, batch 32, 12 timesteps

# Measured on Linux with Streamlit 1.67: a server of 85 MB has 159 MB after its first page, and 231 MB with 60 learners
# who train. A worker has 735 MB, of which 270 MB are its own and the rest TensorFlow's files, which workers share.
SERVER_IDLE, FIRST_PAGE, EACH_LEARNER = 85e6, 74e6, 1.2e6  # bytes
WORKER_WHOLE, WORKER_OWN = 735e6, 270e6  # bytes
PAGE_BYTES = 2.5e6  # of a browser's first visit, compressed
SPARE = 0.5e9  # bytes for the system and a browser beside us

TOGETHER = 5.0  # seconds that the last of a class may wait for its run when all press Run at once
PER_SERVER = 60  # learners with whom one server process was measured
LAPTOP = 30  # learners whose pages a laptop on the classroom's Wi-Fi is asked to serve
DISK_LOW, DISK_FULL = 1e9, 0.2e9  # bytes free


@dataclass(frozen=True)
class Check:
    """One thing that was tried. `do`: what to do about it, where something is to be done."""

    name: str
    verdict: str
    says: str
    do: str = ""
    measured: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Needs:
    """What a class of so many needs."""

    learners: int
    setup: str  # laptop, server, replicas
    servers: int
    workers: int  # of each server
    cores: int  # of each server
    memory: float  # bytes, of each server
    says: str


def learners(given: str) -> int:
    return whole("--learners", given, LARGEST)


def port_of(given: str | None) -> int:
    """The port asked for, else the one that Streamlit would take."""
    if given is not None:
        return whole("--port", given, 65535)
    named = os.environ.get("STREAMLIT_SERVER_PORT")
    return whole("STREAMLIT_SERVER_PORT", named, 65535) if named else int(configured("port", DEFAULT_PORT))


def whole(name: str, given: str, most: int) -> int:
    """Raises BadInput."""
    if not is_whole(given, 1, most):
        raise BadInput(f"{name}: got “{given[:40]}”; takes a whole number from 1 to {most}.")
    return int(given)


def checks(count: int, port: int) -> Iterator[Check]:
    """All of them, each as soon as it is done; memory last, for it needs what the others have measured."""
    yield versions()
    yield disk()
    yield from network(port)
    found = []
    for name, check in (("server", server), ("worker", worker), ("database", stored)):
        found.append(guarded(name, check))
        yield found[-1]
    yield capacity(needs(count, found), found)


def guarded(name: str, check: Callable[[], Check]) -> Check:
    """A check that ends in an error has failed; the others go on."""
    try:
        return check()
    except Exception as failure:
        return Check(name, FAILED, f"It ended with {type(failure).__name__}: {first_line(failure)}")


def report(found: list[Check], count: int) -> dict:
    """All of it, for JSON."""
    return {
        "ok": all(check.verdict != FAILED for check in found),
        "checks": [asdict(check) for check in found],
        "needs": asdict(needs(count, found)),
    }


# --- the machine


def versions() -> Check:
    """Python, and the packages that requirements.txt asks for on this system."""
    python = ".".join(map(str, sys.version_info[:3]))
    told, wrong = {"python": python}, []
    if not FITS[0] <= sys.version_info[:2] <= FITS[1]:
        wrong.append(f"Python {python} instead of 3.11 to 3.13")
    for name, wanted in required():
        try:
            told[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{name} is missing")
            continue
        if not wanted.contains(told[name], prereleases=True):
            wrong.append(f"{name} {told[name]} instead of {wanted}")
    if wrong:
        do = "In this folder: python -m pip install -r requirements.txt, or make run."
        return Check("versions", FAILED, f"{'; '.join(wrong)}.", do, told)
    return Check("versions", OK, f"Python {python} and {len(told) - 1} packages are as required.", measured=told)


def required() -> Iterator[tuple[str, Any]]:
    """(name, versions) of each line of requirements.txt that is meant for this system."""
    from packaging.requirements import Requirement  # comes with Streamlit

    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if line:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate():
                yield wanted.name, wanted.specifier


def disk() -> Check:
    """Where temporary files go, and where the app is."""
    free = min(shutil.disk_usage(place).free for place in (tempfile.gettempdir(), ROOT))
    verdict = OK if free >= DISK_LOW else WARNING if free >= DISK_FULL else FAILED
    do = "" if verdict == OK else "Make room: the database and temporary files need some."
    return Check("disk", verdict, f"{size(free)} are free.", do, {"free": free})


def network(port: int) -> Iterator[Check]:
    """The port, and who can reach it."""
    listens = os.environ.get("STREAMLIT_SERVER_ADDRESS") or str(configured("address", ""))
    local = listens in ("localhost", "127.0.0.1", "::1")
    free = free_port(port)
    if free is None:
        yield Check("port", OK, f"Port {port} is free.", measured={"port": port})
    else:
        do = f"End the program that has it (another Unmasked?), or take another: --server.port={port + 1}."
        yield Check("port", FAILED, f"Port {port} cannot be used: {free}.", do, {"port": port})
    found = [place for place in lan_addresses() if free is not None or reachable(place, port)]
    told = ", ".join(f"http://{place}:{port}" for place in found)
    measured = {"listens": listens, "addresses": found}
    if not found:
        do = "Join the classroom's network, then run this again."
        yield Check("addresses", WARNING, "This machine has no address that learners could type.", do, measured)
    elif local:
        start = f"STREAMLIT_SERVER_ADDRESS=0.0.0.0 STREAMLIT_BROWSER_SERVER_ADDRESS={found[0]} make run"
        said = f"Only this machine can connect, for the server listens on {listens}. Learners could type {told}."
        yield Check("addresses", WARNING, said, f"Start it with {start}", measured)
    else:
        do = "Open one on a phone in the classroom's Wi-Fi: a firewall or the access point may still be in the way."
        yield Check("addresses", OK, f"Learners type {told}.", do, measured)


def free_port(port: int) -> str | None:
    """Why a server cannot have this port; None where it can."""
    with socket.socket() as tried:
        if sys.platform != "win32":  # as Streamlit does; on Windows it would take the port from another
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("0.0.0.0", port))
            tried.listen()
        except OSError as failure:
            return (failure.strerror or str(failure)).lower()
    return None


def lan_addresses() -> list[str]:
    """This machine's IPv4 addresses, the one towards other networks first."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation; connecting a UDP socket sends nothing
            found.append(probe.getsockname()[0])
        except OSError:
            pass  # no network
    try:
        found += [entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    except OSError:
        pass  # the machine does not know its own name
    return list(dict.fromkeys(place for place in found if not place.startswith("127.")))


def reachable(place: str, port: int) -> bool:
    """Whether a connection to this address arrives at a server on all interfaces."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("0.0.0.0", port))
            door.listen()
            with socket.create_connection((place, port), timeout=2):
                return True
        except OSError:
            return False


# --- the app


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
            seconds, bytes_ = time.monotonic() - started, resident(process.pid)
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
    finally:
        workers.shutdown(wait=False, cancel_futures=True)
    says = f"Ready after {ready:.1f} s; the first training took {first:.2f} s, the next {again:.3f} s."
    says += f" It holds {size(whole_)}, {size(own)} of that for itself." if whole_ and own else ""
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


# --- the database


def stored() -> Check:
    """A room opened where the app would open it, found, and deleted."""
    from sqlalchemy.exc import SQLAlchemyError

    from lessons.classroom.room import NoRoom, Rooms

    try:
        address = secret() or database.address()
    except (BadInput, OSError) as problem:
        return Check(
            "database", FAILED, first_line(problem), f"Set {database.VARIABLE} to an address that can be used."
        )
    place, began = where(address), time.monotonic()
    try:
        engine = database.connect(address)
        try:
            rooms = Rooms(engine)
            code, key = rooms.open(lifetime=SERVER_WITHIN)
            rooms.look(code)
            rooms.end(code, key)
            with contextlib.suppress(NoRoom):
                rooms.look(code)
                return Check("database", FAILED, f"{place} keeps what was deleted.", "Look at its log.")
        finally:
            engine.dispose()
    except BadInput as failure:  # of the secret that progress is kept under
        return Check("database", FAILED, f"{place} cannot be used: {failure}", f"Set {environment.SECRET}.")
    except (SQLAlchemyError, OSError) as failure:
        do = f"Does it run, and is the address right? {database.VARIABLE} or the secret [connections.classroom] has it."
        told = without_password(first_line(getattr(failure, "orig", None) or failure), address)
        return Check("database", FAILED, f"{place} cannot be used: {told}", do)
    seconds = time.monotonic() - began
    says = f"{place} took a room, gave it back and deleted it, in {seconds:.2f} s with the look at its tables."
    return Check("database", OK, says, measured={"seconds": seconds, "kind": kind_of(address)})


def secret() -> str | None:
    """The address in Streamlit's secrets, which the app prefers. Raises BadInput."""
    for folder in (ROOT, Path.home()):
        try:
            told = tomllib.loads((folder / ".streamlit" / "secrets.toml").read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError):
            continue
        given = told.get("connections", {}).get("classroom", {}).get("url")
        if given:
            return database.checked(given)
    return None


def kind_of(address: str) -> str:
    from sqlalchemy import make_url

    return {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[make_url(address).get_backend_name()]


def where(address: str) -> str:
    """The kind of database and its place, without user and password."""
    from sqlalchemy import make_url

    url = make_url(address)
    if kind_of(address) == "SQLite":
        return f"SQLite in {url.database or 'memory'}"
    return f"PostgreSQL {url.database or ''} at {url.host or 'this machine'}:{url.port or 5432}".replace("  ", " ")


def without_password(text: str, address: str) -> str:
    """Drivers repeat the address that they were given."""
    from sqlalchemy import make_url

    url = make_url(address)
    for password in filter(None, (url.password, url.query.get("password"))):
        text = text.replace(str(password), "…")
    return re.sub(r"://[^@\s]*@", "://…@", text)


# --- how much


def needs(count: int, found: list[Check]) -> Needs:
    """What a class of so many needs, by what was measured here; by our own measurements where it could not be."""
    measured = {check.name: check.measured for check in found}
    once = measured.get("worker", {}).get("again") or 0.15
    servers = math.ceil(count / PER_SERVER)
    each = math.ceil(count / servers)
    workers = math.ceil(each * once / TOGETHER) + (count > 1)  # one may trace a graph while the others train
    far = bool(measured.get("worker", {}).get("workers"))
    bytes_ = (measured.get("server", {}).get("bytes") or SERVER_IDLE) + FIRST_PAGE + each * EACH_LEARNER
    if not far:
        whole_ = measured.get("worker", {}).get("bytes") or WORKER_WHOLE
        bytes_ += whole_ + (workers - 1) * (measured.get("worker", {}).get("own_bytes") or WORKER_OWN)
    cores = 1 if far else max(2, workers)  # the server itself is hardly busy: workers make way for it
    setup = "laptop" if count <= LAPTOP else "server" if servers == 1 else "replicas"
    words = {
        "laptop": "a laptop in the classroom's network will do",
        "server": "one server",
        "replicas": f"{servers} servers behind a proxy with sticky sessions (compose.yaml), and PostgreSQL",
    }
    per = " each" if servers > 1 else ""
    train = f"{workers} worker{'s' * (workers > 1)}" if not far else "the cluster's workers"
    says = (
        f"{count} learner{'s' * (count > 1)}: {words[setup]}; {size(bytes_ + SPARE)} of memory, "
        f"{cores} core{'s' * (cores > 1)} and {train}{per}. Every browser loads {size(PAGE_BYTES)} at its first "
        f"visit, together {size(count * PAGE_BYTES)}."
    )
    return Needs(count, setup, servers, workers, cores, bytes_ + SPARE, says)


def capacity(wanted: Needs, found: list[Check]) -> Check:
    """Memory and cores of this machine beside what one server of the class needs."""
    free, cores = available(), cores_here()
    measured = {"available": free, "cores": cores, "needed": wanted.memory, "needed_cores": wanted.cores}
    told = f"{size(free) if free else 'An unknown amount'} of memory is free and {cores} cores; "
    told += f"{size(wanted.memory)} and {wanted.cores} are wanted."
    if free is not None and free < wanted.memory - SPARE:
        least = needs(1, found).memory - SPARE
        do = "Close other programs, or take a larger machine."
        if free < least:
            return Check("memory", FAILED, told, do, measured)
        return Check("memory", WARNING, told, f"{do} With UNMASKED_WORKERS=1 runs wait for each other.", measured)
    if cores < wanted.cores:
        do = "It works, but who presses Run together with many others waits longer."
        return Check("memory", WARNING, told, do, measured)
    return Check("memory", OK, told, measured=measured)


def available() -> float | None:
    """Bytes that can still be had here, or in this container; None where the platform does not tell."""
    free = []
    try:
        told = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free.append(1024 * float(told["MemAvailable"].split()[0]))
    except (OSError, KeyError, ValueError):
        pass
    free += [limit - used for limit, used in in_groups()]
    if not free and math.isfinite(pool.memory()):
        return pool.memory() / 2  # of all there is, for what is free is not told
    return min(free, default=None)


def in_groups(group: Path = Path("/sys/fs/cgroup")) -> Iterator[tuple[float, float]]:
    """(limit, used) of this container's memory, in bytes; nothing where it has no limit.

    What the system keeps of files counts as used there, though it gives that up whenever somebody needs memory.
    """
    for folder, limit, used, cached in (
        (group, "memory.max", "memory.current", "inactive_file"),
        (group / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most, held = float((folder / limit).read_text()), float((folder / used).read_text())
            told = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):  # not Linux, or "max": no limit
            continue
        yield most, held - float(told.get(cached, 0))


def cores_here() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def resident(pid: int) -> float | None:
    return memory_of(pid)[0]


def memory_of(pid: int) -> tuple[float | None, float | None]:
    """Bytes of a process: all, and what it shares with none. None where the platform does not tell."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return told_by_ps(pid), None
    kilobytes = {name: 1024.0 * int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB", told, re.MULTILINE)}
    return kilobytes.get("Rss"), kilobytes.get("Private_Clean", 0.0) + kilobytes.get("Private_Dirty", 0.0)


def told_by_ps(pid: int) -> float | None:
    try:
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
        return 1024.0 * int(told.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


# --- words


def configured(name: str, otherwise: object) -> object:
    """An option of the [server] section of .streamlit/config.toml."""
    try:
        told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return otherwise
    return told.get("server", {}).get(name, otherwise)


def size(bytes_: float) -> str:
    return f"{bytes_ / 1e9:.1f} GB" if bytes_ >= 1e9 else f"{bytes_ / 1e6:.3g} MB"


def first_line(failure: BaseException) -> str:
    lines = str(failure).strip().splitlines()
    return lines[0] if lines else type(failure).__name__
