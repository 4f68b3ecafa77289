"""What is known of a batch's tasks: the planner has judged them, and what was to be remade is looked at once more.

Owns that look, by the stamps of inputs.  Knows nothing of commands and definitions.
"""

from __future__ import annotations

from hpcmake.model import REASONS, Reason
from hpcmake.tasks.ledger import NO_STAMP
from hpcmake.tasks.rows import UNSET
from hpcmake.tasks.states import FRESH, GIVEN_UP, IS_REMADE, LOST, REMADE, STAYS, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hpcmake.jobs.batch_plan import BatchPlan
    from hpcmake.jobs.batch_tables import BatchTable
    from hpcmake.model import Stamp
    from hpcmake.tasks.ledger import Past


class BatchJudge:
    """What is known of tasks: the planner has judged them, and only what was to be remade is looked at again."""

    def __init__(self, plan: BatchPlan) -> None:
        self._plan = plan
        self.will = bytearray()
        self.optional: dict[int, bytearray] = {}

    def past(self, table: BatchTable, row: int) -> Past | None:
        """Return the recorded success of a task."""
        paths = self._plan.graph.files.paths
        key = paths[table.outputs[0][row]] if table.outputs else "\0" + table.name(row)
        return self._plan.history.find(key, table.rule.name)

    def state_of(self, table: BatchTable, row: int) -> tuple[int, str | None, str]:
        """Return the state of a task whose inputs are all there: what was to be remade may be as it was."""
        state = table.state[row]
        if state != IS_REMADE:
            return state, None, ""
        past = self.past(table, row)
        if past is None or self._plan.history.others.get(table.name(row)) is not None:
            return state, None, ""
        versions = self._plan.history.versions
        then = {versions.paths[each]: versions.stamp(each) for each in past.ledger.taken_by(past.row) if each >= 0}
        now = {path: stamp for path, stamp in self._inputs(table, row) if then.get(path, (0, 0))[0] != NO_STAMP}
        counted = {path: stamp for path, stamp in then.items() if stamp[0] != NO_STAMP}
        return (FRESH if now == counted else state), None, ""

    def _inputs(self, table: BatchTable, row: int) -> Iterator[tuple[str, Stamp | None]]:
        graph, stamps = self._plan.graph, self._plan.stamps
        for item, column in zip(table.rule.inputs, table.inputs, strict=True):
            for number in self.members(column[row]):
                if not item.order and not (item.maybe and self.will[number] == LOST):
                    yield graph.files.paths[number], stamps.stamp(number)

    def members(self, entry: int) -> Sequence[int]:
        """Return the files of an entry of an input column."""
        return (entry,) if entry >= 0 else () if entry == UNSET else self._plan.graph.group(entry)

    def note(self, table: BatchTable, row: int, state: int) -> None:
        """Note what a task's state means for its outputs."""
        fate = STAYS if state == FRESH else LOST if state == GIVEN_UP else REMADE
        for column in table.outputs:
            self.will[column[row]] = fate
        for number in table.named.get(row, ()):
            self.will[number] = fate

    def forget_fate(self, entry: int) -> None:
        """Nothing is kept of groups."""

    def plain_inputs(self, table: BatchTable, row: int) -> list[list[object]]:
        """Return the inputs of a task as a record of failure holds them: path, mtime, size."""
        paths, stamps = self._plan.graph.files.paths, self._plan.stamps
        return [
            [paths[number], *(stamps.stamp(number) or (NO_STAMP, NO_STAMP))]
            for item, column in zip(table.rule.inputs, table.inputs, strict=True)
            for number in self.members(column[row])
            if not (item.maybe and self.will[number] == LOST)
        ]

    def explain(self, table: BatchTable, row: int) -> Reason | None:
        """Return the reason why a task must run, None for one that need not."""
        state = table.state[row]
        if not is_stale(state):
            return None
        file, detail = table.told(row, "why", (None, ""))
        return Reason(REASONS[state - 1], file, detail)
