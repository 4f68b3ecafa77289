"""Which tasks are not packed now: those that jobs have, those that have failed, and what waits for what has failed.

Owns that choice.  Knows nothing of how the others are packed.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain

from hpcmake.tasks.rows import UNSET
from hpcmake.tasks.states import FRESH, IN_JOB, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hpcmake.app.queue.owners import Task
    from hpcmake.planner.plan import Plan


def blocked_by(plan: Plan, seeds: Iterable[Task]) -> set[Task]:
    """Return tasks and all that must run and needs, by any way, what they make."""
    found = set(seeds)
    if not found:
        return found
    graph = plan.graph
    of_rule, of_row = graph.files.rule, graph.files.row
    groups: dict[int, bool] = {}
    rules = {rule for rule, _ in found}
    taken = [
        [column for column, item in zip(table.inputs, table.rule.inputs, strict=True) if not item.maybe]
        for table in graph.tables
    ]

    def is_blocked(entry: int) -> bool:
        if entry == UNSET:
            return False
        if entry >= 0:
            return of_rule[entry] in rules and (of_rule[entry], of_row[entry]) in found
        known = groups.get(entry)
        if known is None:
            known = groups[entry] = any(is_blocked(number) for number in graph.group(entry))
        return known

    for table, row in plan.stale_in_order():
        number = table.rule.number
        for column in taken[number]:
            if is_blocked(column[row]):
                found.add((number, row))
                rules.add(number)
                break
    return found


@contextmanager
def left_out(plan: Plan, *tasks: Iterable[Task]) -> Iterator[None]:
    """Let tasks not count as such that must run, for a while."""
    states = [table.state for table in plan.graph.tables]
    before: list[tuple[bytearray, int, int]] = []
    for rule, row in chain(*tasks):
        state = states[rule][row]
        if FRESH < state < UNKNOWN:  # `is_stale`, without a call: there may be 10⁶ of them
            before.append((states[rule], row, state))
            states[rule][row] = IN_JOB
    try:
        yield
    finally:
        for those, row, state in before:
            those[row] = state
