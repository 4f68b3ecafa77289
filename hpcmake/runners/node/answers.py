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
LONGEST = 970  # bytes of a line; its rank comes before it


class Answers:
    """Lines that wait to be sent.  `since` is when the first of them came; `rank` begins each line unless it is -1.

    `together` is the number of bytes that may be written at once: ranks of one launch share what they write to.
    """

    def __init__(self, outlet: int, rank: int, together: int) -> None:
        self.outlet = outlet
        self.together = together
        self.since = 0.0
        self.broken = False
        self.blocked = False
        self._rank = f"\n[{rank}," if rank >= 0 else ""
        self._lines: list[str] = []
        self._unsent = b""
        self._sent = 0  # of that
        os.set_blocking(outlet, False)

    def say(self, *words: "Any") -> None:
        """Answer with a list."""
        self.add(json.dumps(words) + "\n")

    def tell(self, kind: str, text: str) -> None:
        """Answer with a text for people, as much of it as a line holds."""
        while len(json.dumps(text)) > LONGEST - 20:
            text = text[: len(text) * 3 // 4]
        self.say(kind, text)

    def add(self, lines: str) -> None:
        """Answer with lines that are made already."""
        if not self._lines:
            self.since = time.monotonic()
        self._lines.append(lines)

    def due(self) -> float:
        """Return when to flush at the latest, on the monotonic clock; 0 if there is nothing to send, or no way."""
        return self.since + LATE if self._lines and not self.blocked else 0.0

    def flush(self, *, now: bool) -> None:
        """Send what waits, if it is `now` or there is reason: whole lines, lest those of several nodes mix."""
        ripe = now or len(self._lines) >= TOGETHER or time.monotonic() >= self.since + LATE
        self.blocked = False
        try:
            while self._sent < len(self._unsent) or (ripe and self._lines):
                if self._sent == len(self._unsent):
                    self._unsent, self._sent, self._lines = self._join(), 0, []
                end = self._unsent.rfind(b"\n", self._sent, self._sent + self.together) + 1
                self._sent += os.write(self.outlet, self._unsent[self._sent : end])
        except BlockingIOError:
            self.blocked = True
        except OSError:
            self.broken = True

    def _join(self) -> bytes:
        text = "".join(self._lines)
        if self._rank:
            text = ("\n" + text).replace("\n[", self._rank)[1:]  # no text within a line holds a newline
        return text.encode()
