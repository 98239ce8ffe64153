"""What other processes are forked from: `python -m lessons.workers.fork_server`, with TensorFlow loaded and not begun.

To load TensorFlow takes seconds of a processor, and 270 MB for each process that does. One that is forked has it at
once, and shares the memory. That is safe as long as no operation has run here: TensorFlow has no threads until then.

Requests come on the socket that is stdin, each with three descriptors: the new process' stdin and stdout, and the pipe
that its end is told on. A request is JSON (Request); the answer is the number of the process. When the socket closes,
the server has ended, and so do we.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import warnings
from dataclasses import dataclass
from typing import NoReturn

from lessons.workers.worker import call, leave_interrupts, load, silenced

MOST_BYTES = 1 << 17  # of a request
DESCRIPTORS = 3


@dataclass(frozen=True)
class Request:
    """A process that is asked for: `module.main(*arguments)` with that environment, in that folder."""

    module: str
    arguments: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    session: bool  # whether it leads a session of its own, so that what it starts can be ended with it
    load: str  # `module.function` that loads, here and once, what this process needs and TensorFlow does not bring

    @property
    def paths(self) -> list[str]:
        """Where it may import from, beside what is installed."""
        return [path for path in self.environment.get("PYTHONPATH", "").split(os.pathsep) if path]

    def encode(self) -> bytes:
        return json.dumps(vars(self)).encode()

    @classmethod
    def decode(cls, message: bytes) -> Request:
        said = json.loads(message)
        return cls(**{**said, "arguments": tuple(said["arguments"])})


class ForkServer:
    """What this process holds open: the socket, and of each process that it forked the pipe that its end is told on."""

    def __init__(self, requests: socket.socket):
        self.requests = requests
        self.events = selectors.DefaultSelector()
        self.events.register(requests, selectors.EVENT_READ)
        self.ends: dict[int, tuple[int, int]] = {}  # descriptor of a process -> its number, the pipe

    def serve(self) -> None:
        """Fork what is asked for and tell of ends, until the server is gone."""
        while True:
            for key, _ in self.events.select():
                if key.fileobj is not self.requests:
                    self.tell_end(key.fd)
                elif not self.answer():
                    return

    def answer(self) -> bool:
        """Fork one process. False: the server has closed the socket."""
        message, descriptors, _, _ = socket.recv_fds(self.requests, MOST_BYTES, DESCRIPTORS)
        if not message:
            return False
        request = Request.decode(message)
        if request.load:
            with silenced():
                call(request.load)
        gc.collect()
        gc.freeze()  # the garbage collector of a child would touch, and so copy, what it looks at
        stdin, stdout, end = descriptors
        with warnings.catch_warnings():
            # Python 3.12 warns of any other thread: jemalloc has one, which holds no lock of ours.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            self.become(request, stdin, stdout, end)
        os.close(stdin)
        os.close(stdout)
        handle = os.pidfd_open(child)
        self.ends[handle] = child, end
        self.events.register(handle, selectors.EVENT_READ)
        self.requests.send(str(child).encode())
        return True

    def tell_end(self, handle: int) -> None:
        """Tell how a process ended, then let its number go: till then nobody else can have it."""
        child, end = self.ends.pop(handle)
        self.events.unregister(handle)
        how = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        code = how.si_status if how.si_code == os.CLD_EXITED else -how.si_status
        try:
            os.write(end, str(code).encode())
        except BrokenPipeError:  # nobody wants to know
            pass
        os.waitpid(child, 0)
        os.close(end)
        os.close(handle)

    def become(self, request: Request, stdin: int, stdout: int, end: int) -> NoReturn:
        """In the new process: hold nothing of ours, and run what was asked for."""
        try:
            self.events.close()
            for handle, (_, pipe) in self.ends.items():
                os.close(handle)
                os.close(pipe)
            os.dup2(stdin, 0)  # in place of the socket
            os.dup2(stdout, 1)
            for descriptor in (stdin, stdout, end):
                os.close(descriptor)
            self.requests.detach()
            if request.session:
                os.setsid()
            os.chdir(request.folder)
            os.environ.clear()
            os.environ.update(request.environment)
            sys.path += [path for path in request.paths if path not in sys.path]
            importlib.import_module(request.module).main(*request.arguments)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)


def main() -> None:
    leave_interrupts()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with silenced():
        load()
    ForkServer(socket.socket(fileno=0)).serve()


if __name__ == "__main__":
    main()
