"""The queues of a PBS server: what they take, which of them only pass jobs on, and why a job does not run.

Owns their limits, and how a site's queues become such ones.  Knows nothing of commands.
"""

from __future__ import annotations

from hpcmake.record import Record
from hpcmake.testbed.queue.pbs_rules import FINISHED, HELD, QUEUED
from hpcmake.testbed.queue.pbs_words import NO_ACCESS, NOT_ENABLED, OVER_LIMITS, TOO_MANY, No

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.site import Queue, Site
    from hpcmake.testbed.queue.pbs_rules import PbsJob

SCOPES = {"user": "u", "project": "p"}
_THREE = ("small", "medium", "large")
"""The names of the queues behind one that has three bands, at all sites that are known."""

_COUNTED = ("Transit", "Queued", "Held", "Waiting", "Running", "Exiting", "Begun")
_LETTERS = dict(zip("TQHWREB", _COUNTED, strict=True))


class PbsQueue(Record):
    """A queue: how many nodes and seconds a job in it may ask for, 0: any number.

    `queued` and `running` are the most jobs that one user or project may have in it in any state, or running: pairs of
    the scope and a number.  A queue with `routes` runs no job, and passes each on to the first of these that takes it;
    `routed` ones are reached by no other way.
    """

    name: str
    nodes: tuple[int, int] = (0, 0)
    seconds: tuple[float, float] = (0, 0)
    queued: tuple[tuple[str, int], ...] = ()
    running: tuple[tuple[str, int], ...] = ()
    enabled: bool = True
    started: bool = True
    routes: tuple[str, ...] = ()
    routed: bool = False

    def takes(self, nodes: int, walltime: float | None) -> bool:
        """Tell whether a job of this size is within the limits of resources; None: no walltime was asked for."""
        low, high = self.nodes
        if nodes < low or nodes > (high or nodes):
            return False
        shortest, longest = self.seconds
        return walltime is None or (shortest <= walltime <= (longest or walltime))


def make_queues(site: Site) -> tuple[PbsQueue, ...]:
    """Return the queues of a site: one with several bands passes jobs on to a queue for each of them."""
    found: list[PbsQueue] = []
    for queue in site.queues:
        bands = queue.bands()
        queued, running = _limits(queue, "queued"), _limits(queue, "running")
        if len(bands) < 2:  # noqa: PLR2004  # nothing to choose from
            seconds = (queue.shortest, bands[0].longest if bands else 0)
            found.append(PbsQueue(queue.name, queue.nodes, seconds, queued, running))
            continue
        names = _THREE if len(bands) == len(_THREE) else tuple(f"{queue.name}{at + 1}" for at in range(len(bands)))
        found.append(PbsQueue(queue.name, routes=names))
        for name, band in zip(names, bands, strict=True):
            seconds = (queue.shortest, band.longest)
            found.append(PbsQueue(name, (band.low, band.high), seconds, queued, running, routed=True))
    return tuple(found) or (PbsQueue("workq"),)


def _limits(queue: Queue, what: str) -> tuple[tuple[str, int], ...]:
    return tuple((limit.scope, limit.most) for limit in queue.limits if limit.what == what)


# ---------------------------------------------------------------- who gets in


def require_place(queue: PbsQueue, jobs: Iterable[PbsJob], job: PbsJob, *, by_route: bool = False) -> None:
    """Raise No if a queue does not take a job; `jobs` are those that are there."""
    if not queue.enabled:
        raise No(NOT_ENABLED)
    if queue.routed and not by_route:
        raise No(NO_ACCESS)
    walltime = job.walltime if job.asked.find("walltime") is not None else None
    if not queue.takes(job.count, walltime):
        raise No(OVER_LIMITS)
    there = [each for each in jobs if each.queue == queue.name and each.state != FINISHED and each is not job]
    for scope, most in queue.queued:
        if sum(_is_of(each, job, scope) for each in there) >= most:
            raise No(TOO_MANY, scope)


