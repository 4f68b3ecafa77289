"""Which tasks are not packed now: those that jobs have, those that have failed, and what waits for what has failed.

Owns that choice.  Knows nothing of how the others are packed.
"""

from __future__ import annotations

from contextlib import contextmanager

from hpcmake.tasks.rows import SOURCE, UNSET
from hpcmake.tasks.states import IN_JOB, is_stale

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
    files = graph.files
    groups: dict[int, bool] = {}

    def is_blocked(entry: int) -> bool:
        if entry == UNSET:
            return False
        if entry >= 0:
            return files.rule[entry] != SOURCE and (files.rule[entry], files.row[entry]) in found
        known = groups.get(entry)
        if known is None:
            known = groups[entry] = any(is_blocked(number) for number in graph.group(entry))
        return known

    for table, row in plan.stale_in_order():
        maybe = [item.maybe for item in table.rule.inputs]
        if any(is_blocked(column[row]) for column, may in zip(table.inputs, maybe, strict=True) if not may):
            found.add((table.rule.number, row))
    return found


@contextmanager
def left_out(plan: Plan, tasks: Iterable[Task]) -> Iterator[None]:
    """Let tasks not count as such that must run, for a while."""
    tables = plan.graph.tables
    before: list[tuple[Task, int]] = []
    for rule, row in tasks:
        state = tables[rule].state[row]
        if is_stale(state):
            before.append(((rule, row), state))
            tables[rule].state[row] = IN_JOB
    try:
        yield
    finally:
        for (rule, row), state in before:
            tables[rule].state[row] = state
