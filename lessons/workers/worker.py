"""One worker process: `main`, or `python -m lessons.workers.worker`. Jobs come on stdin, answers go to stdout.

It is not multiprocessing's, which would run the Streamlit script again as __mp_main__.
Messages are pickles. In: ("job", number, function, args, kwargs) or ("stop", number). Out: ("ready", None, greeting),
("item", number, item), ("done", number, result) or ("failed", number, exception).
"""

import contextlib
import functools
import importlib
import os
import pickle
import queue
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

NICENESS = 10  # of processes for code from strangers: the server and its own workers go first
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def main() -> None:
    inbox, outbox = claim_pipes()
    leave_interrupts()
    with silenced():
        prepare()
        keep_graphs()
    serve(inbox, functools.partial(say, outbox))


def serve(inbox, say: Callable, greeting=None, begin: Callable[[int], None] = lambda number: None) -> None:
    """Say that we are ready, then do one job after the other. `begin` is called before each."""
    with contextlib.suppress(BrokenPipeError):  # the server ended
        say("ready", None, greeting)
        jobs, stopped = queue.SimpleQueue[Any](), set[int]()
        threading.Thread(target=listen, args=(inbox, jobs, stopped), daemon=True).start()
        for number, function, args, kwargs in iter(jobs.get, None):
            begin(number)
            work(say, stopped, number, function, args, kwargs)
            stopped.discard(number)


def claim_pipes():
    """The two pipes, with stdout pointed at stderr: a print() must not speak into the protocol."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return inbox, outbox


def leave_interrupts() -> None:
    """Leave Ctrl-C to the server; we end when its pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def stand_back() -> None:
    """Leave the processor to others too, and for good: whoever is no root cannot go back.

    A worker that a learner waits for must not: beside two other busy programs its run took 9.9 s.
    """
    leave_interrupts()
    if hasattr(os, "nice"):
        os.nice(NICENESS)


@contextlib.contextmanager
def silenced():
    """TensorFlow greets on file descriptor 2 while it loads, whatever its log level."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def load() -> None:
    """Import TensorFlow and the engine, and run nothing of them: whoever has may still be forked."""
    os.environ.update(QUIET)
    importlib.import_module("lessons.engine.grid_training")


def call(name: str) -> None:
    """Call the function `module.function`."""
    module, _, function = name.rpartition(".")
    getattr(importlib.import_module(module), function)()


def prepare() -> None:
    """Load, and set up TensorFlow; one thread per operation was fastest for models of this size."""
    load()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    warnings.simplefilter("ignore", UserWarning)  # what Keras warns of is caught where a model is built, and shown
    tf.get_logger().setLevel("ERROR")  # it warns of retracing whenever many graphs are made, which is what we do


def keep_graphs() -> None:
    """Share traced graphs with the other workers of this machine. Not for processes that run code from strangers."""
    importlib.import_module("lessons.engine.train").keep_graphs()


def listen(inbox, jobs: queue.SimpleQueue, stopped: set) -> None:
    """Sort what comes in. The server's end of the pipe closes when it ends: then so do we, at once."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            kind, number, *rest = pickle.load(inbox)
            if kind == "stop":
                stopped.add(number)
            else:
                jobs.put((number, *rest))
    os._exit(0)


def work(say: Callable, stopped: set, number: int, function, args, kwargs) -> None:
    """Do one job and tell. A stopped generator keeps what it has yielded."""
    try:
        result = function(*args, **kwargs)
        if isinstance(result, Iterator):
            for item in result:
                say("item", number, item)
                if number in stopped:
                    break
            result = None
        say("done", number, result)
    except Exception as failure:
        say("failed", number, portable(failure))


def portable(failure: Exception) -> Exception:
    """The exception, or one that says the same where it cannot cross to the server (TensorFlow's need TensorFlow)."""
    if type(failure).__module__ == "builtins":
        with contextlib.suppress(TypeError):  # some take more than a text
            return type(failure)(*[str(arg) for arg in failure.args])
    if isinstance(failure, ValueError):
        return ValueError(str(failure))  # such as BadInput, which is a sentence
    return RuntimeError(f"{type(failure).__name__}: {failure}")


def say(outbox, *message) -> None:
    outbox.write(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))  # all of it or, unpicklable, nothing
    outbox.flush()


if __name__ == "__main__":
    main()
