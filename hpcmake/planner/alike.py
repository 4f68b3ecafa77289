"""Which tasks of a rule take the same: those that are equal in the wildcards that its resources name.

Owns that finding, by which resources are read once for many tasks.  Knows nothing of what they are.
"""

from __future__ import annotations

from hpcmake.diagnostics import Trouble
from hpcmake.planner.shapes import read_resources
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.graph import Table


class Alike:
    """The tasks of one rule; `retries` holds if it does not say how often its tasks are tried again."""

    def __init__(self, table: Table, retries: int) -> None:
        self._table = table
        self._retries = retries
        rule = table.rule
        self._codes = [*rule.resources.values(), *([rule.queue] if rule.queue is not None else [])]
        names = frozenset(name for code in self._codes for name in code.names)
        known = names <= set(rule.wildcards) and not any(code.reads for code in self._codes)
        self._places = [rule.wildcards.index(name) for name in sorted(names)] if known else None
        self._free: set[tuple[str, ...]] = set()

    @property
    def are_all(self) -> bool:
        """Whether all tasks take the same, as far as is known by the keys that were asked for."""
        return self._places == []

    def key(self, row: int) -> tuple[str, ...] | None:
        """Return what is equal for tasks that take the same; None if a task must be looked at by itself."""
        if self._places is None:
            return None
        key = tuple([self._table.columns[place][row] for place in self._places])
        if key not in self._free:
            if self._needs_inputs(row):
                self._places = None
                return None
            self._free.add(key)
        return key

    def _needs_inputs(self, row: int) -> bool:
        """Tell whether any attempt of a task takes what follows its inputs: values without them are then missing."""
        rule, env = self._table.rule, self._table.env(row)
        try:
            _, more = read_resources(rule, {**env, "attempt": 1})
            for number in range(2, 2 + more.get("retries", self._retries)):
                read_resources(rule, {**env, "attempt": number})
            if rule.queue is not None:
                rule.queue.run(env)
        except (KeyError, Wait):
            return True
        except Trouble:
            return False  # told where the values are used
        return False
