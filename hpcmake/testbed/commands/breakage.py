"""What goes wrong with a launch, as it was ordered.

Owns the reading of the file `faults`.  Knows nothing of who orders faults, nor of how a launcher tells of them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import State


class Breakage:
    """What goes wrong with launch `number`.

    A line of the file is `kind what after`: from the launch after the `after`-th on, or, for nodes, when that many have
    begun.
    """

    def __init__(self, state: State, number: int) -> None:
        self.fails = False
        self.pause = 0.0
        self.share = 0.0
        self.dying: list[str] = []
        self.hanging: list[str] = []
        self.kills_all = False
        self.written = 0
        self.spoilt = 0
        for line in state.orders():
            kind, what, after = line.split(" ")  # `what` may be empty
            since = number - int(after or 0)
            if kind == "launcher-fails":
                self.fails = self.fails or 0 < since <= int(what)
            elif kind == "slow-start" and since > 0:
                self.pause += float(what)
            elif kind == "lost-output" and since > 0:
                self.share = max(self.share, float(what))
            elif kind == "node-dies" and since == 0:
                self.dying.append(what)
            elif kind == "node-hangs" and since == 0:
                self.hanging.append(what)
            elif kind == "job-dies" and since == 0:
                self.kills_all = True

    @property
    def loses(self) -> bool:
        """Whether some of the output is lost."""
        return self.share > 0

    def spoil(self, line: bytes) -> bytes:
        """Return what is left of a line of output: a share of all lines is lost, every second of them in part."""
        self.written += 1
        if int(self.written * self.share) == int((self.written - 1) * self.share):
            return line
        self.spoilt += 1
        return b"" if self.spoilt % 2 else line[: len(line) // 2]
