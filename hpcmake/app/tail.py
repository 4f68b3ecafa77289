"""How an attempt ended, for people: the last lines of its output, the name of its signal.

Owns both.  Knows nothing of what follows.
"""

from __future__ import annotations

TAIL = 20
"""Lines of output that are shown of a failure."""


def read_tail(log: tuple[str, int, int] | None, lines: int = TAIL) -> list[str]:
    """Return the last lines of a task's output."""
    if log is None:
        return []
    name, offset, length = log
    skip = max(0, length - 64 * 1024)
    try:
        with open(name, "rb", buffering=0) as file:
            file.seek(offset + skip)
            raw = file.read(length - skip)
    except OSError:
        return []
    return raw.decode("utf-8", "replace").splitlines()[-lines:]


def render_signal(number: int) -> str:
    """Return the name of a signal in brackets, nothing if it has none."""
    from signal import Signals

    try:
        return f" ({Signals(number).name})"
    except ValueError:
        return ""
