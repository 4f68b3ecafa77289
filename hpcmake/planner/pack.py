"""A campaign packed into jobs: which shapes, in which order, and what that costs beside what was not chosen.

Owns the choice among shapes.  Knows nothing of plans and files, and nothing of how jobs are submitted.

The aim: least charged node-hours within 10 %, then the earliest end, then the fewest jobs.
"""

from __future__ import annotations

from hpcmake.planner.batches import HOUR, Cut, Job, Portion, Wave, add_makers, allocation_of, job_of, pack_waves
from hpcmake.planner.classes import TaskClass
from hpcmake.planner.estimates import NONE_GIVEN
from hpcmake.planner.forecast import forecast
from hpcmake.planner.queues import (
    NEAR,
    SAME_END,
    Outlook,
    Profile,
    Shape,
    Wishes,
    appraise,
    open_queues,
    profiles_of,
    rank,
    shapes,
)
from hpcmake.planner.refuse import Refused, find_refused
from hpcmake.planner.stages import Progress
from hpcmake.planner.timeline import Allocation, Timeline, Wants
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.site import NodeKind, Queue, Site

_HALF_HOUR = 1800.0
_PROBE = 3600.0  # seconds: long enough to see most tasks end, and short in any queue
_LINK = 60.0  # seconds between the end of a job and the start of the one that waits for it
_IDLE = 0.1  # of the node-time held: with more, it is tried whether the end fits better into a job of its own
_ENOUGH = 50_000  # pieces of time in the plans that are tried
_A_JOB = 200  # pieces cost about as much time as making a job


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


class Alternative(Record):
    """A plan that was not chosen: `cheaper` or `faster`, its shape, node-hours reserved, seconds to the end.

    `certain` if it was worked out job by job, and not only appraised by area.
    """

    how: str
    shape: Shape
    jobs: int
    reserved: float
    end: float
    certain: bool


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
    settled = [_settle(each, queues) for each in classes]
    found = shapes(site, queues, wishes, settled)
    refused = find_refused(classes, site, queues, found, wishes)
    packer = _Packer(settled, site, found, frozenset(each.kind for each in refused))
    progress, topped = packer.fill(rooms)
    unknown = frozenset(kind for kind, each in enumerate(classes) if each.estimate.basis == NONE_GIVEN)
    probe = packer.probe(unknown, progress)
    later: list[Portion] = []
    if probe is not None:
        packer.barred |= unknown
        later = [
            Portion(kind, progress.taken[kind], classes[kind].count)
            for kind in sorted(unknown)
            if progress.taken[kind] < classes[kind].count
        ]
    plan, alternatives = packer.best(progress, [probe] if probe is not None else [])
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


def _settle(each: TaskClass, queues: Sequence[Queue]) -> TaskClass:
    """Return a class with a duration for the forecast, where none is known: the shortest job that its queues take."""
    if each.estimate.basis != NONE_GIVEN:
        return each
    shortest = min((queue.shortest or _HALF_HOUR for queue in queues), default=_HALF_HOUR)
    seconds = min(each.estimate.seconds, max(shortest / 2, 60.0))
    return each.replace(estimate=each.estimate.replace(seconds=seconds, ceiling=seconds))


class _Plan:
    """Jobs that were worked out, and how far they go."""

    def __init__(self, jobs: list[Job], progress: Progress, first: Outlook | None) -> None:
        self.jobs = jobs
        self.progress = progress
        self.first = first
        self.reserved = sum(job.reserved for job in jobs)
        self.end = max((job.begins + job.timeline.seconds for job in jobs), default=0.0)


