"""The end of `temp` files: each is removed once nothing that is still to run may want it.

Owns who still wants which.  Knows nothing of how they are made.
"""

from __future__ import annotations

from hpcmake.planner.stale import UNKNOWN, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.drive import Drive
    from hpcmake.planner.graph import Table


class Temps:
    """Counts the takers of `temp` files that have not settled."""

    def __init__(self, drive: Drive, *, keep: bool) -> None:
        self.drive = drive
        self.keep = keep
        graph = drive.plan.graph
        self._rules = {table.rule.number for table in graph.tables if any(output.temp for output in table.rule.outputs)}
        self._takers: dict[int, set[tuple[int, int]]] = {}
        self._used: set[int] = set()
        """Temp files that were made or taken in this run."""
        self.grow()

    def grow(self) -> None:
        """Count again, since the plan has grown."""
        if not self._rules or self.keep:
            return
        graph = self.drive.plan.graph
        self._takers = {}
        for number, table in enumerate(graph.tables):
            for row, state in enumerate(table.state):
                if is_stale(state) or state == UNKNOWN:
                    for temp in self._temps_of(table, row):
                        self._takers.setdefault(temp, set()).add((number, row))
        self._sweep(self._used)

    def _temps_of(self, table: Table, row: int) -> list[int]:
        files = self.drive.plan.graph.files
        return [
            n for n in self.drive.plan.graph.inputs_of(table, row) if files.rule[n] in self._rules and self._is_temp(n)
        ]

    def _is_temp(self, number: int) -> bool:
        files = self.drive.plan.graph.files
        table = self.drive.plan.graph.tables[files.rule[number]]
        return any(
            output.temp and column[files.row[number]] == number
            for output, column in zip(table.rule.outputs, table.outputs, strict=True)
        )

    def on_settled(self, table: Table, row: int) -> None:
        """A task is done or was fresh after all: remove what only it had wanted."""
        if not self._rules or self.keep:
            return
        temps = self._temps_of(table, row)
        for number in temps:
            self._takers.get(number, set()).discard((table.rule.number, row))
        own = [column[row] for output, column in zip(table.rule.outputs, table.outputs, strict=True) if output.temp]
        self._used.update(temps, own)
        self._sweep([*temps, *own])

    def _sweep(self, numbers: object) -> None:
        plan = self.drive.plan
        if plan.has_unknown:
            return
        for number in sorted(numbers):  # type: ignore[call-overload]
            if not self._takers.get(number) and number not in plan.roots and plan.stamps.present[number] == 1:
                path = plan.graph.files.paths[number]
                stamp = plan.stamps.stamp(number)
                self.drive.disk.remove(path)
                plan.stamps.put(number, stamp, absent_temp=True)
                self.drive.voice.tell({"kind": "removed", "file": path, "why": "temp"})
