"""How processes for a pool are started: forked by a fork server that has TensorFlow loaded, or each from nothing."""

from __future__ import annotations

import contextlib
import functools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from lessons.workers.fork_server import Request
from lessons.workers.worker import QUIET

ROOT = Path(__file__).parent.parent.parent
CAN_FORK = sys.platform.startswith("linux") and hasattr(os, "pidfd_open")  # elsewhere TensorFlow may not be forked

# All that a process for code from strangers sees of the environment, and so all that the fork server has.
# Keras would make itself a folder: below /dev/null nobody can.
ENVIRONMENT = {
    **QUIET,
    "PYTHONPATH": str(ROOT),
    "PYTHONSAFEPATH": "1",
    "PYTHONNOUSERSITE": "1",
    "LANG": "C.UTF-8",
    "HOME": "/nonexistent",
    "KERAS_HOME": "/dev/null/keras",
    "KERAS_BACKEND": "tensorflow",
    "OPENBLAS_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others map memory ahead, which counts
    "MALLOC_ARENA_MAX": "2",  # glibc would map 64 MB for each thread, which counts as memory
}
KEPT = ("LD_LIBRARY_PATH", "SYSTEMROOT")  # what some systems need to start Python at all


def bare_environment() -> dict[str, str]:
    """ENVIRONMENT, with what this system needs."""
    return {**ENVIRONMENT, **{name: os.environ[name] for name in KEPT if name in os.environ}}


class Forked:
    """A process that the fork server has forked: what a pool uses of subprocess.Popen."""

    def __init__(self, pid: int, stdin: IO[bytes], stdout: IO[bytes], end: int):
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._end = end
        self._reading = threading.Lock()

    def __del__(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._end)

    def poll(self) -> int | None:
        """How it ended: its exit code, or the negative number of a signal; None while it lives."""
        with self._reading:
            if self.returncode is None and self._told(0):
                told = os.read(self._end, 16)
                if not told:  # the fork server is gone: nobody would tell of its end
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(self.pid, signal.SIGKILL)
                self.returncode = int(told or -signal.SIGKILL)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired after so many seconds."""
        if self.returncode is None:
            self._told(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def _told(self, timeout: float | None) -> bool:
        """Whether there is something of its end to read, within so many seconds. `select` stops at descriptor 1,023."""
        asked = select.poll()
        asked.register(self._end, select.POLLIN)
        return bool(asked.poll(None if timeout is None else 1000 * timeout))

    def kill(self) -> None:
        if self.poll() is None:  # till it is told of, nobody else has its number
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


Process = Forked | subprocess.Popen[bytes]


class Connection:
    """A fork server and the socket to it. It ends when that closes: with this process, whatever ends it."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", "lessons.workers.fork_server"]
        with theirs:
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), cwd="/", env=bare_environment())

    def fork(self, request: Request) -> Forked:
        """The new process. Raises OSError where the fork server has ended."""
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        ours_end, theirs_end = os.pipe()
        try:
            socket.send_fds(self.socket, [request.encode()], [theirs_in, theirs_out, theirs_end])
            told = self.socket.recv(32)
            if not told:
                raise ConnectionResetError(f"exit code {self.process.wait()} of the fork server")
        except OSError:
            for ours in (ours_in, ours_out, ours_end):
                os.close(ours)
            raise
        finally:
            for theirs in (theirs_in, theirs_out, theirs_end):
                os.close(theirs)
        return Forked(int(told), os.fdopen(ours_in, "wb"), os.fdopen(ours_out, "rb"), ours_end)

    def close(self) -> None:
        self.socket.close()
        self.process.wait()


class Reconnecting:
    """The fork server of this process, started when it is needed first, and anew where it has ended."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.connection: Connection | None = None

    def fork(self, request: Request) -> Forked:
        with self.turn:
            if self.connection is None:
                self.connection = Connection()
            try:
                return self.connection.fork(request)
            except OSError:
                self.connection.close()
                self.connection = None
                raise


@functools.cache
def shared() -> Reconnecting:
    return Reconnecting()


def start(
    module: str,
    *arguments: str,
    environment: Mapping[str, str],
    folder: str | Path = ROOT,
    session: bool = False,
    load: str = "",
) -> Process:
    """A process that runs `module.main(*arguments)`, with pipes for stdin and stdout.

    `session`: it leads one of its own. `load`: `module.function` that loads what it needs beside TensorFlow, and runs
    none of it. Raises OSError where no process can be had.
    """
    if CAN_FORK:
        request = Request(module, arguments, dict(environment), str(folder), session, load)
        return shared().fork(request)
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
        env=dict(environment),
        start_new_session=session,
    )
