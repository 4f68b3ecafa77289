"""Room along one axis, given out and taken back: which nodes something is drawn on.

Owns these intervals.  Knows nothing of time, nor of what they hold.
"""

from __future__ import annotations

from bisect import insort

_NOTHING = 1e-9


class Strip:
    """The free intervals of an axis from 0 to `length`, ascending and apart."""

    def __init__(self, length: float) -> None:
        self.free: list[tuple[float, float]] = [(0.0, length)]

    def take(self, length: float) -> list[tuple[float, float]]:
        """Return intervals of so much in all, low ones first; one alone if one is long enough, less if less is free."""
        for at, (low, high) in enumerate(self.free):
            if high - low >= length - _NOTHING:
                return [self._cut(at, min(length, high - low))]
        found = []
        while length > _NOTHING and self.free:
            low, high = self.free[0]
            found.append(self._cut(0, min(length, high - low)))
            length -= high - low
        return found

    def _cut(self, at: int, length: float) -> tuple[float, float]:
        low, high = self.free[at]
        if high - low - length <= _NOTHING:
            del self.free[at]
            return low, high
        self.free[at] = (low + length, high)
        return low, low + length

    def give(self, low: float, high: float) -> None:
        """Let an interval be free again."""
        insort(self.free, (low, high))
        at = self.free.index((low, high))
        if at + 1 < len(self.free) and self.free[at + 1][0] <= high + _NOTHING:
            self.free[at : at + 2] = [(low, max(high, self.free[at + 1][1]))]
        if at and self.free[at - 1][1] >= low - _NOTHING:
            self.free[at - 1 : at + 1] = [(self.free[at - 1][0], max(high, self.free[at][1]))]
