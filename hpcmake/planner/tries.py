"""Plans that are tried for a campaign, and which of them is taken.

Owns the choice among shapes of jobs.  Knows nothing of how tasks become classes, nor of jobs that are there already.

The aim: least charged node-hours within 10 %, then the earliest end, then the fewest jobs.
"""

from __future__ import annotations

from hpcmake.planner.batches import HOUR, Cut, Job, Wave, add_makers, allocation_of, job_of, pack_waves
from hpcmake.planner.ends import find_ends
from hpcmake.planner.forecast import forecast
from hpcmake.planner.queues import NEAR, SAME_END, Outlook, Profile, Shape, appraise, profiles_of, rank
from hpcmake.planner.timeline import Wants
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.stages import Progress
    from hpcmake.site import NodeKind, Site

_PROBE = 3600.0  # seconds: long enough to see most tasks end, and short in any queue
_LINK = 60.0  # seconds between the end of a job and the start of the one that waits for it
_IDLE = 0.1  # of the node-time held: with more, it is tried whether the end fits better into a job of its own
_ENOUGH = 50_000  # pieces of time in the plans that are tried
_TRIED = 6  # outlooks for a rest that are tried one after the other, before one of each queue
_SHARE = 0.3  # of the 10 % that a plan may cost more to end sooner: what its ends may use of that
_LESS, _SOONER = 0.98, 0.75  # of node-hours or time: what is worth a word, and what is much
_PATIENCE = 6.0  # times as long: nobody waits so long to save node-hours
_A_JOB = 200  # pieces cost about as much time as making a job


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


class Plan:
    """Jobs that were worked out, and how far they go."""

    def __init__(self, jobs: list[Job], progress: Progress, first: Outlook | None) -> None:
        self.jobs = jobs
        self.progress = progress
        self.first = first
        self.reserved = sum(job.reserved for job in jobs)
        self.end = max((job.begins + job.timeline.seconds for job in jobs), default=0.0)
        self.linked = self.end + _LINK * len({job.wave for job in jobs})
        """When it ends if what waits for a job begins as late as schedulers look."""

    @property
    def is_even(self) -> bool:
        """Whether all jobs have as many nodes, as `--job-nodes` would ask for."""
        return len({(job.shape.queue.name, job.nodes) for job in self.jobs}) == 1


