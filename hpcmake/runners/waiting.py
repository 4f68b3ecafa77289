"""What waits for a place on the nodes: attempts of equal wants as kinds, each with a queue.

Owns the queues, and how long attempts of a kind took of late.  Knows nothing of what is free.
"""

from __future__ import annotations

from collections import deque
from math import inf, log

from hpcmake.choose import Ready, Want

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hpcmake.model import Attempt
    from hpcmake.runners.orders import Spot

_LOOKS = 8  # attempts of one kind that are looked at for one that has not failed on a node
_WORTH = 100  # a task that takes longer than so many round trips waits for its turn here, and not on a node
_MEMORY = 64  # attempts over which the mean of a kind is taken


class Kind:
    """Attempts of equal wants: those that wait, and how long those that ended took.

    `load` is how many nodes one of them takes, or the share of one.
    """

    __slots__ = ("ended", "expected", "load", "mean", "overtaken", "queue", "want")

    def __init__(self, want: Want, load: float, expected: float | None) -> None:
        self.want = want
        self.load = load
        self.expected = expected
        self.queue: deque[Attempt] = deque()
        self.overtaken = 0
        """How many have begun before its first one, where that would have been next but did not fit yet."""
        self.ended = 0
        self.mean = 0.0

    def typical(self) -> float | None:
        """Return the seconds that one of them takes; None if nobody knows."""
        return self.mean if self.ended else self.expected

    def learn(self, wall: float) -> None:
        """Take note of how long one took."""
        self.ended += 1
        self.mean += (wall - self.mean) / min(self.ended, _MEMORY)