class _Packer:
    """Packs what is left of some classes; holds what is the same for every try."""

    def __init__(self, classes: list[TaskClass], site: Site, found: list[Shape], barred: frozenset[int]) -> None:
        self.classes = classes
        self.site = site
        self.shapes = found
        self.barred = barred
        self.makers: dict[int | str, set[int]] = {}
        smallest = min((shape.charged for shape in found), default=1)
        overhead = max((shape.margin for shape in found), default=0.0)
        self.cut = Cut(smallest, overhead + _LINK)
        self._wants: dict[tuple[NodeKind, float | None], Wants] = {}

    def wants(self, node: NodeKind, shape: Shape | None = None) -> Wants:
        """Return what the classes want of a kind of nodes, as they count in jobs of a shape."""
        cap = shape.cap if shape is not None else None
        if (node, cap) not in self._wants:
            counted = self.classes if cap is None or shape is None else [shape.counted(each) for each in self.classes]
            self._wants[node, cap] = Wants(counted, node, self.site.smallest_block)
        return self._wants[node, cap]

    def fill(self, rooms: Sequence[Room]) -> tuple[Progress, list[Topped]]:
        """Give the jobs that are there already what they can take."""
        progress = Progress(len(self.classes))
        topped: list[Topped] = []
        only = [kind not in self.barred for kind in range(len(self.classes))]
        for room in rooms:
            allocation = Allocation(room.nodes, room.seconds, room.node, self.site.launch, self.site.smallest_block)
            timeline = forecast(self.wants(room.node), allocation, progress, only)
            portions = tuple(Portion(kind, *span) for kind, span in timeline.counts().items())
            for portion in portions:
                progress.taken[portion.kind] = portion.stop
            if portions:
                add_makers(self.makers, self.classes, portions, -1 - len(topped))
                topped.append(Topped(room, timeline, portions))
        return progress, topped

    def probe(self, unknown: frozenset[int], progress: Progress) -> Job | None:
        """Return a small first job, if most of the work is of unknown length and more than that job holds."""
        open_to = [kind for kind in unknown if kind not in self.barred]
        if not open_to or not self.shapes:
            return None
        fitting = [
            shape
            for shape in self.shapes
            if all(shape.holds(self.classes[kind], self.site.smallest_block) for kind in open_to)
        ]
        if not fitting:
            return None
        shape = min(fitting, key=lambda each: (each.charged, each.given, each.queue.name, each.longest))
        seconds = min(shape.usable, max(shape.queue.shortest, _PROBE) - shape.margin)
        wants = self.wants(shape.node)
        areas = [each.count * area for each, area in zip(self.classes, wants.areas, strict=True)]
        of_unknown = sum(areas[kind] for kind in open_to)
        if of_unknown < sum(areas) / 2 or of_unknown <= shape.given * seconds:
            return None
        progress.next_wave()
        only = [kind in open_to for kind in range(len(self.classes))]
        timeline = forecast(wants, allocation_of(self.site, shape, seconds), progress, only)
        if not timeline.pieces:
            return None
        job = job_of(wants, timeline, progress, Wave(0, 0.0, shape, 1, makers=self.makers), 0)
        return job.replace(probe=True, walltime=shape.walltime(seconds))

    def outlooks(self, progress: Progress) -> list[Outlook]:
        """Return what each shape would come to, the most promising first."""
        left = [
            0 if kind in self.barred else each.count - taken
            for kind, (each, taken) in enumerate(zip(self.classes, progress.taken, strict=True))
        ]
        found, total = [], 0.0
        known: dict[tuple[NodeKind, float | None], list[Profile]] = {}
        for shape in self.shapes:
            key, at_once = (shape.node, shape.cap), 1
            if key not in known:
                known[key] = profiles_of(self.wants(shape.node, shape), left)
                total = max(total, sum(sum(profile.areas) for profile in known[key]))
            while at_once <= shape.at_once:
                outlook = appraise(shape, known[key], at_once)
                if outlook is not None:
                    found.append(outlook)
                at_once = max(at_once + 1, min(2 * at_once, shape.at_once))
        return rank(found, total)

    def best(self, progress: Progress, jobs: list[Job]) -> tuple[_Plan, tuple[Alternative, ...]]:
        """Return the best plan for what is left, after some jobs, and what else could be had."""
        outlooks = self.outlooks(progress)
        if not outlooks:
            return _Plan(jobs, progress, None), ()
        plans: list[_Plan] = []
        for outlook in self._worth_trying(outlooks):
            if sum(len(job.timeline.pieces) + _A_JOB for tried in plans for job in tried.jobs) > _ENOUGH:
                break  # each further plan would take seconds, and those tried first are the most promising
            plan = self._complete(outlook, progress.copy(), list(jobs), None)
            plans.append(plan)
            held = sum(job.nodes * job.timeline.seconds for job in plan.jobs) / HOUR
            if sum(job.idle for job in plan.jobs) > _IDLE * held:
                plans.append(self._complete(outlook, progress.copy(), list(jobs), self.cut))
        done = max(sum(plan.progress.taken) for plan in plans)
        plans = [plan for plan in plans if sum(plan.progress.taken) == done]
        least = min(plan.reserved for plan in plans)
        near = [plan for plan in plans if plan.reserved <= NEAR * least + 1e-9]
        soonest = min(plan.end for plan in near)
        plan = min(
            (plan for plan in near if plan.end <= SAME_END * soonest),
            key=lambda each: (len(each.jobs), each.reserved, each.end),
        )
        return plan, _alternatives(plan, plans, outlooks)

    def _worth_trying(self, outlooks: list[Outlook]) -> list[Outlook]:
        cheapest = min(outlooks, key=lambda each: (each.charged / each.area, each.jobs))
        # equal by area, they differ by how jobs are cut: the fewest and largest, and one of another queue, are tried
        others = [each for each in outlooks if each.shape.queue != outlooks[0].shape.queue]
        fastest = min(outlooks, key=lambda each: (each.area < outlooks[0].area, each.end, each.jobs))
        return list(dict.fromkeys([*outlooks[:4], cheapest, fastest, *others[:1]]))

    def _complete(self, outlook: Outlook | None, progress: Progress, jobs: list[Job], cut: Cut | None) -> _Plan:
        """Work a plan out: jobs of a shape as long as they take much, then what is best for the rest."""
        first = outlook
        while outlook is not None:
            shape = outlook.shape
            makers = {stage: set(numbers) for stage, numbers in self.makers.items()}
            for job in jobs:
                add_makers(makers, self.classes, job.portions, job.number)
            wave = Wave(0, 0.0, shape, outlook.jobs_at_once, tuple(jobs), makers, cut)
            more = pack_waves(self.wants(shape.node, shape), self.site, wave, progress, self.barred)
            jobs += more
            rest = self.outlooks(progress)
            outlook = rest[0] if more and rest else None
        return _Plan(jobs, progress, first)


def _alternatives(plan: _Plan, plans: list[_Plan], outlooks: list[Outlook]) -> tuple[Alternative, ...]:
    """Return a cheaper and a faster plan than the chosen one, where there are such."""
    if plan.first is None:
        return ()
    known = [
        Alternative("", each.first.shape, len(each.jobs), each.reserved, each.end, certain=True)
        for each in plans
        if each.first is not None and each is not plan
    ]
    tried = {(each.shape.queue.name, each.shape.given, each.shape.margin) for each in known}
    known += [
        Alternative("", each.shape, each.jobs, each.charged / HOUR, each.end, certain=False)
        for each in outlooks
        if each.area >= NEAR / (NEAR + 0.01) * plan.first.area
        and (each.shape.queue.name, each.shape.given, each.shape.margin) not in tried
        and each.shape != plan.first.shape
    ]
    found = []
    cheaper = [each for each in known if each.reserved < 0.98 * plan.reserved]
    if cheaper:
        found.append(min(cheaper, key=lambda each: (each.reserved, each.end)).replace(how="cheaper"))
    faster = [each for each in known if each.end < 0.98 * plan.end]
    if faster:
        found.append(min(faster, key=lambda each: (each.end, each.reserved)).replace(how="faster"))
    return tuple(found)