class Tries:
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

    def left(self, progress: Progress, barred: frozenset[int]) -> list[int]:
        """Return how many tasks of each class are to be packed."""
        return [
            0 if kind in barred else each.count - taken
            for kind, (each, taken) in enumerate(zip(self.classes, progress.taken, strict=True))
        ]

    def outlooks(self, progress: Progress, barred: frozenset[int], fixed: float = 0.0) -> list[Outlook]:
        """Return what each shape would come to, the most promising first; `fixed` node-seconds are charged besides."""
        left = self.left(progress, barred)
        found, total = [], 0.0
        known: dict[tuple[NodeKind, float | None], list[Profile]] = {}
        for shape in self.shapes:
            key, at_once = (shape.node, shape.cap), 1
            if key not in known:
                known[key] = profiles_of(self.wants(shape.node, shape), left)
                total = max(total, sum(profile.area for profile in known[key]))
            while at_once <= shape.at_once:
                outlook = appraise(shape, known[key], at_once)
                if outlook is not None:
                    found.append(outlook)
                at_once = max(at_once + 1, min(2 * at_once, shape.at_once))
        return rank(found, total, fixed)

    def best(self, progress: Progress, jobs: list[Job]) -> tuple[Plan, tuple[Alternative, ...]]:
        """Return the best plan for what is left, after some jobs, and what else could be had."""
        outlooks = self.outlooks(progress, self.barred)
        if not outlooks:
            return Plan(jobs, progress, None), ()
        plans: list[Plan] = []
        for outlook in self._worth_trying(outlooks):
            if plans and _is_enough(plans, outlook):
                continue
            plan = self._complete(outlook, progress.copy(), list(jobs))
            plans.append(plan)
            held = sum(job.nodes * job.timeline.seconds for job in plan.jobs) / HOUR
            if sum(job.idle for job in plan.jobs) > _IDLE * held:
                plans.append(self._complete(outlook, progress.copy(), list(jobs), cut=self.cut))
        plans += self._with_ends_apart(progress, jobs)
        done = max(sum(plan.progress.taken) for plan in plans)
        plans = [plan for plan in plans if sum(plan.progress.taken) == done]
        least = min(plan.reserved for plan in plans)
        near = [plan for plan in plans if plan.reserved <= NEAR * least + 1e-9]
        soonest = min(plan.linked for plan in near)
        plan = min(
            (plan for plan in near if plan.linked <= SAME_END * soonest),
            key=lambda each: (len(each.jobs), each.reserved, each.end),
        )
        return plan, _alternatives(plan, plans, outlooks)

    def _with_ends_apart(self, progress: Progress, jobs: list[Job]) -> list[Plan]:
        """Return plans in which what all others wait for, or what waits for all others, is in jobs of its own."""
        node = self.shapes[0].node
        ends = find_ends(self.wants(node), self.left(progress, self.barred))
        if not ends.head and not ends.tail:
            return []
        found: list[Plan] = []
        every = frozenset(range(len(self.classes)))
        for beside in (False, True) if ends.head else (False,):
            begun, before = progress.copy(), list(jobs)
            if ends.head and not self._open(ends.head, ends.tail, begun, before, beside=beside):
                continue
            rest = self.outlooks(begun, self.barred | (every - ends.tail))
            fixed = sum(job.reserved * HOUR for job in before) + (rest[0].charged if rest else 0.0)
            outlooks = self.outlooks(begun, self.barred | ends.tail, fixed)
            for outlook in self._worth_trying(outlooks) if outlooks else ():
                if not _is_enough(found, outlook):
                    found.append(self._complete(outlook, begun.copy(), list(before), barred=self.barred | ends.tail))
        return found

    def _open(
        self, head: frozenset[int], tail: frozenset[int], progress: Progress, jobs: list[Job], *, beside: bool
    ) -> bool:
        """Add the job that holds what all others wait for; tell whether one job is enough for that.

        With `beside`, it is filled with other work for as long as it must be paid anyway.
        """
        others = self.barred | (frozenset(range(len(self.classes))) - head)
        areas = self.wants(self.shapes[0].node).areas
        work = sum(count * area for count, area in zip(self.left(progress, self.barred), areas, strict=True))
        outlooks = self.outlooks(progress, others, _SHARE * work)
        if not outlooks or outlooks[0].jobs > 1:
            return False
        shape, before = outlooks[0].shape, progress.copy()
        wave = self._wave(outlooks[0], jobs, None)
        found = pack_waves(self.wants(shape.node, shape), self.site, wave, progress, others)
        if len(found) != 1 or any(self.left(progress, others)):
            return False
        job = found[0]
        if beside:
            progress.taken[:] = before.taken
            progress.next_wave()
            wants = self.wants(shape.node, shape)
            only = [
                kind not in self.barred and kind not in tail and shape.takes(each, self.site.smallest_block)
                for kind, each in enumerate(self.classes)
            ]
            room = allocation_of(self.site, shape, job.walltime - shape.margin)
            timeline = forecast(wants, room, progress, only)
            same = wave.replace(number=job.wave, begins=job.begins)
            fuller = job_of(wants, timeline, progress, same, job.number)
            if fuller.count == job.count or any(self.left(progress, others)):
                return False
            job = fuller
        jobs.append(job.replace(opens=tuple(dict.fromkeys(self.classes[kind].rule for kind in sorted(head)))))
        return True

    def _worth_trying(self, outlooks: list[Outlook]) -> list[Outlook]:
        cheapest = min(outlooks, key=lambda each: (each.charged / each.area, each.jobs))
        # equal by area, they differ by how jobs are cut: the fewest and largest, and one of another queue, are tried
        others = [each for each in outlooks if each.shape.queue != outlooks[0].shape.queue]
        fastest = min(outlooks, key=lambda each: (each.area < outlooks[0].area, each.end, each.jobs))
        return list(dict.fromkeys([*outlooks[:4], cheapest, fastest, *others[:1]]))

    def _wave(self, outlook: Outlook, jobs: list[Job], cut: Cut | None) -> Wave:
        """Return what the next jobs after some others have in common."""
        makers = {stage: set(numbers) for stage, numbers in self.makers.items()}
        for job in jobs:
            add_makers(makers, self.classes, job.portions, job.number)
        return Wave(0, 0.0, outlook.shape, outlook.jobs_at_once, tuple(jobs), makers, cut)

    def _complete(
        self,
        outlook: Outlook,
        progress: Progress,
        jobs: list[Job],
        *,
        cut: Cut | None = None,
        barred: frozenset[int] | None = None,
    ) -> Plan:
        """Work a plan out: jobs of a shape as long as they take much, then what is best for the rest.

        What is in `barred` is such a rest, and begins when all else is packed.
        """
        first, barred = outlook, self.barred if barred is None else barred
        candidates = [outlook]
        while True:
            more: list[Job] = []
            for each in candidates:  # what a shape takes may wait for what only another one takes
                wave = self._wave(each, jobs, cut)
                more = pack_waves(self.wants(each.shape.node, each.shape), self.site, wave, progress, barred)
                if more:
                    break
            jobs += more
            spent = _SHARE * sum(job.reserved for job in jobs) * HOUR
            rest = self.outlooks(progress, barred, spent) if more else []
            if not rest and barred != self.barred:
                barred = self.barred
                rest = self.outlooks(progress, barred, spent)
            if not rest:
                return Plan(jobs, progress, first)
            others = list({each.shape.queue.name: each for each in reversed(rest[_TRIED:])}.values())[::-1]
            candidates = [*rest[:_TRIED], *others]


