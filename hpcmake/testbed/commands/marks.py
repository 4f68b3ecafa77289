"""Finds the processes of an emulated machine by their marks, and ends or stops them.

Owns what is done to all processes of a node or of a machine at once.  Knows nothing of why.
"""

from __future__ import annotations

import os
import signal

from .state import LAUNCH, MARK, NODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import State

PASSES = 100
"""How often processes are looked for until none is left: one may start another while it is being ended."""

LOOKS = 50
"""How often a process is looked at that shows no environment though it has a program."""


def find_marked(folder: str, *, node: str = "", launch: int = 0) -> list[int]:
    """Return the processes of a machine, of one of its nodes, or of a launch, but for this one.

    The folder of a job lies in that of the machine that runs it, whose processes are those of all its jobs too.
    """
    wanted = []
    if node:
        wanted.append(f"{NODE}={node}")
    if launch:
        wanted.append(f"{LAUNCH}={launch}")
    marks = [b"\0" + word.encode("utf-8", "surrogateescape") + b"\0" for word in wanted]
    place = b"\0" + f"{MARK}={folder}".encode("utf-8", "surrogateescape")
    ours = os.getpid()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != ours:
            environment = b"\0" + _environment(name)
            inside = place + b"\0" in environment or place + b"/" in environment
            if inside and all(mark in environment for mark in marks):
                found.append(int(name))
    return found


def _environment(pid: str) -> bytes:
    """Return the environment of a process, as it began; empty if it has ended, is not ours, or has none."""
    for _ in range(LOOKS):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                found = file.read()
            if found:
                return found
            os.readlink(f"/proc/{pid}/exe")  # who has no program has ended, or is a part of the kernel …
        except OSError:
            return b""
        os.sched_yield()  # … else it is just becoming another one
    return b""


def send(pids: list[int], number: int) -> None:
    """Send a signal to processes; those that have ended meanwhile are no mistake."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            pass


def end_marked(folder: str, *, node: str = "", launch: int = 0) -> None:
    """Kill the processes of a machine, of one of its nodes or of a launch, until none is left."""
    for _ in range(PASSES):
        found = find_marked(folder, node=node, launch=launch)
        if not found:
            return
        send(found, signal.SIGSTOP)  # so that none sees another one end
        send(found, signal.SIGKILL)


def kill_node(state: State, name: str) -> None:
    """Let a node die: what runs on it ends at once, and nothing starts there any more."""
    state.mark("down", name)
    end_marked(state.folder, node=name)


def hang_node(state: State, name: str) -> None:
    """Let a node hang: what runs on it stops, and what is started there does not begin."""
    state.mark("hung", name)
    stopped: set[int] = set()
    for _ in range(PASSES):
        found = set(find_marked(state.folder, node=name))
        if found <= stopped:
            return
        send(sorted(found - stopped), signal.SIGSTOP)
        stopped |= found
