"""What is known of a batch's tasks: the planner has judged them, and what was to be remade is looked at once more.

Owns that look, by the stamps of inputs.  Knows nothing of commands and definitions.
"""

from __future__ import annotations

from hpcmake.model import INPUTS_DIFFER, REASONS, Reason
from hpcmake.tasks.ledger import NO_STAMP
from hpcmake.tasks.rows import UNSET
from hpcmake.tasks.states import FRESH, GIVEN_UP, IS_MISSING, IS_REMADE, LOST, REMADE, STATES, STAYS, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.jobs.batch_plan import BatchPlan
    from hpcmake.jobs.batch_tables import BatchTable
    from hpcmake.tasks.ledger import Past


_ANEW = frozenset((IS_REMADE, STATES[INPUTS_DIFFER]))
"""The states that may turn out to be none when a task's inputs are there."""


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
        if self._is_lost(table, row):
            return GIVEN_UP, None, ""
        if state in _ANEW and self._is_as_before(table, row):
            return FRESH, None, ""
        return state, None, ""

    def _is_lost(self, table: BatchTable, row: int) -> bool:
        """Tell whether a task that is wanted as `maybe` only needs what has failed for good."""
        if not table.is_optional(row):
            return False
        return any(
            self.will[number] == LOST
            for item, column in zip(table.rule.inputs, table.inputs, strict=True)
            if not item.maybe
            for number in self.members(column[row])
        )

    def _is_as_before(self, table: BatchTable, row: int) -> bool:
        """Tell whether all is as it was when a task has succeeded the last time."""
        plan = self._plan
        past = self.past(table, row)
        if past is None or plan.history.others.get(table.name(row)) is not None:
            return False
        if past.ledger.definition != table.rule.digest:
            return False
        if table.rule.row_values and past.ledger.values.get(past.row, []) != plan.row_values(table, row):
            return False
        if not all(plan.stamps.present[column[row]] for column in table.outputs):
            return False
        versions, paths = plan.history.versions, plan.graph.files.paths
        then: list[int] = []
        for entry in past.ledger.taken_by(past.row):
            then += [entry] if entry >= 0 else plan.history.sets[-2 - entry]
        now = self.effective_inputs(table, row)
        if [versions.paths[each] for each in then] != [paths[each] for each in now]:
            return False
        return self._are_read_as_before(past) and all(
            versions.mtimes[before] == NO_STAMP or versions.stamp(before) == plan.stamps.stamp(number)
            for before, number in zip(then, now, strict=True)
        )

    def _are_read_as_before(self, past: Past) -> bool:
        """Tell whether what a depfile has named is as it was."""
        stamps, index = self._plan.stamps, self._plan.graph.files.index
        return all(
            stamps.stamp_of(path, index) == (mtime, size)
            for path, mtime, size in past.ledger.extras.get(past.row, {}).get("dep", ())
        )

    def effective_inputs(self, table: BatchTable, row: int) -> list[int]:
        """Return the files that a task takes, in order, less those that are left out since they failed for good."""
        return [
            number
            for item, column in zip(table.rule.inputs, table.inputs, strict=True)
            for number in self.members(column[row])
            if not (item.maybe and self.will[number] == LOST)
        ]

    def members(self, entry: int) -> Sequence[int]:
        """Return the files of an entry of an input column."""
        return (entry,) if entry >= 0 else () if entry == UNSET else self._plan.graph.group(entry)

    def note(self, table: BatchTable, row: int, state: int) -> None:
        """Note what a task's state means for its outputs."""
        is_lost = state == GIVEN_UP or table.told(row, "lost")  # by another job, or by this one
        fate = LOST if is_lost else STAYS if state == FRESH else REMADE
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
            for number in self.effective_inputs(table, row)
        ]

    def explain(self, table: BatchTable, row: int) -> Reason | None:
        """Return the reason why a task must run, None for one that need not."""
        state = table.state[row]
        if not is_stale(state):
            return None
        usual = self._plan.graph.files.paths[table.outputs[0][row]] if state == IS_MISSING and table.outputs else None
        file, detail = table.told(row, "why", (usual, ""))
        return Reason(REASONS[state - 1], file, detail)
