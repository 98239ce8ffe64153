"""What code might try once it is past the first wall, and what must work behind it: jobs for walled workers."""

import ctypes
import errno
import fcntl
import mmap
import os
import pickle
import platform
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

PTRACE_ATTACH = 16
PARENT_DEATH_SIGNAL = 1


# What has to be denied. Each returns something if it succeeds.


def read_passwd():
    return Path("/etc/passwd").read_text()


def read_passwd_in_graph():
    """TensorFlow reads it in a thread of its own, which was there before the job."""
    import tensorflow as tf

    return tf.function(lambda: tf.io.read_file("/etc/passwd"))().numpy().decode()


def read_passwd_in_every_thread():
    """Whichever of TensorFlow's threads gets it."""
    import tensorflow as tf

    names = tf.data.Dataset.from_tensors("/etc/passwd").repeat(16)
    return len(list(names.map(tf.io.read_file, num_parallel_calls=4)))


def read_app():
    return Path(__file__).parent.parent.parent.joinpath("app.py").read_text()


def read_parent_environment():
    return Path(f"/proc/{os.getppid()}/environ").read_bytes()


def read_parent_memory():
    return open(f"/proc/{os.getppid()}/mem", "rb").fileno()


def list_root():
    return os.listdir("/")


def open_socket():
    return socket.socket().fileno()


def open_socket_pair():
    return socket.socketpair()[0].fileno()


def connect_home(port: int):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return connection.fileno()


def fork():
    pid = os.fork()
    if not pid:
        os._exit(0)
    return os.waitpid(pid, 0)


def spawn():
    return subprocess.run(["/bin/true"], check=True).returncode


def become_another():
    os.execv("/bin/true", ["true"])


def write_file(folder: str):
    return Path(folder, "written").write_text("we were here")


def write_file_in_tensorflow(folder: str):
    import tensorflow as tf

    tf.io.write_file(f"{folder}/written", "we were here")
    return "written"


def make_folder(folder: str):
    Path(folder, "made").mkdir()
    return "made"


def remove_file(folder: str):
    Path(folder, "precious").unlink()
    return "removed"


def change_mode(folder: str):
    """Landlock has no say in it."""
    Path(folder, "precious").chmod(0o777)
    return "changed"


def signal_parent():
    os.kill(os.getppid(), 0)
    return "reached"


def signal_everybody():
    os.kill(-1, 0)
    return "reached"


def trace_parent():
    return checked(ctypes.CDLL(None, use_errno=True).ptrace(PTRACE_ATTACH, os.getppid(), 0, 0))


def outlive_parent():
    return checked(ctypes.CDLL(None, use_errno=True).prctl(PARENT_DEATH_SIGNAL, 0, 0, 0, 0))


def limit_parent():
    return resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE)


def share_memory():
    return checked(ctypes.CDLL(None, use_errno=True).shmget(0, 4096, 0o1600))


def hidden_file():
    return os.memfd_create("hidden")


def signal_by_pipe():
    """Once something can be read, the kernel sends the signal of our choice to the process of our choice."""
    reader, _ = os.pipe()
    fcntl.fcntl(reader, fcntl.F_SETOWN, os.getppid())
    fcntl.fcntl(reader, 10, signal.SIGURG)  # F_SETSIG
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_ASYNC)
    return "armed"


def signal_by_pipe_of_a_thread():
    reader, _ = os.pipe()
    fcntl.fcntl(reader, 15, struct.pack("ii", 1, os.getppid()))  # F_SETOWN_EX, F_OWNER_PID
    return "armed"


def signal_by_ioctl():
    reader, _ = os.pipe()
    fcntl.ioctl(reader, termios.FIOASYNC, struct.pack("i", 1))
    return "armed"


def lease():
    with open(__file__) as file:
        return fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK) or "leased"


def watch_folder():
    folder = os.open(Path(__file__).parent.parent, os.O_RDONLY)
    return fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_ACCESS) or "watched"


def grow_pipe():
    reader, _ = os.pipe()
    return fcntl.fcntl(reader, 1031, 2**20)  # F_SETPIPE_SZ


def lock_file():
    with open(__file__) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return "locked"


def called(name: str, *arguments):
    """What a function of the C library gives; nothing where that says that the argument is none."""
    return checked_but(errno.EINVAL, getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments))


