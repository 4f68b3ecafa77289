"""An attempt that is with the runner: what it is, and what was so when it was handed out.

Owns that note.  Knows nothing of what becomes of it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hpcmake.model import Attempt, Reason
    from hpcmake.planner.graph import Table


class Handed:
    """An attempt that was handed out, and what was so when it was."""

    __slots__ = (
        "attempt",
        "avoid",
        "before",
        "began",
        "inputs",
        "is_trusted",
        "lists",
        "number",
        "only_post",
        "reason",
        "row",
        "table",
        "task",
        "tried",
    )

    def __init__(self, task: int, table: Table, row: int, number: int, inputs: list[Any]) -> None:
        self.task = task
        self.table = table
        self.row = row
        self.number = number
        self.inputs = inputs
        self.before: list[Any] = []
        """The stamps of its outputs, which are those of an earlier success, or None."""
        self.reason: Reason | None = None
        """Why it must run, if it has run before: that cannot be told once its earlier success counts no more."""
        self.attempt: Attempt | None = None
        self.avoid: tuple[str, ...] = ()
        """Nodes on which it has failed."""
        self.began = False
        self.is_trusted = False
        """Whether nothing has failed or been cut off since its last success: what lies where outputs do is its own."""
        self.tried = False
        """Whether an attempt was made before, in this run."""
        self.only_post = False
        self.lists: list[str] = []
        """The files that hold items for its command while it runs."""
