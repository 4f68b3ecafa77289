"""The books of a partition of Blue Gene/Q: which blocks are booted, into which parts each is cut, and what runs there.

Owns these notes.  Knows nothing of who decides by them, nor of the commands that boot blocks.
"""

from __future__ import annotations

from hpcmake.record import Record

BOOTING, UP, FREEING, DEAD = "booting", "up", "freeing", "dead"

LIST, BOOT, CORNERS, FREE = "list", "boot", "corners", "free"


class Errand(Record):
    """A command that is to be called: `list` the blocks of so many nodes, `boot` or `free` a block, list `corners`."""

    kind: str
    block: str
    nodes: int = 0


class Block:
    """A block of `size` nodes.

    All its parts are of one size at a time, `cut` (that of the block: it is one place); `free` are the names of those
    on which nothing runs, `used` the numbers of those on which something does.  `kept` is the cut that it shall have
    once nothing runs on it.  A block that is not `ours` was booted before, and is not freed.
    """

    __slots__ = ("corners", "cut", "free", "idle_since", "kept", "name", "ours", "size", "state", "used")

    def __init__(self, name: str, size: int, *, state: str = BOOTING, ours: bool = True) -> None:
        self.name = name
        self.size = size
        self.state = state
        self.ours = ours
        self.cut = 0
        self.free: list[str] = []
        self.used: set[int] = set()
        self.kept = 0
        self.corners: dict[int, list[str] | None] = {}
        """The corners of its parts by their size; None while they are asked for."""
        self.idle_since = 0.0

    @property
    def is_live(self) -> bool:
        """Whether tasks run or will run on it."""
        return self.state in {BOOTING, UP}

    @property
    def is_idle(self) -> bool:
        """Whether it is booted, and nothing runs on it."""
        return self.state == UP and not self.used

    def recut(self, part: int) -> None:
        """Cut it, on which nothing runs, into parts of a size; as a whole, if it has no such parts."""
        corners = self.corners.get(part) or []
        self.cut = part if corners else self.size
        self.free = [f"{self.name}/{corner}" for corner in corners] or [self.name]
        self.free.reverse()

    def room(self, part: int) -> float:
        """Return how many tasks more that want such a part fit on it, as a share of all that fit on one of its size."""
        if self.state == BOOTING or not self.used:
            return 1.0
        return len(self.free) * self.cut / self.size if self.cut == part else 0.0
