"""What a class of so many needs, and whether this machine has it."""

import math
from dataclasses import dataclass
from typing import Any

from lessons.recipe.words import plural
from lessons.tools.preflight.check import FAILED, OK, WARNING, Check, size
from lessons.tools.preflight.memory import available, cores_here
from lessons.tools.preflight.queueing import Demands, Machine, burst, in_time
from lessons.workers.capacity import default_size

# Measured on Linux with Streamlit 1.67: a server of 85 MB has 159 MB after its first page, and 231 MB with 60 learners
# who train. A worker has 735 MB, of which 270 MB are its own and the rest TensorFlow's files, which workers share.
SERVER_IDLE, FIRST_PAGE, EACH_LEARNER = 85e6, 74e6, 1.2e6  # bytes
WORKER_WHOLE, WORKER_OWN = 735e6, 270e6  # bytes
PAGE_BYTES = 2.5e6  # of a browser's first visit, compressed
SPARE = 0.5e9  # bytes for the system and a browser beside us

TOGETHER = 5.0  # seconds after which 95 of 100 shall have their run when all press Run at once
TRAINS = 0.15  # seconds of a worker for a run, where that could not be measured here
SERVER_SHARE = 0.5  # what a run costs the server process beside its worker; docs/scale.md
LAPTOP = 30  # learners whose pages a laptop on the classroom's Wi-Fi is asked to serve


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


def demands_of(found: list[Check]) -> Demands:
    """What a run asks of server and worker on this machine, as far as that was measured."""
    once = measured_of(found, "worker").get("again") or TRAINS
    return Demands(SERVER_SHARE * once, once)


def measured_of(found: list[Check], name: str) -> dict[str, Any]:
    """What the check of this name measured."""
    return next((check.measured for check in found if check.name == name), {})


def needs(count: int, found: list[Check]) -> Needs:
    """What a class of so many needs, by what was measured here; by our own measurements where it could not be.

    As many servers as their one process each demands, then workers, then cores: so that all may press Run at once.
    """
    demands, worker = demands_of(found), measured_of(found, "worker")
    servers = math.ceil(count / in_time(TOGETHER, demands.server))
    each = math.ceil(count / servers)
    workers = math.ceil(each / in_time(TOGETHER, demands.worker)) + (count > 1)  # one may trace while the others train
    far = bool(worker.get("workers"))
    bytes_ = (measured_of(found, "server").get("bytes") or SERVER_IDLE) + FIRST_PAGE + each * EACH_LEARNER
    if not far:
        bytes_ += (worker.get("bytes") or WORKER_WHOLE) + (workers - 1) * (worker.get("own_bytes") or WORKER_OWN)
    cores = 1 if far else max(2, math.ceil(each / in_time(TOGETHER, demands.server + demands.worker)))
    setup = "laptop" if count <= LAPTOP else "server" if servers == 1 else "replicas"
    words = {
        "laptop": "a laptop in the classroom's network will do",
        "server": "one server",
        "replicas": f"{servers} servers behind a proxy with sticky sessions (compose.yaml), and PostgreSQL",
    }
    per = " each" if servers > 1 else ""
    train = plural(workers, "worker") if not far else "the cluster's workers"
    says = (
        f"{plural(count, 'learner')}: {words[setup]}; {size(bytes_ + SPARE)} of memory, "
        f"{plural(cores, 'core')} and {train}{per}. Every browser loads {size(PAGE_BYTES)} at its first "
        f"visit, together {size(count * PAGE_BYTES)}."
    )
    return Needs(count, setup, servers, workers, cores, bytes_ + SPARE, says)


def capacity(wanted: Needs, found: list[Check]) -> Check:
    """Memory and cores of this machine beside what one server of the class needs."""
    free, cores = available(), cores_here()
    machine, demands = Machine(default_size(), cores), demands_of(found)
    wait = burst(math.ceil(wanted.learners / wanted.servers), machine.rate(demands))
    measured = {
        "available": free,
        "cores": cores,
        "needed": wanted.memory,
        "needed_cores": wanted.cores,
        "all_at_once": wait,
        "gives_way": machine.gives_way(demands),
    }
    state = f"{size(free)} of memory is free and {cores} cores; "
    state += f"{size(wanted.memory)} and {wanted.cores} are wanted. "
    state += f"When all press Run at once, 95 of 100 have their run within {wait:.1f} s"
    state += f"{' of each server' if wanted.servers > 1 else ''}; what gives way first: {machine.gives_way(demands)}."
    if free < wanted.memory - SPARE:
        least = needs(1, found).memory - SPARE
        do = "Close other programs, or take a larger machine."
        if free < least:
            return Check("memory", FAILED, state, do, measured)
        return Check("memory", WARNING, state, f"{do} With UNMASKED_WORKERS=1 runs wait for each other.", measured)
    if cores < wanted.cores:
        do = "It works, but who presses Run together with many others waits longer."
        return Check("memory", WARNING, state, do, measured)
    return Check("memory", OK, state, measured=measured)
