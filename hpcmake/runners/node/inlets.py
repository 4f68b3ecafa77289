"""The way down: words of the driver, from a pipe of our own or from a file that all ranks of a launch read.

Owns when the driver is listened to, and where its next line begins.  Knows nothing of what the words mean.

A mailbox lies on a shared file system, and is only ever appended to.  It is opened anew for each look, since that is
when a file system over a network asks its server what is there; and nothing is taken of a line before its end has come.
"""

import json
import os
import time

from .rank import find_rank
from .timers import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PIECE = 1 << 20  # bytes that are read at once
PIPE_BUF = 4096  # bytes that a pipe takes in one piece
SHARED = 1000  # bytes that stay together where launchers merge the output of many ranks
FIRST_LOOK = 0.1  # seconds between looks for the first line
SELDOM = 5.0  # seconds between looks while there is work enough
PATIENCE = 60.0  # seconds that a mailbox may be missing


class Pipe:
    """Words on a descriptor, for this program only; its end is the end of all work."""

    rank = -1
    together = PIPE_BUF
    heard = True  # whether the last look found something

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.ended = False
        self._part = b""

    def await_start(self) -> "dict[str, Any] | None":
        """Return the first line; None if there is none.  Raises ValueError."""
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(self.fd, 1)  # no more, since poll() does not know of what has been read
            if not byte:
                return None
            line += byte
        return require_object(line)

    def due(self, *, short: bool) -> float:  # noqa: ARG002  # a mailbox needs it
        """Return when to read without being told that there is something."""
        return NEVER

    def read(self) -> "list[bytes]":
        """Return the lines that have come."""
        try:
            chunk = os.read(self.fd, PIECE)
        except OSError:  # a socket whose other end was killed
            chunk = b""
        self.ended = not chunk
        lines = (self._part + chunk).split(b"\n")
        self._part = lines.pop()
        return lines

    def parse(self, line: bytes) -> "list[Any]":
        """Return the words of a line.  Raises ValueError."""
        words: list[Any] = json.loads(line.decode())
        return words


class Mailbox:
    """Words in a file, each line behind the number of the rank that it is for; -1: for all."""

    fd = -1
    together = SHARED

    def __init__(self, path: str) -> None:
        self.path = path
        self.rank = 0
        self.ended = False
        self.heard = False  # whether the last look found a line, if only one for others
        self._offset = 0
        self._looked = self._readable = 0.0
        self._often = self._seldom = FIRST_LOOK
        self._ours: tuple[bytes, ...] = ()

    def await_start(self) -> "dict[str, Any] | None":
        """Return the first line, and take our place among the ranks; None if no line came.  Raises ValueError."""
        begin = time.monotonic()
        text = self._look()
        while not text:
            if time.monotonic() > begin + PATIENCE:
                return None
            time.sleep(FIRST_LOOK)
            text = self._look()
        line = text[: text.index(b"\n") + 1]
        self._offset = len(line)
        start = require_object(line)
        self._often = start.get("look", FIRST_LOOK)
        self._seldom = max(self._often, min(SELDOM, (start["beat"] or NEVER) / 4))
        self.rank = find_rank(start.get("nodes", ()), os.environ, os.uname()[1])
        self._ours = (b"[%d," % self.rank, b"[-1,")
        self._looked = 0.0  # more may be there by now
        return start

    def due(self, *, short: bool) -> float:
        """Return when to look: often while we are `short` of work."""
        return self._looked + (self._often if short else self._seldom)

    def read(self) -> "list[bytes]":
        """Return the lines for us that have come; those for others cost next to nothing."""
        text = self._look()
        self._offset += len(text)
        self.heard = bool(text)
        self.ended = self._looked > self._readable + PATIENCE
        return [line for line in text.split(b"\n") if line.startswith(self._ours)]

    def parse(self, line: bytes) -> "list[Any]":
        """Return the words of a line.  Raises ValueError."""
        words: list[Any] = json.loads(line.decode())
        return words[1:]

    def _look(self) -> bytes:
        """Return the whole lines behind those taken."""
        self._looked = time.monotonic()
        text = b""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                chunk = os.pread(fd, PIECE, self._offset)
                while chunk:
                    text += chunk
                    chunk = os.pread(fd, PIECE, self._offset + len(text)) if len(chunk) == PIECE else b""
            finally:
                os.close(fd)
        except OSError:  # not there yet, or the file system is away for a while
            return b""
        self._readable = self._looked
        hole = text.find(b"\0")  # a length may be known here before what was written
        return text[: text.rfind(b"\n", 0, hole if hole >= 0 else len(text)) + 1]


def require_object(line: bytes) -> "dict[str, Any]":
    """Return the object that a line is.  Raises ValueError."""
    found = json.loads(line.decode())
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004  # one kind of error for a line that is not understood
    return found
