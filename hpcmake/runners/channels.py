"""How lines reach the node programs of one launch, and come back: a pipe to one, or a mailbox for several.

Owns the launch's process, its mailbox and whether it still lives.  Knows nothing of what the lines mean.
"""

from __future__ import annotations

import contextlib
import os

from hpcmake.runners.carrier import Pipe
from hpcmake.runners.rows import render_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Protocol
else:
    Protocol = object


class Channel(Protocol):
    """The way to the node programs of one launch, which are counted from 0 in the order of its nodes."""

    is_shared: bool
    """Whether several may speak over it."""

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""

    @property
    def status(self) -> int | None:
        """The exit status of the launch (negative: a signal), None while it runs."""

    def say(self, rank: int | None, words: Sequence[object]) -> None:
        """Tell one of them, or (None) all."""

    def flush(self) -> None:
        """Let what was said be on its way."""

    def read(self) -> list[tuple[int, list[Any]]]:
        """Return what has come, each with who said it."""

    def last_words(self) -> str:
        """Return what it has said beside its answers, the end of it."""

    def kill(self) -> None:
        """Kill the launch at once."""

    def close(self) -> None:
        """Let it go."""


class PipeChannel:
    """A launch of one node program: work goes down its stdin."""

    is_shared = False

    def __init__(self, argv: Sequence[str], *, environment: Mapping[str, str], remarks: str) -> None:
        self.pipe = Pipe(argv, environment=environment, remarks=remarks)
        self.stuck: dict[int, PipeChannel] = {}
        """Where it puts itself, by its descriptor, when what it is to say finds no room."""

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        return self.pipe.ended

    @property
    def status(self) -> int | None:
        """The exit status of the launch (negative: a signal), None while it runs."""
        return self.pipe.process.poll()

    def fileno(self) -> int:
        """Return the descriptor on which answers come."""
        return self.pipe.process.stdout

    def say(self, rank: int | None, words: Sequence[object]) -> None:  # noqa: ARG002  # there is one
        """Tell the one that there is."""
        if words[0] == "end":
            self.pipe.process.close_stdin()
        else:
            self.pipe.say(words)
            if self.pipe.unsent:
                self.stuck[self.pipe.process.stdin] = self

    def flush(self) -> None:
        """Write what there was no room for."""
        if self.pipe.unsent:
            self.pipe.write()

    @property
    def is_full(self) -> bool:
        """Whether something waits for room in the pipe."""
        return self.pipe.unsent

    def read(self) -> list[tuple[int, list[Any]]]:
        """Return what has come, each with who said it."""
        return [(0, row) for row in self.pipe.read()]

    def remark(self, text: str) -> None:
        """Keep what is no answer."""
        self.pipe.remark(text.encode("utf-8", "surrogateescape"))

    def last_words(self) -> str:
        """Return what it has said beside its answers, the end of it."""
        return self.pipe.last_words()

    def kill(self) -> None:
        """Kill the launch at once."""
        self.pipe.process.kill()

    def close(self) -> None:
        """Let it go; what still runs is killed."""
        if self.pipe.process.stdout < 0:
            return
        self.pipe.process.close_stdin()
        self.pipe.process.kill()
        self.pipe.process.wait()
        self.pipe.close()


class MailboxChannel(PipeChannel):
    """A launch of several node programs: work is appended to a file that they read; its first line is the start."""

    is_shared = True

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        remarks: str,
        mailbox: str,
        start: Mapping[str, object],
        ranks: int,
    ) -> None:
        self._mailbox = mailbox
        self._ranks = ranks
        self._unsent = bytearray()
        self._file = os.open(mailbox, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(self._file, render_line(start))
            super().__init__(argv, environment=environment, remarks=remarks)
        except BaseException:
            self._drop()
            raise
        self.pipe.process.close_stdin()

    def say(self, rank: int | None, words: Sequence[object]) -> None:
        """Tell one of them, or (None) all."""
        if not self.ended:
            self._unsent += render_line([-1 if rank is None else rank, *words])

    def flush(self) -> None:
        """Append what was said."""
        while self._unsent:
            del self._unsent[: os.write(self._file, self._unsent)]

    def read(self) -> list[tuple[int, list[Any]]]:
        """Return what has come, each with who said it; a line without a rank is none of ours."""
        found = []
        for row in self.pipe.read():
            rank, *rest = row
            if type(rank) is int and 0 <= rank < self._ranks and rest:
                found.append((rank, rest))
            else:
                self.remark(repr(row))
        return found

    def close(self) -> None:
        """Let it go: node programs that nobody can end any more read here that they shall end."""
        if self._file >= 0:
            with contextlib.suppress(OSError):
                self.say(None, ["stop", "kill"])
                self.say(None, ["end"])
                self.flush()
        super().close()
        self._drop()

    def _drop(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            with contextlib.suppress(OSError):
                os.unlink(self._mailbox)
