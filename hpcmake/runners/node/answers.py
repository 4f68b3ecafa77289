"""The way up: answers on their way to the driver, some together, never waiting for it.

Owns the pipe to the driver and when it is written to.  Knows nothing of what is told.
"""

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LATE = 0.01  # seconds that an answer may wait for others
TOGETHER = 128  # answers that wait for no more: 64 beginnings and 64 ends
ATOMIC = 4096  # bytes that a pipe takes in one piece


class Answers:
    """Lines that wait to be sent.  `since` is when the first of them came."""

    def __init__(self, outlet: int) -> None:
        self.outlet = outlet
        self.since = 0.0
        self.broken = False
        self.blocked = False
        self._lines: list[str] = []
        self._unsent = b""
        os.set_blocking(outlet, False)

    def say(self, *words: "Any") -> None:
        """Answer with a list."""
        self.add(json.dumps(words) + "\n")

    def add(self, line: str) -> None:
        """Answer with a line that is made already."""
        if not self._lines:
            self.since = time.monotonic()
        self._lines.append(line)

    def due(self) -> float:
        """Return when to flush at the latest, on the monotonic clock; 0 if there is nothing to send, or no way."""
        return self.since + LATE if self._lines and not self.blocked else 0.0

    def flush(self, *, now: bool) -> None:
        """Send what waits, if it is `now` or there is reason: whole lines, lest those of several nodes mix."""
        if self._lines:
            if not (now or len(self._lines) >= TOGETHER or time.monotonic() >= self.since + LATE):
                return
            self._unsent += "".join(self._lines).encode()
            self._lines = []
        self.blocked = False
        try:
            while self._unsent:
                end = self._unsent.rfind(b"\n", 0, ATOMIC) + 1
                self._unsent = self._unsent[os.write(self.outlet, self._unsent[:end]) :]
        except BlockingIOError:
            self.blocked = True
        except OSError:
            self.broken = True
