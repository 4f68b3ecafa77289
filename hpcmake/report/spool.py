"""Text on its way to a stream: at once while little comes, many lines together when thousands come in a second.

Owns the one way in which lines are written.  Knows nothing of what they say.
"""

from __future__ import annotations

from errno import EIO, EPIPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_WHILE = 0.1
"""Seconds that a line may wait while others come."""
_AT_ONCE = 8
"""So many lines are written one by one in that time; a write to a pipe wakes its reader, which costs both."""
_MOST = 1000
"""So many lines are held at most."""


_DEAF = {EPIPE, EIO}  # the reader of the pipe has left; the terminal was closed


class Spool:
    """Writes lines to a stream, and holds some back for a moment if they come fast.

    When nobody can read them any more (the reader of a pipe has left, the terminal was closed), lines are dropped
    without a word: a campaign does not end because its log is not read.  Other errors of the stream come through.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._held: list[str] = []
        self._since = 0.0
        self._written = 0
        self._is_heard = True

    def put(self, text: str) -> None:
        """Take text that ends a line."""
        held = self._held
        held.append(text)
        now = self._clock()
        if now - self._since >= _WHILE:
            self._since = now
            self._written = 0
        if self._written < _AT_ONCE:
            self._written += 1
            self.flush()
        elif len(held) >= _MOST:
            self.flush()

    def tick(self) -> None:
        """Write what has been held long enough; to be called a few times a second at least."""
        if self._held and self._clock() - self._since >= _WHILE:
            self.flush()

    def flush(self, text: str = "") -> None:
        """Write what is held, and then this."""
        self._held.append(text)
        text = "".join(self._held)
        self._held.clear()
        if not self._is_heard or not text:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            if error.errno not in _DEAF:
                raise
            self._is_heard = False
            _silence(self._stream)


def _silence(stream: TextIO) -> None:
    """Lead the stream to nowhere: what it still holds would raise once more when Python ends."""
    import os

    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
