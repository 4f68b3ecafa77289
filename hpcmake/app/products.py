"""What tasks with `produces` have on the disk: before they run, and after.

Owns which files belong to which task, and how seldom folders are listed for that.  Knows nothing of what is done with
them.
"""

from __future__ import annotations

from hpcmake.diagnostics import Trouble
from hpcmake.disk import Disk
from hpcmake.tasks.finding import find_matching
from hpcmake.tasks.paths import natural_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.graph import Graph, Table


class Products:
    """Finds the files of `produces`.

    A folder is listed once for all tasks that have ended together, and once for all that have not run yet.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._first = _Look(graph)
        self._now = _Look(graph)

    def at_first(self, table: Table, row: int) -> list[str]:
        """Return what matched for a task before anything was run: leftovers of earlier runs."""
        return self._first.of(table, row)

    def now(self, table: Table, row: int) -> list[str]:
        """Return what matches for a task now, in natural order, if `forget` was called since it changed."""
        return self._now.of(table, row)

    def forget(self) -> None:
        """Forget what was listed: something has been run or moved."""
        self._now.forget()

    @property
    def listings(self) -> int:
        """How often folders were listed."""
        return self._first.disk.counts["listings"] + self._now.disk.counts["listings"]


class _Look:
    def __init__(self, graph: Graph) -> None:
        self.disk = Disk()
        self._graph = graph
        self._by_task: dict[int, dict[tuple[str, ...], list[str]]] = {}
        self._owners: dict[str, tuple[int, tuple[str, ...]] | None] = {}

    def forget(self) -> None:
        self.disk.refresh()
        self._by_task.clear()

    def of(self, table: Table, row: int) -> list[str]:
        rule, values = table.rule, table.values(row)
        assert rule.produces is not None  # noqa: S101  # the caller asked
        if self._has_own_folder(table):
            bound = rule.produces.bind(dict(zip(rule.wildcards, values, strict=True)))
            mine = [path for path in find_matching(self.disk, bound) if self._owner(path) == (rule.number, values)]
            return natural_order(mine)
        grouped = self._by_task.get(rule.number)
        if grouped is None:
            grouped = self._by_task[rule.number] = {}
            for path in find_matching(self.disk, rule.produces):
                owner = self._owner(path)
                if owner is not None and owner[0] == rule.number:
                    grouped.setdefault(owner[1], []).append(path)
        return natural_order(grouped.get(values, []))

    def _has_own_folder(self, table: Table) -> bool:
        """Tell whether the files of each task lie in folders that hold no other task's."""
        pattern = table.rule.produces
        assert pattern is not None  # noqa: S101  # the caller asked
        is_open = [place not in table.rule.wildcards for place in pattern.places]
        first = is_open.index(True) if True in is_open else len(is_open)
        return any("/" in literal for literal in pattern.literals[1 : first + 1])

    def _owner(self, path: str) -> tuple[int, tuple[str, ...]] | None:
        """Return rule and wildcards of the task whose `produces` a file is of, None if another rule makes it."""
        if path not in self._owners:
            try:
                found = self._graph.makers.of(path)
            except Trouble:  # two rules could make it, which is told to whoever wants it
                found = None
            self._owners[path] = (found[0], found[2]) if found is not None and found[1] < 0 else None
        return self._owners[path]
