"""How far a run is: counts by rule, what runs since when, how long the rest may take.

Owns these numbers, and the forecast made of them.  Knows nothing of how they are shown.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


class Progress:
    """The counts of one rule; `total` counts tasks that were or are to be run."""

    __slots__ = ("done", "failed", "measured", "running", "total", "wall")

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.done = 0
        self.failed = 0
        self.running = 0
        self.measured = 0
        """How many attempts `wall` is the sum of."""
        self.wall = 0.0

    @property
    def left(self) -> int:
        """Tasks that have neither ended well nor failed for good."""
        return max(0, self.total - self.done - self.failed)

    def add(self, other: Progress) -> None:
        """Count the other's tasks, too."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Tally:
    """The counts of a run, kept up to date by its rows; each row costs a few additions."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._expected: float | None = None
        self.start = clock()
        self.rules: dict[str, Progress] = {}
        self.running: dict[str, float] = {}
        """When each running task began, in the order in which they did."""
        self.unknown = 0
        """How many rules of which something is known only later."""
        self.standing = ""
        """How jobs in a queue stand; empty where there are none."""

    def tell(self, kind: str, row: Mapping[str, Any]) -> None:
        """Take a row."""
        if kind == "began":
            self.running[row["task"]] = self._clock()
            self._of(row["rule"]).running += 1
        elif kind == "done":
            progress = self._ended(row)
            progress.done += 1
            if row.get("wall") is not None:
                progress.measured += 1
                progress.wall += row["wall"]
        elif kind == "failed":
            progress = self._ended(row)
            progress.failed += not row.get("again")
        elif kind == "cut":
            self._ended(row)
        elif kind == "standing":
            self.standing = row["text"]
        elif kind == "fresh":
            self._of(row["rule"]).done += 1
        elif kind in {"start", "planned"}:
            for rule, number in row.get("rules", {}).items():
                self._of(rule).total += number
            self.unknown = row.get("unknown", 0)
            if kind == "start":
                self._expected = row.get("expected")
                self.start = self._clock()

    def _of(self, rule: str) -> Progress:
        progress = self.rules.get(rule)
        if progress is None:
            progress = self.rules[rule] = Progress()
        return progress

    def _ended(self, row: Mapping[str, Any]) -> Progress:
        progress = self._of(row["rule"])
        if self.running.pop(row["task"], None) is not None:
            progress.running -= 1
        return progress

    def all(self) -> Progress:
        """Return the counts of all rules together."""
        together = Progress()
        for progress in self.rules.values():
            together.add(progress)
        return together

    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return self._clock() - self.start

    def remaining(self) -> float | None:
        """Return how many seconds the rest may take, or None if nothing is known of it.

        Of each rule what its tasks took so far counts, and that as many will run at once as did until now; before each
        rule with something left has been measured, what was expected at the start.
        """
        elapsed = self.elapsed()
        work = spent = 0.0
        for progress in self.rules.values():
            spent += progress.wall
            if progress.left and not progress.measured:
                return None if self._expected is None or self._expected <= elapsed else self._expected - elapsed
            if progress.left:
                work += progress.left * progress.wall / progress.measured
        now = self._clock()
        underway = sum(now - began for began in self.running.values())
        if not work or not elapsed:
            return None
        at_once = max(1.0, (spent + underway) / elapsed)
        return max(0.0, work - underway) / at_once
