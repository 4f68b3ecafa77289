"""PBS: its qsub, qstat, qdel, qrls and qalter, as OpenPBS 23.06 and PBS Professional take options and print answers.

Owns these words and tables.  Knows nothing of how the answers about jobs are read (see `pbs_jobs`).

PBS deletes a child at once whose parent did not end well; one that comes late is held against what its history says.
"""

from __future__ import annotations

import re

from hpcmake.runners.schedulers.answers import judge, kept_lines, row, said, silent
from hpcmake.runners.schedulers.jobs import AGAIN, NEVER, UNKNOWN, Changed, DoNotKnow, Refused, Submitted
from hpcmake.runners.schedulers.options import (
    clock,
    kind_words,
    project_words,
    queue_words,
    require_ids,
    require_possible,
)
from hpcmake.runners.schedulers.pbs_jobs import NOISE, parse_jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.runners.schedulers.jobs import Jobs, JobState, Submission
    from hpcmake.site import Queue, Site

AFTER: tuple[str, ...] = ("ok", "any")

COMMANDS: tuple[str, ...] = ("qsub", "qstat", "qdel", "qrls", "qalter")

REFUSALS = (
    # of a server that is away, as users of PBS Professional 18 to 2022 have published it
    row(AGAIN, r"cannot connect to server|^Connection refused|^Connection timed out|timed out", sure=False),
    row(AGAIN, r"Invalid credential|Premature end of message", sure=False),
    # its own words for a server that has no time (pbs_messages.c of OpenPBS)
    row(AGAIN, r"No free connections|Server connection table full|Server shutting down", sure=False),
    row(AGAIN, r"System error: |PBS server internal error|Batch protocol error", sure=False),
    row(AGAIN, r"would exceed .* limit|Maximum number of jobs already in queue"),
    row(NEVER, r"Unknown queue|Queue is not enabled|Access to queue is denied|No default queue specified"),
    row(NEVER, r"Job violates queue and/or server resource limits|Job rejected by all possible destinations"),
    row(NEVER, r"Illegal attribute or resource value|illegal -\w+ value|Unknown resource"),
    row(NEVER, r"script file:.* No such file or directory"),
    row(NEVER, r"is required to be set|No active allocation found|Invalid Account"),
)
"""What qsub refuses, by what it says."""

_STATUSES = {2: NEVER, 38: AGAIN, 166: NEVER, 170: NEVER, 173: NEVER, 174: NEVER, 188: NEVER}
"""What a status alone tells: these are numbers of errors modulo 256."""

_ID = r"[0-9]{1,15}(?:\[[0-9]*\])?(?:\.[\w.-]+)?"


# ---------------------------------------------------------------- submitting


def render_submit(site: Site, queue: Queue | None, job: Submission) -> list[str]:
    """Return the qsub that submits a job.  Raises ValueError if PBS cannot have such a job."""
    require_possible(job, AFTER)
    words = ["qsub", "-l", ":".join([f"select={job.nodes}", *kind_words(site, queue)]), "-l", "place=scatter"]
    words += ["-l", f"walltime={clock(job.walltime)}"]
    if site.filesystems:
        words += ["-l", f"filesystems={':'.join(site.filesystems)}"]
    words += ["-N", job.name, "-r", "y" if queue is not None and queue.preemptable else "n"]
    words += ["-e", job.error] if job.error else ["-j", "oe"]
    words += ["-o", job.output]
    words += ["-W", f"depend=after{job.after}:{':'.join(job.parents)}"] if job.parents else []
    words += ["-h"] if job.held else []
    return [*words, *queue_words(queue, "-q"), *project_words(site, job), *site.submit_words, job.script]


def parse_submitted(status: int | None, out: str, err: str) -> Submitted | Refused:
    """Return what became of a submission; nothing is said of parents that are gone, or have failed already."""
    ids = [line for line in kept_lines(out) if re.fullmatch(_ID, line)]
    if ids:
        return Submitted(ids[-1], tuple(kept_lines(err, NOISE)))
    if status is None:
        return silent("qsub")
    kind, sure = judge(REFUSALS, err)
    if kind == UNKNOWN and status in _STATUSES:
        kind, sure = _STATUSES[status], True
    return Refused(kind, said("qsub", status, out, err, NOISE), may_be_queued=status == 0 or not sure)