def remove_semaphores():
    return called("semctl", 2**30, 0, 0)  # IPC_RMID, of an object that is none


def remove_messages():
    return called("msgctl", 2**30, 0, None)


def asynchronous_io():
    setup = {"x86_64": 206, "aarch64": 0}[platform.machine()]
    return called("syscall", setup, 1, ctypes.byref(ctypes.c_ulong(0)))


def flush_disks():
    with open(__file__) as file:
        return checked(ctypes.CDLL(None, use_errno=True).syncfs(file.fileno()))


def make_timer():
    return called("timer_create", 0, None, ctypes.byref(ctypes.c_void_p()))


def move_parent():
    os.sched_setaffinity(os.getppid(), os.sched_getaffinity(os.getppid()))
    return "moved"


def unlimited_memory():
    return raise_limit(resource.RLIMIT_AS)


def unlimited_files():
    return raise_limit(resource.RLIMIT_NOFILE)


def raise_limit(kind: int):
    _, most = resource.getrlimit(kind)
    resource.setrlimit(kind, (most + 1, most + 1))
    return most


def checked_but(allowed: int, answer: int) -> int:
    return 0 if answer < 0 and ctypes.get_errno() == allowed else checked(answer)


def checked(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def find_in_freed_memory(backwards: str) -> bool:
    """Whether memory that nobody has written holds a word. It comes backwards, so that the question is not found."""
    import numpy as np

    word = backwards[::-1].encode()
    return any(word in np.empty(size, "uint8").tobytes() for size in range(1500, 30_000, 50))


# What has to be ended.


def take_8_gb():
    return len(bytearray(8 * 10**9))


def take_8_gb_in_tensorflow():
    """TensorFlow waits ten seconds for somebody to give memory back before it fails."""
    import tensorflow as tf

    return tf.ones((45_000, 45_000)).shape


def take_ever_more():
    taken = []
    while True:
        taken.append(bytearray(10**7))


def map_8_gb():
    return len(mmap.mmap(-1, 8 * 10**9))


def spin():
    while True:
        pass


def spin_and_ignore():
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    spin()


def spin_in_graph():
    import tensorflow as tf

    forever = tf.function(lambda: tf.while_loop(lambda k: k >= 0, lambda k: (k + 1) % 7, [tf.constant(0)]))
    return forever()


def sleep():
    time.sleep(1000)


def hold_the_lock():
    """Sleep in C with the interpreter's lock held: no other thread of this process can act."""
    ctypes.PyDLL(None).sleep(1000)


def recurse():
    return recurse()


def recurse_in_c():
    sys.setrecursionlimit(10**9)
    value = []
    for _ in range(10**6):
        value = [value]
    return repr(value)


def leave():
    os._exit(3)


def leave_politely():
    sys.exit("bye")


def segfault():
    ctypes.string_at(0)


def abort():
    os.abort()


def end_by_a_signal_without_a_name():
    os.kill(os.getpid(), signal.SIGRTMIN + 1)


def start_threads():
    while True:
        threading.Thread(target=time.sleep, args=(1000,)).start()


def start_small_threads():
    """Whose stacks take hardly any memory."""
    threading.stack_size(2**15)
    for _ in range(3000):
        threading.Thread(target=time.sleep, args=(1000,)).start()
    time.sleep(1000)


def leave_a_thread_that_computes():
    """It goes on when the job is done, and no limit of its own ends it."""
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY,) * 2)
    threading.Thread(target=spin, daemon=True).start()
    return os.getpid()


def compute_without_limit():
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY,) * 2)
    spin()


def flood_stdout():
    for _ in range(1000):
        print("x" * 10_000)
        os.write(1, b"x" * 10_000)
    return "flooded"


# What it may answer past our code.


def pipe_of_answers() -> int:
    """The descriptor on which this process answers."""
    for descriptor in range(3, 64):
        try:
            kind, flags = os.fstat(descriptor).st_mode, fcntl.fcntl(descriptor, fcntl.F_GETFL)
        except OSError:
            continue
        if stat.S_ISFIFO(kind) and flags & os.O_ACCMODE == os.O_WRONLY:
            return descriptor
    raise LookupError("no pipe to write to")


