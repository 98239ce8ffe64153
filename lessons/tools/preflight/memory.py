"""Memory and cores: what this machine has left, and what a process holds."""

from __future__ import annotations

import math
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from lessons.workers import capacity


def available() -> float | None:
    """Bytes that can still be had here, or in this container; None where the platform does not tell."""
    free = []
    try:
        told = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free.append(1024 * float(told["MemAvailable"].split()[0]))
    except (OSError, KeyError, ValueError):
        pass
    free += [limit - used for limit, used in in_groups()]
    if not free and math.isfinite(capacity.memory()):
        return capacity.memory() / 2  # of all there is, for what is free is not told
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
        return resident_by_ps(pid), None
    kilobytes = {name: 1024.0 * int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB", told, re.MULTILINE)}
    return kilobytes.get("Rss"), kilobytes.get("Private_Clean", 0.0) + kilobytes.get("Private_Dirty", 0.0)


def resident_by_ps(pid: int) -> float | None:
    try:
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, timeout=5)
        return 1024.0 * int(told.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
