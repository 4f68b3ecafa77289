"""Which tasks are wanted as `maybe` only: their failure does not stop a run.

Owns that one question.  Knows nothing of what has failed.
"""

from __future__ import annotations

from hpcmake.tasks.rows import SOURCE, UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.planner.plan import Plan


class Optional:
    """For each rule a flag for each row: 1 as long as every way from a target to it is a `maybe`.

    It grows with the plan: a task that is required stays so.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._flags = [bytearray() for _ in plan.graph.tables]
        self._groups: set[int] = set()
        """Groups of files all of which are required."""
        self._roots = self._root_tasks = 0
        self._todo: list[tuple[int, int]] = []

    def extend(self, rows: dict[int, Sequence[int]]) -> dict[int, bytearray]:
        """Take in rows that are new, or whose inputs are; return the flags of each rule that has a 1."""
        plan = self._plan
        graph = plan.graph
        for flags, table in zip(self._flags, graph.tables, strict=True):
            flags.extend(b"\1" * (table.count - len(flags)))
        for rule, those in rows.items():
            flags = self._flags[rule]
            if flags.count(0):
                self._todo += [(rule, row) for row in those if not flags[row]]
        if len(plan.roots) != self._roots:
            self._require(list(plan.roots)[self._roots :])
            self._roots = len(plan.roots)
        for task in list(plan.root_tasks)[self._root_tasks :]:
            self._require_task(*task)
        self._root_tasks = len(plan.root_tasks)
        while self._todo:
            self._follow(*self._todo.pop())
        return {rule: flags for rule, flags in enumerate(self._flags) if flags.count(1)}

    def _require(self, numbers: Iterable[int]) -> None:
        files = self._plan.graph.files
        for number in numbers:
            self._require_task(files.rule[number], files.row[number])

    def _require_task(self, rule: int, row: int) -> None:
        if rule == SOURCE:
            return
        flags = self._flags[rule]
        if row < len(flags) and flags[row]:
            flags[row] = 0
            self._todo.append((rule, row))

    def _follow(self, rule: int, row: int) -> None:
        """Require what a required task needs."""
        graph = self._plan.graph
        table = graph.tables[rule]
        for item, column in zip(table.rule.inputs, table.inputs, strict=True):
            entry = column[row]
            if item.maybe or entry == UNSET or entry in self._groups:
                continue
            if entry >= 0:
                self._require((entry,))
            else:
                self._groups.add(entry)
                self._require(graph.group(entry))
        for need in table.waiting.get(row, ()):
            self._require_task(*self._plan.maker_task(need))
