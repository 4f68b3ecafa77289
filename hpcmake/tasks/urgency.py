"""How urgent a task is: the seconds expected from its start to the end of all that needs it.

Owns the longest expected path through rules, and through the tasks of rules that need themselves or each other.
Knows nothing of what runs.
"""

from __future__ import annotations

from hpcmake.tasks.order import components, find_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpcmake.tasks.order import Tables


class Urgency:
    """Lengths of paths.  `expected(rule)` gives the seconds that a task of a rule takes.

    All tasks of a rule are as urgent as each other, which costs nothing by task, unless rules need themselves: then the
    tasks of those are looked at one by one.
    """

    def __init__(self, graph: Tables, expected: Callable[[str], float]) -> None:
        self._graph = graph
        self._expected = expected
        self._after: dict[int, float] = {}
        """For each rule, the seconds from the end of its component to the end of all."""
        self._within: dict[tuple[int, int], float] = {}
        """For each task of rules that need each other, the seconds that tasks of those rules take after it."""

    def of(self, rule: int, row: int) -> float:
        """Return the seconds from the start of a task to the end of all that needs it."""
        name = self._graph.tables[rule].rule.name
        return self._expected(name) + self._within.get((rule, row), 0.0) + self._after.get(rule, 0.0)

    def grow(self, rows: Mapping[int, Sequence[int]]) -> None:
        """Take in tasks that are new, rows by rule."""
        tables = self._graph.tables
        self._after.clear()
        takers: dict[int, list[int]] = {}
        for number, table in enumerate(tables):
            for need in table.needs:
                takers.setdefault(need, []).append(number)
        for component in reversed(components(self._graph, [n for n, table in enumerate(tables) if table.count])):
            members = set(component)
            after = max(
                (self._whole(taker) for n in component for taker in takers.get(n, ()) if taker not in members),
                default=0.0,
            )
            self._after.update(dict.fromkeys(component, after))
            if len(component) > 1 or component[0] in tables[component[0]].needs:
                self._look_within({n: rows[n] for n in component if n in rows})

    def _whole(self, rule: int) -> float:
        return self._expected(self._graph.tables[rule].rule.name) + self._after.get(rule, 0.0)

    def _look_within(self, rows: dict[int, Sequence[int]]) -> None:
        within, files = self._within, self._graph.files
        for rule, row in reversed(find_order(self._graph, rows)[0]):
            table = self._graph.tables[rule]
            length = within.get((rule, row), 0.0) + self._expected(table.rule.name)
            for number in self._graph.inputs_of(table, row):
                maker = files.rule[number], files.row[number]
                if maker[0] in rows and within.get(maker, 0.0) < length:
                    within[maker] = length
