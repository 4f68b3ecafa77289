"""What every voice can do.

Owns the one interface between a run and its reporter.  Knows nothing of how anything is shown.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol
else:
    Protocol = object


class Voice(Protocol):
    """Tells people or programs what happens in a run."""

    def tell(self, row: Mapping[str, object]) -> None:
        """Take one row; cheap, since thousands may come in a second."""

    def tick(self) -> None:
        """Show what has come meanwhile; to be called a few times a second."""

    def close(self) -> None:
        """Show what is still to be shown and leave the terminal as it was; to be called however a run ends."""
