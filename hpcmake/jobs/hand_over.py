"""The hand-over: what a job does at its end, so that a campaign goes on though nobody is logged in.

Owns the order of its acts, on which it depends that nothing is forgotten and nothing is submitted twice.  Knows nothing
of how work is planned and submitted.

A job writes its status, and then: takes the lease, or leaves if somebody who lives has it; looks at the statuses; plans
and submits; releases; and leaves if no status has changed since it looked, else begins again.  A job that leaves since
another has the lease has written its status before, so the other sees it: when it looks, or when it looks once more
after it has released.  Where what is read may be some seconds old that is not enough: there the lease has a bell.
"""

from __future__ import annotations

from hpcmake.lease import SystemClock, try_acquire
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Protocol

    from hpcmake.jobs.papers import Status
    from hpcmake.lease import Ask, Clock, Lease
else:
    Protocol = object

JOB_VARIABLES = ("COBALT_JOBID", "PBS_JOBID", "SLURM_JOB_ID")
SKEW = 60.0
"""Seconds by which the clocks of two machines may differ, where files have the times of who wrote them."""


class HandOver(Protocol):
    """The doors through which a hand-over acts; each call is one act, between which others may act too."""

    def take(self) -> bool:
        """Take the lease; False if somebody has it who lives, and so looks at the statuses again before it leaves."""

    def statuses(self) -> object:
        """Return what the jobs say of themselves, as a value to be compared: see `render_seen`."""

    def is_stopped(self) -> bool:
        """Return whether the campaign is to be stopped."""

    def holds(self) -> bool:
        """Return whether the lease is ours still."""

    def step(self) -> bool:
        """Plan, and submit what is needed; False if it shall be called again.

        Before each submission it asks `may_submit`, as late as it can; if not, it submits nothing more.
        """

    def release(self) -> bool:
        """Release the lease; False if it is kept, since somebody has left its work to us meanwhile."""


def may_submit(doors: HandOver) -> bool:
    """Return whether a job may be submitted at this moment: nobody has stopped the campaign, nor taken it over.

    Its intent must be on the disk before this is asked: who has taken over meanwhile sees it then, and makes it void;
    or has not, and then the answer is true.
    """
    return not doors.is_stopped() and doors.holds()


# ---------------------------------------------------------------- the order of acts

TAKE, LOOK, STEP, RELEASE, LOOK_AGAIN, LEFT = "take", "look", "step", "release", "look again", "left"

HELD = "held"
"""Left, since another drives."""
DONE = "done"
"""Left, since all is submitted that can be."""
STOPPED = "stopped"
"""Left, since the campaign is to be stopped."""


class Turn(Record):
    """Where a hand-over stands: the act that comes next, what it saw of the statuses, and why it leaves."""

    at: str = TAKE
    seen: object = None
    why: str = DONE


def advance(turn: Turn, doors: HandOver) -> Turn:
    """Do the next act, and return what comes then."""
    if turn.at == TAKE:
        return Turn(LOOK) if doors.take() else Turn(LEFT, why=HELD)
    if turn.at == LOOK:
        if doors.is_stopped():
            return Turn(RELEASE, why=STOPPED)
        return Turn(STEP, doors.statuses())
    if turn.at == STEP:
        return turn.replace(at=RELEASE) if doors.step() else turn
    if turn.at == RELEASE:
        if not doors.release():
            return Turn(LOOK)
        return turn.replace(at=LEFT if turn.why == STOPPED else LOOK_AGAIN)
    if turn.at == LOOK_AGAIN:
        return Turn(TAKE) if doors.statuses() != turn.seen else turn.replace(at=LEFT)
    return turn


def hand_over(doors: HandOver, *, holding: bool = False) -> str:
    """Hand the campaign over, and return why we leave: `held`, `done`, `stopped`.

    `holding`: the lease is ours, as that of a driver in the foreground that has been told to leave: jobs that ended
    while it lived have left their work to it.
    """
    turn = Turn(LOOK if holding else TAKE)
    while turn.at != LEFT:
        turn = advance(turn, doors)
    return turn.why


# ---------------------------------------------------------------- what is seen of jobs


def render_seen(statuses: Iterable[Status]) -> tuple[tuple[str, str, int, str, str, bool, int], ...]:
    """Return what matters of statuses to who plans, to be compared.

    Heartbeats and counts are left out: they change while a job runs, and a hand-over would never end.
    """
    return tuple(
        sorted(
            (each.key, each.job, each.restart, each.state, str(each.exit), each.wants, each.rows) for each in statuses
        )
    )


def find_job(environ: Mapping[str, str]) -> str | None:
    """Return the id of the job that we run in; None if it is none."""
    return next((environ[name] for name in JOB_VARIABLES if environ.get(name)), None)


# ---------------------------------------------------------------- the doors


class Desk:
    """The doors of a campaign on the disk.

    `statuses` reads those of all jobs, `is_stopped` looks for the mark.  `step` is given the lease and what it must ask
    before each submission.  `latency` are seconds after which a file that another node has written is surely seen.
    `lease` is the one that we have already, if any; its heartbeat moves by itself in a step, since a plan takes long,
    and a scheduler may hang.
    """

    clock: Clock = SystemClock()
    """What is waited on."""

    def __init__(
        self,
        folder: str,
        *,
        job: str | None,
        statuses: Callable[[], object],
        step: Callable[[Lease, Callable[[], bool]], object],
        is_stopped: Callable[[], bool],
        ask: Ask | None = None,
        latency: float = 0.0,
        lease: Lease | None = None,
    ) -> None:
        self.lease = lease
        self._folder = folder
        self._job = job
        self._statuses = statuses
        self._step = step
        self._is_stopped = is_stopped
        self._ask = ask
        self._latency = latency

    def take(self) -> bool:
        """Take the lease; False if somebody has it who lives.  Raises Trouble.

        What the holder before wrote at last may not be seen yet: unless that was long ago it is waited for, else what
        it has submitted would be submitted once more.
        """
        lease = self.lease = try_acquire(self._folder, clock=self.clock, job=self._job, ask=self._ask)
        if lease is None:
            return False
        former = lease.former
        if former is not None and lease.silent < self._latency + SKEW:
            was_here = former.host == lease.holder.host and not lease.unclean
            if not was_here:
                self._wait(lease)
        return True

    def statuses(self) -> object:
        """Return what the jobs say of themselves.  Raises Trouble."""
        with _Releasing(self.lease):
            return self._statuses()

    def is_stopped(self) -> bool:
        """Return whether the campaign is to be stopped."""
        return self._is_stopped()

    def holds(self) -> bool:
        """Return whether the lease is ours still.  Raises Trouble."""
        return self.lease is not None and self.lease.holds()

    def step(self) -> bool:
        """Plan and submit, in one piece.  Raises Trouble."""
        lease = self.lease
        if lease is not None:
            with _Releasing(lease), lease.kept():
                self._step(lease, self._may_submit)
        return True

    def release(self) -> bool:
        """Release the lease; False if somebody has rung, whose status is to be seen by now.  Raises Trouble."""
        if self.lease is None or self.lease.release_unless_rung():
            return True
        self._wait(self.lease)
        return False

    def _wait(self, lease: Lease) -> None:
        if self._latency > 0:
            with _Releasing(lease), lease.kept():
                self.clock.sleep(self._latency)

    def _may_submit(self) -> bool:
        return may_submit(self)


class _Releasing:
    """Releases a lease if it is left by an exception: nobody shall have to find out that we have gone."""

    def __init__(self, lease: Lease | None) -> None:
        self._lease = lease

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self._lease is not None:
            self._lease.release()
