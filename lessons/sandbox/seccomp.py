"""A seccomp filter: the system calls that a walled process may not make, on Linux.

A list of what is denied, because TensorFlow, Python and glibc make many calls and other ones with each release. It
holds what starts programs, reaches other processes, the network or the kernel's rarer parts, and what changes a file.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable

from lessons.sandbox.landlock import NO_NEW_PRIVILEGES, checked, libc

# Name, number on x86_64, number on aarch64.
DENIED = """
    execve 59 221, execveat 322 281, fork 57 -, vfork 58 -, socket 41 198, socketpair 53 199,
    connect 42 203, bind 49 200, listen 50 201, accept 43 202, accept4 288 242, ptrace 101 117,
    process_vm_readv 310 270, process_vm_writev 311 271, process_madvise 440 440, pidfd_open 434 434,
    pidfd_getfd 438 438, pidfd_send_signal 424 424, kcmp 312 272, tkill 200 130, rt_sigqueueinfo 129 138,
    rt_tgsigqueueinfo 297 240, setpgid 109 154, setsid 112 157, setns 308 268, unshare 272 97,
    mount 165 40, umount2 166 39, move_mount 429 429, open_tree 428 428, fsopen 430 430,
    fsconfig 431 431, fsmount 432 432, fspick 433 433, mount_setattr 442 442, pivot_root 155 41,
    chroot 161 51, open_by_handle_at 304 265, name_to_handle_at 303 264, unlink 87 -, unlinkat 263 35,
    rename 82 -, renameat 264 38, renameat2 316 276, mkdir 83 -, mkdirat 258 34, rmdir 84 -, mknod 133 -,
    mknodat 259 33, link 86 -, linkat 265 37, symlink 88 -, symlinkat 266 36, creat 85 -, truncate 76 45,
    ftruncate 77 46, fallocate 285 47, chmod 90 -, fchmod 91 52, fchmodat 268 53, chown 92 -, fchown 93 55,
    lchown 94 -, fchownat 260 54, utime 132 -, utimes 235 -, utimensat 280 88, futimesat 261 -,
    setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, removexattr 197 14, lremovexattr 198 15,
    fremovexattr 199 16, bpf 321 280, perf_event_open 298 241, io_uring_setup 425 425,
    io_uring_enter 426 426, io_uring_register 427 427, userfaultfd 323 282, keyctl 250 219,
    add_key 248 217, request_key 249 218, memfd_create 319 279, memfd_secret 447 447, shmget 29 194,
    shmat 30 196, shmctl 31 195, semget 64 190, msgget 68 186, mq_open 240 180, mq_unlink 241 181,
    inotify_init 253 -, inotify_init1 294 26, fanotify_init 300 262, kexec_load 246 104,
    kexec_file_load 320 294, init_module 175 105, finit_module 313 273, delete_module 176 106,
    reboot 169 142, swapon 167 224, swapoff 168 225, acct 163 89, settimeofday 164 170,
    clock_settime 227 112, adjtimex 159 171, clock_adjtime 305 266, sethostname 170 161,
    setdomainname 171 162, setuid 105 146, setgid 106 144, setreuid 113 145, setregid 114 143,
    setresuid 117 147, setresgid 119 149, setfsuid 122 151, setfsgid 123 152, setgroups 116 159,
    capset 126 91, personality 135 92, quotactl 179 60, syslog 103 116, iopl 172 -, ioperm 173 -,
    modify_ldt 154 -, setpriority 141 140, ioprio_set 251 30, sched_setscheduler 144 119,
    sched_setparam 142 118, sched_setattr 314 274, sched_setaffinity 203 122, migrate_pages 256 238,
    move_pages 279 239, process_mrelease 448 448, get_robust_list 274 100, semop 65 193, semtimedop 220 192,
    semctl 66 191, shmdt 67 197, msgsnd 69 189, msgrcv 70 188, msgctl 71 187, mq_timedsend 242 182,
    mq_timedreceive 243 183, mq_notify 244 184, mq_getsetattr 245 185, io_setup 206 0, io_destroy 207 1,
    io_submit 209 2, io_cancel 210 3, io_getevents 208 4, io_pgetevents 333 292, sync 162 81, syncfs 306 267,
    fsync 74 82, fdatasync 75 83, sync_file_range 277 84, timer_create 222 107, timer_settime 223 110,
    timerfd_create 283 85, timerfd_settime 286 86, flock 73 32, quotactl_fd 443 443, seccomp 317 277,
    vhangup 153 58, landlock_create_ruleset 444 444
"""
UNKNOWN = "clone3 435 435, openat2 437 437"  # told as missing, so that glibc takes clone and openat, whose flags we see
JUDGED = """
    open 2 -, openat 257 56, clone 56 220, kill 62 129, tgkill 234 131, prlimit64 302 261, prctl 157 167,
    fcntl 72 25, ioctl 16 29
