"""More work for a job that runs: it says that it has nodes and time left, and is given rows, or told of none.

Owns when it asks, whom, and how long it waits.  Knows nothing of how work is planned: a process of its own does that,
or whoever drives the campaign.
"""

from __future__ import annotations

import os
import sys
import time

from hpcmake.jobs.pieces import TornError, read_piece
from hpcmake.journal import FOLDER
from hpcmake.lease import find_driver
from hpcmake.runners.process import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.app.in_job import StatusPaper
    from hpcmake.jobs.batch_plan import BatchPlan
    from hpcmake.runners.process import Process

LEAST = 60.0
"""Seconds that must be left for asking to make sense."""
_LOOK = 1.0
_BETWEEN = 30.0
"""Seconds between two questions while tasks still run: each costs a plan."""
_PATIENCE = 90.0
"""Seconds for which an answer is awaited from whoever drives the campaign elsewhere."""


class MoreRows:
    """The pieces of a batch that come while it runs.

    `left` gives the seconds that tasks may still run, `spare` the nodes on which nothing does, `is_empty` whether none
    runs at all; `done` counts tasks that have succeeded: only that can make more known.  `read` is how many pieces were
    read before.
    """

    def __init__(  # noqa: PLR0913  # what a job knows of itself, as questions
        self,
        plan: BatchPlan,
        papers: StatusPaper,
        *,
        read: int,
        left: Callable[[], float],
        spare: Callable[[], int],
        is_empty: Callable[[], bool],
        done: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[str], Process] | None = None,
    ) -> None:
        self.plan = plan
        self.papers = papers
        self.read = read
        self._left = left
        self._spare = spare
        self._is_empty = is_empty
        self._done = done
        self._clock = clock
        self._start = start or start_hand_over
        self._next = 0.0
        self._asked_at: float | None = None
        self._last = float("-inf")
        self._done_when_asked = -1
        self._child: Process | None = None

    def take(self, *, is_idle: bool) -> dict[int, Sequence[int]]:
        """Return the rows that have come, by rule; ask for some if there is nothing left to begin.  Raises Trouble."""
        now = self._clock()
        if now < self._next:
            return {}
        self._next = now + _LOOK
        if self._asked_at is not None:
            self._look_after_child()
            return self._read_pieces()
        if is_idle and self._may_ask():
            self._done_when_asked = self._done()
            self._asked_at = self._last = now
            self.papers.write(wants=True, spare=self._spare(), until=self._left(), rows=self.read)
            self._child = self._start(self.papers.folder.key)
        return {}

    def is_over(self) -> bool:
        """Tell whether nothing more will come, or is worth to be waited for."""
        if self._asked_at is None:
            return not self._may_ask()
        return False

    def _may_ask(self) -> bool:
        if self._done() <= self._done_when_asked or self._left() <= LEAST or self._spare() < 1:
            return False
        return self._is_empty() or self._clock() - self._last >= _BETWEEN

    def _look_after_child(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            self._child.close()
            self._child = None

    def _read_pieces(self) -> dict[int, Sequence[int]]:
        rows: dict[int, Sequence[int]] = {}
        paths = self.papers.folder.pieces()[self.read :]
        for path in paths:
            try:
                rows |= self.plan.take(read_piece(path))
            except (TornError, OSError):
                break  # it is written as a whole, so this file system shows it late
            self.read += 1
        has_come = self.read > self.papers.status.rows
        waited = self._clock() - (self._asked_at or 0.0)
        if has_come or (self._child is None and (waited > _PATIENCE or not self._is_driven())):
            self._asked_at = None
            self.papers.write(wants=False, rows=self.read)
        return rows

    def _is_driven(self) -> bool:
        """Tell whether somebody drives the campaign, and may answer."""
        driver = find_driver(FOLDER)
        return driver is not None and driver.alive is not False

    def close(self) -> None:
        """Let go of the process that plans, which goes on by itself."""
        if self._child is not None:
            self._child.close()


def start_hand_over(key: str) -> Process:
    """Start the process that plans again, and submits what follows.  Raises OSError."""
    return spawn(
        [sys.executable, sys.path[0], "--hand-over", key], environment=dict(os.environ), stderr=sys.stderr.fileno()
    )
