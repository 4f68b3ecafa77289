"""Runs a program that cannot start another: as the kernel of Blue Gene/Q's nodes, which has no fork.

Owns the filter of system calls: fork, vfork and clone without a thread answer ENOSYS.  Knows nothing of who starts it.

Threads can be made.  Programs can still replace themselves by another (`exec`), which those nodes refuse.  Started as
`PYTHON -I -S no_fork.py PROGRAM …`; where the machine knows no such filter, the program runs without it.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

NO_NEW_PRIVILEGES, SET_FILTER, FILTER = 38, 22, 2
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 38  # ENOSYS
THREAD = 0x00010000
CALLS = {
    "x86_64": (0xC000003E, 57, 58, 56, 435),
    "aarch64": (0xC00000B7, 1 << 20, 1 << 20, 220, 435),
}
"""Of a machine: its number for filters, and those of the calls fork, vfork, clone and clone3."""


def refuse_forks() -> bool:
    """Let no new process be made from here on; tell whether the machine can be told so."""
    numbers = CALLS.get(os.uname().machine)
    if numbers is None:
        return False
    machine, fork, vfork, clone, clone3 = numbers
    steps = [
        (LOAD, 0, 0, 4),
        (EQUAL, 0, 7, machine),
        (LOAD, 0, 0, 0),
        (EQUAL, 6, 0, fork),
        (EQUAL, 5, 0, vfork),
        (EQUAL, 4, 0, clone3),  # its flags are out of reach; who gets ENOSYS uses clone
        (EQUAL, 0, 2, clone),
        (LOAD, 0, 0, 16),
        (ANY_BIT, 0, 1, THREAD),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    held = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(held)))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0 and libc.prctl(SET_FILTER, FILTER, program, 0, 0) == 0)


if __name__ == "__main__":
    refuse_forks()
    os.execv(sys.argv[1], sys.argv[1:])
