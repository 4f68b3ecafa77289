"""The books of the nodes of an allocation: what is free on each, what is there, and for what it is kept.

Owns these notes.  Knows nothing of who decides by them.
"""

from __future__ import annotations

from math import inf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.choose import Want
    from hpcmake.model import Attempt
    from hpcmake.runners.orders import Spot


class Node:
    """The books of one node."""

    __slots__ = (
        "away",
        "cores",
        "dead",
        "given",
        "gpus",
        "launch",
        "load",
        "memory",
        "number",
        "rests",
        "spot",
        "wide",
    )

    def __init__(self, number: int, spot: Spot) -> None:
        self.number = number
        self.spot = spot
        self.cores = spot.cores
        """Free ones; fewer than none where something waits on the node.  Memory and gpus likewise."""
        self.memory = float(spot.memory or inf)
        self.gpus = spot.gpus
        self.load = 0.0
        """The share of it that is given away; over 1 where something waits there."""
        self.given: set[int] = set()
        self.launch: int | None = None
        """The launch whose node program runs there."""
        self.wide: int | None = None
        """The attempt that has, or will have, the node for itself."""
        self.away = False
        """Whether something that nobody hears may still run there."""
        self.dead = False
        self.rests: tuple[float, ...] | None = None
        """What was free there when it was looked at last, and nothing fitted; None: it is to be looked at."""

    @property
    def usable(self) -> bool:
        """Whether anything may be given to it."""
        return not self.dead and not self.away

    def holds(self, want: Want) -> bool:
        """Return whether what is free holds what an attempt wants."""
        return want.cores <= self.cores and want.memory <= self.memory and want.gpus <= self.gpus


class Placed:
    """An attempt that is on a node, or on several.  `reserved`: its nodes are being emptied for it."""

    __slots__ = ("attempt", "began", "kind", "nodes", "reserved")

    def __init__(self, attempt: Attempt, kind: int, nodes: tuple[int, ...], *, reserved: bool = False) -> None:
        self.attempt = attempt
        self.kind = kind
        self.nodes = nodes
        self.began: float | None = None
        self.reserved = reserved


class Hold:
    """Nodes that are kept for a wide attempt that is next: `after` that moment they will be free; `until`: valid."""

    __slots__ = ("after", "kind", "nodes", "until")

    def __init__(self, kind: int, after: float, nodes: frozenset[int], *, until: float) -> None:
        self.kind = kind
        self.after = after
        self.nodes = nodes
        self.until = until
