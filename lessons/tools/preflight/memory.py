"""Memory and cores: what this machine has left, and what a process holds."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil


def available() -> float:
    """Bytes that can still be had here, or in this container."""
    return min([psutil.virtual_memory().available, *(limit - used for limit, used in in_groups())])


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


def memory_of(pid: int) -> tuple[float | None, float | None]:
    """Bytes of a process: all, and what it shares with none. None where it is gone or not ours to see."""
    try:
        told = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return None, None
    return told.rss, told.uss
