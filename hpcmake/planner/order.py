"""The order in which rules and tasks are judged: makers before takers.

Owns the components of rules that need each other, the order of tasks within one, and cycles.  Knows nothing of what is
stale.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Note, Trouble
from hpcmake.tasks.rows import UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.planner.graph import Graph
    from hpcmake.text import Span


def components(graph: Graph, wanted: Iterable[int]) -> list[list[int]]:
    """Return numbers of rules in groups that need each other, makers first: Tarjan's algorithm, without recursion."""
    wanted = sorted(wanted)
    among = set(wanted)
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for start in wanted:
        if start in number:
            continue
        work = [(start, iter(sorted(graph.tables[start].needs & among)))]
        number[start] = low[start] = len(number)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, needs = work[-1]
            for other in needs:
                if other not in number:
                    number[other] = low[other] = len(number)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(sorted(graph.tables[other].needs & among))))
                    break
                if other in on_stack:
                    low[node] = min(low[node], number[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    component: list[int] = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                        on_stack.discard(component[-1])
                    found.append(component)
    return found


def tasks_in_order(graph: Graph, rows: dict[int, Sequence[int]]) -> list[tuple[int, int]]:
    """Return the tasks of rules that need each other, makers first.

    Raises Trouble for a cycle, with its files in order.
    """
    members = {(rule, row) for rule, those in rows.items() for row in those}
    files = graph.files
    takers: dict[tuple[int, int], list[tuple[int, int]]] = {}
    open_needs: dict[tuple[int, int], int] = {}
    for task in sorted(members):
        needs = {(files.rule[f], files.row[f]) for f in graph.inputs_of(graph.tables[task[0]], task[1])} & members
        open_needs[task] = len(needs)
        for need in needs:
            takers.setdefault(need, []).append(task)
    ready = [task for task in sorted(members) if not open_needs[task]]
    order = []
    for task in ready:
        order.append(task)
        for taker in takers.get(task, ()):
            open_needs[taker] -= 1
            if not open_needs[taker]:
                ready.append(taker)  # the list is the queue that is worked through
    if len(order) < len(members):
        raise cycle(graph, {task for task, count in open_needs.items() if count})
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
