"""The walls that a process puts around itself, for good, before it runs code from strangers.

No wall is complete; they overlap on purpose. Where a system lacks one the others stand, and `walls` tells which do.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from lessons.sandbox import landlock, seccomp
from lessons.sandbox.landlock import checked, libc

try:
    import resource
except ImportError:  # Windows
    resource = None

ROOT = Path(__file__).parent.parent.parent
LESSONS = ROOT / "lessons"
# What the dynamic linker and TensorFlow read of the system: libraries, the size of caches. None of it is a secret.
LIBRARIES = "/lib /lib64 /usr/lib /usr/lib64 /etc/ld.so.cache"
MACHINE = "/dev/urandom /proc/self/cmdline /proc/cpuinfo /proc/meminfo /sys/bus/cpu /sys/devices/system/cpu"
# Descriptors left for what Keras imports when it is first used (Landlock says which files), and for what texts leave
# open: without one TensorFlow ends the process.
LATE_IMPORTS = 32
MOST_DESCRIPTORS = 256  # a warm process has six
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
CAPABILITY_VERSION = 0x20080522
KEPT_CAPABILITIES = 0b110  # to read what belongs to another user; Landlock says where
LINUX = sys.platform.startswith("linux")


def lacking() -> list[str]:
    """Those of the two walls that matter most that this system does not have. Nothing is changed."""
    walls = {"Landlock": landlock.version() > 0, "seccomp": seccomp.available()}
    return [name for name, there in walls.items() if not there]


class Sandbox:
    """The walls around this process: `confine` before it starts a thread, `limit` when all is loaded and warm."""

    def __init__(self):
        self.walls: list[str] = []  # those that stand, in words
        self.lacking: list[str] = []  # those of `lacking` that do not
        self.confined = False
        self.statm = os.open("/proc/self/statm", os.O_RDONLY) if LINUX else None  # when it is read it cannot be opened

    def confine(self, readable: Iterable[Path] = (LESSONS,)) -> None:
        """What binds this thread and those that it starts: files to read, no network. And death with the server."""
        if LINUX:
            checked(libc().prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0))
            drop_capabilities()
            with contextlib.suppress(OSError):  # where memory runs out the kernel ends this one, and not the server
                Path("/proc/self/oom_score_adj").write_text("1000")
            self.walls.append("none of the rights of an administrator")
        version = landlock.restrict([*installed(), *readable])
        if not version:
            self.lacking.append("Landlock")
            return
        self.confined = True
        self.walls.append(f"Landlock {version}: reads Python, its packages and the lessons only, writes nowhere")
        if version >= landlock.NETWORK_SINCE:
            self.walls.append(f"Landlock {version}: no TCP")
        if version >= landlock.SCOPES_SINCE:
            self.walls.append(f"Landlock {version}: no signal leaves the process")

    def limit(self, memory: float) -> None:
        """Limits that cannot be raised again, and a filter of system calls. `memory`: bytes beyond what is mapped."""
        if resource:
            self._bound("CORE", 0, "no core dumps")
            self._bound("FSIZE", 0, "no file grows")
            descriptors = highest_descriptor() + 1 + (LATE_IMPORTS if self.confined else 0)
            self._bound("NOFILE", descriptors, f"{descriptors} open files at most")
            if LINUX:  # other systems take this limit and do not keep it
                most = mapped(os.read(self.statm, 64)) + int(memory)
                self._bound("AS", most, f"{memory / 1e9:.3g} GB of memory beyond TensorFlow's own")
            else:  # Linux would count threads too; there the filter sees to it
                self._bound("NPROC", 0, "no further processes")
        if seccomp.restrict():
            self.walls.append("seccomp: no programs, processes, sockets or foreign signals, no change to any file")
        else:
            self.lacking.append("seccomp")

    def _bound(self, kind: str, most: int, wall: str) -> None:
        with contextlib.suppress(ValueError, OSError):  # a stricter one is in force, or the system does not know it
            resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (most, most))
            self.walls.append(wall)


def drop_capabilities() -> None:
    """Give up what makes root strong, such as raising a limit again. The right to read its own packages stays."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    held = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the same for those above 31
    checked(libc().capget(header, held))
    kept = held[0] & KEPT_CAPABILITIES
    checked(libc().capset(header, (ctypes.c_uint32 * 6)(kept, kept)))


def allow_computing(seconds: float) -> None:
    """From now on this process may compute for so many seconds; then the kernel ends it by SIGXCPU (getrlimit(2))."""
    if resource:
        used = math.ceil(time.process_time())
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (used + math.ceil(seconds), most))


def mapped(statm: bytes) -> int:
    """Bytes of address space, from the text of /proc/…/statm."""
    return int(statm.split()[0]) * os.sysconf("SC_PAGE_SIZE")


def installed() -> list[Path]:
    """Where Python, its packages and the libraries of the system are; not the folder that the app runs from."""
    packages = {Path(entry) for entry in sys.path if entry} - {ROOT}
    libraries = {Path(prefix) / lib for prefix in (sys.prefix, sys.base_prefix) for lib in ("lib", "lib64")}
    linked = {Path(entry) for entry in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if entry}
    return [*packages, *libraries, *linked, *map(Path, f"{LIBRARIES} {MACHINE}".split())]


def highest_descriptor() -> int:
    """The highest open file descriptor. Raises ValueError where none is open."""
    return max(descriptor for descriptor in range(MOST_DESCRIPTORS) if is_open(descriptor))


def is_open(descriptor: int) -> bool:
    """Whether the number is that of an open file."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
