"""Who waits for what to be made, so that one thing made wakes only those that waited for it.

Owns the lists of who waits.  Knows nothing of why, nor of what is done when the waiting is over.

Each waiter stands under one task that it waits for; when that has settled it moves on to the next one that has not.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from hpcmake.planner.graph import Table

    Task: TypeAlias = tuple[int, int]  # rule and row

_SMALL = 256  # bytes that are looked through one by one


class Waits:
    """The tasks (and others) that wait for tasks.

    `unmet(waiter)` tells a task that a waiter still waits for, None if there is none.
    """

    def __init__(self, tables: Sequence[Table], unmet: Callable[[Task], Task | None]) -> None:
        self._tables = tables
        self._unmet = unmet
        self._under: dict[Task, list[Task]] = {}
        self._new: list[Task] = []
        self._seen: dict[int, bytearray] = {}
        """The states of the rules under whose tasks somebody stands, as they were when last looked at."""

    def add(self, waiters: Iterable[Task]) -> None:
        """Let somebody wait; it is told by the next `take` if there is nothing to wait for."""
        self._new += waiters

    def take(self) -> list[Task]:
        """Return those that need wait no longer."""
        todo, self._new = self._new, []
        for rule, seen in self._seen.items():
            now = self._tables[rule].state
            if now != seen:
                for row in differences(seen, now):
                    todo += self._under.pop((rule, row), ())
                self._seen[rule] = now[:]
        over = []
        for waiter in dict.fromkeys(todo):
            task = self._unmet(waiter)
            if task is None:
                over.append(waiter)
                continue
            self._under.setdefault(task, []).append(waiter)
            if task[0] not in self._seen:
                self._seen[task[0]] = self._tables[task[0]].state[:]
        return over


def differences(one: bytearray, two: bytearray) -> list[int]:
    """Return where two columns of bytes differ; halves that are equal are not looked into."""
    shared = min(len(one), len(two))
    found = list(range(shared, max(len(one), len(two))))
    todo = [(0, shared)]
    while todo:
        start, end = todo.pop()
        if one[start:end] == two[start:end]:
            continue
        if end - start <= _SMALL:
            found += [at for at in range(start, end) if one[at] != two[at]]
        else:
            middle = (start + end) // 2
            todo += [(start, middle), (middle, end)]
    return found
