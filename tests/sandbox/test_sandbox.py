"""The parts of the second wall that need no walled process: its message format and its filter."""

import fcntl
import io
import json
import math
import os
import pickle
import platform
import re
import struct
import sys
import termios
import time
from contextlib import suppress

import numpy as np
import pytest

from lessons.sandbox import messages, seccomp
from tests.tools.selection import first


def crossed(value):
    return messages.Reader(io.BytesIO(messages.encode(value))).read()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -(10**40),
        1.5,
        float("inf"),
        "",
        "ü\n\x00",
        [],
        (),
        {},
        (1, [2, (3,)]),
        {1: {"a": None}, -(2**31) + 1: [], "": ()},
        -(10**100),
    ],
    ids=repr,
)
def test_plain_values_come_back_as_they_were(value):
    got = crossed(value)
    assert got == value and type(got) is type(value)


@pytest.mark.parametrize("dtype", sorted(messages.DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (2, 0, 1)])
def test_arrays_come_back_as_they_were(dtype, shape):
    array = np.ones(shape, dtype)
    got, other = crossed([array, "between", np.arange(3)])[::2]
    assert got.dtype == array.dtype and got.shape == shape and (got == array).all()
    assert other.tolist() == [0, 1, 2]
    got[...] = 0  # it can be written to


def test_numbers_of_numpy_become_those_of_python_and_odd_ones_stay():
    assert math.isnan(crossed(np.float32("nan"))) and type(crossed(np.int8(3))) is int
    assert crossed(np.arange(6).reshape(2, 3).T).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert crossed("half a letter: \ud800") == "half a letter: ?"


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        np.array([object()]),
        np.array(["a"]),
        np.zeros((1,) * 9),
        ValueError("a"),
        b"a",
        len,
        {2**31: 1},
        {1.0: 1},
        {True: 1},
        {None: 1},
        {(1,): 1},
    ],
    ids=lambda value: re.sub(r" at 0x\w+", "", repr(value)),
)
def test_nothing_else_is_sent(value):
    with pytest.raises(TypeError, match="plain values"):
        messages.encode([value])


def nested(depth: int) -> list:
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros(2**23 + 1), "64 MB"),
        (["x" * 100] * 50_000, "1 MB of text"),
        ("x" * 2**20, "1 MB of text"),
        ([0] * 100_000, "100,000 values"),
        (10**100 + 1, "100 digits"),
        (nested(messages.DEEPEST + 1), "too deep"),
    ],
    ids=["big", "many", "long", "values", "digits", "deep"],
)
def test_too_much_is_not_sent(value, words):
    with pytest.raises(messages.TooLong, match=words):
        messages.encode(value)


def test_what_is_sent_can_be_as_deep_as_what_is_read():
    assert crossed(nested(messages.DEEPEST)) == nested(messages.DEEPEST)


def framed(text: str, content: bytes = b"") -> bytes:
    return struct.pack("!II", len(text), len(content)) + text.encode() + content


def marked(dtype: object, shape: object) -> str:
    return json.dumps({"array": [dtype, shape]})


@pytest.mark.parametrize(
    "message",
    [
        framed("["),
        framed("\x80\x05"),
        framed("[" * 50_000),
        framed("9" * 5000),
        framed('"\\ud800"'),
        framed('{"eval": "1"}'),
        framed('{"__class__": []}'),
        framed("{}"),
        framed('{"tuple": 1}'),
        framed('{"tuple": [], "dict": []}'),
        framed('{"dict": [[[], 1]]}'),
        framed('{"dict": [1]}'),
        framed('{"dict": 1}'),
        framed('{"dict": [[1.0, 1]]}'),
        framed('{"dict": [[true, 1]]}'),
        framed('{"dict": [[null, 1]]}'),
        framed('{"dict": [[2147483648, 1]]}'),
        framed('{"dict": [[{"tuple": [1]}, 1]]}'),
        framed("[" * 40 + "]" * 40),
        framed("9" * 101),
        framed(marked("<f8", [1] * 9), bytes(8)),
        framed(marked("<f8", [0, 2**31])),
        framed(marked("|O", [1]), bytes(8)),
        framed(marked("<f8,<f8", [1]), bytes(16)),
        framed(marked(["<f8"], [1]), bytes(8)),
        framed(marked("<f8", [2]), bytes(8)),
        framed(marked("<f8", [-1]), bytes(8)),
        framed(marked("<f8", [1.0]), bytes(8)),
        framed(marked("<f8", 1), bytes(8)),
        framed(marked("<f8", [10**30, 0])),
        framed(marked("<f8", [1] * 1000), bytes(8)),
        framed("1", b"left over"),
    ],
    ids=lambda message: repr(message[8:60]),
)
def test_what_the_format_does_not_have_is_refused(message):
    with pytest.raises(messages.Malformed):
        messages.Reader(io.BytesIO(message)).read()


