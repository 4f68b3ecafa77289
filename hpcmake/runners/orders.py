"""What a placement is told of an allocation, and what it answers: the nouns between it and who carries it out.

Owns nodes as they are held, the rules of launches, and the kinds of orders.  Knows nothing of how either comes about.
"""

from __future__ import annotations

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from hpcmake.model import Attempt

    Order: TypeAlias = "Serve | Give | Retire | Spread | Drop | Recall"


class Spot(Record):
    """A node that is held: what there is on it.  `memory` is in bytes, 0 if it is not counted."""

    name: str
    cores: int
    memory: int = 0
    gpus: int = 0


class Serve(Record):
    """Start a node program on each of these nodes, by one launch."""

    launch: int
    nodes: tuple[int, ...]


class Give(Record):
    """Hand attempts to the node program of a node."""

    node: int
    attempts: tuple[Attempt, ...]


class Retire(Record):
    """End the launch of a node program, since its nodes are wanted whole."""

    launch: int


class Spread(Record):
    """Begin an attempt that has these nodes for itself."""

    attempt: Attempt
    nodes: tuple[int, ...]


class Drop(Record):
    """Answer that an attempt will not begin: it no longer fits before the end (`deadline`), or on any node (`size`)."""

    id: int
    why: str


class Recall(Record):
    """Take attempts back from nodes, if they have not begun: they would not end in time any more."""

    ids: tuple[int, ...]


class Rules(Record):
    """What a site says of launches: how many at once, seconds between two, whether a node may have several.

    `together`: a launch opens all nodes that are to be opened now, and not one.  `crowds`: if there are more nodes
    than launches, each launch opens several.  `lead` is the seconds from an answer of a node to what it is given then.
    """

    at_once: int | None = None
    pause: float = 0.0
    shares: bool = False
    together: bool = False
    crowds: bool = False
    lead: float = 0.2
