"""One walled process, for code from strangers: `main`, or `python -m lessons.sandbox.walled_worker` with its arguments.

Like `lessons.workers.worker` it takes pickled jobs on stdin, one at a time: the server can be trusted. It itself
cannot, once a job has run in it: so it answers in the format of `lessons.sandbox.messages`, and tells a failure by the
name and text of an exception. Before each job it says ("begun", number, None). Without Landlock or seccomp it ends
before it takes one, unless FEWER is "1".
"""

import functools
import gc
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lessons.sandbox.confinement import Sandbox, allow_computing
from lessons.workers.worker import call, claim_pipes, prepare, serve, silenced, stand_back

LONGEST_FAILURE = 2000  # letters


def main(warm: str, computing: str, memory: str, fewer: str, *readable: str) -> None:
    """Confine this process, warm up and serve; never returns. Seconds and bytes (Limits) come as texts."""
    inbox, outbox = claim_pipes()
    nowhere = os.open(os.devnull, os.O_RDWR)
    stand_back()
    sandbox = Sandbox()
    with silenced():
        sandbox.confine(map(Path, readable))
        tempfile.tempdir = "/nonexistent"  # absl looks for a folder to write to when it is imported, and there is none
        prepare()
        start_runtime()
        if warm:
            call(warm)
        # NumPy may start threads: not before the process is confined. Later no file may be open to be imported.
        from lessons.sandbox import messages

        gc.freeze()  # what is loaded by now stays: it need not be looked through after each job
    for standard in (0, 1, 2):  # until now a failure to start could be read on the server's stderr
        os.dup2(nowhere, standard)
    sandbox.limit(float(memory))
    if sandbox.lacking and fewer != "1":
        os._exit(1)
    tell = functools.partial(answer, outbox, messages.encode)

    def begin(number: int) -> None:
        allow_computing(float(computing))
        gc.collect()  # models and graphs of the last job go in circles, and memory is counted
        tell("begun", number, None)

    try:
        serve(inbox, tell, sandbox.walls, begin)
    finally:
        os._exit(1)  # a job called sys.exit(): TensorFlow would take its time to close down


def start_runtime() -> None:
    """Have TensorFlow map its memory and start its threads, so that the limits count neither."""
    import tensorflow as tf

    tf.function(lambda x: x + 1, autograph=False)(tf.constant(1.0))


def answer(outbox, encode: Callable[[Any], bytes], kind: str, number: int | None, content) -> None:
    """Write one part of an answer; of an exception its name, and what it says in up to LONGEST_FAILURE letters."""
    if isinstance(content, Exception):
        content = type(content).__name__, str(content)[:LONGEST_FAILURE]
    outbox.write(encode((kind, number, content)))
    outbox.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