def _is_enough(plans: list[Plan], outlook: Outlook) -> bool:
    """Tell whether one more plan would take seconds; those tried first are the most promising."""
    pieces = sum(len(job.timeline.pieces) + _A_JOB for plan in plans for job in plan.jobs)
    return pieces + outlook.jobs * _A_JOB > _ENOUGH


def _alternatives(plan: Plan, plans: list[Plan], outlooks: list[Outlook]) -> tuple[Alternative, ...]:
    """Return a cheaper and a faster plan than the chosen one, where there are such; `--job-nodes` asks for them."""
    if plan.first is None:
        return ()
    known = [
        Alternative("", each.first.shape, len(each.jobs), each.reserved, each.end, certain=True)
        for each in plans
        if each.first is not None
        and each.is_even
        and {job.nodes for job in each.jobs} != {job.nodes for job in plan.jobs}
    ]
    tried = {(each.shape.queue.name, each.shape.given, each.shape.margin) for each in known}
    known += [
        Alternative("", each.shape, each.jobs, each.charged / HOUR, each.end, certain=False)
        for each in outlooks
        if each.area >= NEAR / (NEAR + 0.01) * plan.first.area
        and (each.shape.queue.name, each.shape.given, each.shape.margin) not in tried
        and each.shape.given not in {job.nodes for job in plan.jobs}
    ]
    found = []
    cheaper = [each for each in known if each.reserved < _LESS * plan.reserved and each.end < _PATIENCE * plan.end]
    if cheaper:
        found.append(min(cheaper, key=lambda each: (each.reserved, each.end)).replace(how="cheaper"))
    faster = [each for each in known if each.end < _LESS * plan.end]
    much = [each for each in faster if each.end < _SOONER * plan.end]
    if much:  # of those that end much sooner, the one that gives most time for what it costs
        price = min(much, key=lambda each: (max(0.0, each.reserved - plan.reserved) / (plan.end - each.end), each.end))
        found.append(price.replace(how="faster"))
    elif faster:
        found.append(min(faster, key=lambda each: (each.end, each.reserved)).replace(how="faster"))
    return tuple(found)