"""
# What may be asked of a descriptor. The rest has signals sent to others (F_SETOWN, F_SETSIG, F_SETOWN_EX, F_NOTIFY, and
# FIOASYNC, FIOSETOWN, SIOCSPGRP of ioctl), breaks into what others do with a file, or drives a device.
FCNTL = {"F_DUPFD": 0, "F_GETFD": 1, "F_SETFD": 2, "F_GETFL": 3, "F_SETFL": 4, "F_DUPFD_CLOEXEC": 1030}
IOCTL = {  # whether it is a terminal and how wide, how much can be read; to block, to be closed at a new program
    "TCGETS": 0x5401, "TCGETS2": 0x802C542A, "TIOCGWINSZ": 0x5413, "FIONREAD": 0x541B, "FIONBIO": 0x5421,
    "FIOCLEX": 0x5451, "FIONCLEX": 0x5450,
}  # fmt: skip
O_ASYNC = 0o20000  # a flag of F_SETFL: a signal for whatever can be read
LAST_KNOWN = 451  # what kernels added later is told as missing
X32 = 0x40000000  # x86_64 answers to a second set of numbers from here on

ARCHITECTURES = {"x86_64": (0xC000003E, 317), "aarch64": (0xC00000B7, 277)}  # its mark, its number of `seccomp`
SET_FILTER, ALL_THREADS, ASK_ACTION = 1, 1, 2
THREAD = 0x00010000  # CLONE_THREAD
PARENT_DEATH_SIGNAL = 1

# Instructions of the classic Berkeley packet filter, and what a filter may answer.
LOAD, JUMP_EQUAL, JUMP_ABOVE, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
DENY, MISSING = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
ACTIONS = 0xFFFF0000  # the rest is the error's number
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16  # offsets in `struct seccomp_data`


class Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def available() -> bool:
    """Whether this system has such filters, and lets a process have one. Nothing is changed."""
    if not sys.platform.startswith("linux") or platform.machine() not in ARCHITECTURES:
        return False
    _, seccomp = ARCHITECTURES[platform.machine()]
    return libc().syscall(seccomp, ASK_ACTION, 0, ctypes.byref(ctypes.c_uint32(DENY & ACTIONS))) == 0


def restrict() -> bool:
    """Deny those calls to every thread of this process, for good. False where this system has no such filter."""
    if not sys.platform.startswith("linux") or platform.machine() not in ARCHITECTURES:
        return False
    code = filter_for(platform.machine(), os.getpid())
    program = Program(len(code) // 8, code)
    try:
        checked(libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _, seccomp = ARCHITECTURES[platform.machine()]
        checked(libc().syscall(seccomp, SET_FILTER, ALL_THREADS, ctypes.byref(program)))
    except OSError:  # a kernel built without it, or a container that forbids to ask
        return False
    return True


def filter_for(machine: str, process: int) -> bytes:
    """The program that the kernel runs at every call."""
    mark, _ = ARCHITECTURES[machine]
    judged = numbers(JUDGED, machine)
    writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    return b"".join(
        [
            step(LOAD, ARCHITECTURE_AT),
            step(JUMP_EQUAL, mark, on=1),
            step(RETURN, KILL),
            step(LOAD, NUMBER_AT),
            step(JUMP_ABOVE, X32 - 1, off=1),
            step(RETURN, DENY),
            step(JUMP_ABOVE, LAST_KNOWN, off=1),
            step(RETURN, MISSING),
            *(answer(number, step(RETURN, DENY)) for number in numbers(DENIED, machine).values()),
            *(answer(number, step(RETURN, MISSING)) for number in numbers(UNKNOWN, machine).values()),
            *(
                answer(judged[name], allow_if(argument, jump, value, then))
                for name, argument, jump, value, then in (
                    ("open", 1, JUMP_ANY_BIT, writes, False),
                    ("openat", 2, JUMP_ANY_BIT, writes, False),
                    ("clone", 0, JUMP_ANY_BIT, THREAD, True),
                    ("kill", 0, JUMP_EQUAL, process, True),
                    ("tgkill", 0, JUMP_EQUAL, process, True),
                    ("prlimit64", 0, JUMP_EQUAL, 0, True),
                    ("prctl", 0, JUMP_EQUAL, PARENT_DEATH_SIGNAL, False),
                )
                if name in judged
            ),
            answer(judged["fcntl"], only(1, FCNTL.values(), (FCNTL["F_SETFL"], 2, O_ASYNC))),
            answer(judged["ioctl"], only(1, IOCTL.values())),
            step(RETURN, ALLOW),
        ]
    )


def numbers(table: str, machine: str) -> dict[str, int]:
    """The calls of a table that this machine has."""
    column = 1 + list(ARCHITECTURES).index(machine)
    rows = [row.split() for row in table.split(",")]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


def answer(number: int, steps: bytes) -> bytes:
    """These steps for the call of this number; they end in an answer."""
    return step(JUMP_EQUAL, number, off=len(steps) // 8) + steps


def allow_if(argument: int, jump: int, value: int, then: bool) -> bytes:
    """Allow the call if the test of its argument comes out as `then`, deny it otherwise. It sees the lower 32 bits."""
    met, not_met = (ALLOW, DENY) if then else (DENY, ALLOW)
    load = step(LOAD, ARGUMENTS_AT + 8 * argument)
    return load + step(jump, value, off=1) + step(RETURN, met) + step(RETURN, not_met)


def only(argument: int, allowed: Iterable[int], but: tuple[int, int, int] | None = None) -> bytes:
    """Allow the call if its argument is one of these. `but`: (value, other argument, bits that it may not have)."""
    load = step(LOAD, ARGUMENTS_AT + 8 * argument)
    judged = b""
    if but:
        value, other, bits = but
        judged = answer(value, allow_if(other, JUMP_ANY_BIT, bits, False))
    return load + judged + b"".join(answer(value, step(RETURN, ALLOW)) for value in allowed) + step(RETURN, DENY)


def step(operation: int, value: int, on: int = 0, off: int = 0) -> bytes:
    """One `struct sock_filter`: a jump goes `on` steps further if its test is met and `off` if it is not."""
    return struct.pack("=HBBI", operation, on, off, value)
