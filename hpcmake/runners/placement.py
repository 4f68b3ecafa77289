"""Which attempt goes to which node of an allocation, and when nodes are opened, kept for wide ones, or given up.

Owns these decisions.  Knows nothing of processes, and has no clock: it is told what has happened and what time it is,
and answers with orders.
"""

from __future__ import annotations

from math import inf

from hpcmake.runners.nodes import Hold, Placed
from hpcmake.runners.occupancy import Occupancy
from hpcmake.runners.orders import Drop, Give, Recall, Retire, Rules, Serve, Spread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.model import Attempt
    from hpcmake.runners.nodes import Node
    from hpcmake.runners.orders import Order, Spot
    from hpcmake.runners.waiting import Kind

MOST_AHEAD = 512
"""Attempts that one node holds at most beyond its cores."""

_PATIENCE = 16  # how many others (or twice a node's cores) may begin before one that does not fit yet
_SOON = 1.0  # seconds


class Placement(Occupancy):
    """Decides for the nodes of one allocation.  `end` is when nothing may run any more, on the clock of `now`."""

    def __init__(self, spots: Sequence[Spot], rules: Rules | None = None, *, end: float = inf) -> None:
        super().__init__(spots)
        self.rules = rules or Rules()
        self.end = end
        self.not_before = 0.0
        """When the next launch may be."""
        self._launch_count = 0
        self._load = 0.0
        """How much waited when nodes were last looked at for that, or since."""
        self._again = -inf
        """When to decide again though nothing has changed."""
        self._late: set[int] = set()
        """Kinds of which none can begin any more: the end is too near."""
        self._late_at = -inf
        """When the next kind will be one of those."""
        self._shunned: list[Node] = []
        """Nodes on which what is next has failed before: another may take it."""

    # ------------------------------------------------------------ deciding

    def decide(self, now: float) -> list[Order]:
        """Return what is to be done now.  It counts as done."""
        orders: list[Order] = []
        if not self._changed and now < self._again:
            return orders
        self._changed = False
        if self.end < inf and (now >= self._late_at or self.waiting.fresh):
            self._recall_late(now, orders)
        self._look_around(now, orders)
        self._begin_reserved(now, orders)
        self._place_wide(now, orders, most=inf)
        if self.waiting.has_narrow():
            self._fill_open(now, orders)
            self._open(now, orders)
        if self._hold is None and self.waiting.wide:
            self._place_wide(now, orders, most=len(self.nodes))
        if self.rules.at_once is not None and (self._reserved or len(self.waiting)):
            self._retire_idle(orders)
        self._again = self.wake(now)
        return orders

    def _look_around(self, now: float, orders: list[Order]) -> None:
        """Take note of kinds that wait and did not before, and once in a while of all: drop what is hopeless."""
        waiting = self.waiting
        self._vacancies.wake_all(self._shunned)
        self._shunned.clear()
        self._load = min(self._load, waiting.load)
        grown = waiting.load > 2 * self._load
        if not (waiting.fresh or grown or now >= self._looked + _SOON):
            return
        fresh, waiting.fresh = waiting.fresh, set()
        all_ = range(len(waiting.kinds))
        is_due = now >= self._looked + _SOON
        if is_due:
            self._looked = now
            if self._hold is not None:  # time has gone by, and what nobody knew may be known
                self._vacancies.wake_all(self.nodes[number] for number in self._hold.nodes)
        if is_due or fresh:
            if self._spots is None:
                self._spots = list({node.spot.replace(name="") for node in self.nodes if not node.dead})
            numbers = all_ if is_due else sorted(fresh)
            hopeless = waiting.take_hopeless(self._spots, len(self.nodes) - self._lost, self.left(now), numbers)
            orders += [Drop(id_, why) for id_, why in hopeless]
        for number in fresh:
            if waiting.kinds[number].queue:
                self._vacancies.wake(waiting.kinds[number].want)
        if grown:
            self._load = waiting.load
        some = [waiting.kinds[number] for number in (all_ if grown else fresh)]
        ahead = max((self._ahead(kind) for kind in some if kind.queue and not kind.want.nodes), default=0.0)
        if ahead:
            self._vacancies.wake_below(1 + ahead)

    def _recall_late(self, now: float, orders: list[Order]) -> None:
        """Take back what waits on nodes, and would not end in time any more."""
        kinds = self.waiting.kinds
        ends = {number: self.end - kind.want.ceiling for number, kind in enumerate(kinds) if number not in self._late}
        late = {number for number, at in ends.items() if at <= now}
        self._late_at = min((at for at in ends.values() if at > now), default=inf)
        self._late |= late
        late = {number for number in late if kinds[number].want.ceiling and not kinds[number].want.nodes}
        ids = (
            [id_ for id_, placed in self.placed.items() if placed.kind in late and placed.began is None] if late else ()
        )
        if ids:
            orders.append(Recall(tuple(ids)))

    def _retire_idle(self, orders: list[Order]) -> None:
        """End a node program that has nothing to do, if nothing else can be launched before."""
        if self._launched() < (self.rules.at_once or 0) or self.retiring:
            return
        nodes = [*self._vacancies.idle, *(number for placed in self._reserved.values() for number in placed.nodes)]
        launches = {self.nodes[number].launch for number in nodes} - self.starting
        for launch in sorted(launch for launch in launches if launch is not None):
            if not any(self.nodes[number].given for number in self.launches[launch]):
                self.retiring.add(launch)
                orders.append(Retire(launch))
                return

    def wake(self, now: float) -> float:
        """Return when to decide again though nothing happens."""
        late = self._late_at if self.placed and self._late_at > now else inf
        if not len(self.waiting) and not self._reserved:
            return late
        return min(late, self.not_before if now < self.not_before else now + _SOON)

    def left(self, now: float) -> float:
        """Return the seconds until nothing may run any more."""
        return self.end - now

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
        idle = sorted(self._vacancies.idle.items())
        found = [node for _, node in idle if node.usable and node.launch not in self.starting]
        if self.rules.shares:
            return found
        # a launch that drives several nodes ends as one
        there = {node.number for node in found}
        found = [node for node in found if node.launch is None or there.issuperset(self.launches[node.launch])]
        return sorted(found, key=lambda node: node.launch is not None)

    def _place_wide(self, now: float, orders: list[Order], *, most: float) -> None:
        """Begin wide attempts that are next (of at most so many nodes); keep nodes for one that does not fit yet."""
        waiting = self.waiting
        if not waiting.wide:
            self._hold_on(None)
            return
        free = self._free_for_wide()
        while True:
            nodes = min(most, len(free)) if most < inf else inf
            number = waiting.pick(nodes, inf, inf, inf, self.left(now), self._horizon()) if nodes else None
            if number is None or not waiting.kinds[number].want.nodes:
                self._hold_on(None)
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
            self._vacancies.leave_out(node)
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
        if self._hold is not None and self._hold.kind == number and now < self._hold.until:
            return
        there = {node.number for node in free}
        missing = self.waiting.kinds[number].want.nodes - len(free)
        others = [node for node in self.nodes if node.usable and node.number not in there]
        kept = sorted((self._free_at(node, now), node.number) for node in others)[:missing]
        after = kept[-1][0] if len(kept) == missing else inf
        until = max(after - _SOON, now + _SOON)  # what takes longer than was thought is looked at once in a while
        self._hold_on(Hold(number, after, frozenset(there.union(node for _, node in kept)), until=until))

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
        vacancies, waiting = self._vacancies, self.waiting
        while vacancies.served and waiting.has_narrow():
            number, node = vacancies.served.popitem(last=False)
            if node.usable and node.wide is None and node.launch not in self.retiring:
                given = self._fill(node, now)
                if given:
                    orders.append(Give(number, tuple(given)))

    def _open(self, now: float, orders: list[Order]) -> None:
        """Start node programs where there is work for them."""
        if not self._vacancies.unserved or not self._may_launch(now):
            return
        todo = [node for node in self._vacancies.unserved.values() if node.usable and node.wide is None]
        for group in self._groups(todo):
            filled: dict[int, list[Attempt]] = {}
            for node in group:
                if not (self._may_launch(now) and self.waiting.has_narrow()):
                    break
                given = self._fill(node, now)
                if given:
                    filled[node.number] = given
            if filled:
                self._serve(filled, now, orders)

    def _serve(self, filled: dict[int, list[Attempt]], now: float, orders: list[Order]) -> None:
        launch, self._launch_count = self._launch_count, self._launch_count + 1
        self.launches[launch] = tuple(filled)
        self.starting.add(launch)
        self._note_launch(now)
        orders.append(Serve(launch, tuple(filled)))
        for number, given in filled.items():
            self.nodes[number].launch = launch
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
            size = -(-len(todo) // max(1, most - self._launched() - (self.waiting.wide > 0)))
        return [todo[at : at + size] for at in range(0, len(todo), max(1, size))]

    def _fill(self, node: Node, now: float) -> list[Attempt]:
        """Take what goes to a node now: all that fits, and of short ones a little more."""
        given: list[Attempt] = []
        waiting, spot, left = self.waiting, node.spot, self.left(now)
        if self._hold is not None and node.number in self._hold.nodes:
            left = 0.0 if waiting.blind else min(left, self._hold.after - now)
        horizon = self._horizon()
        number = first = None
        while len(waiting):
            # less is free now than before, so what was next still is, if it fits and there is more of it
            if number is None or not (waiting.kinds[number].queue and node.holds(waiting.kinds[number].want)):
                number = waiting.pick(0, node.cores, node.memory, node.gpus, left, horizon) if node.cores > 0 else None
            goes = number
            if number is None or node.load:
                if first is None or not waiting.kinds[first].queue:
                    first = waiting.pick(0, spot.cores, spot.memory or inf, spot.gpus, left, horizon)
                if first is None:
                    break
                if number is None:
                    if not self._may_wait_on(node, waiting.kinds[first], left):
                        break
                    goes = first
                elif first != number and not self._may_overtake(first, node):
                    break
            if goes is None:
                break
            if waiting.kinds[goes].queue[0].avoid and waiting.is_shunned(goes, spot.name, self._names()):
                self._shunned.append(node)
                break
            given.append(self._put(goes, node))
        if given:
            self._vacancies.fill(node)
        self._vacancies.rest(node)
        return given

    def _put(self, number: int, node: Node) -> Attempt:
        """Let a node have the next attempt of a kind."""
        kind = self.waiting.kinds[number]
        attempt = self.waiting.take(number, node.spot.name)
        node.cores -= kind.want.cores
        node.memory -= kind.want.memory
        node.gpus -= kind.want.gpus
        node.load += kind.load
        node.given.add(attempt.id)
        if kind.overtaken:
            kind.overtaken = 0
            self._let_go(number)
        self.placed[attempt.id] = Placed(attempt, number, (node.number,))
        return attempt

    def _may_overtake(self, first: int, node: Node) -> bool:
        """Return whether something may begin on a node before the kind that is next, and does not fit yet."""
        kind = self.waiting.kinds[first]
        kind.overtaken += 1
        if kind.overtaken <= max(_PATIENCE, 2 * node.spot.cores):
            return True
        return self._kept.setdefault(first, node.number) != node.number

    def _may_wait_on(self, node: Node, kind: Kind, left: float) -> bool:
        if kind.want.ceiling + (kind.typical() or 0.0) > left:
            return False  # when there is room for it, it would not end in time any more
        room = len(node.given) < MOST_AHEAD + node.spot.cores
        return room and node.load < 1 + self._ahead(kind)

    def _ahead(self, kind: Kind) -> float:
        return self.waiting.ahead(kind, self.rules.lead, len(self.nodes))
