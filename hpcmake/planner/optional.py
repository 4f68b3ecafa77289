"""Which tasks are wanted as `maybe` only: their failure does not stop a run.

Owns that one question.  Knows nothing of what has failed.
"""

from __future__ import annotations

from hpcmake.planner.graph import SOURCE
from hpcmake.planner.order import components, tasks_in_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan


def find_optional(plan: Plan) -> dict[int, bytearray]:
    """Return for each rule with such tasks a flag for each row: 1 if every way from a target to it is a `maybe`."""
    graph = plan.graph
    files = graph.files
    required = [bytearray(table.count) for table in graph.tables]

    def require(numbers: Iterable[int]) -> None:
        for number in numbers:
            rule = files.rule[number]
            if rule != SOURCE:
                required[rule][files.row[number]] = 1

    require(plan.roots)
    for rule, row in plan.root_tasks:
        required[rule][row] = 1
    for component in reversed(components(graph, range(len(graph.tables)))):
        for table, row in _takers_first(plan, component):
            if required[table.rule.number][row]:
                for item, column in zip(table.rule.inputs, table.inputs, strict=True):
                    if not item.maybe and column[row] != -1:
                        require((column[row],) if column[row] >= 0 else graph.group(column[row]))
                for need in table.waiting.get(row, ()):
                    if need.rule is None:
                        require((graph.want(need.path),))
                    else:
                        maker = graph.campaign.by_name[need.rule].number
                        required[maker][graph.task_by_values(graph.tables[maker], need.closed)] = 1
    found = {}
    for number, flags in enumerate(required):
        if flags.count(0):
            found[number] = flags.translate(bytes([1, 0]) + bytes(254))
    return found


def _takers_first(plan: Plan, component: list[int]) -> Iterable[tuple[Table, int]]:
    graph = plan.graph
    table = graph.tables[component[0]]
    if len(component) == 1 and component[0] not in table.needs:
        return ((table, row) for row in range(table.count))
    rows: dict[int, Sequence[int]] = {rule: range(graph.tables[rule].count) for rule in component}
    return ((graph.tables[rule], row) for rule, row in reversed(tasks_in_order(graph, rows)))
