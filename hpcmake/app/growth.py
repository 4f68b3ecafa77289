"""What a run has come to know of its plan: which tasks must run that were not known before, by rule.

Owns the count that people are told.  Knows nothing of how a plan grows.
"""

from __future__ import annotations

from hpcmake.tasks.states import UNKNOWN, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Protocol

    from hpcmake.engine import Engine
    from hpcmake.planner.plan import Plan
else:
    Protocol = object


class Growth:
    """Counts the tasks of a run as they become known; those that are only known to exist are not counted yet."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._counted = 0
        self._veiled: set[int] = set()
        """Tasks of the engine of which it is not known whether they must run."""
        self.take({})

    def take(self, rows: Mapping[int, Sequence[int]]) -> dict[str, int]:
        """Return, by rule, how many tasks must run that were not counted before; `rows` were judged since."""
        engine = self._engine
        known = [
            task
            for number, those in rows.items()
            for row in those
            if (task := engine.number.get((number, row))) is not None and task in self._veiled
        ]
        new = range(self._counted, len(engine.rule))
        self._counted = len(engine.rule)
        return self._count(sorted([*new, *known], key=lambda task: (self._engine.rule[task], task)))

    def _count(self, tasks: Iterable[int]) -> dict[str, int]:
        found: dict[str, int] = {}
        for task in tasks:
            table = self._engine.table(task)
            state = table.state[self._engine.row[task]]
            if state == UNKNOWN:
                self._veiled.add(task)
                continue
            self._veiled.discard(task)
            if is_stale(state):
                found[table.rule.name] = found.get(table.rule.name, 0) + 1
        return found


def count_waiting(plan: Plan) -> int:
    """Return how many tasks, and items of targets, wait for something to be made: what exactly takes long to say."""
    return len(plan.open_items) + sum(len(table.waiting) for table in plan.graph.tables)


class Growing(Protocol):
    """Where more work comes from while a batch runs."""

    def take(self, *, is_idle: bool) -> dict[int, Sequence[int]]:
        """Return the rows that the plan has got since, by rule; `is_idle`: nothing is left that could begin."""

    def is_over(self) -> bool:
        """Tell whether nothing more will come, or is worth to be waited for."""
