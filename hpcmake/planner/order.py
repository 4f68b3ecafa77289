"""The order in which rules and tasks are judged: makers before takers.

Owns what is told of cycles.  Knows nothing of what is stale.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Note, Trouble
from hpcmake.tasks.order import components, find_order
from hpcmake.tasks.rows import UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.graph import Graph
    from hpcmake.text import Span


def tasks_in_order(graph: Graph, rows: dict[int, Sequence[int]]) -> list[tuple[int, int]]:
    """Return the tasks of rules that need each other, makers first.

    Raises Trouble for a cycle, with its files in order.
    """
    order, stuck = find_order(graph, rows)
    if stuck:
        raise cycle(graph, stuck)
    return order


_SHOWN = 5  # places of a cycle in a message
_LONGEST = 9  # files of a cycle in a message


def cycle(graph: Graph, stuck: set[tuple[int, int]]) -> Trouble:
    """Return the mistake of a cycle among tasks that wait for each other."""
    files = graph.files
    steps: list[tuple[tuple[int, int], int]] = []  # a task, and the file that it takes of the next
    seen: dict[tuple[int, int], int] = {}
    task = min(stuck)
    while task not in seen:
        seen[task] = len(steps)
        for number in graph.inputs_of(graph.tables[task[0]], task[1]):
            maker = (files.rule[number], files.row[number])
            if maker in stuck:
                steps.append((task, number))
                task = maker
                break
    circle = steps[seen[task] :]
    start = min(range(len(circle)), key=lambda at: files.paths[circle[at][1]])
    circle = circle[start:] + circle[:start]
    paths = [files.paths[number] for _, number in circle]
    shown = [*paths[:6], "…", *paths[-2:]] if len(paths) > _LONGEST else paths
    notes: dict[Span, str] = {}
    for (rule, row), number in [*circle[1:], circle[0]]:
        notes.setdefault(_place(graph, rule, row, number), f"needs {files.paths[number]}")
    first, *others = [Note(span, text) for span, text in notes.items()]
    message = f"a cycle: {' -> '.join([*shown, shown[0]])}, where each needs the next"
    help_ = "leave one of these needs out, or give one of the files another name"
    return Trouble(Diagnostic("E402", message, first.span, first.text, tuple(others[:_SHOWN]), help_))


def _place(graph: Graph, rule: int, row: int, number: int) -> Span:
    """Return the item by which a task takes a file."""
    table = graph.tables[rule]
    for item, column in zip(table.rule.inputs, table.inputs, strict=True):
        if column[row] == number or (column[row] < UNSET and number in graph.group(column[row])):
            return item.code.span
    return table.rule.span


__all__ = ["components", "cycle", "tasks_in_order"]