def test_a_pickle_is_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (tmp_path / "marker").touch, ()

    with pytest.raises((messages.Malformed, messages.TooLong, EOFError)):
        messages.Reader(io.BytesIO(pickle.dumps(Bomb()))).read()
    assert not (tmp_path / "marker").exists()


def test_a_cut_message_is_the_end():
    message = messages.encode([np.arange(9)])
    for length in (0, 4, 9, len(message) - 1):
        with pytest.raises(EOFError):
            messages.Reader(io.BytesIO(message[:length])).read()


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0), (2, 2**32 - 1), (2**20 + 1, 0)])
def test_too_much_is_not_even_read(lengths):
    stream = io.BytesIO(struct.pack("!II", *lengths) + bytes(100))
    with pytest.raises(messages.TooLong, match="64 MB|1 MB of text"):
        messages.Reader(stream).read()
    assert stream.tell() == 8


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (framed("1"), "4,096 messages"),
        (framed(f"[{'0,' * 9_998}0]"), "100,000 values"),
        (framed('"' + "x" * 9_998 + '"'), "1 MB of text"),
        (messages.encode(np.zeros(2**17)), "64 MB"),
    ],
    ids=["messages", "values", "text", "bytes"],
)
def test_many_messages_are_too_much_together(message, words):
    most = 4097 if len(message) < 100 else 110
    reader = messages.Reader(io.BytesIO(message * most))
    with pytest.raises(messages.TooLong, match=words):
        for _ in range(most):
            reader.read()
    reader.stream.seek(0)
    reader.renew()
    reader.read()


def colliding(count: int) -> str:
    """A dictionary whose keys have the same hash: to make it takes time with the square of their number."""
    return json.dumps({"dict": [[k * (2**61 - 1), 0] for k in range(count)]})


FLOODS = {
    "keys that collide": colliding(40_000),
    "fractions that collide": json.dumps({"dict": [[k * (2.0**61 - 1), 0] for k in range(1, 25_000)]}),
    "lists": f"[{'[],' * 340_000}0]",
    "lists in lists": f"[{'[[[[[[]]]]]],' * 70_000}0]",
    "deep lists": "[" * 500_000 + "]" * 500_000,
    "objects": f"[{'{},' * 340_000}0]",
    "objects in one": json.dumps({str(k): 0 for k in range(90_000)}),
    "long numbers": f"[{('9' * 4299 + ',') * 230}0]",
    "long shapes": json.dumps({"array": ["<f8", [10**60] * 16_000]}),
    "many arrays": f"[{json.dumps({'array': ['<f8', [0]]})[:-1] + '},'}" * 30_000 + "0]",
}


@pytest.mark.parametrize("name", first(1, [*FLOODS]))
def test_what_nobody_may_answer_costs_no_more_than_the_longest_answer(name):
    """The thread that reads holds the interpreter, and every page with it. Its own time: others may have the cores."""

    def spent(message: bytes) -> float:
        began = time.thread_time()
        with suppress(messages.Malformed, messages.TooLong):
            messages.Reader(io.BytesIO(message)).read()
        return time.thread_time() - began

    longest = messages.encode([[k / 7, "x"] for k in range(24_000)])
    assert messages.Reader(io.BytesIO(longest)).read()[1] == [1 / 7, "x"]
    assert min(spent(framed(FLOODS[name])) for _ in range(2)) < 3 * min(spent(longest) for _ in range(3))


# The filter, run here step by step as the kernel does.


