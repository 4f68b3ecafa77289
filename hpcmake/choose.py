"""What goes next: the decision taken each time that a node, or a part of one, falls free.

Owns the order in which ready tasks begin.  Knows nothing of queues, jobs or clocks: it is told what is free and how
much time is left, and answers with a kind of task.  Forecasts and the runner of an allocation decide by it alike.

Tasks of equal wants are one *kind*, with a count.  Kinds lie in the leaves of two binary trees, each in a fixed order:
by size (wide ones first, since narrow ones fit into the gaps that they leave) and by length (long ones first).  A
branch knows the least that any of its kinds wants, so the first kind that fits is found by one descent; a branch
changes only when a kind falls empty or comes back.
"""

from __future__ import annotations

from math import inf

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

URGENT = 0.5
"""A task whose way to the end is longer than this share of the time that all work still takes goes first."""


class Want(Record):
    """What a task of one kind wants.

    `nodes` is 0 for one that shares a node; then `cores`, `memory` (bytes) and `gpus` are what it takes of it.
    `ceiling` is the seconds that must be left for it to start, `tail` its expected seconds and those of the longest
    chain that waits for it.  `size` orders kinds: nodes, or the share of a node.
    """

    nodes: int
    size: float
    tail: float
    ceiling: float
    cores: int = 0
    memory: int = 0
    gpus: int = 0
    priority: int = 0


class Free(Record):
    """What is free: so many idle nodes, or (with `nodes` 0) a part of one node that runs something already."""

    nodes: int = 0
    cores: int = 0
    memory: int = 0
    gpus: int = 0


class Hold(Record):
    """Nodes that are kept for a wide task which is next, but does not fit yet.

    In `after` seconds enough will be free; what ends by then may use the free nodes, what does not only the `spare`.
    """

    after: float
    spare: int = 0


class Orders:
    """The two orders of kinds; sorted once where many forecasts are made of the same kinds."""

    def __init__(self, wants: Sequence[Want]) -> None:
        kinds = range(len(wants))
        self.by_size = sorted(kinds, key=lambda kind: _size_first(wants[kind], kind))
        self.by_tail = sorted(kinds, key=lambda kind: _tail_first(wants[kind], kind))
        self.longest = max((want.tail for want in wants), default=0.0)
        self.place_by_size = {kind: place for place, kind in enumerate(self.by_size)}
        self.place_by_tail = {kind: place for place, kind in enumerate(self.by_tail)}


class Ready:
    """The tasks that could begin now, by kind."""

    def __init__(self, wants: Iterable[Want] = (), orders: Orders | None = None) -> None:
        self.wants: list[Want] = list(wants)
        self.counts: list[int] = [0] * len(self.wants)
        self._open: list[bool] = [True] * len(self.wants)
        self._orders = orders
        self._by_size: _Tree | None = None
        self._by_tail: _Tree | None = None
        self._longest = 0.0

    def learn(self, want: Want) -> int:
        """Return the number of a new kind, of which nothing is ready yet."""
        self.wants.append(want)
        self.counts.append(0)
        self._open.append(True)
        self._orders = None
        self._by_size = self._by_tail = None
        return len(self.wants) - 1

    def add(self, kind: int, count: int = 1) -> None:
        """Let tasks of a kind be ready."""
        self.counts[kind] += count
        if self.counts[kind] == count and self._open[kind]:
            self._show(kind)

    def take(self, kind: int, count: int = 1) -> None:
        """Take tasks of a kind out.  Raises ValueError if there are not so many."""
        if count > self.counts[kind]:
            message = f"kind {kind} has {self.counts[kind]} tasks, not {count}"
            raise ValueError(message)
        self.counts[kind] -= count
        if not self.counts[kind]:
            self._hide(kind)

    def close(self, kind: int) -> None:
        """Let a kind not be chosen for now: as many of its rule run as may run together."""
        self._open[kind] = False
        self._hide(kind)

    def open(self, kind: int) -> None:
        """Let a kind be chosen again."""
        self._open[kind] = True
        if self.counts[kind]:
            self._show(kind)

    def pick(
        self, nodes: float, cores: float, memory: float, gpus: float, left: float, horizon: float = 0.0
    ) -> int | None:
        """Return the kind that goes next among those that fit, or None; see `choose`."""
        if self._by_size is None:
            self._by_size = self._plant(by_tail=False)
        kind = self._by_size.first(nodes, cores, memory, gpus, left)
        if kind is None or self._longest <= URGENT * horizon:
            return kind
        if self._by_tail is None:
            self._by_tail = self._plant(by_tail=True)
        long = self._by_tail.first(nodes, cores, memory, gpus, left)
        if long is None or long == kind:
            return kind
        one, other = self.wants[long], self.wants[kind]
        return long if one.priority >= other.priority and one.tail > URGENT * horizon else kind

    def _plant(self, *, by_tail: bool) -> _Tree:
        orders = self._orders = self._orders or Orders(self.wants)
        self._longest = orders.longest
        shown = [count > 0 and is_open for count, is_open in zip(self.counts, self._open, strict=True)]
        if by_tail:
            return _Tree(orders.by_tail, orders.place_by_tail, self.wants, shown)
        return _Tree(orders.by_size, orders.place_by_size, self.wants, shown)

    def _show(self, kind: int) -> None:
        for tree in (self._by_size, self._by_tail):
            if tree is not None:
                tree.show(kind, self.wants[kind])

    def _hide(self, kind: int) -> None:
        for tree in (self._by_size, self._by_tail):
            if tree is not None:
                tree.show(kind, None)


