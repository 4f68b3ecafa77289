"""The pipe to a node program: lines down its stdin, answers up its stdout, none of them waited for.

Owns both ends of the pipe, and the file that holds what the program says beside its answers.  Knows nothing of what the
lines mean.
"""

from __future__ import annotations

import contextlib
import os

from hpcmake.runners.process import spawn
from hpcmake.runners.rows import Lines, render_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

PIPE_SIZE = 1 << 20
"""Bytes that a pipe shall hold: results and work travel in large pieces."""

SET_PIPE_SIZE = 1031
"""F_SETPIPE_SZ of Linux, which the standard library names only since Python 3.10."""

LAST_WORDS = 2000


class Pipe:
    """A process that talks in lines.  `remarks` is a file for its stderr, and for lines that are no answers.

    `argv[0]` is a path.  Raises OSError if the process cannot be started.
    """

    def __init__(self, argv: Sequence[str], *, environment: Mapping[str, str], remarks: str) -> None:
        self.remarks = remarks
        stderr = os.open(remarks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self.process = spawn(argv, environment=environment, stderr=stderr)
        finally:
            os.close(stderr)
        self.lines = Lines()
        self.ended = False
        """Whether its stdout has ended."""
        self._unsent = bytearray()
        for pipe in (self.process.stdin, self.process.stdout):
            os.set_blocking(pipe, False)
            _enlarge(pipe)

    @property
    def unsent(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._unsent)

    def say(self, words: object) -> None:
        """Send a line, as far as there is room for it now."""
        if self.ended or self.process.stdin < 0:
            return
        self._unsent += render_line(words)
        self.write()

    def write(self) -> None:
        """Write what fits: waiting here while the other end waits for us to read would last for ever."""
        try:
            while self._unsent:
                del self._unsent[: os.write(self.process.stdin, self._unsent)]
        except BlockingIOError:
            return
        except OSError:  # it is gone; the end of its stdout will tell
            self._unsent.clear()

    def read(self) -> list[list[Any]]:
        """Return the answers that have come; none, and `ended`, at the end."""
        try:
            chunk = os.read(self.process.stdout, PIPE_SIZE)
        except BlockingIOError:
            return []
        if not chunk:
            self.ended = True
            if self.lines.part:
                self.remark(self.lines.part)
            return []
        rows = self.lines.take(chunk)
        if self.lines.strays:
            self.remark(*self.lines.strays)
            self.lines.strays.clear()
        return rows

    def remark(self, *lines: bytes) -> None:
        """Keep lines that are no answers."""
        with contextlib.suppress(OSError), open(self.remarks, "ab") as file:
            file.write(b"\n".join(lines) + b"\n")

    def last_words(self) -> str:
        """Return what it has said beside its answers, the end of it."""
        try:
            with open(self.remarks, "rb") as file:
                return file.read()[-LAST_WORDS:].decode(errors="replace").strip()
        except OSError:
            return ""

    def close(self) -> None:
        """Close the pipe, and remove the file of remarks if there were none."""
        self.process.close()
        with contextlib.suppress(OSError):
            if os.path.getsize(self.remarks) == 0:
                os.unlink(self.remarks)


def _enlarge(pipe: int) -> None:
    import fcntl

    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, SET_PIPE_SIZE, PIPE_SIZE)
