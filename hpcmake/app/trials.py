"""A trial: one task of each rule, which of them what the others make is enough for, and the files that ask for these.

Owns that choice.  Knows nothing of jobs.
"""

from __future__ import annotations

from hpcmake.planner.stale import is_stale
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.gathering import Gathered
    from hpcmake.planner.plan import Plan


class Trial(Record):
    """The `targets` that make the tasks of a trial run and no others, and the rules `beyond` it.

    A task of a rule beyond it takes more than one task of each rule makes: all docked ligands, say.
    """

    targets: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()


def find_trial(plan: Plan, gathered: Gathered, classes: Sequence[TaskClass]) -> Trial:
    """Return which of the first tasks of classes, one of each rule, can run with what the others make."""
    files = plan.graph.files
    run: dict[tuple[int, int], str] = {}
    needed: set[tuple[int, int]] = set()
    beyond: list[str] = []
    for each in sorted(classes, key=lambda each: each.stage):
        table, row = gathered.task(each.members[0])
        makers = set()
        for number in plan.graph.inputs_of(table, row):
            rule, maker = files.rule[number], files.row[number]
            if rule >= 0 and is_stale(plan.graph.tables[rule].state[maker]):
                makers.add((rule, maker))
        if makers <= run.keys() and table.outputs:
            run[table.rule.number, row] = files.paths[table.outputs[0][row]]
            needed |= makers
        else:
            beyond.append(each.rule)
    return Trial(tuple(path for task, path in run.items() if task not in needed), tuple(beyond))
