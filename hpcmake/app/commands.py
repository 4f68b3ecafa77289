"""The command of an attempt as people read it.

Owns that view.  Knows nothing of who shows it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.model import Attempt

_STRICT = "set -euo pipefail; "
"""What every script begins with, and nobody wrote."""


def render_command(attempt: Attempt) -> str:
    """Return the text of a command as its rule has it, with its values, and `post` below it."""
    parts = [] if attempt.only_post else [attempt.script.removeprefix(_STRICT)]
    if attempt.post:
        parts.append(attempt.post.removeprefix(_STRICT))
    return "\n".join(part.strip("\n") for part in parts if part.strip())
