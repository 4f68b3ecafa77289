"""What commands write to an emulated queue, and what they are sent back, on a socket.

Owns the form of both, whose other end is `commands/ask.py`.  Knows nothing of what is asked and answered.
"""

from __future__ import annotations

import fcntl
import os
import socket

from hpcmake.testbed.commands.state import MARK
from hpcmake.testbed.queue.nouns import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.testbed.queue.nouns import Answer

PIECE = 1 << 16
PATIENCE = 5.0
"""Seconds in which somebody has to read an answer that is longer than the socket holds."""


class Letter:
    """What somebody writes, as far as it has come."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.text = b""
        self.is_over = False

    def read(self) -> bool:
        """Read what is there; tell whether all of it has come."""
        try:
            while piece := self.connection.recv(PIECE):
                self.text += piece
                if self._is_whole():
                    return True
            self.is_over = True
        except BlockingIOError:
            pass
        except OSError:
            self.is_over = True
        return False

    def _is_whole(self) -> bool:
        head, newline, body = self.text.partition(b"\n")
        return bool(newline) and len(body) >= int(head)

    def request(self, folder: str) -> Request:
        """Return what is asked."""
        texts = self.text.partition(b"\n")[2].decode("utf-8", "surrogateescape").split("\0")
        name, cwd, user, count = texts[:4]
        end = 4 + int(count)
        told, stdin = texts[end : end + 2]
        environment = dict(text.split("=", 1) for text in texts[end + 2 : -1] if "=" in text)
        where = environment.get(MARK, "").removeprefix(os.path.join(folder, "jobs", ""))
        inside = int(where) if where.isdigit() else 0
        return Request(name, tuple(texts[4:end]), cwd, user, environment, stdin if told else None, inside)


class Letters:
    """The socket of a queue, in the folder of its machine.

    Each new letter, and each piece of one, is told by SIGIO: whoever waits for that needs no thread.
    """

    def __init__(self, folder: str) -> None:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.listening = _told_by_signal(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            self.listening.bind(f"/proc/self/fd/{place}/queue.sock")  # a path may have no more than 107 bytes
        finally:
            os.close(place)
        self.listening.listen(512)
        self.open: list[Letter] = []
        self.kept: list[Letter] = []
        self.replies: list[tuple[float, Letter, bytes]] = []

    def read(self) -> list[Letter]:
        """Return the letters that have come."""
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                break
            self.open.append(Letter(_told_by_signal(connection)))
        come = [letter for letter in self.open if letter.read()]
        for letter in self.open:
            if letter.is_over:
                letter.connection.close()
        self.open = [letter for letter in self.open if letter not in come and not letter.is_over]
        return come

    def keep(self, letter: Letter) -> None:
        """Leave a letter without an answer, whose sender waits."""
        self.kept.append(letter)

    def reply(self, letter: Letter, answer: Answer, when: float) -> None:
        """Answer a letter, at a real time in seconds since 1970."""
        out, err = (text.encode("utf-8", "surrogateescape") for text in (answer.out, answer.err))
        text = b"stdin" if answer.wants_stdin else b"%d %d %d\n" % (answer.status, len(out), len(err)) + out + err
        self.replies.append((when, letter, text))

    def next_due(self) -> float | None:
        """Return when the next answer is to be sent; None if none is waiting."""
        return min((when for when, *_ in self.replies), default=None)

    def send(self, now: float) -> None:
        """Send the answers that are due."""
        due = [entry for entry in self.replies if entry[0] <= now]
        self.replies = [entry for entry in self.replies if entry[0] > now]
        for _, letter, text in due:
            with letter.connection as connection:
                try:
                    connection.settimeout(PATIENCE)
                    connection.sendall(text)
                except OSError:
                    pass  # nobody waits for it

    def close(self) -> None:
        """Hear nobody any more."""
        self.listening.close()
        for letter in (*self.open, *self.kept, *(letter for _, letter, _ in self.replies)):
            letter.connection.close()


def _told_by_signal(connection: socket.socket) -> socket.socket:
    """Let SIGIO tell when there is something to read; reading does not wait."""
    connection.setblocking(False)  # noqa: FBT003  # its only way
    number = connection.fileno()
    fcntl.fcntl(number, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(number, fcntl.F_SETFL, fcntl.fcntl(number, fcntl.F_GETFL) | os.O_ASYNC)
    return connection
