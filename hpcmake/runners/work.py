"""An attempt that the runner of an allocation was handed: where it is, and what has become of it so far.

Owns that note.  Knows nothing of who moves it on.
"""

from __future__ import annotations

from hpcmake.runners.rows import render_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpcmake.model import Attempt, Ended
    from hpcmake.runners.channels import Channel


class Work:
    """An attempt that was handed out.  `part` is what runs now: it without its post, or its post alone."""

    __slots__ = ("attempt", "began", "faults", "nodes", "number", "part", "place", "ran", "recalled", "stamps", "told")

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.part = attempt
        self.number = attempt.id
        """Under which it is known where it runs."""
        self.place: tuple[Channel, int] | None = None
        """The member of whom it is, None while it waits here."""
        self.began: float | None = None
        self.recalled = False
        self.nodes: tuple[int, ...] = ()
        """Those that it has for itself."""
        self.faults = 0
        """How often its launcher has failed."""
        self.ran: Ended | None = None
        """How its run ended, once its post has begun."""
        self.stamps: list[Any] | None = None
        self.told = 0.0
        """When its node was last spoken to about it."""

    def row(self) -> list[Any]:
        """Return what a node program is told of it."""
        return render_row(self.part, is_leg=bool(self.attempt.post and not self.part.post))
