"""What the end of a job of ours means: its exit status is chosen from a table, and others end it from outside.

Owns that table.  Knows nothing of how a scheduler tells an end, and of the records, which decide what is done.
"""

from __future__ import annotations

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.runners.schedulers.jobs import Ending

WELL = "well"
"""Nothing is left to it, or `-k` and it has done what it could."""
TASK_FAILED = "task failed"
WORK_LEFT = "work left"
STOPPED = "stopped"
"""It was told to end (SIGTERM), and did."""
UNUSABLE = "unusable"
"""No task was tried: the setup, Python, the launcher or the script itself could not be used."""
OUR_BUG = "our bug"
CUT_SHORT = "cut short"
"""It was ended from outside, without a word: what it has not finished is packed anew."""
NOT_RUN = "not run"
LOST = "lost"
"""Nobody knows."""

STATUSES = {
    0: WELL,
    1: TASK_FAILED,
    3: UNUSABLE,
    70: OUR_BUG,
    75: WORK_LEFT,
    143: STOPPED,
    126: UNUSABLE,
    127: UNUSABLE,
}
"""The statuses that a job of ours ends with, and the shell's for a program that cannot be run or is not there."""

_TEXTS = {
    WELL: "it ended well",
    TASK_FAILED: "a task failed",
    WORK_LEFT: "work was left at its deadline",
    STOPPED: "it was told to end",
    UNUSABLE: "no task was tried: its setup, Python or launcher could not be used",
    OUR_BUG: "hpcmake itself failed",
}
_OUTSIDE = {
    "walltime": (CUT_SHORT, "it was killed at its walltime"),
    "deleted": (CUT_SHORT, "it was deleted"),
    "node": (CUT_SHORT, "it lost a node"),
    "memory": (CUT_SHORT, "it was killed for the memory that it took"),
    "preempted": (CUT_SHORT, "it had to give way to another job"),
    "parent": (NOT_RUN, "it was not run, since a job before it did not end well"),
    "start": (NOT_RUN, "it could not be started"),
}
_SIGNALS = 128


class Meaning(Record):
    """What an end means: one of the words above, and a sentence about the job for people."""

    kind: str
    text: str


def explain_ending(ending: Ending) -> Meaning:
    """Return what an end means.  One by a signal that was not SIGTERM came from outside, or from a crash."""
    if ending.how in _OUTSIDE:
        kind, text = _OUTSIDE[ending.how]
        by = f" by {ending.by}" if ending.by else ""
        return Meaning(kind, f"{text}{by}{_behind(ending.text)}")
    if ending.how != "exit" or ending.status is None:
        return Meaning(LOST, f"nobody knows how it ended{_behind(ending.text)}")
    ours = STATUSES.get(ending.status)
    if ours is not None:
        return Meaning(ours, f"{_TEXTS[ours]} (exit {ending.status})")
    if ending.status > _SIGNALS:
        return Meaning(CUT_SHORT, f"it was killed by signal {ending.status - _SIGNALS}{_behind(ending.text)}")
    return Meaning(LOST, f"it ended with {ending.status}, which hpcmake never does{_behind(ending.text)}")


def _behind(text: str) -> str:
    return f": {text}" if text else ""
