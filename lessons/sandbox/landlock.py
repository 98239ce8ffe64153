"""Landlock: what a Linux process and all that it starts may reach, given up by the process itself and for good.

It binds the calling thread and the threads that this one starts later, so it is raised before TensorFlow makes its own.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same number on every architecture
ASK_VERSION, PATH_BENEATH = 1, 1
READ_FILE, READ_DIR = 1 << 2, 1 << 3
NO_NEW_PRIVILEGES = 38
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # how many rights over files each version of Landlock knows
NETWORK_SINCE, NETWORK_RIGHTS = 4, 0b11  # bind and connect over TCP
SCOPES_SINCE, SCOPES = 6, 0b11  # abstract sockets and signals to processes outside


class Ruleset(ctypes.Structure):
    """`struct landlock_ruleset_attr`: what is forbidden unless a rule allows it."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scoped")]


class Beneath(ctypes.Structure):
    """`struct landlock_path_beneath_attr`: what is allowed in one folder."""

    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def version() -> int:
    """The version of Landlock that this kernel offers; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION))


def restrict(readable: Iterable[Path]) -> int:
    """Let this thread read below these paths and do nothing else with files or over TCP. The version; 0 without it."""
    known = version()
    if not known:
        return 0
    rights = max(count for since, count in FILE_RIGHTS.items() if since <= known)
    network = NETWORK_RIGHTS if known >= NETWORK_SINCE else 0
    forbidden = Ruleset((1 << rights) - 1, network, SCOPES if known >= SCOPES_SINCE else 0)
    # Older versions refuse a structure that is longer than theirs and not 0 there: it is, so they take it.
    ruleset = checked(libc().syscall(CREATE_RULESET, ctypes.byref(forbidden), ctypes.sizeof(forbidden), 0))
    try:
        for path in readable:
            if path.exists():
                allow(ruleset, path)
        checked(libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        checked(libc().syscall(RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return known


def allow(ruleset: int, path: Path) -> None:
    """Allow to read a file, or whatever lies below a folder."""
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        rule = Beneath(READ_FILE | READ_DIR if folder else READ_FILE, opened)
        checked(libc().syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(opened)


def libc() -> ctypes.CDLL:
    """The C library, with errno kept for each thread."""
    return ctypes.CDLL(None, use_errno=True)


def checked(answer: int) -> int:
    """What a system call gave, or the OSError that it meant."""
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return answer
