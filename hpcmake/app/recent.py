"""Files that were made a moment ago: other nodes of a shared file system may not see them yet as they are.

Owns which they are, and what their makers saw.  Knows nothing of nodes, nor of how long anything is waited for.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from hpcmake.model import Stamp
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

    Need: TypeAlias = tuple[str, int, int]

_REMEMBERED = 2.0
"""How long a file counts as recent, in latencies of the file system: some are slower than their site says."""


class Recent:
    """The files that tasks of this run have made of late; `latency` is in seconds, 0: all are seen at once."""

    def __init__(self, plan: Plan, latency: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._span = latency * _REMEMBERED
        self._clock = clock
        self._made: dict[str, tuple[float, Stamp]] = {}
        """When each was heard of, the oldest first, and its stamp."""
        self._groups: dict[tuple[int, bool], tuple[float, tuple[Need, ...]]] = {}

    def take(self, paths: Iterable[str], stamps: Iterable[Stamp]) -> None:
        """Take note of what a task has made."""
        if not self._span:
            return
        now = self._clock()
        self._forget(now)
        for path, stamp in zip(paths, stamps, strict=True):
            self._made.pop(path, None)
            self._made[path] = (now, stamp)

    def _forget(self, now: float) -> None:
        made = self._made
        while made and (first := next(iter(made.items())))[1][0] <= now - self._span:
            del made[first[0]]

    def needs(self, table: Table, row: int) -> tuple[Need, ...]:
        """Return the inputs of a task that are recent, with their stamps; those that are only for order with -1, 0."""
        if not self._made:
            return ()
        now = self._clock()
        self._forget(now)
        found: list[Need] = []
        for item, column in zip(table.rule.inputs, table.inputs, strict=True):
            entry = column[row]
            if entry >= 0:
                found += self._find((entry,), order=item.order)
            elif entry != -1:
                found += self._find_group(entry, now, order=item.order)
        return tuple(found)

    def _find(self, numbers: Iterable[int], *, order: bool) -> list[Need]:
        paths, made = self._plan.graph.files.paths, self._made
        recent = (path for number in numbers if (path := paths[number]) in made)
        return [(path, -1, 0) if order else (path, *made[path][1]) for path in recent]

    def _find_group(self, entry: int, now: float, *, order: bool) -> tuple[Need, ...]:
        """Return those of a group: looked for once, since when one task may take them all of them are made."""
        known = self._groups.get((entry, order))
        if known is None:
            needs = tuple(self._find(self._plan.graph.group(entry), order=order))
            known = (max((self._made[path][0] for path, _, _ in needs), default=0.0) + self._span, needs)
        if known[0] <= now:
            known = (known[0], ())
        self._groups[entry, order] = known
        return known[1]
