"""A job of PBS, and what its dependencies do to it: who waits, who is let go, who is deleted.

Owns these rules.  Knows nothing of commands, queues and time.

A parent that has ended is asked of the history: one that ended with 0 is enough for `afterok`.  A child whose parent
ended badly, or is unknown, is deleted at once, and its own children with it.
"""

from __future__ import annotations

from hpcmake.testbed.queue.nouns import ENDED, Job
from hpcmake.testbed.queue.pbs_options import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUEUED, HELD, WAITING, TRANSIT, RUNNING, EXITING, FINISHED = "QHWTREF"
"""The letters of states that occur here."""

SUB_QUEUED, SUB_HELD, SUB_DEPEND, SUB_STARTING, SUB_RUNNING, SUB_EXITING = 10, 20, 22, 41, 42, 51
SUB_TERMINATED, SUB_FINISHED, SUB_FAILED = 91, 92, 93
"""Numbers that say more than the letter."""

WALLTIME_EXCEEDED = -29
TERMINATED = 256 + 15
"""The Exit_status of a job that ran too long, and of one that was deleted while it ran."""

BEFORE = {"afterok": "beforeok", "afterany": "beforeany", "afternotok": "beforenotok", "after": "before"}
"""How a parent is told of a child, for each kind of dependency that is emulated."""


class PbsJob(Job):
    """A job as PBS sees it.

    `holds` are letters: `u` of its user, `s` of the system.  `waits` are pairs of a kind and the number of a parent,
    `befores` of a kind and the number of a child.  `exit_status` is None until it has one; a job that was deleted
    before it ran never gets one.  `asked` is what its qsub asked for, `words` the words of that, `script` the
    text of its script, which is kept as it was then.  `cpus` are those of all its nodes, `workdir` is where qsub was
    called, `variables` are those of `Variable_List`, `output` and `error` are paths.  `changed`, `eligible` and
    `finished` are times of the scheduler's clock.
    """

    def __init__(
        self,
        number: int,
        *,
        user: str,
        queue: str,
        count: int,
        walltime: float,
        argv: Sequence[str] = (),
        cwd: str = "/",
        submitted: float = 0,
    ) -> None:
        super().__init__(
            number,
            user=user,
            queue=queue,
            count=count,
            walltime=walltime,
            argv=argv,
            cwd=cwd,
            submitted=submitted,
        )
        self.state, self.substate = QUEUED, SUB_QUEUED
        self.holds = ""
        self.waits: list[tuple[str, int]] = []
        self.befores: list[tuple[str, int]] = []
        self.exit_status: int | None = None
        self.comment = ""
        self.deleted = False
        """Whether somebody has deleted it while it ran."""
        self.asked = Asked()
        self.words: tuple[str, ...] = ()
        self.script = ""
        self.cpus = count
        self.workdir = cwd
        self.variables: dict[str, str] = {}
        self.output = self.error = ""
        self.changed = self.eligible = submitted
        self.finished: float | None = None
        self.vnodes: tuple[str, ...] = ()
        """Its nodes, even when it has given them back."""

    def settle(self) -> None:
        """Put a job that does not run into the state that follows from its holds."""
        if self.state in {QUEUED, HELD}:
            self.state = HELD if self.holds else QUEUED
            self.substate = SUB_DEPEND if "s" in self.holds else SUB_HELD if self.holds else SUB_QUEUED

    def hold(self, letter: str) -> None:
        """Add a hold."""
        if letter not in self.holds:
            self.holds = "".join(sorted(self.holds + letter, key="uos".index))
        self.settle()

    def release(self, letter: str) -> None:
        """Take a hold away."""
        self.holds = self.holds.replace(letter, "")
        self.settle()

    def close(self, status: int | None, *, substate: int) -> None:
        """Let it have ended: with an exit status, or with none since it has not run."""
        self.state, self.substate, self.exit_status = FINISHED, substate, status
        self.phase = ENDED


def has_met(kind: str, parent: PbsJob) -> bool | None:
    """Tell whether a parent does what a dependency of this kind wants; None: that is open."""
    if kind == "after":
        return True if parent.state in {RUNNING, EXITING} or parent.exit_status is not None else _never(parent)
    if parent.state != FINISHED:
        return None
    if kind == "afterany":
        return True
    return (parent.exit_status == 0) == (kind == "afterok")


def _never(parent: PbsJob) -> bool | None:
    return False if parent.state == FINISHED else None


def add_dependencies(jobs: Mapping[int, PbsJob], child: PbsJob, asked: Sequence[tuple[str, int]]) -> list[int]:
    """Let a job wait for others: pairs of a kind and the number of a parent.  Return the numbers of jobs it deletes.

    What parents have done already is kept no longer; parents that live are told.
    """
    child.waits = []
    failed = False
    for kind, job in asked:
        parent = jobs.get(job)
        met = has_met(kind, parent) if parent is not None else False
        if met:
            continue
        child.waits.append((kind, job))
        if met is None and parent is not None and (BEFORE[kind], child.number) not in parent.befores:
            parent.befores.append((BEFORE[kind], child.number))
        failed = failed or met is False
    if child.waits:
        child.hold("s")
    else:
        child.release("s")
    return _delete(jobs, child) if failed else []


def follow(jobs: Mapping[int, PbsJob], parent: PbsJob) -> tuple[list[int], list[int]]:
    """Do to the children of a job what follows from its state now.  Return those let go, and all that were deleted."""
    freed: list[int] = []
    deleted: list[int] = []
    for _, number in parent.befores:
        child = jobs.get(number)
        if child is None or child.state == FINISHED:
            continue
        failed = False
        for kind, job in list(child.waits):
            met = has_met(kind, parent) if job == parent.number else None
            if met:
                child.waits.remove((kind, job))
            failed = failed or met is False
        if failed:
            deleted += _delete(jobs, child)
        elif not child.waits and "s" in child.holds:
            child.release("s")
            freed.append(child.number)
    return freed, deleted


def _delete(jobs: Mapping[int, PbsJob], child: PbsJob) -> list[int]:
    """Delete a job whose parent did not end as it should, and what waits for it.

    It is left as PBS leaves it: with the substate of a success, its hold and its dependency, and no exit status.
    """
    child.close(None, substate=SUB_FINISHED)
    _, deleted = follow(jobs, child)
    return [child.number, *deleted]


def render_depend(job: PbsJob, server: str) -> str:
    """Return the attribute `depend`: what the job waits for, then who waits for it."""
    kinds: dict[str, list[str]] = {}
    for kind, number in [*job.waits, *job.befores]:
        kinds.setdefault(kind, []).append(f"{number}.{server}@{server}")
    return ",".join(":".join([kind, *names]) for kind, names in kinds.items())
