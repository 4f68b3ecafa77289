"""What is told of an attempt that begins, and its command as people read it.

Owns that view.  Knows nothing of who shows it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.handed import Handed
    from hpcmake.model import Attempt, Reason

_STRICT = "set -euo pipefail; "
"""What every script begins with, and nobody wrote."""


def render_command(attempt: Attempt) -> str:
    """Return the text of a command as its rule has it, with its values, and `post` below it."""
    parts = [] if attempt.only_post else [attempt.script.removeprefix(_STRICT)]
    if attempt.post:
        parts.append(attempt.post.removeprefix(_STRICT))
    return "\n".join(part.strip("\n") for part in parts if part.strip())


def began_row(handed: Handed, reason: Reason | None, *, with_command: bool) -> dict[str, object]:
    """Return what voices are told when an attempt begins."""
    row: dict[str, object] = {
        "kind": "began",
        "task": handed.table.name(handed.row),
        "rule": handed.table.rule.name,
        "attempt": handed.number,
    }
    if reason is not None:
        row["reason"] = reason.plain()
    if with_command and handed.attempt is not None:
        row["command"] = render_command(handed.attempt)
    return row
