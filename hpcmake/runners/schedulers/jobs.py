"""The nouns of a queue: what is put into it, what is seen in it, how a job has ended, and what a scheduler answers.

Owns these values and what follows from them.  Knows nothing of how any scheduler writes them.

Three things are never mixed up: a job that is *gone* is absent from an answer that was understood; a job that has
*ended* is there with its `Ending`; and where an answer cannot be had or understood, there is `DoNotKnow` in its place.
"""

from __future__ import annotations

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

# ---------------------------------------------------------------- submitting


class Submission(Record):
    """One job that shall be queued.

    `script` is the path of an executable file (Cobalt looks at once, and stores nothing but the path), `name` its name
    of at most 15 characters, `walltime` in seconds.  `output`, `error` and `log` are paths whose folder is there: with
    no `error`, both go to `output`; `log` is Cobalt's own.  `parents` are ids of jobs that must end first: well if
    `after` is `ok`, somehow if it is `any`.  `held`: it does not start by itself.  `project` counts for the site's.
    """

    script: str
    name: str
    nodes: int
    walltime: float
    output: str
    error: str = ""
    log: str = ""
    parents: tuple[str, ...] = ()
    after: str = "ok"
    held: bool = False
    project: str | None = None


class Submitted(Record):
    """The scheduler has taken the job: its id, as it writes it, and what it said besides.

    `lost_parents` are those of which it said that they are in the queue no more: they may have ended well or not.
    """

    id: str
    warnings: tuple[str, ...] = ()
    lost_parents: tuple[str, ...] = ()


AGAIN = "again"
"""Try later: the queue is full, or the scheduler is away."""

NEVER = "never"
"""This request will never be taken as it is."""

UNKNOWN = "unknown"
"""Nobody knows this answer: show it as it is, and try again with growing pauses."""


class Refused(Record):
    """The job was not taken: what `kind` of no this is (`again`, `never`, `unknown`), and what was said.

    `may_be_queued`: this may not be the whole truth, as when there was no answer in time; look for the job by its name
    and its claim before it is submitted once more.
    """

    kind: str
    text: str
    may_be_queued: bool = False


class DoNotKnow(Record):
    """No answer, or none that can be understood: nothing at all follows from it.  `text` says why."""

    text: str


# ---------------------------------------------------------------- jobs in a queue

QUEUED = "queued"
HELD = "held"
"""Somebody holds it: `reason` says who."""
WAITING = "waiting"
"""For its parents."""
STARTING = "starting"
"""Its nodes are being made ready; its walltime counts already."""
RUNNING = "running"
ENDING = "ending"
SUSPENDED = "suspended"
DEP_FAIL = "dep_fail"
"""It will never start, since a parent did not end well; yet it takes a place in the queue until it is deleted."""
DONE = "done"
"""It has ended with 0."""
FAILED = "failed"
"""It has ended in another way: `ending` says how."""
STRANGE = "strange"
"""It is there, in a state that nobody knows: `reason` has its word."""

STATES = (QUEUED, HELD, WAITING, STARTING, RUNNING, ENDING, SUSPENDED, DEP_FAIL, DONE, FAILED, STRANGE)


class Ending(Record):
    """How a job has ended, as far as its scheduler tells.

    `how` is `exit` (by itself, with `status`; 128 + the number of a signal that killed its script), `walltime`,
    `deleted` (`by` is who did, if that was told), `parent` (never run, since a parent did not end well), `node` (one
    was lost), `memory`, `preempted`, `start` (it could not be started), or `unknown`.
    """

    how: str
    status: int | None = None
    by: str = ""
    text: str = ""


class JobState(Record):
    """One job as its scheduler shows it; what is not told is None or empty.

    `state` is one of `STATES`, `reason` what the scheduler says of it in its own words.  `walltime` and `left` (of a
    running job, until its walltime ends) are seconds.  `start` is when it has begun or is expected to, in seconds since
    1970 by the scheduler's clock: for people, as `left` is for decisions.  `waits_for` are ids of parents that have not
    yet ended well.  `score` orders a queue, the highest first.  `restarts` counts how often it was started before.
    `qos` is Slurm's quality of service, which has limits of its own, and is what some sites call a queue.
    `stuck`: its scheduler says that it cannot start, as the job and the machine are now.
    """

    id: str
    name: str
    state: str
    reason: str = ""
    user: str = ""
    queue: str = ""
    qos: str = ""
    nodes: int | None = None
    walltime: float | None = None
    left: float | None = None
    start: float | None = None
    waits_for: tuple[str, ...] = ()
    score: float | None = None
    restarts: int | None = None
    stuck: bool = False
    ending: Ending | None = None

    @property
    def in_queue(self) -> bool:
        """Whether it takes a place in the queue."""
        return self.ending is None


if TYPE_CHECKING:
    Jobs: TypeAlias = dict[str, JobState]


class Changed(Record):
    """What became of an order to change jobs: the ids that it reached, those that are gone, those that it could not.

    `gone` are jobs that have ended, or that nobody knows; to Cobalt also those of other users.  `refused` are pairs of
    an id and the reason.
    """

    done: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


# ---------------------------------------------------------------- what follows


def find_place(jobs: Iterable[JobState], job: str) -> int | None:
    """Return the place of a job in its queue, 1 for the next one; None if it cannot be told.

    `jobs` are those of all users.  Only jobs that could start count: what is held or waits for others stands aside.
    """
    queued = [each for each in jobs if each.state == QUEUED]
    own = next((each for each in queued if each.id == job), None)
    if own is None or own.score is None:
        return None
    ahead = 1
    for each in queued:
        if each.queue == own.queue and each.id != own.id:
            if each.score is None:
                return None
            ahead += (-each.score, _age(each.id)) < (-own.score, _age(own.id))
    return ahead


def _age(job: str) -> tuple[int, str]:
    """Order ids: those that were given first come first."""
    digits = job[: len(job) - len(job.lstrip("0123456789"))]
    return (int(digits or "0") if len(digits) < 19 else 0, job)  # noqa: PLR2004  # no id is longer


def order_children_first(parents: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the jobs so that each comes before its parents, for deleting: a parent's end would set children free.

    `parents` has those of each job; others are left out.  Of jobs that do not depend on one another, the last one in
    `parents` comes first.  Raises ValueError if jobs wait for one another.
    """
    ordered: list[str] = []
    state: dict[str, bool] = {}  # False: begun, True: in its place
    for job in parents:
        rest = [(job, iter(parents[job]))]
        if job in state:
            continue
        state[job] = False
        while rest:
            current, others = rest[-1]
            following = next((each for each in others if each in parents and state.get(each) is not True), None)
            if following is None:
                state[current] = True
                ordered.append(current)
                rest.pop()
            elif following in state:
                message = f"job {following} waits for itself"
                raise ValueError(message)
            else:
                state[following] = False
                rest.append((following, iter(parents[following])))
    return tuple(reversed(ordered))
