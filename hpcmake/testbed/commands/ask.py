"""A command of a scheduler: carries what was asked to the emulated queue, and prints the answer.

Owns the way there and back.  Knows nothing of what is asked.

What goes there is a line with the length of the rest, and then texts that end in a zero byte: the command, where and by
whom, how many words there are, these, `stdin` or nothing, what was there, and the environment.  What comes back is a
line with the exit status and the lengths of stdout and stderr, then these; or the word `stdin`: what is on stdin is
wanted first.
"""

from __future__ import annotations

import _socket  # `socket` itself takes longer to import than an answer takes
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PIECE = 1 << 16
NO_ANSWER = 1


def ask(folder: str, name: str, argv: Sequence[str]) -> int:
    """Ask the queue of the machine in a folder; print its answer, and return the exit status."""
    told = _carry(folder, _request(name, argv, None))
    if told == b"stdin":
        text = "" if os.isatty(0) else sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
        told = _carry(folder, _request(name, argv, text))
    head, newline, rest = told.partition(b"\n")
    words = head.split()
    if not newline or len(words) != 3:  # noqa: PLR2004  # a status and two lengths
        sys.stderr.write(f"{name}: the emulated queue has given no answer\n")
        return NO_ANSWER
    status, length = int(words[0]), int(words[1])
    _write(1, rest[:length])
    _write(2, rest[length:])
    return status


def _write(descriptor: int, text: bytes) -> None:
    try:
        while text:
            text = text[os.write(descriptor, text) :]
    except OSError:
        pass  # nobody reads it


def _request(name: str, argv: Sequence[str], stdin: str | None) -> bytes:
    import pwd  # small, and built in

    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = os.environ.get("USER", str(os.getuid()))
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = os.environ.get("PWD", "/")  # it has been removed
    texts = [name, cwd, user, str(len(argv)), *argv, "" if stdin is None else "stdin", stdin or ""]
    texts += [f"{key}={value}" for key, value in os.environ.items()]
    body = b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in texts)
    return b"%d\n" % len(body) + body


def _carry(folder: str, request: bytes) -> bytes:
    """Send a request; return what comes back, nothing if nobody is there."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # the path of a socket may have no more than 107 bytes
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    found = b""
    try:
        connection.connect(f"/proc/self/fd/{place}/queue.sock")
        while request:
            request = request[connection.send(request) :]
        while piece := connection.recv(PIECE):
            found += piece
    except OSError:
        pass
    return found
