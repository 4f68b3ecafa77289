"""A launcher as its caller sees it: passes signals on, waits, says how it ended, and exits.

Owns the launcher's own process.  Knows nothing of the ranks, which a keeper runs that outlives it.
"""

from __future__ import annotations

import os
import select
import signal
import sys

from .keeper import Keeper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .face import Face
    from .state import State

_OURS = False


def launch(state: State, face: Face, argv: list[str]) -> int:
    """Launch what the words ask for; return the launcher's exit status.  Raises Refusal."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # else a pipe of ours would get its number
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:  # noqa: PLR2004  # what our caller has open does not reach another node
            try:
                os.set_inheritable(int(name), _OURS)
            except OSError:
                pass  # the one that listed them
    step = face.parse(argv)
    heard, said = os.pipe()
    results, told = os.pipe()
    wake = _catch_signals(face)
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.close(said)
            os.close(results)
            Keeper(state, face, step, heard, told).run()
            status = 0
        except Exception:  # noqa: BLE001  # the last place that can tell of a fault
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)
    os.close(heard)
    os.close(told)
    return _wait(wake, said, results)


def _catch_signals(face: Face) -> int:
    """Take note of signals from now on; return the descriptor that tells their numbers."""
    wake, wake_end = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(wake_end, False)
    signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
    for name in face.passed:
        signal.signal(getattr(signal, "SIG" + name), lambda _number, _frame: None)
    for name in face.ignored:
        signal.signal(getattr(signal, "SIG" + name), signal.SIG_IGN)
    return wake


def _wait(wake: int, said: int, results: int) -> int:
    """Pass signals on to the keeper until it tells how it ended; return the exit status."""
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    poll.register(results, select.POLLIN)
    telling = _Telling()
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == wake:
                try:
                    os.write(said, os.read(wake, 512))  # the numbers of the signals
                except OSError:
                    pass  # the keeper has ended
                continue
            piece = os.read(results, 1 << 16)
            telling.hear(piece)
            if not piece:
                return telling.status


class _Telling:
    """Says what the keeper has to say; `status` is the exit status, which is 1 where the keeper was killed."""

    def __init__(self) -> None:
        self.part = b""
        self.status = 1

    def hear(self, piece: bytes) -> None:
        """Take in a piece of what the keeper says."""
        *lines, self.part = (self.part + piece).split(b"\n")
        for line in lines:
            kind, _, text = line.decode("utf-8", "surrogateescape").partition(" ")
            if kind == "x":
                self.status = int(text)
            else:
                _write(1 if kind == "1" else 2, text + "\n")


def _write(descriptor: int, text: str) -> None:
    rest = text.encode("utf-8", "surrogateescape")
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        pass  # nobody reads it any more
