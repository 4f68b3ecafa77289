"""A signal that ends a wait: the pipe that Python writes to when one comes.

Owns that pipe.  Knows nothing of what is waited for.
"""

from __future__ import annotations

import contextlib
import os
import signal


class Alarm:
    """Lets signals be waited for until `close`; `fileno` is -1 outside the main thread, where none come."""

    def __init__(self) -> None:
        self._ends: tuple[int, ...] = os.pipe()
        for end in self._ends:
            os.set_blocking(end, False)
        try:
            self._former = signal.set_wakeup_fd(self._ends[1], warn_on_full_buffer=False)
        except ValueError:  # signals belong to the main thread
            self._let_go()

    def fileno(self) -> int:
        """Return the descriptor that can be read when a signal has come."""
        return self._ends[0] if self._ends else -1

    def heed(self) -> None:
        """Take note of the signals that have come: wait for others."""
        if self._ends:
            with contextlib.suppress(BlockingIOError):
                os.read(self._ends[0], 4096)

    def close(self) -> None:
        """Let signals be whose they were before."""
        if self._ends:
            signal.set_wakeup_fd(self._former)
            self._let_go()

    def _let_go(self) -> None:
        for end in self._ends:
            os.close(end)
        self._ends = ()
