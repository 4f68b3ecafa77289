"""Watchers: whether a campaign goes on by itself when its jobs end, and what it needs for that.

Owns which jobs will hand over whatever becomes of all others, and the words for people when too few will.
Knows nothing of schedulers but which kinds of dependencies they have: all this is a matter of values.

A job that is killed hands nothing over.  PBS and Slurm start a job when others have ended in any way: a watcher, of one
node, which does nothing but the hand-over.  Cobalt starts one only when others have ended well, and lets the rest stand
for ever: there, two jobs that wait for nobody must be in the queue, so that one outlives the other.
"""

from __future__ import annotations

from hpcmake.record import Record
from hpcmake.runners.schedulers.jobs import DEP_FAIL, DONE, ENDING, FAILED, HELD, QUEUED, RUNNING, STRANGE, WAITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

WORK, WATCH = "work", "watch"

ENOUGH = 2
"""How many jobs that wait for nobody keep a campaign alive, where there are no watchers."""

_HOPELESS = frozenset({HELD, ENDING, DEP_FAIL, DONE, FAILED, STRANGE})
"""The states of jobs that will not start, or not live to hand over, as far as anybody knows."""


class Live(Record):
    """A job of the campaign that is queued or runs; `parents` are the keys of those that it waits for.

    `role` is `work` or `watch`, `state` one of those of `runners.schedulers.jobs`; `stuck`: its scheduler says that it
    cannot start.
    """

    key: str
    parents: tuple[str, ...] = ()
    role: str = WORK
    state: str = QUEUED
    stuck: bool = False


def find_independent(live: Iterable[Live], *, leaving: Collection[str] = ()) -> tuple[str, ...]:
    """Return the jobs that will hand over whatever becomes of all others: those that wait for nobody.

    Of two jobs of which neither waits for the other, both may wait for a third, and never start if it fails: they do
    not count.  `leaving` are jobs that hand over just now.
    """
    jobs = list(live)
    there = {each.key for each in jobs}
    return tuple(each.key for each in jobs if each.key not in leaving and _starts_by_itself(each, there))


def _starts_by_itself(job: Live, there: Collection[str]) -> bool:
    if job.stuck or job.state in _HOPELESS:
        return False
    # who waits for parents that have left is released, or found to be stuck, at the next look of its scheduler
    return job.state != WAITING and not any(parent in there for parent in job.parents)


def enough_independent(live: Iterable[Live], *, leaving: Collection[str] = ()) -> bool:
    """Return whether one job may be lost, any one, and another still hands over."""
    return len(find_independent(live, leaving=leaving)) >= ENOUGH


def count_missing(
    live: Iterable[Live], *, work_left: bool, leaving: Collection[str] = (), places: int | None = None
) -> int:
    """Return how many jobs that wait for nobody should be added, where there are no watchers.

    `places` are those left in the queue: where it takes one job only, a campaign goes on in the foreground alone.
    """
    missing = ENOUGH - len(find_independent(live, leaving=leaving)) if work_left else 0
    return max(0, missing if places is None else min(missing, places))


def needed_watchers(
    live: Iterable[Live],
    after: Sequence[str],
    *,
    work_left: bool,
    leaving: Collection[str] = (),
    places: int | None = None,
) -> tuple[tuple[str, ...], ...]:
    """Return the watchers that are to be submitted, each as the keys of the jobs that it waits for, to end in any way.

    `after` are the kinds of dependencies that the scheduler has: without `any` there are no watchers.  A watcher waits
    for a wave, the jobs that wait for nobody, and not for their children: Slurm leaves those of a job that failed in
    the queue for ever, and a watcher with them.  One is enough at a time, also for jobs that were submitted after it:
    when it runs, its hand-over submits the next one.  `places` are those left in the queue.
    """
    if "any" not in after or not work_left or (places is not None and places < 1):
        return ()
    jobs = list(live)
    if any(_watches(each) and each.key not in leaving for each in jobs):
        return ()
    workers = {each.key for each in jobs if each.role == WORK}
    wave = tuple(key for key in find_independent(jobs, leaving=leaving) if key in workers)
    return (wave,) if wave else ()


def _watches(job: Live) -> bool:
    """Whether a job is a watcher that will hand over, and not one that does so now."""
    return job.role == WATCH and not job.stuck and job.state not in _HOPELESS and job.state != RUNNING


# ---------------------------------------------------------------- words


def render_outlook(
    live: Sequence[Live],
    after: Sequence[str],
    *,
    work_left: bool,
    driver: str | None,
    stopped: bool,
    command: str,
    leaving: Collection[str] = (),
) -> str | None:
    """Return what people should know of who goes on with a campaign, and what to type; None if all is well.

    `driver` is who drives now, in words; `command` what its user types to go on.
    """
    if driver is not None or not work_left:
        return None
    if stopped:
        return f"it was stopped, and work is left: `{command}` goes on"
    jobs = [each for each in live if each.key not in leaving]
    independent = find_independent(live, leaving=leaving)
    if not independent:
        return f"nobody goes on with it: {_words_of(jobs)}, and work is left; `{command}` goes on"
    if len(independent) >= ENOUGH or any(_watches(each) for each in jobs):
        return None
    then = f"`{command}` adds a watcher" if "any" in after else f"if nothing is queued then, type `{command}`"
    return f"only job {independent[0]} goes on with it when it ends, and nobody if it is killed: {then}"


def _words_of(jobs: Sequence[Live]) -> str:
    if not jobs:
        return "no job of it is in the queue"
    held = sum(each.state == HELD for each in jobs)
    count = len(jobs)
    those = (
        f"the {count} jobs of it in the queue" if count > 1 else f"job {jobs[0].key}, the only one of it in the queue,"
    )
    if held == count:
        return f"{those} {'are' if count > 1 else 'is'} held"
    return f"{those} cannot start"
