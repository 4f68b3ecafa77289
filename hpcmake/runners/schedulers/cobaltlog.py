"""The log that Cobalt keeps of a job: the only place where it tells how the job has ended.

Owns the lines of it that tell an end.  Knows nothing of the queue.

The server writes there while the file is the user's and is not moved, seconds after the job has left the queue, and not
in the order of time.  Of jobs that were killed or deleted, no exit status ever comes.
"""

from __future__ import annotations

import re

from hpcmake.runners.schedulers.jobs import Ending

_JOB = re.compile(r"^Jobid: ([0-9]+)\s*$", re.MULTILINE)
_EXIT = re.compile(r" Info: task completed normally with an exit code of (-?[0-9]{1,9});")
_WALLTIME = re.compile(r" Info: maximum execution time exceeded;")
_DELETED = re.compile(r" Info: (?:pending )?user delete(?: requested)?\b(?:.* by user (\S+))?")
_ERROR = re.compile(r" (ERROR: .*)$", re.MULTILINE)

_LOST = 1234567
"""Cobalt's exit code of a job whose process it has lost."""


def parse_cobaltlog(text: str, *, job: str | None = None) -> Ending:
    """Return how a job ended; its `how` is `unknown` if the log does not tell, or not yet.

    A second job with the same paths adds to the same log, and nothing in the lines tells of which job they are: then
    all that they say counts if it is the same of each, else nothing.  `job` is the id that the log is to be of.
    """
    jobs = _JOB.findall(text)
    if job is not None and jobs and job not in jobs:
        return Ending("unknown", text=f"the log is of job {jobs[-1]}")
    endings = _endings(text)
    if len(set(jobs)) > 1 and (len(set(endings)) > 1 or len(endings) < len(set(jobs))):
        return Ending("unknown", text=f"the log is of jobs {', '.join(dict.fromkeys(jobs))}")
    if endings:
        return endings[0]
    error = _ERROR.search(text)
    return Ending("unknown", text=error[1].strip() if error else "")


def _endings(text: str) -> list[Ending]:
    """Return the ends that a log tells, of the surest kind only: a job may end by itself while it is deleted."""
    exits = [_of_exit(int(match[1])) for match in _EXIT.finditer(text)]
    if exits:
        return exits
    walltimes = [Ending("walltime") for _ in _WALLTIME.finditer(text)]
    if walltimes:
        return walltimes
    deletions = [match[1] or "" for match in _DELETED.finditer(text)]
    return [Ending("deleted", by=next(filter(None, deletions), ""))] if deletions else []


def _of_exit(status: int) -> Ending:
    if status == _LOST or not 0 <= status <= 255:  # noqa: PLR2004  # what a process can end with
        return Ending("unknown", text=f"Cobalt has lost its process: exit code {status}")
    return Ending("exit", status)
