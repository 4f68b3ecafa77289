"""Who descends from a task: by its process group, by the mark in the environment, by parents.

Owns the reading of /proc and the sending of signals.  Knows nothing of why a task is ended.
"""

import os
import signal
import time

from .task import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

SET_CHILD_SUBREAPER = 36  # of prctl
SHARE = 50  # one part in so many of the time may be spent on looking for orphans while there is work


def become_subreaper() -> bool:
    """Let orphans of tasks come to this process, and not to init.  Return whether the system does that."""
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


def list_processes() -> "set[int]":
    """Return the ids of all processes; none where there is no /proc."""
    try:
        return {int(name) for name in os.listdir("/proc") if "0" <= name[0] <= "9"}
    except OSError:
        return set()


def find_process(pid: int) -> "tuple[int, int] | None":
    """Return the parent and the group of a process that lives."""
    try:
        with open(f"/proc/{pid}/stat", "rb", 0) as file:
            text = file.read(4096)
    except OSError:
        return None
    state, parent, group, _ = text[text.rindex(b")") + 2 :].split(None, 3)
    return None if state in b"ZX" else (int(parent), int(group))


def send(pids: "Iterable[int]", number: int) -> None:
    """Send a signal to those processes that still are there."""
    for pid in pids:
        try:
            os.kill(pid, number)
            if number == signal.SIGTERM:
                os.kill(pid, signal.SIGCONT)  # a stopped one would not hear it
        except OSError:  # noqa: PERF203  # gone, or not ours to end
            continue


class Kin:
    """Finds the processes of tasks; `mark` is what their environment bears before the id."""

    def __init__(self, mark: str) -> None:
        self.mark = b"\0HPCMAKE_ATTEMPT=" + encode(mark) + b":"
        self.me = os.getpid()
        self.reaps = become_subreaper()
        self.adopted: dict[int, int | None] = {}
        self.foreign = list_processes()  # they were there before any task
        self.rest_until = 0.0
        try:
            self.children = os.open(f"/proc/self/task/{self.me}/children", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.children = -1  # the kernel was built without

    def find_owner(self, pid: int) -> "int | None":
        """Return the id that the environment of a process bears."""
        try:
            with open(f"/proc/{pid}/environ", "rb", 0) as file:
                text = b"\0" + file.read()
        except OSError:
            return None
        at = text.find(self.mark)
        word = text[at + len(self.mark) :].split(b"\0", 1)[0]
        return int(word) if at >= 0 and word.isdigit() else None

    def find_orphans(self, leaders: "Mapping[int, Any]", *, busy: bool) -> "dict[int, int | None]":
        """Return those who came to us when their parent ended, with the id of their task if they bear it.

        Where the kernel does not list our children, all processes are looked at; while there is work, so seldom that
        it takes little of the time: what is missed then is found the next time.
        """
        if not self.reaps:
            return {}
        if self.children >= 0:
            listed = os.pread(self.children, 1 << 20, 0).split()
            if len(listed) == len(leaders):
                return {}
            found = {int(word) for word in listed} - leaders.keys()
        else:
            begin = time.monotonic()
            if busy and begin < self.rest_until:
                return {}
            found = self.look_for_orphans(leaders)
            now = time.monotonic()
            self.rest_until = now + SHARE * (now - begin)
        self.adopted = {pid: self.adopted.get(pid) or self.find_owner(pid) for pid in found}
        return self.adopted

    def look_for_orphans(self, leaders: "Mapping[int, Any]") -> "set[int]":
        """Return our children that are no leaders, by looking at all processes that may be."""
        present = list_processes()
        self.foreign &= present
        found = set()
        for pid in present - self.foreign - leaders.keys():
            row = find_process(pid)
            if row and row[0] == self.me:
                found.add(pid)
        return found

    def survey(self, groups: "Mapping[int, int]") -> "dict[int | None, list[int]]":
        """Return the live processes of each task, and under None other descendants of ours.  `groups`: leader to id."""
        table: dict[int, tuple[int, int]] = {}
        owner: dict[int, int | None] = {self.me: None}
        for pid in list_processes() - {self.me}:
            row = find_process(pid)
            if row is None:
                continue
            table[pid] = row
            found = groups[row[1]] if row[1] in groups else self.find_owner(pid)
            if found is not None:
                owner[pid] = found
        trees: dict[int | None, list[int]] = {}
        for pid in table:
            up = pid
            while up in table and up not in owner:
                up = table[up][0]
            if up in owner:
                trees.setdefault(owner[up], []).append(pid)
        return trees