def choose(ready: Ready, free: Free, left: float, *, horizon: float = 0.0, hold: Hold | None = None) -> int | None:
    """Return the kind of which one task should begin now, or None if nothing that is ready may.

    `left` is the seconds until the end: nothing is chosen whose ceiling is longer.  `horizon` is the seconds that all
    work still takes on all nodes: a task whose tail is more than half of it goes before wider ones (0: longest first).
    With a `hold`, nothing is chosen that would delay the task for which nodes are kept.
    """
    if not free.nodes:
        return ready.pick(0, free.cores, free.memory, free.gpus, left, horizon)
    if hold is None:
        return ready.pick(free.nodes, inf, inf, inf, left, horizon)
    short = ready.pick(free.nodes, inf, inf, inf, min(left, hold.after), horizon)
    if short is not None or hold.spare <= 0:
        return short
    return ready.pick(min(free.nodes, hold.spare), inf, inf, inf, left, horizon)


def _size_first(want: Want, kind: int) -> tuple[float, ...]:
    return (-want.priority, -want.size, -want.tail, kind)


def _tail_first(want: Want, kind: int) -> tuple[float, ...]:
    return (-want.priority, -want.tail, -want.size, kind)


_NOTHING = (inf, inf, inf, inf, inf)


def _leaf(want: Want | None) -> tuple[float, ...]:
    if want is None:
        return _NOTHING
    if want.nodes:
        return (want.nodes, inf, inf, inf, want.ceiling)
    return (1, want.cores, want.memory, want.gpus, want.ceiling)


def _branches(leaves: list[float]) -> list[float]:
    """Return a tree of least values as one list, the root at 1."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append(list(map(min, below[::2], below[1::2])))
    found = [inf]
    for level in reversed(levels):
        found += level
    return found


_NO_END = 1e18  # nodes: more than there are, and less than the infinity that stands for «nothing is ready»


class _Tree:
    """Kinds in a fixed order; each branch holds the least of each want below it (infinite where nothing is ready)."""

    def __init__(
        self, order: Sequence[int], place: Mapping[int, int], wants: Sequence[Want], shown: Sequence[bool]
    ) -> None:
        self._order = order
        self._place = place
        size = 1
        while size < len(order):
            size *= 2
        self._size = size
        leaves = [_leaf(wants[kind]) if shown[kind] else _NOTHING for kind in order]
        leaves += [_NOTHING] * (size - len(order))
        columns = (_branches(list(column)) for column in zip(*leaves, strict=True))
        self._nodes, self._cores, self._memory, self._gpus, self._ceiling = columns

    def show(self, kind: int, want: Want | None) -> None:
        """Let a kind be found by what it wants, or (None) not be found."""
        at = self._size + self._place[kind]
        columns = (self._nodes, self._cores, self._memory, self._gpus, self._ceiling)
        for column, value in zip(columns, _leaf(want), strict=True):
            column[at] = value
        at //= 2
        while at:
            changed = False
            for column in columns:
                one, other = column[2 * at], column[2 * at + 1]
                least = one if one < other else other  # noqa: FURB136  # a call of min would take most of the time
                if column[at] != least:
                    column[at] = least
                    changed = True
            if not changed:
                return
            at //= 2

    def first(self, nodes: float, cores: float, memory: float, gpus: float, left: float) -> int | None:
        """Return the first kind in order that fits, or None.  `nodes` 0 asks for a part of one node."""
        by_nodes, by_ceiling, size = self._nodes, self._ceiling, self._size
        by_cores, by_memory, by_gpus = self._cores, self._memory, self._gpus
        part = nodes == 0
        if part or nodes == inf:
            nodes = 1 if part else _NO_END
        at = 1
        while at:
            if (
                by_nodes[at] <= nodes
                and by_ceiling[at] <= left
                and (not part or (by_cores[at] <= cores and by_memory[at] <= memory and by_gpus[at] <= gpus))
            ):
                if at >= size:
                    return self._order[at - size]
                at *= 2
                continue
            while at & 1:  # a right branch is the last one of its parent
                at >>= 1
            at += at > 0
        return None
