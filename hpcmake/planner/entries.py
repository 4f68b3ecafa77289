"""Who waits for which files, and for which sets of files.

Owns the lists of takers of entries of the graph: a file, or a group that many tasks share and that is counted once.
Knows nothing of what becomes of tasks.
"""

from __future__ import annotations

from hpcmake.planner.graph import UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hpcmake.planner.plan import Plan


class Entries:
    """Takers by entry.  `is_open(number)` tells whether a file is still to be made."""

    def __init__(self, plan: Plan, is_open: Callable[[int], bool]) -> None:
        self._plan = plan
        self._is_open = is_open
        self._takers: dict[int, list[int]] = {}
        self._groups_of: dict[int, list[int]] = {}
        self._open_in: dict[int, int] = {}
        """How many files of a group are still to be made."""

    def wait(self, entry: int, task: int) -> bool:
        """Let a task wait for an entry; tell whether there is something to wait for."""
        if entry == UNSET or not (self._is_open(entry) if entry >= 0 else self._is_group_open(entry)):
            return False
        self._takers.setdefault(entry, []).append(task)
        return True

    def _is_group_open(self, entry: int) -> bool:
        known = self._open_in.get(entry)
        if known is None:
            known = 0
            for number in self._plan.graph.group(entry):
                if self._is_open(number):
                    self._groups_of.setdefault(number, []).append(entry)
                    known += 1
            self._open_in[entry] = known
        return known > 0

    def is_wanted(self, number: int) -> bool:
        """Tell whether somebody waits for a file."""
        return number in self._takers or number in self._groups_of

    def free(self, number: int) -> list[int]:
        """Take note that a file is there; return the tasks that have one entry less to wait for."""
        found = self._takers.pop(number, [])
        for entry in self._groups_of.pop(number, ()):
            self._open_in[entry] -= 1
            self._plan.judge.forget_fate(entry)
            if not self._open_in[entry]:
                found = found + self._takers.pop(entry, [])
        return found
