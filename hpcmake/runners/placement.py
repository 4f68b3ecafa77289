"""Which attempt goes to which node of an allocation, and when nodes are opened, kept for wide ones, or given up.

Owns the books of nodes and launches.  Knows nothing of processes, and has no clock: it is told what has happened and
what time it is, and answers with orders.
"""

from __future__ import annotations

from math import inf

from hpcmake.runners.nodes import Hold, Node, Placed
from hpcmake.runners.orders import Drop, Give, Retire, Rules, Serve, Spread
from hpcmake.runners.waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hpcmake.model import Attempt
    from hpcmake.runners.orders import Order, Spot
    from hpcmake.runners.waiting import Kind

MOST_AHEAD = 512
"""Attempts that one node holds at most beyond its cores."""

_PATIENCE = 16  # how many others (or twice a node's cores) may begin before one that does not fit yet
_SOON = 1.0  # seconds


class Placement:
    """Decides for the nodes of one allocation.  `end` is when nothing may run any more, on the clock of `now`."""

    def __init__(self, spots: Sequence[Spot], rules: Rules | None = None, *, end: float = inf) -> None:
        self.nodes = [Node(number, spot) for number, spot in enumerate(spots)]
        self.rules = rules or Rules()
        self.end = end
        self.waiting = Waiting(spots)
        self.placed: dict[int, Placed] = {}
        self.launches: dict[int, tuple[int, ...]] = {}
        """The launches of node programs, with the nodes of each."""
        self.starting: set[int] = set()
        """Those that have not come up yet."""
        self.retiring: set[int] = set()
        """Those that were told to end."""
        self.not_before = 0.0
        """When the next launch may be."""
        self._launch_count = 0
        self._wide_running = 0
        self._reserved: dict[int, Placed] = {}
        self._hold: Hold | None = None
        self._kept: dict[int, int] = {}
        """Nodes on which nothing else begins before one of a kind does that was overtaken too often, by kind."""
        self._looked = -inf
        self._roomy: dict[int, None] = dict.fromkeys(range(len(self.nodes)))
        """Nodes on which something may find room: those where nothing has changed are not looked at again."""

    # ------------------------------------------------------------ what has happened

    def queue(self, attempts: Iterable[Attempt], *, first: bool = False) -> None:
        """Let attempts wait for a place; `first`: before all that are like them."""
        before = len(self.waiting)
        self.waiting.queue(attempts, first=first)
        if len(self.waiting) > before:
            self._looked = -inf
            self._roomy = dict.fromkeys(range(len(self.nodes)))

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
        kind = self.waiting.kinds[placed.kind]
        if wall is not None:
            kind.learn(wall)
        if placed.reserved:
            del self._reserved[id_]
        elif kind.want.nodes:
            self._wide_running -= 1
        for number in placed.nodes:
            self._give_back(self.nodes[number], id_, kind)
            self._roomy[number] = None

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

    def gone(self, launch: int, *, away: bool = False) -> list[Attempt]:
        """A launch has ended; return what its nodes held.  `away`: something may still run there."""
        self.starting.discard(launch)
        self.retiring.discard(launch)
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
        self.nodes[number].dead = True
        return self._empty(self.nodes[number])

    def _empty(self, node: Node) -> list[Attempt]:
        held = [self.placed[id_].attempt for id_ in sorted(node.given)]
        for attempt in held:
            self.ended(attempt.id)
        self._roomy[node.number] = None
        self._hold = None
        self._kept.clear()
        self._looked = -inf
        return held

    def returned(self, number: int) -> None:
        """Nothing can run on a node any more that nobody hears."""
        self.nodes[number].away = False
        self._roomy[number] = None

    # ------------------------------------------------------------ deciding

    def decide(self, now: float) -> list[Order]:
        """Return what is to be done now.  It counts as done."""
        orders: list[Order] = []
        if now >= self._looked + _SOON:
            spots = [node.spot for node in self.nodes if not node.dead]
            orders += [Drop(id_, why) for id_, why in self.waiting.take_hopeless(spots, self.left(now))]
            self._looked = now
        self._begin_reserved(now, orders)
        self._place_wide(now, orders, most=inf)
        self._fill_open(now, orders)
        self._open(now, orders)
        if self._hold is None and len(self.waiting):
            self._place_wide(now, orders, most=len(self.nodes))
        if self.rules.at_once is not None and (self._reserved or len(self.waiting)):
            self._retire_idle(orders)
        return orders

    def _retire_idle(self, orders: list[Order]) -> None:
        """End a node program that has nothing to do, if nothing else can be launched before."""
        if self._launched() < (self.rules.at_once or 0) or self.retiring:
            return
        for launch, nodes in self.launches.items():
            if launch not in self.starting and not any(self.nodes[number].given for number in nodes):
                self.retiring.add(launch)
                orders.append(Retire(launch))
                return

    def wake(self, now: float) -> float:
        """Return when to decide again though nothing happens."""
        if not len(self.waiting) and not self._reserved:
            return inf
        return self.not_before if now < self.not_before else now + _SOON

    def left(self, now: float) -> float:
        """Return the seconds until nothing may run any more."""
        return self.end - now

    @property
    def usable(self) -> int:
        """How many nodes are not lost."""
        return sum(not node.dead for node in self.nodes)

    def has_idle(self) -> bool:
        """Return whether a node has room that nothing which waits can use."""
        return any(node.usable and node.cores > 0 and node.wide is None for node in self.nodes)

    def _names(self) -> Iterator[str]:
        return (node.spot.name for node in self.nodes if node.usable)

    def _horizon(self) -> float:
        return self.waiting.area / len(self.nodes)

    def _launched(self) -> int:
        return len(self.launches) + self._wide_running

    def _may_launch(self, now: float) -> bool:
        most = self.rules.at_once
        return now >= self.not_before and (most is None or self._launched() < most)

    def _note_launch(self, now: float) -> None:
        self.not_before = max(now, self.not_before) + self.rules.pause

    # ------------------------------------------------------------ wide ones

    def _free_for_wide(self) -> list[Node]:
        """Return the nodes that a wide attempt could have, those first that need not be emptied."""
        found = [
            node
            for node in self.nodes
            if node.usable and not node.given and node.wide is None and node.launch not in self.starting
        ]
        if self.rules.shares:
            return found
        # a launch that drives several nodes ends as one
        there = {node.number for node in found}
        found = [node for node in found if node.launch is None or there.issuperset(self.launches[node.launch])]
        return sorted(found, key=lambda node: node.launch is not None)

    def _place_wide(self, now: float, orders: list[Order], *, most: float) -> None:
        """Begin wide attempts that are next (of at most so many nodes); keep nodes for one that does not fit yet."""
        waiting = self.waiting
        if not waiting.has_wide():
            self._hold = None
            return
        free = self._free_for_wide()
        while True:
            nodes = min(most, len(free)) if most < inf else inf
            number = waiting.pick(nodes, inf, inf, inf, self.left(now), self._horizon()) if nodes else None
            if number is None or not waiting.kinds[number].want.nodes:
                self._hold = None
                return
            need = waiting.kinds[number].want.nodes
            if need > len(free):
                self._keep_for(number, free, now)
                self._slip_in(free, now, orders)
                return
            self._reserve(number, free[:need], now, orders)
            del free[:need]

    def _reserve(self, number: int, nodes: list[Node], now: float, orders: list[Order]) -> None:
        """Let a wide attempt have nodes: it begins when nothing else runs there, and a launch is free."""
        attempt = self.waiting.take(number)
        placed = Placed(attempt, number, tuple(node.number for node in nodes), reserved=True)
        self.placed[attempt.id] = self._reserved[attempt.id] = placed
        for node in nodes:
            node.wide = attempt.id
            if node.launch is not None and not self.rules.shares and node.launch not in self.retiring:
                self.retiring.add(node.launch)
                orders.append(Retire(node.launch))
        self._begin_reserved(now, orders)

    def _begin_reserved(self, now: float, orders: list[Order]) -> None:
        for id_, placed in list(self._reserved.items()):
            nodes = [self.nodes[number] for number in placed.nodes]
            if not all(node.usable for node in nodes):
                self.ended(id_)
                self.queue([placed.attempt], first=True)
            elif (self.rules.shares or all(node.launch is None for node in nodes)) and self._may_launch(now):
                del self._reserved[id_]
                placed.reserved = False
                self._wide_running += 1
                self._note_launch(now)
                orders.append(Spread(placed.attempt, placed.nodes))

    def _keep_for(self, number: int, free: list[Node], now: float) -> None:
        """Keep nodes for a wide attempt that is next and does not fit yet: those that will be free first."""
        if self._hold is not None and self._hold.kind == number and self._hold.after > now + _SOON:
            return
        there = {node.number for node in free}
        missing = self.waiting.kinds[number].want.nodes - len(free)
        others = [node for node in self.nodes if node.usable and node.number not in there]
        kept = sorted((self._free_at(node, now), node.number) for node in others)[:missing]
        after = kept[-1][0] if len(kept) == missing else inf
        self._hold = Hold(number, after, frozenset(there.union(node for _, node in kept)))

    def _free_at(self, node: Node, now: float) -> float:
        """Return when what is on a node should have ended."""
        found = now
        for id_ in node.given if node.wide is None else (*node.given, node.wide):
            placed = self.placed[id_]
            typical = self.waiting.kinds[placed.kind].typical()
            began = now if placed.began is None else placed.began
            # what nobody knows, or has taken too long already, takes as long again
            found = max(found, now + _SOON, now + (now - began) if typical is None else began + typical)
        return found

    def _slip_in(self, free: list[Node], now: float, orders: list[Order]) -> None:
        """Begin wide attempts that end before the kept nodes are needed."""
        waiting, hold = self.waiting, self._hold
        while free and hold is not None and not waiting.blind:
            short = min(self.left(now), hold.after - now)
            number = waiting.pick(len(free), inf, inf, inf, short, inf)
            if number is None or not waiting.kinds[number].want.nodes:
                return
            need = waiting.kinds[number].want.nodes
            self._reserve(number, free[:need], now, orders)
            del free[:need]

    # ------------------------------------------------------------ those that share nodes

    def _fill_open(self, now: float, orders: list[Order]) -> None:
        """Give to nodes whose program runs."""
        for number in list(self._roomy):
            if not len(self.waiting):
                return
            node = self.nodes[number]
            if node.launch is None:
                continue
            del self._roomy[number]
            if node.usable and node.wide is None and node.launch not in self.retiring:
                given = self._fill(node, now)
                if given:
                    orders.append(Give(number, tuple(given)))
                elif self._hold is not None and number in self._hold.nodes:
                    self._roomy[number] = None  # when the hold is over, there is room

    def _open(self, now: float, orders: list[Order]) -> None:
        """Start node programs where there is work for them."""
        if not len(self.waiting) or not self._may_launch(now):
            return
        nodes = (self.nodes[number] for number in self._roomy)
        todo = [node for node in nodes if node.launch is None and node.usable and node.wide is None]
        for group in self._groups(todo):
            filled: dict[int, list[Attempt]] = {}
            for node in group if self._may_launch(now) else ():
                given = self._fill(node, now)
                if not given:
                    break
                filled[node.number] = given
            if not filled:
                return
            launch, self._launch_count = self._launch_count, self._launch_count + 1
            self.launches[launch] = tuple(filled)
            self.starting.add(launch)
            self._note_launch(now)
            orders.append(Serve(launch, tuple(filled)))
            for number, given in filled.items():
                self.nodes[number].launch = launch
                del self._roomy[number]
                orders.append(Give(number, tuple(given)))

    def _groups(self, todo: list[Node]) -> list[list[Node]]:
        """Return the nodes that are opened by one launch each."""
        size, most = 1, self.rules.at_once
        if self.rules.together:
            alike: dict[Spot, list[Node]] = {}
            for node in todo:
                alike.setdefault(node.spot.replace(name=""), []).append(node)
            return list(alike.values())
        if most is not None and self.rules.crowds:
            size = -(-len(todo) // max(1, most - self._launched() - self.waiting.has_wide()))
        return [todo[at : at + size] for at in range(0, len(todo), max(1, size))]

    def _fill(self, node: Node, now: float) -> list[Attempt]:
        """Take what goes to a node now: all that fits, and of short ones a little more."""
        given: list[Attempt] = []
        waiting, spot, left = self.waiting, node.spot, self.left(now)
        if self._hold is not None and node.number in self._hold.nodes:
            left = 0.0 if waiting.blind else min(left, self._hold.after - now)
        horizon = self._horizon()
        while len(waiting):
            number = waiting.pick(0, node.cores, node.memory, node.gpus, left, horizon) if node.cores > 0 else None
            if number is None or node.load:
                first = waiting.pick(0, spot.cores, spot.memory or inf, spot.gpus, left, horizon)
                if first is None:
                    break
                if number is None:
                    if not self._may_wait_on(node, waiting.kinds[first]):
                        break
                    number = first
                elif first != number and not self._may_overtake(first, node):
                    break
            kind = waiting.kinds[number]
            if kind.queue[0].avoid and waiting.is_shunned(number, spot.name, self._names()):
                self._roomy[node.number] = None
                break
            attempt = waiting.take(number, spot.name)
            node.cores -= kind.want.cores
            node.memory -= kind.want.memory
            node.gpus -= kind.want.gpus
            node.load += kind.load
            node.given.add(attempt.id)
            if kind.overtaken:
                kind.overtaken = 0
                self._kept.pop(number, None)
            self.placed[attempt.id] = Placed(attempt, number, (node.number,))
            given.append(attempt)
        return given

    def _may_overtake(self, first: int, node: Node) -> bool:
        """Return whether something may begin on a node before the kind that is next, and does not fit yet."""
        kind = self.waiting.kinds[first]
        kind.overtaken += 1
        if kind.overtaken <= max(_PATIENCE, 2 * node.spot.cores):
            return True
        return self._kept.setdefault(first, node.number) != node.number

    def _may_wait_on(self, node: Node, kind: Kind) -> bool:
        room = len(node.given) < MOST_AHEAD + node.spot.cores
        return room and node.load < 1 + self.waiting.ahead(kind, self.rules.lead, len(self.nodes))
