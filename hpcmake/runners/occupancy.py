"""What is on the nodes of an allocation: the attempts, the launches, and what they leave free.

Owns these books, as they are told what has happened.  Knows nothing of what shall happen.
"""

from __future__ import annotations

from math import inf

from hpcmake.runners.nodes import Node
from hpcmake.runners.vacancies import Vacancies
from hpcmake.runners.waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hpcmake.model import Attempt
    from hpcmake.runners.nodes import Hold, Placed
    from hpcmake.runners.orders import Spot
    from hpcmake.runners.waiting import Kind


class Occupancy:
    """The books of the nodes of one allocation."""

    def __init__(self, spots: Sequence[Spot]) -> None:
        self.nodes = [Node(number, spot) for number, spot in enumerate(spots)]
        self.waiting = Waiting(spots)
        self.placed: dict[int, Placed] = {}
        self.launches: dict[int, tuple[int, ...]] = {}
        """The launches of node programs, with the nodes of each."""
        self.starting: set[int] = set()
        """Those that have not come up yet."""
        self.retiring: set[int] = set()
        """Those that were told to end."""
        self._wide_running = 0
        self._reserved: dict[int, Placed] = {}
        self._hold: Hold | None = None
        self._kept: dict[int, int] = {}
        """Nodes on which nothing else begins before one of a kind does that was overtaken too often, by kind."""
        self._looked = -inf
        """When all kinds that wait were looked at last."""
        self._vacancies = Vacancies(self.nodes)
        self._spots: list[Spot] | None = None
        """The kinds of nodes that are not lost, once they are known."""
        self._lost = 0
        self._changed = True
        """Whether something has happened since it was last decided what is to be done."""

    def queue(self, attempts: Iterable[Attempt], *, first: bool = False) -> None:
        """Let attempts wait for a place; `first`: before all that are like them."""
        self.waiting.queue(attempts, first=first)
        self._changed = True

    def began(self, id_: int, now: float) -> None:
        """An attempt runs."""
        placed = self.placed.get(id_)
        if placed is not None and placed.began is None:
            placed.began = now

    def ended(self, id_: int, wall: float | None = None) -> None:
        """An attempt runs no more, or never began there; what it had is free.  `wall`: it took so many seconds."""
        placed = self.placed.pop(id_, None)
        if placed is None:
            return
        self._changed = True
        kind = self.waiting.kinds[placed.kind]
        if wall is not None:
            kind.learn(wall)
        if placed.reserved:
            del self._reserved[id_]
        elif kind.want.nodes:
            self._wide_running -= 1
        for number in placed.nodes:
            node = self.nodes[number]
            self._give_back(node, id_, kind)
            if not node.dead:
                self._vacancies.notice(node)

    def _give_back(self, node: Node, id_: int, kind: Kind) -> None:
        if kind.want.nodes:
            node.wide = None
            return
        node.given.discard(id_)
        node.cores += kind.want.cores
        node.memory += kind.want.memory
        node.gpus += kind.want.gpus
        node.load = node.load - kind.load if node.given else 0.0

    def up(self, launch: int) -> None:
        """The node programs of a launch have come up."""
        self.starting.discard(launch)
        self._changed = True

    def gone(self, launch: int, *, away: bool = False) -> list[Attempt]:
        """A launch has ended; return what its nodes held.  `away`: something may still run there."""
        self.starting.discard(launch)
        self.retiring.discard(launch)
        self._changed = True
        held = []
        for number in self.launches.pop(launch, ()):
            node = self.nodes[number]
            if node.launch == launch:
                node.launch = None
                node.away = node.away or away
                held += self._empty(node)
        return held

    def strand(self, number: int) -> list[Attempt]:
        """A node is lost for good; return what it held."""
        self.lose(number)
        return self._empty(self.nodes[number])

    def lose(self, number: int) -> None:
        """A node is lost for good; what it holds may end."""
        node = self.nodes[number]
        if not node.dead:
            node.dead = True
            self._lost += 1
            self._changed = True
            self._spots = None
            self._looked = -inf
            self._vacancies.leave_out(node)

    def _empty(self, node: Node) -> list[Attempt]:
        held = [self.placed[id_].attempt for id_ in sorted(node.given)]
        for attempt in held:
            self.ended(attempt.id)
        if not node.dead:
            self._vacancies.notice(node)
        self._hold_on(None)
        for number in list(self._kept):
            self._let_go(number)
        self._looked = -inf
        return held

    def returned(self, number: int) -> None:
        """Nothing can run on a node any more that nobody hears."""
        node = self.nodes[number]
        node.away = False
        self._changed = True
        if not node.dead:
            self._vacancies.notice(node)

    def _hold_on(self, hold: Hold | None) -> None:
        """Keep nodes for a wide attempt, or none; what was kept before may be had again."""
        if self._hold is not None:
            self._vacancies.wake_all(self.nodes[number] for number in self._hold.nodes)
        self._hold = hold

    def _let_go(self, kind: int) -> None:
        """Keep the node no more where nothing else could begin before one of a kind."""
        node = self._kept.pop(kind, None)
        if node is not None:
            self._vacancies.wake_all((self.nodes[node],))

    @property
    def usable(self) -> int:
        """How many nodes are not lost."""
        return len(self.nodes) - self._lost

    def has_idle(self) -> bool:
        """Return whether a node has room that nothing which waits can use."""
        return self._vacancies.has_room()

    def _names(self) -> Iterator[str]:
        return (node.spot.name for node in self.nodes if node.usable)
