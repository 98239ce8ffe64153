"""Python on a kernel that lacks a wall: `python -m tests.tools.poor_kernel landlock|seccomp -m MODULE … | -c CODE`.

A filter answers to the wall's system call as a kernel without it does, for this process and all that it starts.
"""

import ctypes
import os
import platform
import sys

from lessons.sandbox import landlock, seccomp


def take_away(wall: str) -> None:
    machine = platform.machine()
    mark, number = seccomp.ARCHITECTURES[machine]
    call = {"landlock": landlock.CREATE_RULESET, "seccomp": number}[wall]
    steps = seccomp.step
    code = b"".join(
        [
            steps(seccomp.LOAD, seccomp.ARCHITECTURE_AT),
            steps(seccomp.JUMP_EQUAL, mark, on=1),
            steps(seccomp.RETURN, seccomp.KILL),
            steps(seccomp.LOAD, seccomp.NUMBER_AT),
            seccomp.answer(call, steps(seccomp.RETURN, seccomp.MISSING)),
            steps(seccomp.RETURN, seccomp.ALLOW),
        ]
    )
    landlock.checked(landlock.libc().prctl(landlock.NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    program = seccomp.Program(len(code) // 8, code)
    landlock.checked(landlock.libc().syscall(number, seccomp.SET_FILTER, 0, ctypes.byref(program)))


if __name__ == "__main__":
    take_away(sys.argv[1])
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
