"""What Slurm tells of jobs: the rows of squeue, and those of sacct.

Owns the states, reasons and exit codes of Slurm.  Knows nothing of its commands but the columns they are asked for.
"""

from __future__ import annotations

import re

from hpcmake.runners.schedulers.answers import parse_clock, parse_count, parse_iso, parse_number
from hpcmake.runners.schedulers.jobs import (
    DEP_FAIL,
    DONE,
    ENDING,
    FAILED,
    HELD,
    QUEUED,
    RUNNING,
    STARTING,
    STRANGE,
    SUSPENDED,
    WAITING,
    DoNotKnow,
    Ending,
    JobState,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.runners.schedulers.jobs import Jobs

COLUMNS = (
    "JobArrayID State Reason NumNodes TimeLimit TimeLeft StartTime PriorityLong Partition QOS RestartCnt exit_code"
    " UserName Dependency Name"
).split()
"""What squeue is asked for; a name may hold any sign, the delimiter too, so it is the last."""

ACCOUNTED = "JobID State ExitCode Start TimelimitRaw NNodes Partition User JobName".split()
"""What sacct is asked for."""

_STATES = {
    "PENDING": QUEUED,
    "REQUEUED": QUEUED,
    "REQUEUE_FED": QUEUED,
    "REQUEUE_HOLD": HELD,
    "SPECIAL_EXIT": HELD,
    "CONFIGURING": STARTING,
    "RUNNING": RUNNING,
    "RESIZING": RUNNING,
    "SIGNALING": RUNNING,
    "STAGE_OUT": ENDING,
    "COMPLETING": ENDING,
    "SUSPENDED": SUSPENDED,
    "STOPPED": SUSPENDED,
}
_ENDINGS = {
    "COMPLETED": "exit",
    "FAILED": "exit",
    "CANCELLED": "deleted",
    "TIMEOUT": "walltime",
    "NODE_FAIL": "node",
    "OUT_OF_MEMORY": "memory",
    "PREEMPTED": "preempted",
    "BOOT_FAIL": "start",
    "DEADLINE": "unknown",
    "REVOKED": "unknown",
}
_NEVER = "DependencyNeverSatisfied"
_STUCK = {"PartitionConfig", "PartitionNodeLimit", "PartitionTimeLimit"}
_LAST_SIGNAL = 31  # beyond it are codes of Slurm's own, such as 53: the output could not be opened
_WAITED_FOR = re.compile(r"after\w*:([0-9]+)\S*?\((?:unfulfilled|failed)\)")
_EMPTY = {"None", "(null)", "N/A", "Unknown"}


def parse_queue(out: str) -> Jobs | DoNotKnow:
    """Return the jobs of squeue's rows, by id; a row that is torn makes all the answer worthless."""
    jobs: Jobs = {}
    for line in out.splitlines():
        cells = line.split("|", len(COLUMNS) - 1)
        if not line.strip():
            continue
        if len(cells) != len(COLUMNS) or not line.endswith("|") or not cells[0][:1].isdigit():
            return DoNotKnow(f"squeue wrote what is no job: {line[:200]}")
        row = dict(zip(COLUMNS, cells, strict=True))
        jobs[row["JobArrayID"]] = _queued(row)
    return jobs


def _queued(row: dict[str, str]) -> JobState:
    word, reason = row["State"], _told(row["Reason"])
    waits_for = tuple(_WAITED_FOR.findall(row["Dependency"]))
    status, signal = _raw(row["exit_code"])
    ending = _ending(word, reason, status, signal)
    return JobState(
        row["JobArrayID"],
        row["Name"][:-1],
        _state(word, reason, waits_for, ending),
        reason or (word if word not in _STATES and ending is None else ""),
        user=_told(row["UserName"]),
        queue=_told(row["Partition"]),
        qos=_told(row["QOS"]),
        nodes=parse_count(row["NumNodes"]),
        walltime=parse_clock(row["TimeLimit"]),
        left=parse_clock(row["TimeLeft"]) if _STATES.get(word) in {RUNNING, STARTING, ENDING} else None,
        start=parse_iso(row["StartTime"]),
        waits_for=waits_for if ending is None else (),
        score=parse_number(row["PriorityLong"]),
        restarts=parse_count(row["RestartCnt"]),
        stuck=word == "PENDING" and reason in _STUCK,
        ending=ending,
    )


def _state(word: str, reason: str, waits_for: tuple[str, ...], ending: Ending | None) -> str:
    if ending is not None:
        return DONE if ending.status == 0 else FAILED
    if word != "PENDING":
        return _STATES.get(word, STRANGE)
    if reason == _NEVER:
        return DEP_FAIL
    if reason.startswith("JobHeld"):
        return HELD
    if reason == "Dependency" or (waits_for and not reason):  # of a new job, no reason is told yet
        return WAITING
    return QUEUED


def _ending(word: str, reason: str, status: int | None, signal: int | None) -> Ending | None:
    """Return how a job has ended; None if it has not, or its state is not known.

    `DependencyNeverSatisfied` is what a cancelled child is left with where the site has those deleted.
    """
    first, _, by = word.partition(" by ")
    how = _ENDINGS.get(first)
    if how is None:
        return None
    if how == "deleted":
        return Ending("parent" if reason == _NEVER else how, by=f"uid {by}" if by else "", text=reason)
    if how != "exit":
        return Ending(how, text=reason or (first if how == "unknown" else ""))
    if first == "COMPLETED":
        return Ending("exit", 0)
    if reason == "BadConstraints" or (signal or 0) > _LAST_SIGNAL:
        return Ending("start", text=reason)
    if signal:
        return Ending("exit", 128 + signal, text=reason)
    return Ending("exit", status, text=reason) if status else Ending("unknown", text=reason or first)


def _raw(text: str) -> tuple[int | None, int | None]:
    """Return the exit status and the signal of squeue's `768`, as wait(2) has it, or of sacct's `3:0`."""
    status, colon, signal = (text.strip() or "x").partition(":")
    whole = parse_count(status)
    if colon or whole is None:
        return whole, parse_count(signal)
    return whole >> 8, whole & 127


def _told(text: str) -> str:
    return "" if text in _EMPTY else text


# ---------------------------------------------------------------- sacct


def parse_accounted(out: str) -> Jobs | DoNotKnow:
    """Return the jobs of sacct's rows, by id; the last row of a job counts, which is its last run."""
    lines = out.splitlines()
    if not lines or lines[0] != "|".join(ACCOUNTED):
        return DoNotKnow(f"sacct wrote what is no table: {out.strip()[:200]}")
    jobs: Jobs = {}
    for line in lines[1:]:
        cells = line.split("|", len(ACCOUNTED) - 1)
        if len(cells) != len(ACCOUNTED) or not cells[0][:1].isdigit():
            return DoNotKnow(f"sacct wrote what is no job: {line[:200]}")
        row = dict(zip(ACCOUNTED, cells, strict=True))
        jobs[row["JobID"]] = _accounted(row)
    return jobs


def _accounted(row: dict[str, str]) -> JobState:
    word = row["State"]
    status, signal = _raw(row["ExitCode"])
    ending = _ending(word, "", status, signal)
    minutes = parse_count(row["TimelimitRaw"])
    return JobState(
        row["JobID"],
        row["JobName"],
        _state(word, "", (), ending),
        reason=word if word not in _STATES and ending is None else "",
        user=_told(row["User"]),
        queue=_told(row["Partition"]),
        nodes=parse_count(row["NNodes"]),
        walltime=minutes * 60.0 if minutes is not None else None,
        start=parse_iso(row["Start"]),
        ending=ending,
    )