# ---------------------------------------------------------------- looking


def render_poll(_user: str, ids: Sequence[str]) -> list[str]:
    """Return the qstat for these jobs, finished ones too.  Raises ValueError if there are none."""
    return ["qstat", "-x", "-f", "-F", "json", *require_ids(ids)]


def render_poll_user(user: str) -> list[str]:
    """Return the qstat for all jobs of the user: a table, since `-f` tells of chosen jobs or of everybody's.

    It is the wide one: in the other, names are cut after 9 characters.
    """
    return ["qstat", "-a", "-w", "-s", "-1", "-u", user]


def render_poll_queue(_queue: str) -> list[str] | None:
    """Return None: PBS tells no score, so nobody's place would follow."""
    return None


def parse_poll(status: int | None, out: str, err: str) -> Jobs | DoNotKnow:
    """Return the jobs that a qstat tells of, by id, whether it is JSON or the wide table.

    Those that are absent are older than its history, or have vanished from a routing queue.
    """
    return parse_jobs(status, out, err)


def render_poll_job(job: str) -> list[str]:
    """Return the qstat for one job, which works where no history is kept, too."""
    return ["qstat", "-f", "-F", "json", *require_ids([job])]


def parse_poll_job(status: int | None, out: str, err: str) -> JobState | DoNotKnow | None:
    """Return a job; None if it is gone: unknown, or finished."""
    jobs = parse_jobs(status, out, err)
    return jobs if isinstance(jobs, DoNotKnow) else next(iter(jobs.values()), None)


def render_history(ids: Sequence[str]) -> list[str] | None:
    """Return the same qstat as for a poll, which tells of finished jobs."""
    return render_poll("", ids)


def parse_history(status: int | None, out: str, err: str) -> Jobs | DoNotKnow:
    """Return the jobs that it tells of, by id."""
    return parse_jobs(status, out, err)


# ---------------------------------------------------------------- changing

_ABOUT_JOB = re.compile(rf"^q\w+: (.*\S) +({_ID})$")
_GONE = ("Unknown Job Id", "Request invalid for state of job", "Job has finished")


def render_cancel(ids: Sequence[str]) -> list[str]:
    """Return the qdel that deletes jobs in this order."""
    return ["qdel", *require_ids(ids)]


def parse_cancelled(ids: Sequence[str], status: int | None, out: str, err: str) -> Changed | DoNotKnow:
    """Return what became of a qdel: it is silent of those that it has deleted."""
    return parse_changed(ids, status, out, err)


def render_release(ids: Sequence[str]) -> list[str]:
    """Return the qrls that ends users' holds."""
    return ["qrls", *require_ids(ids)]


def render_walltime(job: str, walltime: float) -> list[str]:
    """Return the qalter that gives a job another walltime; one that runs gets no more from its user."""
    return ["qalter", "-l", f"walltime={clock(walltime)}", *require_ids([job])]


def render_parents(_job: str, _parents: Sequence[str], *, after: str = "ok") -> list[str] | None:  # noqa: ARG001
    """Return None: nothing is known of qalter and dependencies, and PBS deletes at once what would need this."""
    return None


def parse_changed(ids: Sequence[str], status: int | None, out: str, err: str) -> Changed | DoNotKnow:
    """Return what became of an order; what is said of a job names it at the end of a line."""
    answers: dict[str, str] = {}
    for line in kept_lines(err, NOISE):
        about = _ABOUT_JOB.match(line)
        if about is None:
            return DoNotKnow(said("the command", status, out, err, NOISE))
        answers[_number(about[2])] = about[1]
    if status is None or (status != 0 and not answers):
        return DoNotKnow(said("the command", status, out, err, NOISE))
    gone = tuple(each for each in ids if answers.get(_number(each), "").startswith(_GONE))
    refused = tuple((each, answers[_number(each)]) for each in ids if each not in gone and _number(each) in answers)
    return Changed(tuple(each for each in ids if _number(each) not in answers), gone, refused)


def _number(job: str) -> str:
    return job.partition(".")[0]
