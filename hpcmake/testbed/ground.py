"""The folder of an emulated machine: how it is written, and how nothing of it is left behind.

Owns the files that commands of a machine need, and the process that clears up.  Knows nothing of jobs and their time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from hpcmake.testbed.commands.marks import end_marked
from hpcmake.testbed.faults import OF_QUEUE
from hpcmake.testbed.machine import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.testbed.faults import Fault
    from hpcmake.testbed.machine import Machine

COMMANDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "commands", "__main__.py")

_RENAMES = ("unshare --uts", "unshare --user --map-current-user --keep-caps --uts")
"""Commands that give a process a host name of its own: as root, and as anybody where user namespaces are allowed."""


def guard(folder: str) -> tuple[int, int]:
    """Start a process that ends everything inside when we have ended, even if we were killed.

    Return its id, and a descriptor: when this is closed, it does its work, and ends.
    """
    watched, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()  # out of reach of a terminal's Ctrl-C
            os.close(held)
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            os.read(watched, 1)
            end_marked(folder)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os._exit(0)
    os.close(watched)
    return pid, held


def write_machine(folder: str, machine: Machine, faults: Sequence[Fault], renamer: str, *, root: str = "") -> None:
    """Write the state of a machine into a folder, with its commands in `bin`; `root` is where its queue is asked."""

    def write(name: str, lines: Sequence[str]) -> None:
        with open(os.path.join(folder, name), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("".join(line + "\n" for line in lines))

    told = settings(machine, python=sys.executable, hostnames=renamer)
    write("machine", [f"{key}={value}" for key, value in told.items()])
    write("nodes", machine.nodes)
    write("nodefile", machine.nodes)
    write(
        "faults",
        [
            f"{fault.kind} {fault.what} {fault.after or 0}"
            for fault in faults
            if fault.at is None and fault.kind not in OF_QUEUE
        ],
    )
    os.mkdir(os.path.join(folder, "bin"))
    for name, kind in machine.commands:
        place = root if root and kind.startswith("ask ") else folder
        words = " ".join(_quoted(word) for word in (sys.executable, "-I", "-S", COMMANDS, place, kind))
        write(os.path.join("bin", name), ["#!/bin/sh", f'exec {words} "$@"'])
        os.chmod(os.path.join(folder, "bin", name), 0o755)  # noqa: S103  # they are programs


def _quoted(word: str) -> str:
    quoted = word.replace("'", "'\\''")
    return f"'{quoted}'"


def find_renamer() -> str:
    """Return the command that gives a program a host name of its own; empty if this machine allows none."""
    script = 'echo testbed >/proc/sys/kernel/hostname && test "$(uname -n)" = testbed'
    for words in _RENAMES:
        program = shutil.which(words.split()[0])
        if program is None:
            continue
        argv = [program, *words.split()[1:]]
        done = subprocess.run([*argv, "/bin/sh", "-c", script], capture_output=True, check=False)
        if done.returncode == 0:
            return " ".join(argv)
    return ""
