"""What goes wrong with nodes and launches, and when enough is enough: the memory that decides what is tried again.

Owns the counts of failed starts, of lost launches, nodes and tasks, and the pauses that follow.  Knows nothing of how
any of it is noticed.
"""

from __future__ import annotations

from math import inf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SILENT = 90.0
"""Seconds without a word after which a node is lost.  One that hears nothing ends what it runs after BEAT."""
BEAT_EVERY = 15.0
"""Seconds between two beats to a node, and between two words of it."""
BEAT = 60.0
"""Seconds without a beat after which a node program ends its tasks and itself."""

_STARTS = 6  # failed starts in a row, after which a node is given up, or, if none ever came up, the launcher
_STRIKES = 2  # launches lost on a node, after which it is given up
_LONGEST_PAUSE = 60.0
_DEATHS_ALONE = 2  # deaths of nodes at which a task was present, after which it runs alone …
_DEATHS_AT_ALL = 3  # … and has failed
_SPAN = 300.0  # seconds in which …
_MOST_LOST = 3  # … so many nodes may be lost before nothing more is begun


class Faults:
    """Counts what went wrong."""

    def __init__(self) -> None:
        self.any_up = False
        self._starts: dict[int, int] = {}
        self._strikes: dict[int, int] = {}
        self._deaths: dict[str, int] = {}
        self._lost: list[float] = []
        self._failed = 0

    @property
    def any_deaths(self) -> bool:
        """Whether any task was there when a node was lost."""
        return bool(self._deaths)

    def came_up(self, nodes: Iterable[int]) -> None:
        """A launch came up on nodes."""
        self.any_up = True
        self._failed = 0
        for node in nodes:
            self._starts.pop(node, None)

    def failed_start(self, nodes: Iterable[int]) -> tuple[float, list[int]]:
        """A launch did not come up; return the seconds to wait, and the nodes that are to be given up.

        The seconds are infinite if the launcher itself is of no use.
        """
        self._failed += 1
        if not self.any_up and self._failed >= _STARTS:
            return inf, []
        spent = []
        for node in nodes:
            self._starts[node] = self._starts.get(node, 0) + 1
            if self._starts[node] >= _STARTS:
                spent.append(node)
        return min(_LONGEST_PAUSE, 2.0 ** (self._failed - 1)), spent

    def lost_launch(self, nodes: Iterable[int]) -> list[int]:
        """A launch that had come up was lost; return the nodes that are to be given up."""
        spent = []
        for node in nodes:
            self._strikes[node] = self._strikes.get(node, 0) + 1
            if self._strikes[node] >= _STRIKES:
                spent.append(node)
        return spent

    def lost_node(self, now: float) -> bool:
        """A node was lost; return whether these are too many in too short a time."""
        self._lost = [at for at in self._lost if at > now - _SPAN]
        self._lost.append(now)
        return len(self._lost) >= _MOST_LOST

    def saw_death(self, task: str) -> None:
        """A task was there when a node was lost."""
        self._deaths[task] = self._deaths.get(task, 0) + 1

    def recall_deaths(self, deaths: Mapping[str, int]) -> None:
        """Recall at how many deaths of nodes tasks were present in earlier jobs."""
        self._deaths.update(deaths)

    def runs_alone(self, task: str) -> bool:
        """Return whether a task was there so often that it shall run alone."""
        return self._deaths.get(task, 0) >= _DEATHS_ALONE

    def is_deadly(self, task: str) -> bool:
        """Return whether a task was there so often that it has failed."""
        return self._deaths.get(task, 0) >= _DEATHS_AT_ALL
