"""The end of `temp` files: each is removed once nothing that is still to run may want it.

Owns who still wants which.  Knows nothing of how they are made.
"""

from __future__ import annotations

from hpcmake.tasks.stamps import THERE
from hpcmake.tasks.states import FRESH, UNKNOWN, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hpcmake.app.drive import Drive
    from hpcmake.planner.graph import Table


class Temps:
    """Counts the tasks still to run that take an entry of the graph: a `temp` file, or a group that holds some."""

    def __init__(self, drive: Drive, *, keep: bool) -> None:
        self.drive = drive
        tables = drive.plan.graph.tables
        self._columns = {
            table.rule.number: [at for at, output in enumerate(table.rule.outputs) if output.temp] for table in tables
        }
        self._is_used = not keep and any(self._columns.values())
        self._takers: dict[int, int] = {}
        """How many tasks still to run take an entry."""
        self._members: dict[int, list[int]] = {}
        """The temp files of a group."""
        self._wanted: dict[int, int] = {}
        """How many entries that are still taken hold a temp file."""
        self._counted: dict[int, set[int]] = {}
        """The rows, by rule, that are counted."""
        self._later: set[int] = set()
        """Temp files that nothing known wants, while something is unknown."""
        if self._is_used:
            self.grow({table.rule.number: range(table.count) for table in tables})

    def grow(self, rows: Mapping[int, Sequence[int]]) -> None:
        """Count tasks that are new, or of which more is known."""
        if not self._is_used:
            return
        for rule, those in rows.items():
            table = self.drive.plan.graph.tables[rule]
            counted = self._counted.setdefault(rule, set())
            for row in those:
                state = table.state[row]
                if (is_stale(state) or state == UNKNOWN) and row not in table.waiting and row not in counted:
                    counted.add(row)
                    for entry in self._entries(table, row):
                        self._take(entry)
        if not self.drive.plan.has_unknown:
            later, self._later = self._later, set()
            self._sweep(later)

    def _entries(self, table: Table, row: int) -> dict[int, None]:
        """Return the entries with temp files that a task takes."""
        entries = dict.fromkeys(column[row] for column in table.inputs)
        return {entry: None for entry in entries if self._temps(entry)}

    def _temps(self, entry: int) -> Sequence[int]:
        """Return the temp files of an entry."""
        if entry >= 0:
            return (entry,) if self._is_temp(entry) else ()
        if entry == -1:
            return ()
        found = self._members.get(entry)
        if found is None:
            found = self._members[entry] = [n for n in self.drive.plan.graph.group(entry) if self._is_temp(n)]
        return found

    def _is_temp(self, number: int) -> bool:
        files, tables = self.drive.plan.graph.files, self.drive.plan.graph.tables
        rule = files.rule[number]
        return rule >= 0 and any(tables[rule].outputs[at][files.row[number]] == number for at in self._columns[rule])

    def _take(self, entry: int) -> None:
        count = self._takers.get(entry, 0)
        self._takers[entry] = count + 1
        if not count:
            for number in self._temps(entry):
                self._wanted[number] = self._wanted.get(number, 0) + 1

    def on_settled(self, table: Table, row: int) -> None:
        """A task will not run any more: remove what only it had wanted."""
        if not self._is_used:
            return
        free = [table.outputs[at][row] for at in self._columns[table.rule.number]]
        counted = self._counted.get(table.rule.number, set())
        if row in counted:
            counted.discard(row)
            for entry in self._entries(table, row):
                self._takers[entry] -= 1
                if not self._takers[entry]:
                    for number in self._temps(entry):
                        self._wanted[number] -= 1
                        free.append(number)
        if self.drive.plan.has_unknown:
            self._later.update(free)
        else:
            self._sweep(free)

    def sweep_left(self) -> None:
        """Remove what is left of a run that was killed, perhaps before it removed what nothing wanted any more."""
        if not self._is_used:
            return
        tables = self.drive.plan.graph.tables
        left = [
            table.outputs[at][row]
            for table in tables
            for at in self._columns[table.rule.number]
            for row, state in enumerate(table.state)
            if state == FRESH
        ]
        if self.drive.plan.has_unknown:
            self._later.update(left)
        else:
            self._sweep(left)

    def _sweep(self, numbers: Iterable[int]) -> None:
        plan = self.drive.plan
        for number in sorted(set(numbers)):
            if not self._wanted.get(number) and number not in plan.roots and plan.stamps.present[number] == THERE:
                path = plan.graph.files.paths[number]
                stamp = plan.stamps.stamp(number)
                self.drive.disk.remove(path)
                plan.stamps.put(number, stamp, absent_temp=True)
                self.drive.voice.tell({"kind": "removed", "file": path, "why": "temp"})
