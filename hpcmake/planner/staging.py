"""Stages of a plan: which sets of tasks wait for which, as the packer counts them.

Owns the way from edges between files to stages of rules.  Knows nothing of resources, times and jobs.

All tasks of a rule are one stage; where rules need themselves or each other, those of one level are.  Tasks that all
take the same files of a stage need all of it; else each is taken to need its share: the k-th one, k of as many.
"""

from __future__ import annotations

from array import array

from hpcmake.planner.order import components, tasks_in_order
from hpcmake.planner.stale import is_stale
from hpcmake.tasks.rows import SOURCE, UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.planner.graph import Graph
    from hpcmake.planner.rows import Table


class Staging:
    """The stages of the tasks that must run, of the rules that are packed.

    What a rule that is not packed needs is needed by those that need it: it runs elsewhere, in between.
    """

    def __init__(self, graph: Graph, packed: Iterable[Table]) -> None:
        self.graph = graph
        self.packed = {table.rule.number for table in packed}
        self.needs: dict[int, tuple[int, ...]] = {}
        """Of each stage those that must have ended before any of its tasks begins."""
        self.follows: dict[int, tuple[int, ...]] = {}
        """Of each stage those of which a share must have ended before a task begins."""
        self.in_order: list[Table] = []
        self._stages: dict[int, list[int]] = {}
        """The stages of each rule."""
        self._levels: dict[tuple[int, int], int] = {}
        self._through: dict[int, tuple[set[int], set[int]]] = {}
        self._count = 0
        for component in components(graph, range(len(graph.tables))):
            self._add(component)

    def stages_of(self, table: Table, rows: Sequence[int]) -> array[int]:
        """Return the stage of each of some tasks of a rule."""
        number = table.rule.number
        stages = self._stages[number]
        if len(stages) == 1:
            return array("i", stages) * len(rows)
        return array("i", [self._levels[number, row] for row in rows])

    def _add(self, component: Sequence[int]) -> None:
        tables = [self.graph.tables[number] for number in component]
        needs: set[int] = set()
        follows: set[int] = set()
        for table in tables:
            all_of, share_of = self._makers(table)
            for rules, into in ((all_of, needs), (share_of, follows)):
                for rule in rules - set(component):
                    self._take(rule, needs, into)
        packed = [table for table in tables if table.rule.number in self.packed]
        if not packed:
            for table in tables:
                if any(map(is_stale, table.state)):
                    self._through[table.rule.number] = (needs, follows)
            return
        self.in_order += sorted(packed, key=lambda table: table.rule.number)
        if len(component) == 1 and component[0] not in tables[0].needs:
            self._stages[component[0]] = [self._stage(needs, follows)]
        else:
            self._add_levels(component, needs, follows)

    def _take(self, rule: int, needs: set[int], into: set[int]) -> None:
        """Add the stages of a rule, or what it needs itself if it is not packed."""
        if rule in self._through:
            all_of, share_of = self._through[rule]
            needs |= all_of
            into |= share_of
        else:
            into.update(self._stages.get(rule, ()))

    def _stage(self, needs: set[int], follows: set[int]) -> int:
        stage = self._count
        self._count += 1
        if needs:
            self.needs[stage] = tuple(sorted(needs))
        if follows - needs:
            self.follows[stage] = tuple(sorted(follows - needs))
        return stage

    def _add_levels(self, component: Sequence[int], needs: set[int], follows: set[int]) -> None:
        graph = self.graph
        rows: dict[int, Sequence[int]] = {rule: range(graph.tables[rule].count) for rule in component}
        levels: dict[tuple[int, int], int] = {}
        stages: list[int] = []
        for task in tasks_in_order(graph, rows):
            table = graph.tables[task[0]]
            level = 0
            for number in graph.inputs_of(table, task[1]):
                before = levels.get((graph.files.rule[number], graph.files.row[number]))
                if before is not None:
                    level = max(level, before + 1)
            if not is_stale(table.state[task[1]]):
                levels[task] = level - 1  # what is done keeps nobody waiting
                continue
            levels[task] = level
            while len(stages) <= level:
                stages.append(self._stage(needs, follows | set(stages[-1:])))
            self._levels[task] = stages[level]
        for rule in component:
            self._stages[rule] = stages

    # ------------------------------------------------------------ edges

    def _makers(self, table: Table) -> tuple[set[int], set[int]]:
        """Return the rules whose tasks are needed: by all tasks of a rule alike, and by each in its own way."""
        alike: set[int] = set()
        each: set[int] = set()
        for column in table.inputs:
            if not column:
                continue
            if column.count(column[0]) == len(column) and len(column) > 1:
                alike |= self._rules_of(column[:1])
            else:
                each |= self._rules_of(column)
        if table.count == 1:
            return each | alike, set()
        return alike - each, each

    def _rules_of(self, column: array[int]) -> set[int]:
        files, graph = self.graph.files, self.graph
        found: set[int] = set()
        for entry in set(column):
            if entry >= 0:
                found.add(files.rule[entry])
            elif entry != UNSET:
                found |= graph.group_needs[-2 - entry]
        return found - {SOURCE}