def verdict(machine: str, number: int, arguments=(), mark: int | None = None) -> int:
    """What the filter answers to this call of process 77."""
    code = seccomp.filter_for(machine, 77)
    own, _ = seccomp.ARCHITECTURES[machine]
    call = struct.pack("=IIQ6Q", number, own if mark is None else mark, 0, *(*arguments, *[0] * 6)[:6])
    at = held = 0
    while True:
        operation, on, off, value = struct.unpack_from("=HBBI", code, 8 * at)
        at += 1
        if operation == seccomp.RETURN:
            return value
        if operation == seccomp.LOAD:
            (held,) = struct.unpack_from("=I", call, value)
            continue
        tests = {
            seccomp.JUMP_EQUAL: held == value,
            seccomp.JUMP_ABOVE: held > value,
            seccomp.JUMP_ANY_BIT: held & value,
        }
        at += on if tests[operation] else off


MACHINES = list(seccomp.ARCHITECTURES)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_call_of_the_list_is_denied_and_no_other(machine):
    denied = seccomp.numbers(seccomp.DENIED, machine)
    assert len(denied) > 90 and len(set(denied.values())) == len(denied)
    other = {**seccomp.numbers(seccomp.UNKNOWN, machine), **seccomp.numbers(seccomp.JUDGED, machine)}
    assert not set(denied.values()) & set(other.values())
    for number in range(seccomp.LAST_KNOWN + 1):
        if number in denied.values():
            assert verdict(machine, number) == seccomp.DENY
        elif number not in other.values():
            assert verdict(machine, number) == seccomp.ALLOW, number
    for number in (seccomp.LAST_KNOWN + 1, 1000, other["clone3"], other["openat2"]):
        assert verdict(machine, number) == seccomp.MISSING


@pytest.mark.parametrize("machine", MACHINES)
def test_some_calls_are_judged_by_their_arguments(machine):
    calls = seccomp.numbers(seccomp.JUDGED, machine)
    allowed = {name: (verdict(machine, calls[name], given) == seccomp.ALLOW) for name, given in {
        "kill": (77, 9), "tgkill": (77, 78, 9), "clone": (0x10000,), "prlimit64": (0, 7), "prctl": (15,),
    }.items()}  # fmt: skip
    denied = {name: (verdict(machine, calls[name], given) == seccomp.DENY) for name, given in {
        "kill": (1, 9), "tgkill": (1, 1, 9), "clone": (0x11,), "prlimit64": (77, 7), "prctl": (1,),
    }.items()}  # fmt: skip
    assert all(allowed.values()) and all(denied.values()), (allowed, denied)
    for flags, answer in (
        (0, seccomp.ALLOW),
        (0o2000000, seccomp.ALLOW),
        (1, seccomp.DENY),
        (2, seccomp.DENY),
        (0o100, seccomp.DENY),
    ):
        assert verdict(machine, calls["openat"], (0, 0, flags)) == answer


@pytest.mark.parametrize("machine", MACHINES)
def test_of_a_descriptor_only_a_few_things_may_be_asked(machine):
    calls = seccomp.numbers(seccomp.JUDGED, machine)
    for command in range(2000):
        allowed = command in (fcntl.F_DUPFD, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL, 1030)
        assert (verdict(machine, calls["fcntl"], (0, command, 0)) == seccomp.ALLOW) == allowed, command
    assert verdict(machine, calls["fcntl"], (0, fcntl.F_SETFL, os.O_NONBLOCK)) == seccomp.ALLOW
    assert verdict(machine, calls["fcntl"], (0, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)) == seccomp.DENY
    assert verdict(machine, calls["ioctl"], (0, termios.FIONREAD)) == seccomp.ALLOW
    for command in (termios.FIOASYNC, 0x8901, 0x8902, termios.TIOCSTI, 0):  # FIOSETOWN, SIOCSPGRP
        assert verdict(machine, calls["ioctl"], (0, command, 1)) == seccomp.DENY, command


@pytest.mark.parametrize("machine", MACHINES)
def test_another_set_of_calls_is_no_way_around(machine):
    assert verdict(machine, 39, mark=0x40000003) == seccomp.KILL
    assert verdict(machine, seccomp.X32 + 39) == seccomp.DENY


HEADER = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"


@pytest.mark.skipif(platform.machine() != "x86_64" or not sys.platform.startswith("linux"), reason="another table")
def test_the_numbers_are_those_of_the_kernel():
    try:
        with open(HEADER) as header:
            known = dict(re.findall(r"#define __NR_(\w+) (\d+)", header.read()))
    except OSError:
        pytest.skip("no headers of the kernel here")
    for table in (seccomp.DENIED, seccomp.UNKNOWN, seccomp.JUDGED):
        for name, number in seccomp.numbers(table, "x86_64").items():
            assert int(known[name]) == number, name