class Bomb:
    """Unpickled, it makes a file: whoever reads it as a pickle has run what we liked."""

    def __init__(self, marker: str):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (Path(self.marker),)


def answer_pickle(marker: str):
    os.write(pipe_of_answers(), pickle.dumps(("done", 0, Bomb(marker))))
    time.sleep(1000)


def answer_bytes(content: bytes):
    os.write(pipe_of_answers(), content)
    time.sleep(1000)


def number_of_job() -> int:
    """The number under which this job has to be answered."""
    frame = sys._getframe()
    while frame.f_code.co_name != "serve":
        frame = frame.f_back
    return frame.f_locals["number"]


def framed(text: str) -> bytes:
    return struct.pack("!II", len(text), 0) + text.encode()


def answer_text(text: str):
    """As our format has it, but of our own making. NUMBER stands for the job's."""
    answer_bytes(framed(text.replace("NUMBER", str(number_of_job()))))


def answer_items(texts: list[str]):
    """Item after item of our own making."""
    for text in texts:
        os.write(pipe_of_answers(), framed(f'{{"tuple": ["item", {number_of_job()}, {text}]}}'))
    return "answered"


def answer_ahead():
    """For whoever comes next: under all numbers that theirs may have."""
    mine = number_of_job()
    os.write(pipe_of_answers(), framed(f'{{"tuple": ["done", {mine}, "mine"]}}'))
    for number in (*range(60), *range(mine - 60, mine + 60)):
        for kind in ("begun", "done"):
            os.write(pipe_of_answers(), framed(f'{{"tuple": ["{kind}", {number}, "stolen"]}}'))
    time.sleep(1000)


def answer_for_another():
    os.write(pipe_of_answers(), framed(f'{{"tuple": ["done", {number_of_job() + 1}, "stolen"]}}'))
    time.sleep(1000)


def answer_colliding():
    return {k * (2**61 - 1): 0 for k in range(2000)}


def answer_values():
    return [0] * 100_000


def answer_at_most():
    """About the longest that is accepted."""
    return [[k / 7, "x"] for k in range(24_000)]


def answer_too_much():
    pipe, piece = pipe_of_answers(), bytes(2**20)
    os.write(pipe, struct.pack("!II", 2, 2**32 - 1) + b"[]")
    while True:
        os.write(pipe, piece)


def answer_too_often():
    while True:
        yield 1


def answer_at_length():
    import numpy as np

    return np.zeros(2**24)


def answer_object():
    return Path("/")


def close_pipe():
    os.close(pipe_of_answers())
    time.sleep(1000)


# What a process does for the next learner once it is taken over.


def take_over(order: str, answer):
    from lessons.server import walled_tasks

    setattr(walled_tasks, order, lambda *_: answer)
    return "taken"


def take_over_training(items: list):
    from lessons.server import walled_tasks

    walled_tasks.train = lambda *_: iter(items)
    return "taken"


# What has to work.


def environment() -> dict:
    return dict(os.environ)


def number_of_process() -> int:
    return os.getpid()


def pause(seconds: float, marker: int = 0) -> int:
    time.sleep(seconds)
    return marker


def fail(text: str):
    raise ValueError(text)


def count(to: int, seconds: float = 0.0):
    for k in range(to):
        time.sleep(seconds)
        yield k


def plain_values():
    import numpy as np

    return {
        "numbers": (1, -(10**30), 1.5, float("inf"), -0.0, np.float32(0.5), np.bool_(True)),
        "nan": float("nan"),
        "array": np.arange(6.0).reshape(2, 3).T,
        3: [None, "ü\n\ud800", {}, ()],
    }


def train() -> list:
    """A traced function with a gradient, and a few steps of a model: what an examination does."""
    import keras
    import numpy as np
    import tensorflow as tf

    @tf.function(autograph=False)
    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(keras.ops.log(x) ** 2)
        return tape.gradient(loss, x)

    model = keras.Sequential([keras.Input((4, 3)), keras.layers.GRU(4), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss=lambda y_true, y_pred: keras.ops.mean((y_true - y_pred) ** 2))
    history = model.fit(np.ones((8, 4, 3)), np.ones((8, 1)), epochs=3, verbose=0).history["loss"]
    return [*history, *gradient(tf.constant([2.0, 3.0])).numpy().tolist()]
