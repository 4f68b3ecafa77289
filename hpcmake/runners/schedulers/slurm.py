"""Slurm: its sbatch, squeue, sacct, scancel and scontrol, as version 22.05 takes options and prints answers.

Owns these words and tables.  Knows nothing of how the answers about jobs are read (see `slurm_jobs`).

Slurm leaves a child in the queue for ever whose parent did not end well; a parent that it has forgotten counts as one
that did.
"""

from __future__ import annotations

import re

from hpcmake.runners.schedulers.answers import judge, kept_lines, row, said, silent, torn
from hpcmake.runners.schedulers.jobs import AGAIN, NEVER, UNKNOWN, Changed, DoNotKnow, Refused, Submitted
from hpcmake.runners.schedulers.options import (
    kind_words,
    project_words,
    queue_words,
    require_ids,
    require_possible,
    whole_minutes,
)
from hpcmake.runners.schedulers.slurm_jobs import ACCOUNTED, COLUMNS, parse_accounted, parse_queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.runners.schedulers.jobs import Jobs, JobState, Submission
    from hpcmake.site import Queue, Site

AFTER: tuple[str, ...] = ("ok", "any")

COMMANDS: tuple[str, ...] = ("sbatch", "squeue", "sacct", "scancel", "scontrol")

REFUSALS = (
    # the controller is away; after a time-out it may have taken the job
    row(AGAIN, r"Unable to contact slurm controller|Socket timed out|connect(?:ion)? failure", sure=False),
    # its own words where it has no time, or munge is away (from libslurm)
    row(AGAIN, r"Zero Bytes were transmitted|temporarily unable to accept job|temporarily disabled", sure=False),
    row(AGAIN, r"Controller is in standby mode|Unexpected message received|Protocol authentication error", sure=False),
    row(AGAIN, r"MaxSubmitJob"),  # of a QOS or an association
    row(NEVER, r"MaxWallDurationPerJobLimit|Requested time limit is invalid"),
    row(NEVER, r"invalid partition|Invalid account|Invalid qos|Invalid feature|Invalid generic resource"),
    row(NEVER, r"Requested node configuration is not available|Node count specification invalid"),
    row(NEVER, r"Invalid --\S+ specification|is not a valid node count|unrecognized option"),
    row(NEVER, r"Unable to open file|does not look like a batch script|Batch script is empty"),
    row(NEVER, r"Job dependency problem|Access/permission denied"),
    row(UNKNOWN, r"Job violates accounting/QOS policy"),  # which of the limits, another line tells, or none
)
"""What sbatch refuses, by what it says."""


# ---------------------------------------------------------------- submitting


def render_submit(site: Site, queue: Queue | None, job: Submission) -> list[str]:
    """Return the sbatch that submits a job.  Raises ValueError if Slurm cannot have such a job.

    A node that fails does not end the job; a child that can never start stays to be seen, whatever the site's default.
    """
    require_possible(job, AFTER)
    words = ["sbatch", "--parsable", "-N", str(job.nodes), "-t", str(whole_minutes(job.walltime)), "-J", job.name]
    words += ["-o", _path(job.output), *(["-e", _path(job.error)] if job.error else []), "--open-mode=append"]
    words += ["--requeue" if queue is not None and queue.preemptable else "--no-requeue", "--no-kill", "--exclusive"]
    if job.parents:
        words += [f"--dependency=after{job.after}:{':'.join(job.parents)}", "--kill-on-invalid-dep=no"]
    words += ["-H"] if job.held else []
    said_by_site = [*queue_words(queue, "-p"), *project_words(site, job), *kind_words(site, queue), *site.submit_words]
    return [*words, *said_by_site, job.script]


def _path(path: str) -> str:
    """Return a path in which no sign stands for the id, or the like."""
    return path.replace("%", "%%")


def parse_submitted(status: int | None, out: str, err: str) -> Submitted | Refused:
    """Return what became of a submission: the id, with a cluster's name behind a semicolon where there are several."""
    ids = [line for line in kept_lines(out) if re.fullmatch(r"[0-9]{1,15}(?:;\S+)?", line)]
    if ids:
        return Submitted(ids[-1].partition(";")[0], tuple(kept_lines(err)))
    if status is None:
        return silent("sbatch")
    kind, sure = judge(REFUSALS, err)
    return Refused(kind, said("sbatch", status, out, err), may_be_queued=status == 0 or not sure)


# ---------------------------------------------------------------- looking

_SQUEUE = ("squeue", "-h", "-r", "-O", ",".join(f"{each}:|" for each in COLUMNS))


def render_poll(user: str, ids: Sequence[str]) -> list[str]:
    """Return the squeue for all jobs of the user, those that have ended a while ago too.

    Raises ValueError if there are no ids.
    """
    require_ids(ids)
    return render_poll_user(user)


def render_poll_user(user: str) -> list[str]:
    """Return the squeue for all jobs of the user; each task of an array is a job."""
    return [*_SQUEUE, "-t", "all", "-u", user]


