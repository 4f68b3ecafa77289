"""What runs when on the nodes of one job, as values: an allocation, pieces of time, and what classes want of its nodes.

Owns the nouns of a forecast.  Knows nothing of how it is made.
"""

from __future__ import annotations

from hpcmake.choose import Orders
from hpcmake.planner.classes import area_of, fit_on, tails, want_of
from hpcmake.planner.stages import Waiting
from hpcmake.record import Record
from hpcmake.site import Launch, NodeKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.classes import TaskClass


class Allocation(Record):
    """Nodes of one kind, held for `seconds`; `smallest_block` where nodes come in blocks."""

    nodes: int
    seconds: float
    node: NodeKind
    launch: Launch = Launch()
    smallest_block: int | None = None


class Piece(Record):
    """Tasks of a class that begin as one: members `first` to `first + count`, on so many nodes, from start to end."""

    kind: int
    first: int
    count: int
    start: float
    end: float
    nodes: int


class Timeline(Record):
    """What would run: its pieces by their starts, and what that comes to.

    `seconds` is when the last one ends, `busy` the node-seconds of work (as `area_of` counts it), `launches` how often
    something is launched, `ramp` when the first wave of launches is out.  `waited` is the node-seconds for which nodes
    waited only for the pause between launches.
    """

    pieces: tuple[Piece, ...]
    seconds: float
    busy: float
    launches: int
    ramp: float
    waited: float

    def counts(self) -> dict[int, tuple[int, int]]:
        """Return of each class that runs its first member and the one behind its last."""
        found: dict[int, tuple[int, int]] = {}
        for piece in self.pieces:
            low, high = found.get(piece.kind, (piece.first, piece.first))
            found[piece.kind] = (min(low, piece.first), max(high, piece.first + piece.count))
        return found


class Wants:
    """What a forecast needs to know of classes on one kind of node; made once for many forecasts."""

    def __init__(self, classes: Sequence[TaskClass], node: NodeKind, smallest_block: int | None = None) -> None:
        self.classes = classes
        self.node = node
        self.wants = [
            want_of(each, node, tail, smallest_block) for each, tail in zip(classes, tails(classes), strict=True)
        ]
        self.orders = Orders(self.wants)
        self.fits = [
            0 if want.nodes else fit_on(each.resources, node) for each, want in zip(classes, self.wants, strict=True)
        ]
        self.areas = [area_of(each, node, smallest_block) for each in classes]
        self.counts = [each.count for each in classes]
        self.ceilings = [each.estimate.ceiling for each in classes]
        self.waits = Waiting(classes)
        self.seconds = [each.estimate.seconds for each in classes]
        self.at_once: dict[str, int] = {}
        """Of each rule that limits it, how many of its tasks may run together."""
        for each in classes:
            if each.at_once is not None:
                self.at_once[each.rule] = min(each.at_once, self.at_once.get(each.rule, each.at_once))
        self.alike: dict[str, list[int]] = {}
        """Of each such rule, its classes."""
        for number, each in enumerate(classes):
            if each.rule in self.at_once:
                self.alike.setdefault(each.rule, []).append(number)

        self.groups: dict[tuple[int, int], list[int]] = {}
        """Of each stage and width (0: shares a node) its classes, those that fit the node."""
        for number, want in enumerate(self.wants):
            if want.nodes or self.fits[number]:
                self.groups.setdefault((self.waits.stages[number], want.nodes), []).append(number)

    def fit(self, number: int, nodes: int) -> bool:
        """Whether an allocation of so many nodes can hold a task of a class."""
        return 0 < self.wants[number].nodes <= nodes or self.fits[number] > 0
