"""What each scheduler offers: one set of functions, so that nobody but these modules asks which one it is.

Owns their names and promises, and the choice of one by its name.  Knows nothing of any scheduler in particular.

`render_` functions return the words of a command; `parse_` functions read what it answered: its exit status (None if
it did not end in time), stdout and stderr.  The latter never raise, whatever they are given.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from hpcmake.runners.schedulers.jobs import Changed, DoNotKnow, Jobs, JobState, Refused, Submission, Submitted
    from hpcmake.site import Queue, Site
else:
    Protocol = object


class Scheduler(Protocol):
    """A module of this package."""

    AFTER: tuple[str, ...]
    """The kinds of dependencies that it has: `ok`, `any`."""

    COMMANDS: tuple[str, ...]
    """The commands that are called."""

    # ------------------------------------------------------------ submitting

    def render_submit(self, site: Site, queue: Queue | None, job: Submission, /) -> list[str]:
        """Return the command that submits a job.  Raises ValueError if this scheduler cannot have such a job."""

    def parse_submitted(self, status: int | None, out: str, err: str, /) -> Submitted | Refused:
        """Return what became of it."""

    # ------------------------------------------------------------ looking

    def render_poll(self, user: str, ids: Sequence[str], /) -> list[str]:
        """Return the one command that tells of all these jobs of the user; it may tell of others too.

        Raises ValueError if there are no ids: to some schedulers that would mean all jobs of everybody.
        """

    def render_poll_user(self, user: str, /) -> list[str]:
        """Return the command that tells of all jobs of the user in the queue, whoever submitted them."""

    def render_poll_queue(self, queue: str, /) -> list[str] | None:
        """Return the command that tells of all users' jobs in a queue, with scores; None if it would have none."""

    def parse_poll(self, status: int | None, out: str, err: str, /) -> Jobs | DoNotKnow:
        """Return the jobs that the answer to any of these tells of, by id: one that is absent from it is gone.

        Of all jobs of a queue or of a user, an id may be cut short; names are whole up to 15 characters.
        To Cobalt a user whom it does not know has no jobs: ask for one job by itself before it is given up.
        """

    def render_poll_job(self, job: str, /) -> list[str]:
        """Return the command that tells of one job, where neither its user nor others matter."""

    def parse_poll_job(self, status: int | None, out: str, err: str, /) -> JobState | DoNotKnow | None:
        """Return the job that the answer tells of; None if it is gone."""

    def render_history(self, ids: Sequence[str], /) -> list[str] | None:
        """Return the command that tells how jobs ended that are gone; None if this scheduler keeps no history.

        A history is told late, and is wrong of a job that still waits for another start: ask it only of what is gone.
        """

    def parse_history(self, status: int | None, out: str, err: str, /) -> Jobs | DoNotKnow:
        """Return the jobs that it tells of, by id: those that are absent may come later."""

    # ------------------------------------------------------------ changing

    def render_cancel(self, ids: Sequence[str], /) -> list[str]:
        """Return the command that takes jobs out of the queue and ends those that run, in this order."""

    def parse_cancelled(self, ids: Sequence[str], status: int | None, out: str, err: str, /) -> Changed | DoNotKnow:
        """Return what became of it.  They may be in the queue for a while."""

    def render_release(self, ids: Sequence[str], /) -> list[str]:
        """Return the command that lets jobs start that their user holds."""

    def render_walltime(self, job: str, walltime: float, /) -> list[str]:
        """Return the command that gives a waiting job another walltime, in seconds."""

    def render_parents(self, job: str, parents: Sequence[str], /, *, after: str = "ok") -> list[str] | None:
        """Return the command that makes a job wait for these parents only, or for none; None if there is none."""

    def parse_changed(self, ids: Sequence[str], status: int | None, out: str, err: str, /) -> Changed | DoNotKnow:
        """Return what became of one of the last three."""


def find_scheduler(name: str) -> Scheduler | None:
    """Return a scheduler by the name that sites give it; None if there is none, as on this machine."""
    if name == "cobalt":  # each is imported when it is asked for: a run needs one, or none
        from hpcmake.runners.schedulers import cobalt

        return cobalt
    if name == "pbs":
        from hpcmake.runners.schedulers import pbs

        return pbs
    if name == "slurm":
        from hpcmake.runners.schedulers import slurm

        return slurm
    return None