def render_poll_queue(queue: str) -> list[str] | None:
    """Return the squeue for all jobs of a partition that wait or run."""
    return [*_SQUEUE, "-t", "PENDING,RUNNING", "-p", queue]


def parse_poll(status: int | None, out: str, err: str) -> Jobs | DoNotKnow:
    """Return the jobs that a squeue tells of, by id.  A user whom it does not know is told with a status of 0."""
    if _is_void(status, out, err):
        return DoNotKnow(said("squeue", status, out, err))
    return torn("squeue", out) or parse_queue(out)


def render_poll_job(job: str) -> list[str]:
    """Return the squeue for one job."""
    return [*_SQUEUE, "-t", "all", "-j", *require_ids([job])]


def parse_poll_job(status: int | None, out: str, err: str) -> JobState | DoNotKnow | None:
    """Return a job; None if it is gone, and forgotten."""
    if status == 1 and not out.strip() and "Invalid job id specified" in err:
        return None
    jobs = parse_poll(status, out, err)
    return jobs if isinstance(jobs, DoNotKnow) else next(iter(jobs.values()), None)


def render_history(ids: Sequence[str]) -> list[str] | None:
    """Return the sacct for these jobs, without their steps."""
    return ["sacct", "-P", "-X", "-o", ",".join(ACCOUNTED), "-j", ",".join(require_ids(ids))]


def parse_history(status: int | None, out: str, err: str) -> Jobs | DoNotKnow:
    """Return the jobs that a sacct tells of, by id; it lags, so one that is absent may come yet."""
    if _is_void(status, out, err):
        return DoNotKnow(said("sacct", status, out, err))
    return torn("sacct", out) or parse_accounted(out)


def _is_void(status: int | None, out: str, err: str) -> bool:
    """Tell whether an answer says nothing of jobs; a site may have warnings beside one that does."""
    said_besides = kept_lines(err)
    return status != 0 or (bool(said_besides) and (not out.strip() or re.search(r"error|fatal", err) is not None))


# ---------------------------------------------------------------- changing

_KILLED = re.compile(r"^scancel: error: Kill job error on job id ([0-9]+)\S*: (.*)$")
_ABOUT_JOB = re.compile(r"^(.*) for job ([0-9]+)\S*$")
_GONE = re.compile(r"Invalid job id specified|Job has already finished|already completing or completed")


def render_cancel(ids: Sequence[str]) -> list[str]:
    """Return the scancel that ends jobs."""
    return ["scancel", *require_ids(ids)]


def parse_cancelled(ids: Sequence[str], status: int | None, out: str, err: str) -> Changed | DoNotKnow:
    """Return what became of a scancel: it is silent of those that it has ended, and of those that it does not know."""
    answers: dict[str, str] = {}
    for line in kept_lines(err):
        about = _KILLED.match(line)
        if about is None or judge(REFUSALS, line)[0] == AGAIN:
            return DoNotKnow(said("scancel", status, out, err))
        answers[about[1]] = about[2]
    return _changed(ids, status, answers, said("scancel", status, out, err))


def render_release(ids: Sequence[str]) -> list[str]:
    """Return the scontrol that ends users' holds."""
    return ["scontrol", "release", *require_ids(ids)]


def render_walltime(job: str, walltime: float) -> list[str]:
    """Return the scontrol that gives a job another walltime, in minutes; one that runs gets no more from its user."""
    return ["scontrol", "update", f"JobId={require_ids([job])[0]}", f"TimeLimit={whole_minutes(walltime)}"]


def render_parents(job: str, parents: Sequence[str], *, after: str = "ok") -> list[str] | None:
    """Return the scontrol that makes a job wait for these parents, or for none."""
    waits_for = f"after{after}:{':'.join(require_ids(parents))}" if parents else ""
    return ["scontrol", "update", f"JobId={require_ids([job])[0]}", f"Dependency={waits_for}"]


def parse_changed(ids: Sequence[str], status: int | None, out: str, err: str) -> Changed | DoNotKnow:
    """Return what became of a scontrol: it names the jobs that it could not change, and sums up in a last line."""
    answers: dict[str, str] = {}
    for line in kept_lines(err):
        about = _ABOUT_JOB.match(line)
        if judge(REFUSALS, line)[0] == AGAIN:
            return DoNotKnow(said("scontrol", status, out, err))
        if about is not None:
            answers[about[2]] = about[1]
    return _changed(ids, status, answers, said("scontrol", status, out, err))


def _changed(ids: Sequence[str], status: int | None, answers: dict[str, str], text: str) -> Changed | DoNotKnow:
    if status is None or (status != 0 and not answers):
        return DoNotKnow(text)
    gone = tuple(each for each in ids if _GONE.search(answers.get(each, "")))
    refused = tuple((each, answers[each]) for each in ids if each in answers and each not in gone)
    return Changed(tuple(each for each in ids if each not in answers), gone, refused)
