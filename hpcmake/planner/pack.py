"""A campaign packed into jobs: what each runs and asks for, and what of the work no queue takes.

Owns the value of a packing and how it comes about.  Knows nothing of plans and files, and nothing of how jobs are
submitted.
"""

from __future__ import annotations

from hpcmake.planner.batches import Job, Portion, add_makers
from hpcmake.planner.classes import TaskClass
from hpcmake.planner.forecast import forecast
from hpcmake.planner.queues import MINUTE, Wishes, open_queues, shapes
from hpcmake.planner.refuse import Refused, find_refused
from hpcmake.planner.stages import Progress
from hpcmake.planner.timeline import Allocation, Timeline, Wants
from hpcmake.planner.tries import Alternative, Tries
from hpcmake.record import Record
from hpcmake.tasks.estimates import NONE_GIVEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.site import NodeKind, Queue, Site

_GUESS = 900.0
"""Seconds that a task counts of which nothing is known: long enough for what people forget to give a time."""


class Room(Record):
    """What a running or queued job still has free for `seconds`; `name` is whatever its owner calls it."""

    name: str
    nodes: int
    seconds: float
    node: NodeKind


class Topped(Record):
    """Work that goes to a job which is there already."""

    room: Room
    timeline: Timeline
    portions: tuple[Portion, ...]

    @property
    def count(self) -> int:
        """How many tasks it is expected to run."""
        return sum(portion.stop - portion.first for portion in self.portions)


class Packing(Record):
    """A campaign in jobs.

    `classes` are in an order of their own (stage, first member), whatever the order in which they were given; all
    numbers of classes count in it.
    `topped` is what existing jobs take; in `Job.after` they are -1, -2, …  `later` is work that is shaped when the
    first job has measured how long it takes.  `refused` runs nowhere, and `blocked` are the classes that wait for it.
    """

    classes: tuple[TaskClass, ...]
    jobs: tuple[Job, ...]
    topped: tuple[Topped, ...] = ()
    later: tuple[Portion, ...] = ()
    refused: tuple[Refused, ...] = ()
    blocked: tuple[int, ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    @property
    def end(self) -> float:
        """Seconds from the start of the first job to the end of the last one, without waits in queues."""
        return max((job.begins + job.timeline.seconds for job in self.jobs), default=0.0)

    @property
    def reserved(self) -> float:
        """Node-hours reserved, as charged."""
        return sum(job.reserved for job in self.jobs)


def pack(
    classes: Sequence[TaskClass],
    site: Site,
    wishes: Wishes | None = None,
    *,
    rooms: Sequence[Room] = (),
    purpose: str = "work",
) -> Packing:
    """Return the jobs that run the tasks on a site, and what of them no queue takes.

    The site must say the nodes of its queues and their walltimes.  `rooms` are jobs that are there already: they are
    filled first, in their order.  `purpose` chooses among queues (`trial` for the smallest job that there is).
    """
    wishes = wishes or Wishes()
    classes = sorted(classes, key=_place)
    queues = open_queues(site, wishes, classes, purpose=purpose)
    guess = _guess(classes, site, queues) if purpose == "trial" else min(_GUESS, _longest(site, queues))
    settled = [_settle(each, guess) for each in classes]
    found = shapes(site, queues, wishes, settled)
    refused = find_refused(classes, site, queues, found, wishes)
    tries = Tries(settled, site, found, frozenset(each.kind for each in refused))
    progress, topped = _fill(tries, rooms)
    unknown = frozenset(kind for kind, each in enumerate(classes) if each.estimate.basis == NONE_GIVEN)
    probe = tries.probe(unknown, progress)
    later: list[Portion] = []
    if probe is not None:
        tries.barred |= unknown
        later = [
            Portion(kind, progress.taken[kind], classes[kind].count)
            for kind in sorted(unknown)
            if progress.taken[kind] < classes[kind].count
        ]
    plan, alternatives = tries.best(progress, [probe] if probe is not None else [])
    bad = {each.kind for each in refused} | {portion.kind for portion in later}
    left = [kind for kind, each in enumerate(classes) if kind not in bad and plan.progress.taken[kind] < each.count]
    if later:
        later += [Portion(kind, plan.progress.taken[kind], classes[kind].count) for kind in left]
        left = []
    return Packing(
        tuple(settled),
        tuple(plan.jobs),
        tuple(topped),
        tuple(later),
        tuple(refused),
        tuple(left),
        () if later else alternatives,
    )


def _place(each: TaskClass) -> tuple[int, int, str]:
    return each.stage, each.members[0] if each.count else -1, each.rule


def one_each(classes: Sequence[TaskClass]) -> list[TaskClass]:
    """Return one task of each rule: what a trial runs."""
    seen: dict[str, TaskClass] = {}
    for each in classes:
        if each.rule not in seen:
            seen[each.rule] = each.replace(members=each.members[:1])
    return list(seen.values())


def _longest(site: Site, queues: Sequence[Queue]) -> float:
    """Return for how long a task may run in the longest job that there is: one of unknown length is let run."""
    longest = max((band.longest for queue in queues for band in queue.bands()), default=0.0)
    return max(1.0, longest - (site.margin or 0.0))


def _guess(classes: Sequence[TaskClass], site: Site, queues: Sequence[Queue]) -> float:
    """Return how long the tasks of a trial are taken to be of which nothing is known: all are to fit one job."""
    blank = [each for each in classes if each.estimate.basis == NONE_GIVEN]
    known = sum(each.estimate.ceiling for each in classes if each.estimate.basis != NONE_GIVEN)
    free = _longest(site, queues) - known
    return min(_GUESS, max(MINUTE, free / max(1, len(blank)) // MINUTE * MINUTE))


def _settle(each: TaskClass, seconds: float) -> TaskClass:
    """Return a class with a duration for the forecast, where none is known."""
    if each.estimate.basis != NONE_GIVEN:
        return each
    seconds = min(each.estimate.seconds, seconds)
    return each.replace(estimate=each.estimate.replace(seconds=seconds, ceiling=seconds))


_PART = 0.25
"""Of the time that a job has left, what a task counts there of which nothing is known: it is let run in any case."""


def _wants_in(tries: Tries, room: Room) -> Wants:
    if all(each.estimate.basis != NONE_GIVEN for each in tries.classes):
        return tries.wants(room.node)
    counted = [_settle(each, _PART * room.seconds) for each in tries.classes]
    return Wants(counted, room.node, tries.site.smallest_block)


def _fill(tries: Tries, rooms: Sequence[Room]) -> tuple[Progress, list[Topped]]:
    """Give the jobs that are there already what they can take."""
    progress = Progress(len(tries.classes))
    topped: list[Topped] = []
    only = [kind not in tries.barred for kind in range(len(tries.classes))]
    for room in rooms:
        allocation = Allocation(room.nodes, room.seconds, room.node, tries.site.launch, tries.site.smallest_block)
        timeline = forecast(_wants_in(tries, room), allocation, progress, only)
        portions = tuple(Portion(kind, *span) for kind, span in timeline.counts().items())
        for portion in portions:
            progress.taken[portion.kind] = portion.stop
        if portions:
            add_makers(tries.makers, tries.classes, portions, -1 - len(topped))
            topped.append(Topped(room, timeline, portions))
    return progress, topped