class Waiting:
    """The attempts that wait.  `spots` are the nodes there are; they tell what share of a node an attempt takes."""

    def __init__(self, spots: Iterable[Spot]) -> None:
        self.kinds: list[Kind] = []
        self.load = 0.0
        """How many nodes all of them would fill."""
        self.area = 0.0
        """Node-seconds that they are expected to take."""
        self.blind = 0
        """Those of which nobody knows how long they take."""
        self.wide = 0
        """Those that want whole nodes."""
        self.fresh: set[int] = set()
        """Kinds of which some wait, and none did when somebody took note of it last."""
        self._spots = sorted({spot.replace(name="") for spot in spots}, key=lambda spot: spot.cores)
        self._ready = Ready()
        self._number: dict[tuple[object, ...], int] = {}
        self._kind_of: dict[int, int] = {}
        self._last: tuple[object, float, float, int, bool] | None = None
        self._last_kind = 0

    def __len__(self) -> int:
        return len(self._kind_of)

    def __contains__(self, id_: int) -> bool:
        return id_ in self._kind_of

    def queue(self, attempts: Iterable[Attempt], *, first: bool = False) -> None:
        """Let attempts wait; `first`: before all that are like them."""
        for attempt in attempts:
            number = self._find_kind(attempt)
            kind = self.kinds[number]
            if not kind.queue:
                self.fresh.add(number)
            if first:
                kind.queue.appendleft(attempt)
            else:
                kind.queue.append(attempt)
            self._kind_of[attempt.id] = number
            self._ready.add(number)
            self.load += kind.load
            self.area += kind.load * (kind.typical() or 0.0)
            self.blind += attempt.expected is None
            self.wide += kind.want.nodes > 0

    def _find_kind(self, attempt: Attempt) -> int:
        taken = attempt.resources
        # those of one rule come one after another
        last = (taken, attempt.ceiling, attempt.tail, attempt.priority, attempt.expected is None)
        if self._last is not None and taken is self._last[0] and last[1:] == self._last[1:]:
            return self._last_kind
        self._last, self._last_kind = last, self._number_of(attempt)
        return self._last_kind

    def _number_of(self, attempt: Attempt) -> int:
        taken = attempt.resources
        nodes = taken.width
        shape = (nodes, taken.cores, taken.memory, taken.gpus)
        key = (*shape, _step(attempt.ceiling), _step(attempt.tail), attempt.priority, attempt.expected is None)
        number = self._number.get(key)
        if number is None:
            load = float(nodes) or self._share(taken.cores, taken.memory, taken.gpus)
            tail = attempt.tail or attempt.expected or 0.0
            want = Want(nodes, load, tail, attempt.ceiling, *shape[1:], attempt.priority)
            number = self._number[key] = self._ready.learn(want)
            self.kinds.append(Kind(want, load, attempt.expected))
        return number

    def _share(self, cores: int, memory: int, gpus: int) -> float:
        """Return the share of a node that an attempt takes of the roomiest one."""
        return min(
            (
                max(
                    cores / spot.cores,
                    memory / spot.memory if spot.memory else 0.0,
                    gpus / spot.gpus if spot.gpus else 0.0,
                    1e-4,
                )
                for spot in self._spots
            ),
            default=1.0,
        )

    def has_narrow(self) -> bool:
        """Return whether one waits that shares a node."""
        return len(self._kind_of) > self.wide

    def pick(self, nodes: float, cores: float, memory: float, gpus: float, left: float, horizon: float) -> int | None:
        """Return the kind that goes next among those that fit (see `choose.Ready.pick`)."""
        return self._ready.pick(nodes, cores, memory, gpus, left, horizon)

    def ahead(self, kind: Kind, lead: float, nodes: int) -> float:
        """Return how many nodes' worth of a kind a node may hold beyond what fits, so that it need not wait for us.

        `lead` is the seconds from an answer of a node to what it is given then.
        """
        typical = kind.typical()
        if typical is None or typical > lead * _WORTH:
            return 0.0
        # near the end of all, what waits on one node would be missed on others
        return min(max(lead / max(typical, 1e-4), kind.load), kind.load + self.load / nodes)

    def is_shunned(self, number: int, node: str, others: Iterable[str]) -> bool:
        """Return whether the next attempts of a kind have failed on a node, and have not on one of the others."""
        first = self.kinds[number].queue[0].avoid
        if node not in first or all(other in first for other in others):
            return False
        queue = self.kinds[number].queue
        return all(node in queue[place].avoid for place in range(min(_LOOKS, len(queue))))

    def take(self, number: int, node: str = "") -> Attempt:
        """Take the next attempt of a kind out; one that has failed on the node is passed over for others."""
        kind = self.kinds[number]
        at = 0
        if node and kind.queue[0].avoid:
            places = range(min(_LOOKS, len(kind.queue)))
            at = next((place for place in places if node not in kind.queue[place].avoid), 0)
        attempt = kind.queue[at]
        del kind.queue[at]
        self._count_out(attempt, number)
        return attempt

    def take_back(self, id_: int) -> bool:
        """Take out an attempt; tell whether it was there."""
        number = self._kind_of.get(id_)
        if number is None:
            return False
        queue = self.kinds[number].queue
        at = next(place for place, attempt in enumerate(queue) if attempt.id == id_)
        attempt = queue[at]
        del queue[at]
        self._count_out(attempt, number)
        return True

    def take_hopeless(
        self, spots: Sequence[Spot], count: int, left: float, numbers: Iterable[int]
    ) -> Iterator[tuple[int, str]]:
        """Take out of some kinds what cannot begin any more.

        Either so little is `left` (`deadline`), or no node can hold it (`size`): there are `count`, of these `spots`.
        """
        for number in numbers:
            kind = self.kinds[number]
            want = kind.want
            why = "deadline" if want.ceiling > left else ""
            if want.nodes > count or not (want.nodes or any(_holds(spot, want) for spot in spots)):
                why = "size"
            while why and kind.queue:
                yield self.take(number).id, why

    def take_all(self) -> Iterator[Attempt]:
        """Take all out."""
        for number, kind in enumerate(self.kinds):
            while kind.queue:
                yield self.take(number)

    def _count_out(self, attempt: Attempt, number: int) -> None:
        kind = self.kinds[number]
        del self._kind_of[attempt.id]
        self._ready.take(number)
        self.blind -= attempt.expected is None
        self.wide -= kind.want.nodes > 0
        self.load -= kind.load
        self.area = max(0.0, self.area - kind.load * (kind.typical() or 0.0))
        if not self._kind_of:
            self.load = self.area = 0.0


def _holds(spot: Spot, want: Want) -> bool:
    return want.cores <= spot.cores and want.memory <= (spot.memory or inf) and want.gpus <= spot.gpus


def _step(seconds: float) -> float:
    """Return seconds in steps of five percent, so that attempts can be counted as equal."""
    return round(log(seconds) * 20.5) if seconds > 1e-3 else -inf  # noqa: PLR2004  # a millisecond
