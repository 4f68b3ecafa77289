"""What goes wrong with a queue, as it was ordered.

Owns when that is.  Knows nothing of what it looks like, which is the dialect's.
"""

from __future__ import annotations

from hpcmake.testbed.queue.nouns import WAITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.testbed.faults import Fault
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.nouns import Job

REFUSED, HANGS, LATE, GARBAGE = "qsub-refused", "qsub-hangs", "qsub-late", "qsub-garbage"
"""What may happen to a submission: it is refused; accepted and never answered; made only later, whoever still waits;
accepted and answered with what nobody can read."""


class Upset:
    """A fault, since when it is there, and how many submissions it still concerns."""

    def __init__(self, fault: Fault) -> None:
        self.kind = fault.kind
        self.what = float(fault.what or 0)
        self.after = fault.after
        self.at = fault.at
        self.left = 1 if fault.kind == LATE else int(self.what)
        self.since: float | None = None
        self.is_done = False


class Upsets:
    """The faults of a queue; `began` is the real time of the start in seconds since 1970, as all times are here."""

    def __init__(self, faults: Sequence[Fault], began: float) -> None:
        self.all = [Upset(fault) for fault in faults]
        self.began = began
        self.submissions = 0
        self.events: list[str] = []

    def _now(self, real: float, *kinds: str) -> list[Upset]:
        """Return the faults of some kinds that have begun."""
        found = [upset for upset in self.all if upset.kind in kinds]
        for upset in found:
            if upset.since is None:
                begun = self.began + (upset.at or 0.0) if upset.after is None else real
                if begun <= real and self.submissions >= (upset.after or 0):
                    upset.since = begun
        return [upset for upset in found if upset.since is not None]

    def is_down(self, real: float) -> bool:
        """Tell whether the server is down."""
        return any(real < (upset.since or 0.0) + upset.what for upset in self._now(real, "queue-down"))

    def slowness(self, real: float) -> float:
        """Return how many seconds longer an answer takes."""
        return sum(upset.what for upset in self._now(real, "queue-slow"))

    def submit(self, real: float) -> Upset | None:
        """Count a submission; return what happens to it."""
        found = next((each for each in self._now(real, REFUSED, HANGS, LATE, GARBAGE) if each.left > 0), None)
        self.submissions += 1
        if found is not None:
            found.left -= 1
            self.events.append(f"submission {self.submissions}: {found.kind}")
        return found

    def touch(self, queue: Queue) -> None:
        """Let happen what concerns jobs by their number, as soon as these are there."""
        for upset in self.all:
            if upset.is_done or not upset.kind.startswith("job-") or len(queue.submitted) < upset.what:
                continue
            job = queue.jobs.get(queue.submitted[int(upset.what) - 1])
            delay = (upset.at or 0.0) * queue.hurry
            if job is None:
                upset.is_done = True
            elif upset.kind == "job-stuck":
                job.is_stuck = upset.is_done = True
            elif upset.kind == "job-lost":
                upset.is_done = True
                queue.at(job.submitted + delay, self._on(queue, job, queue.dialect.lose, "was lost"))
            elif job.phase != WAITING:
                upset.is_done = True
                queue.at((job.started or 0.0) + delay, self._on(queue, job, queue.dialect.delete, "was deleted"))

    def _on(self, queue: Queue, job: Job, do: Callable[[Queue, Job], None], what: str) -> Callable[[], None]:
        def happen() -> None:
            if job.number in queue.jobs:
                self.events.append(f"job {job.number} {what}")
                do(queue, job)

        return happen
