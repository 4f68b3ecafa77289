"""What a plan knows so far: which files are ready to be read, and what tasks have produced.

Owns these questions.  Knows nothing of how the answers come to change.
"""

from __future__ import annotations

from hpcmake.planner.wording import Wording
from hpcmake.tasks.rows import SOURCE
from hpcmake.tasks.stamps import THERE
from hpcmake.tasks.states import FRESH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.rules import Campaign
    from hpcmake.tasks.history import History
    from hpcmake.tasks.stamps import Stamps
    from hpcmake.tasks.wait import Need


class Known(Wording):
    """The part of a plan that knows what is there."""

    campaign: Campaign
    history: History
    stamps: Stamps
    roots: dict[int, None]
    """The files that are wanted for themselves."""
    produced: dict[tuple[int, int], list[str]]
    """What tasks have produced, by rule and row."""
    _judged: list[int]
    """How many rows of each rule were judged."""

    def is_ready(self, number: int) -> bool:
        """Tell whether a file is there and up to date, so that it can be read."""
        files = self.graph.files
        rule = files.rule[number]
        if rule == SOURCE:
            return True
        row = files.row[number]
        if row >= self._judged[rule] or number >= len(self.stamps.present):
            return False
        table = self.graph.tables[rule]
        if row in table.waiting or table.state[row] != FRESH:
            return False
        if self.stamps.present[number] != THERE:
            self.roots[number] = None  # a temp file that was removed is wanted again
            return False
        return True

    def known_produced(self, rule: int, row: int) -> Sequence[str] | None:
        """Return what a task has produced, None if it is not known (yet)."""
        table = self.graph.tables[rule]
        if row >= self._judged[rule] or row in table.waiting or table.state[row] != FRESH:
            return None
        found = self.produced.get((rule, row))
        if found is None:
            past = self.judge.past(table, row)
            made = self.history.produced(past) if past is not None else None
            if made is None:
                return None
            found = self.produced[rule, row] = [path for path, _ in made]
        return found

    def is_not_produced(self, number: int) -> bool:
        """Tell whether a file is wanted by name of a task that is done and has not produced it: nobody can have it."""
        rule, row = self.graph.files.rule[number], self.graph.files.row[number]
        if rule == SOURCE or number not in self.graph.tables[rule].named.get(row, ()):
            return False
        made = self.known_produced(rule, row)
        return made is not None and self.graph.files.paths[number] not in made

    def is_met(self, need: Need) -> bool:
        """Tell whether what had to be waited for is there."""
        if need.rule is None:
            return self.is_ready(self.graph.want(need.path))
        rule = self.campaign.by_name[need.rule].number
        return self.known_produced(rule, self.graph.task_by_values(self.graph.tables[rule], need.closed)) is not None

    def maker_task(self, need: Need) -> tuple[int, int]:
        """Return the rule and row of the task that will tell a value."""
        if need.rule is None:
            number = self.graph.want(need.path)
            return self.graph.files.rule[number], self.graph.files.row[number]
        rule = self.campaign.by_name[need.rule].number
        return rule, self.graph.task_by_values(self.graph.tables[rule], need.closed)

    def maker_of(self, need: Need) -> str:
        """Return the name of the task that will tell a value."""
        if need.rule is not None:
            return self.campaign.by_name[need.rule].task_name(need.closed)
        number = self.graph.want(need.path)
        rule = self.graph.files.rule[number]
        return need.path if rule == SOURCE else self.graph.tables[rule].name(self.graph.files.row[number])

    def _sizes(self, paths: Sequence[str]) -> int:
        total = 0
        for path in paths:
            number = self.graph.files.index.get(path)
            if number is not None and number < len(self.stamps.present):
                total += max(0, self.stamps.sizes[number])
        return total