def route(queues: Sequence[PbsQueue], jobs: Iterable[PbsJob], job: PbsJob) -> bool:
    """Pass a queued job on to a queue that takes it; return whether it may still find one.

    Where a queue that would take it is full, it stays where it is.
    """
    behind = next(queue.routes for queue in queues if queue.name == job.queue)
    hope = False
    everyone = list(jobs)
    for name in behind:
        target = next(queue for queue in queues if queue.name == name)
        try:
            require_place(target, everyone, job, by_route=True)
        except No as no:
            hope = hope or no.number == TOO_MANY
            continue
        job.queue = name
        return True
    return hope


def _is_of(other: PbsJob, job: PbsJob, scope: str) -> bool:
    return other.user == job.user if scope == "user" else other.project == job.project


# ---------------------------------------------------------------- who runs


def choose(queues: Sequence[PbsQueue], jobs: Iterable[PbsJob], *, nodes: int, alive: int) -> list[PbsJob]:
    """Return the jobs that may start, in their order, and say of the others in their comments why they do not.

    `nodes` is how many the machine has, `alive` how many of these have not died.
    """
    by_name = {queue.name: queue for queue in queues}
    everyone = list(jobs)
    going = [job for job in everyone if job.hosts and job.state != FINISHED]
    chosen: list[PbsJob] = []
    for job in everyone:
        queue = by_name[job.queue]
        if job.state != QUEUED or queue.routes or not queue.started or not queue.enabled:
            continue
        if job.count > nodes:
            job.comment = "Can Never Run: Not enough total nodes available"
            continue
        scope = _full(queue, [*going, *chosen], job)
        if scope == "user":
            job.comment = f"Not Running: User has reached queue {queue.name} running job limit."
        elif scope:
            job.comment = f"Not Running: Project has reached queue {queue.name}'s running limit."
        else:
            job.comment = "Not Running: Not enough free nodes available"  # until it gets some
            chosen += [job] if job.count <= alive else []
    return chosen


def _full(queue: PbsQueue, others: Sequence[PbsJob], job: PbsJob) -> str:
    """Return whose limit of running jobs is reached; empty if none is."""
    there = [each for each in others if each.queue == queue.name]
    reached = (scope for scope, most in queue.running if sum(_is_of(each, job, scope) for each in there) >= most)
    return next(reached, "")


def may_run(queue: PbsQueue, job: PbsJob, *, nodes: int) -> bool:
    """Tell whether a job that is not held may start some day, if nobody does anything about it."""
    return queue.started and queue.enabled and job.count <= nodes and job.state not in {HELD, FINISHED}


# ---------------------------------------------------------------- what is told of a queue


def describe(queue: PbsQueue, jobs: Iterable[PbsJob]) -> dict[str, str | dict[str, str]]:
    """Return the attributes of a queue, as `qstat -Qf` shows them."""
    there = [job for job in jobs if job.queue == queue.name and job.state != FINISHED]
    counts = dict.fromkeys(_COUNTED, 0)
    for job in there:
        counts[_LETTERS[job.state]] += 1
    told: dict[str, str | dict[str, str]] = {
        "queue_type": "Route" if queue.routes else "Execution",
        "total_jobs": str(len(there)),
        "state_count": "".join(f"{name}:{count} " for name, count in counts.items()),
    }
    told |= _told_limits("max_queued", queue.queued)
    for key, nodes, seconds in (
        ("resources_max", queue.nodes[1], queue.seconds[1]),
        ("resources_min", queue.nodes[0], queue.seconds[0]),
    ):
        parts = {"nodect": str(nodes)} if nodes else {}
        parts |= {"walltime": render_clock(seconds)} if seconds else {}
        told |= {key: parts} if parts else {}
    told |= _told_limits("max_run", queue.running)
    told |= {"from_route_only": "True"} if queue.routed else {}
    told |= {"route_destinations": ",".join(queue.routes)} if queue.routes else {}
    return told | {"enabled": str(queue.enabled), "started": str(queue.started)}


def _told_limits(name: str, limits: Sequence[tuple[str, int]]) -> dict[str, str]:
    text = ",".join(f"[{SCOPES[scope]}:PBS_GENERIC={most}]" for scope, most in limits)
    return {name: text} if text else {}


def render_clock(seconds: float) -> str:
    """Return a duration as PBS writes it.

    >>> render_clock(5430)
    '01:30:30'
    """
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
