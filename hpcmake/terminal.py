"""What a stream is: a terminal or not, with colour or without.

Owns that one question.  Knows nothing of what is written.
"""

from __future__ import annotations

import os


def has_color(stream: object) -> bool:
    """Tell whether a stream is a terminal that wants colour."""
    is_terminal = getattr(stream, "isatty", lambda: False)()
    return bool(is_terminal) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
