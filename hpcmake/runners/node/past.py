"""What was answered: the last ends, should the driver ask for one that did not reach it.

Owns which of them are kept.  Knows nothing of how they are sent.
"""

from collections import deque

KEPT = 20_000  # ends …
MOST = 1 << 24  # … of so many letters in all


class Past:
    """The last answers by id."""

    def __init__(self) -> None:
        self._lines: dict[int, str] = {}
        self._order: deque[int] = deque()
        self._size = 0

    def keep(self, number: int, lines: str) -> None:
        """Remember how an attempt ended."""
        self._lines[number] = lines
        self._order.append(number)
        self._size += len(lines)
        while len(self._order) > KEPT or self._size > MOST:
            self._size -= len(self._lines.pop(self._order.popleft()))

    def find(self, number: int) -> "str | None":
        """Return the lines that told of an end, if they are kept."""
        return self._lines.get(number)
