"""A layered order of a graph: which node stands in which column, and in which row of it.

Owns the three steps of that: cycles are opened, columns are counted along the longest path, rows are ordered by the
mean of their neighbours (Sugiyama's method).  Knows nothing of sizes and places; nodes are numbers here.
"""

from __future__ import annotations

from bisect import bisect_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

Pair: TypeAlias = tuple[int, int]

_SWEEPS = 12
_MOST_JOINTS = 20_000
"""So many joints of long edges at most: above, long edges run straight, be what may in their way."""
_MOST_COUNTED = 50_000
"""With more edges crossings are not counted; the last order is taken instead of the best."""


class Layers:
    """Nodes in columns and rows.

    Nodes from `size` on are joints: an edge over several columns has one in each column between, so that it finds its
    way through the rows.
    """

    def __init__(self, size: int, edges: Sequence[Pair]) -> None:
        """Order `size` nodes; edges lead from left to right where they can."""
        self.size = size
        self.reversed: set[Pair] = _closing(size, edges)
        """The edges that would close a cycle: they lead from right to left."""
        forward = [(b, a) if (a, b) in self.reversed else (a, b) for a, b in edges if a != b]
        self.column = _columns(size, forward)
        self.chains: dict[Pair, list[int]] = {}
        """Of each edge, as it leads forward, all nodes that it goes through, its ends included."""
        self._join(forward)
        self.after: list[list[int]] = [[] for _ in self.column]
        """The nodes and joints in the next column to which an edge leads."""
        self.before: list[list[int]] = [[] for _ in self.column]
        for chain in self.chains.values():
            for a, b in zip(chain, chain[1:], strict=False):
                self.after[a].append(b)
                self.before[b].append(a)
        self.rows: list[list[int]] = [[] for _ in range(max(self.column, default=-1) + 1)]
        """The nodes and joints of each column, from above."""
        for node in self._first_order():
            self.rows[self.column[node]].append(node)
        self._untangle()

    def _join(self, forward: Sequence[Pair]) -> None:
        room = _MOST_JOINTS
        for a, b in dict.fromkeys(forward):
            span = self.column[b] - self.column[a] - 1
            joints = list(range(len(self.column), len(self.column) + span)) if span <= room else []
            room -= len(joints)
            self.column += [self.column[a] + 1 + step for step in range(len(joints))]
            self.chains[a, b] = [a, *joints, b]

    def _first_order(self) -> list[int]:
        """Return all nodes in the order in which a walk along the edges meets them: near ones stay near."""
        order: list[int] = []
        seen = [False] * len(self.column)
        for root in sorted(range(len(self.column)), key=self.column.__getitem__):
            todo = [root]
            while todo:
                node = todo.pop()
                if not seen[node]:
                    seen[node] = True
                    order.append(node)
                    todo += reversed(self.after[node])
        return order

    def _untangle(self) -> None:
        is_counted = sum(map(len, self.after)) <= _MOST_COUNTED
        best, fewest = [list(row) for row in self.rows], self.crossings() if is_counted else 0
        for sweep in range(_SWEEPS if is_counted else 2):
            if sweep % 2 == 0:
                for number in range(1, len(self.rows)):
                    self._sort(number, number - 1, self.before)
            else:
                for number in range(len(self.rows) - 2, -1, -1):
                    self._sort(number, number + 1, self.after)
            if is_counted:
                found = self.crossings()
                if found < fewest:
                    best, fewest = [list(row) for row in self.rows], found
                if not fewest:
                    break
        if is_counted:
            self.rows = best

    def _sort(self, number: int, by: int, neighbours: list[list[int]]) -> None:
        place = {node: float(index) for index, node in enumerate(self.rows[by])}
        own = {node: float(index) for index, node in enumerate(self.rows[number])}
        for node in self.rows[number]:
            near = [place[each] for each in neighbours[node] if each in place]
            if near:
                own[node] = sum(near) / len(near)
        self.rows[number].sort(key=own.__getitem__)

    def crossings(self) -> int:
        """Return how many pairs of edges cross between neighbouring columns."""
        total = 0
        for left, right in zip(self.rows, self.rows[1:], strict=False):
            place = {node: index for index, node in enumerate(right)}
            passed: list[int] = []
            for node in left:
                ends = sorted(place[each] for each in self.after[node] if each in place)
                total += sum(len(passed) - bisect_left(passed, end + 1) for end in ends)
                for end in ends:
                    passed.insert(bisect_left(passed, end), end)
        return total


def _closing(size: int, edges: Sequence[Pair]) -> set[Pair]:
    """Return edges without which there is no cycle: those that a walk in depth finds to lead back."""
    after: list[list[int]] = [[] for _ in range(size)]
    for a, b in edges:
        if a != b:
            after[a].append(b)
    closing: set[Pair] = set()
    state = bytearray(size)  # 1: on the way to where we are, 2: left behind
    for root in range(size):
        if state[root]:
            continue
        state[root] = 1
        path = [(root, iter(after[root]))]
        while path:
            node, ahead = path[-1]
            for each in ahead:
                if state[each] == 1:
                    closing.add((node, each))
                elif not state[each]:
                    state[each] = 1
                    path.append((each, iter(after[each])))
                    break
            else:
                state[node] = 2
                path.pop()
    return closing


def _columns(size: int, edges: Sequence[Pair]) -> list[int]:
    """Return the column of each node: behind all that it needs; what needs nothing stands just before what needs it."""
    after: list[list[int]] = [[] for _ in range(size)]
    missing = [0] * size
    for a, b in edges:
        after[a].append(b)
        missing[b] += 1
    sources = [node for node in range(size) if not missing[node]]
    column = [0] * size
    todo = list(sources)
    while todo:
        node = todo.pop()
        for each in after[node]:
            column[each] = max(column[each], column[node] + 1)
            missing[each] -= 1
            if not missing[each]:
                todo.append(each)
    for node in sources:
        if after[node]:
            column[node] = min(column[each] for each in after[node]) - 1
    return column
