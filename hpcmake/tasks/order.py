"""The order of rules and tasks that need each other: makers before takers.

Owns the components of rules that need each other, and the order of tasks within one.  Knows nothing of what is stale,
nor of how a cycle is told.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Protocol, TypeAlias

    from hpcmake.tasks.rows import Files

    class Tables(Protocol):
        """Files, and tables of the tasks that make them."""

        files: Files

        @property
        def tables(self) -> Sequence[Any]:
            """The table of each rule, with the numbers of rules that it `needs`."""

        def inputs_of(self, table: Any, row: int, /) -> Iterable[int]:
            """Return the numbers of the files that a task takes."""

    Task: TypeAlias = tuple[int, int]
    """The number of a rule, and a row."""


def components(graph: Tables, wanted: Iterable[int]) -> list[list[int]]:
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


def find_order(graph: Tables, rows: Mapping[int, Sequence[int]]) -> tuple[list[Task], set[Task]]:
    """Return the tasks of rules that need each other, makers first, and those that wait for each other in a circle."""
    members = {(rule, row) for rule, those in rows.items() for row in those}
    files = graph.files
    takers: dict[Task, list[Task]] = {}
    open_needs: dict[Task, int] = {}
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
    return order, {task for task, count in open_needs.items() if count}
