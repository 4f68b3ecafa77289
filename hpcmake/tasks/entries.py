"""Who waits for which files, and for which sets of files.

Owns the lists of takers of entries of the graph: a file, or a group that many tasks share and that is counted once.
Knows nothing of what becomes of tasks.
"""

from __future__ import annotations

from hpcmake.tasks.rows import UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Entries:
    """Takers by entry.

    `is_open(number)` tells whether a file is still to be made, `group(entry)` gives the files of a group, and
    `forget(entry)` is called when one of them is there.
    """

    def __init__(
        self, is_open: Callable[[int], bool], group: Callable[[int], Sequence[int]], forget: Callable[[int], None]
    ) -> None:
        self._is_open = is_open
        self._group = group
        self._forget = forget
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
            for number in self._group(entry):
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
            self._forget(entry)
            if not self._open_in[entry]:
                found = found + self._takers.pop(entry, [])
        return found
