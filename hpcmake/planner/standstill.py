"""Values that wait for themselves: a task that must be made before it can be known.

Owns that one mistake.  Knows nothing of how anything is waited for otherwise.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Note, Trouble
from hpcmake.tasks.rows import SOURCE
from hpcmake.tasks.states import FRESH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from hpcmake.planner.plan import Plan

    Task: TypeAlias = tuple[int, int]  # rule and row


class Standstill:
    """Looks at tasks that begin to wait; what was found to come to an end is not looked at again."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._sound: set[Task] = set()

    def check(self, tasks: Iterable[Task]) -> None:
        """Raise Trouble if one of these tasks waits, by whatever way, for itself."""
        if not self._sound.isdisjoint(tasks):
            self._sound.clear()  # one of them waits for something else now: whatever leads through it is looked at anew
        for start in tasks:
            if start not in self._sound:
                self._follow(start)

    def _follow(self, start: Task) -> None:
        """Go from a task to what it waits for, deeper and deeper, without recursion."""
        trail = [start]
        on_trail = {start}
        steps = [self._before(start)]
        while trail:
            for task in steps[-1]:
                if task in on_trail:
                    raise self._mistake([*trail[trail.index(task) :], task])
                if task not in self._sound:
                    trail.append(task)
                    on_trail.add(task)
                    steps.append(self._before(task))
                    break
            else:
                steps.pop()
                on_trail.discard(trail[-1])
                self._sound.add(trail.pop())

    def _before(self, task: Task) -> Iterator[Task]:
        """Yield the tasks that must end before one can start, or be known."""
        plan = self._plan
        table = plan.graph.tables[task[0]]
        for need in table.waiting.get(task[1], ()):
            maker = plan.maker_task(need)
            if maker[0] != SOURCE and self._is_open(maker):
                yield maker
        files = plan.graph.files
        for number in plan.graph.inputs_of(table, task[1]):
            maker = (files.rule[number], files.row[number])
            if maker[0] != SOURCE and self._is_open(maker):
                yield maker

    def _is_open(self, task: Task) -> bool:
        table = self._plan.graph.tables[task[0]]
        return task[1] in table.waiting or table.state[task[1]] != FRESH

    def _mistake(self, circle: list[Task]) -> Trouble:
        tables = self._plan.graph.tables
        names = [tables[rule].name(row) for rule, row in circle]
        waiting = next(at for at, (rule, row) in enumerate(circle) if row in tables[rule].waiting)
        first = tables[circle[waiting][0]].rule
        others = dict.fromkeys(tables[rule].rule for rule, _ in circle if tables[rule].rule is not first)
        notes = tuple(Note(rule.span, "and this rule is on the way") for rule in others)
        message = f"{names[waiting]} waits for itself: {' needs '.join(names)}"
        help_ = "let the file that the value is read from be made by a task that needs none of these"
        return Trouble(Diagnostic("E415", message, first.span, notes=notes, help=help_))
