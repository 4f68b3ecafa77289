"""One look at the queue: the user's jobs in it, and what became of those of ours that are in it no more.

Owns which commands are called for that, and when an absence is believed.  Knows nothing of what the jobs are for.
"""

from __future__ import annotations

from hpcmake.jobs.claims import same_job
from hpcmake.record import Record
from hpcmake.runners.schedulers.jobs import DoNotKnow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from hpcmake.runners.schedulers.jobs import Ending, Jobs, JobState
    from hpcmake.runners.schedulers.scheduler import Scheduler

    Call: TypeAlias = Callable[[Sequence[str], float], tuple[int | None, bytes | str, bytes | str]]
    """Runs a command for at most so many seconds: its status (None: it was killed), stdout and stderr.  OSError."""

TIMEOUT = 60.0
"""Seconds that a scheduler's command may take."""


class Sight(Record):
    """What one look at the queue has told: `jobs` are all of the user, by id, those that have ended only in part.

    `gone` are ids that were asked for and surely are in the queue no more, `endings` tells how some of these ended.
    An id that is neither in `jobs` nor in `gone` was not asked for, or nobody knows.
    """

    jobs: Jobs | DoNotKnow
    gone: frozenset[str] = frozenset()
    endings: dict[str, Ending] = {}  # noqa: RUF012  # a record is frozen, and nobody writes there

    def state(self, job: str) -> JobState | DoNotKnow | None:
        """Return a job as it was seen in the queue; None if it is surely gone."""
        if job in self.gone:
            return None
        if isinstance(self.jobs, DoNotKnow):
            return self.jobs
        found = find_job(self.jobs, job)
        if found is None:
            return DoNotKnow("the scheduler was not asked for it")
        return found if found.in_queue else None

    def ending(self, job: str) -> Ending | None:
        """Return how a job has ended, as far as its scheduler has told."""
        if job in self.endings:
            return self.endings[job]
        found = None if isinstance(self.jobs, DoNotKnow) else find_job(self.jobs, job)
        return found.ending if found is not None else None


def find_job(jobs: Jobs, job: str) -> JobState | None:
    """Return a job by its id, of which one may be cut."""
    if not job:
        return None
    found = jobs.get(job)
    return found if found is not None else next((each for each in jobs.values() if same_job(each.id, job)), None)


def ask(call: Call, argv: Sequence[str], timeout: float = TIMEOUT) -> tuple[int | None, str, str]:
    """Call a scheduler's command; one that cannot even be started did not answer."""
    try:
        status, out, err = call(argv, timeout)
    except OSError as error:
        return None, "", f"{argv[0]}: {error.strerror or error}"
    return status, decoded(out), decoded(err)


def decoded(text: bytes | str) -> str:
    """Return what a command wrote as text."""
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


def look(scheduler: Scheduler, user: str, ids: Sequence[str], call: Call, *, timeout: float = TIMEOUT) -> Sight:
    """Look at the queue, once for all jobs of the user; ask further only for those among `ids` that are absent."""
    jobs = scheduler.parse_poll(*ask(call, scheduler.render_poll_user(user), timeout))
    if isinstance(jobs, DoNotKnow):
        return Sight(jobs)
    numbers = {each.partition(".")[0] for each in jobs}
    absent = [each for each in ids if each and each.partition(".")[0] not in numbers]
    gone = {each for each in ids if (found := find_job(jobs, each)) is not None and not found.in_queue}
    if not absent:
        return Sight(jobs, frozenset(gone))
    history = scheduler.render_history(absent)
    endings: dict[str, Ending] = {}
    doubted = [] if jobs else absent  # a user whom the scheduler does not know has no jobs either
    if history is not None:
        told = scheduler.parse_history(*ask(call, history, timeout))
        if not isinstance(told, DoNotKnow):
            endings = {each: found.ending for each in absent if (found := find_job(told, each)) and found.ending}
            doubted = [each for each in absent if (found := find_job(told, each)) and found.in_queue]
    gone.update(each for each in absent if each not in doubted)
    there = dict(jobs)
    for each in doubted:  # one answer against the other: what is told of that job alone decides
        alone = scheduler.parse_poll_job(*ask(call, scheduler.render_poll_job(each), timeout))
        if isinstance(alone, DoNotKnow):
            break  # nor would the others be told
        if alone is None:
            gone.add(each)
        else:
            there[alone.id] = alone
            if not alone.in_queue:
                gone.add(each)
    return Sight(there, frozenset(gone), endings)
