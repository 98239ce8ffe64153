"""How many workers this machine or container has room for."""

from __future__ import annotations

import math
import os
from pathlib import Path

import psutil

from lessons.recipe.numeral import is_whole

FIRST_BYTES = 1.0e9  # the server and one worker, TensorFlow's shared pages included
WORKER_BYTES = 0.3e9  # what each further worker has for itself


def default_size() -> int:
    """As many workers as cores and memory allow, at least one. UNMASKED_WORKERS sets another number."""
    wanted = os.environ.get("UNMASKED_WORKERS", "")
    if wanted:
        if not is_whole(wanted, 1, 64):
            raise ValueError(f"UNMASKED_WORKERS: got “{wanted}”; takes a whole number from 1 to 64.")
        return int(wanted)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, 1 + math.floor((memory() - FIRST_BYTES) / WORKER_BYTES)))


def memory() -> float:
    """Bytes that this machine or container has."""
    limits = [float(psutil.virtual_memory().total)]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(float(Path(path).read_text()))
        except (OSError, ValueError):  # not Linux, or "max": no limit
            continue
    return min(limits)
