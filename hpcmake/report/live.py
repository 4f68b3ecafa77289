"""The voice for a terminal: bars by rule and what runs now, with failures and notes above them.

Owns when the terminal is drawn and how it is left.  Knows nothing of the look of the bars.

The bars are drawn over one another by moving the cursor up, and the cursor stays visible on the line below them: a
process that is killed at any moment leaves a terminal in order.  (rich's own Live hides the cursor, and a SIGKILL would
leave it so.)  Nothing is drawn, and rich is not imported, in the first moments of a run: most runs are over by then.
"""

from __future__ import annotations

import os

from hpcmake.report.spool import Spool
from hpcmake.report.summary import Account
from hpcmake.report.tally import Tally
from hpcmake.report.words import began_lines, block, failed_lines, gave_up_line, start_lines, text_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TextIO

    from hpcmake.report.bars import Bars

_FIRST = 0.3
"""Seconds of a run before which nothing is drawn."""
_PAUSE = 0.1
"""Seconds between two drawings at least."""


class LiveVoice:
    """Draws the state of a run on a terminal, over and over, at a pace of its own."""

    def __init__(
        self,
        stream: TextIO,
        clock: Callable[[], float],
        *,
        color: bool,
        verbose: bool,
        size: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        """`size` tells columns and lines of the terminal; without it the terminal itself is asked."""
        self._stream = stream
        self._spool = Spool(stream, clock)
        self._clock = clock
        self._color = color
        self._verbose = verbose
        self._size = size or (lambda: _size_of(stream))
        self._account = Account()
        self._tally = Tally(clock)
        self._bars: Bars | None = None
        self._above: list[str] = []
        """Text that is to stand above the bars, and was not written yet."""
        self._height = 0
        """How many lines of the terminal are bars."""
        self._due = clock() + _FIRST
        self._is_over = False

    def tell(self, row: Mapping[str, Any]) -> None:
        """Count the row; what is to be read at once is written above the bars."""
        kind = row["kind"]
        if kind not in _UNCOUNTED:
            self._tally.tell(kind, row)
        if kind == "began":
            if self._verbose:
                self._above.append(block(began_lines(row)))
        elif kind == "done":
            self._account.tell(row)
        elif kind in _WORDS:
            if kind in {"failed", "gave up"}:
                self._account.tell(row)
            lines = self._lines(kind, row)
            if lines:
                self._above.append(block(lines))
                self._write_above()

    def _lines(self, kind: str, row: Mapping[str, Any]) -> list[str]:
        if kind == "failed":
            return failed_lines(row, color=self._color)
        if kind == "start":
            return start_lines(row, verbose=self._verbose)
        if kind == "gave up":
            return [gave_up_line(row)]
        if kind == "summary":
            self._is_over = True
            return self._account.summary_lines(row, color=self._color)
        return text_lines(row)

    def _write_above(self) -> None:
        text = self._up() + "".join(self._above)
        self._above.clear()
        self._height = 0
        self._spool.flush(text)
        self._due = min(self._due, self._clock() + _PAUSE)

    def _up(self) -> str:
        """Return what takes the cursor to the first line of the bars, and clears all from there."""
        return f"\33[{self._height}F\33[J" if self._height else ""

    def tick(self) -> None:
        """Draw the bars anew, if some time has passed since they were drawn."""
        now = self._clock()
        if now < self._due or self._is_over:
            return
        self._due = now + _PAUSE
        if self._above:
            self._write_above()
        if not _is_in_front(self._stream):
            return
        if self._bars is None:
            from hpcmake.report.bars import Bars  # imports rich

            self._bars = Bars(encoding=getattr(self._stream, "encoding", None) or "ascii", color=self._color)
        columns, lines = self._size()
        drawn = self._bars.render(self._tally, columns, lines)
        # line over line, and what is left of the older ones cleared behind: no flicker
        text = f"\33[{self._height}F" if self._height else ""
        text += "".join(line + "\33[K\n" for line in drawn) + "\33[J"
        self._height = len(drawn)
        self._spool.flush(text)

    def close(self) -> None:
        """Take the bars away; without a summary, leave their last line, which says how far the run had come."""
        left = ""
        if not self._is_over and self._bars is not None and self._height:
            columns, _ = self._size()
            left = self._bars.render(self._tally, columns, 1)[-1] + "\n"
        text = self._up() + "".join(self._above) + left
        self._height = 0
        self._above.clear()
        self._is_over = True
        self._spool.flush(text)


_WORDS = frozenset({"failed", "start", "gave up", "summary", "note", "warning"})
_UNCOUNTED = frozenset({"note", "warning", "summary", "removed", "gave up"})


def _size_of(stream: TextIO) -> tuple[int, int]:
    """Return columns and lines of the terminal behind a stream."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError, AttributeError):
        columns, lines = 0, 0
    return columns or 80, lines or 24


def _is_in_front(stream: TextIO) -> bool:
    """Whether we may draw: a job in the background of a shell would draw over what its user types."""
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return True  # it is no terminal of ours to ask
