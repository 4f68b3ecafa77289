"""Batches: what each job of a given shape runs, wave by wave, until nothing is left that such jobs can take.

Owns the division of work among jobs.  Knows nothing of how a shape is chosen.

Jobs of one *wave* may run at the same time, in any order; a job of a later wave may need what an earlier one makes.
"""

from __future__ import annotations

from hpcmake.planner.forecast import forecast
from hpcmake.planner.queues import Shape, appraise, profiles_of
from hpcmake.planner.timeline import Allocation, Timeline, Wants
from hpcmake.record import Record
from hpcmake.site import Launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.stages import Progress
    from hpcmake.site import Site

_FEW = 0.1  # of what a job could take: less is no reason for another one of its shape
_GAIN = 0.05  # of what a job is charged: less is no reason to run its end in another job
_UNEVEN = 1.03  # a share of a wave's work is packed into a little more than its share of time
HOUR = 3600.0


class Portion(Record):
    """Members `first` to `stop` (without it) of a class."""

    kind: int
    first: int
    stop: int


class Job(Record):
    """One job: its shape, the walltime to ask for, and what it is expected to run, in which order.

    It begins when the jobs `after` have ended (numbers; they hold what it needs), if there are any, and is expected to
    begin `begins` seconds after the first one, queues aside.  `opens` are rules for which the other jobs wait, and for
    which this one is short.
    """

    number: int
    wave: int
    shape: Shape
    walltime: float
    timeline: Timeline
    portions: tuple[Portion, ...]
    after: tuple[int, ...]
    begins: float
    probe: bool = False
    opens: tuple[str, ...] = ()

    @property
    def nodes(self) -> int:
        """How many nodes it has."""
        return self.shape.given

    @property
    def reserved(self) -> float:
        """Node-hours that are kept for it, as charged."""
        return self.shape.charged * self.walltime / HOUR

    @property
    def expected(self) -> float:
        """Node-hours that it is charged if all goes as expected: it ends when nothing is left."""
        return self.shape.charged * self.timeline.seconds / HOUR

    @property
    def idle(self) -> float:
        """Node-hours of its nodes in which nothing is expected to run."""
        return max(0.0, self.nodes * self.timeline.seconds - self.timeline.busy) / HOUR

    @property
    def count(self) -> int:
        """How many tasks it is expected to run."""
        return sum(portion.stop - portion.first for portion in self.portions)

    @property
    def launch_bound(self) -> float:
        """The share of its node-time in which nodes wait only for the pause between launches."""
        held = self.nodes * self.timeline.seconds
        return self.timeline.waited / held if held > 0 else 0.0


class Wave(Record):
    """What is common to the jobs of one wave: the jobs before it, the shape and how many run side by side.

    `makers` are the jobs that hold tasks of each stage, and (by name) of each rule that limits how many run together;
    those below zero are jobs that were there already.  With `cut`,
    a job ends where the rest would leave most of its nodes idle.
    """

    number: int
    begins: float
    shape: Shape
    jobs_at_once: int
    earlier: tuple[Job, ...] = ()
    makers: Mapping[int | str, set[int]] = {}  # frozen by use
    cut: Cut | None = None


class Cut(Record):
    """The smallest job that could take a rest: its charged nodes, and the seconds that a job costs beside its work."""

    charged: int
    overhead: float


def pack_waves(wants: Wants, site: Site, start: Wave, progress: Progress, barred: frozenset[int]) -> list[Job]:
    """Return the jobs of a shape that take what is left of the classes, numbered after those that are there.

    Ends when such jobs take nothing more, or when what is left is too little for one more of them.  `progress` moves
    on.  Classes in `barred` stay where they are.
    """
    found: list[Job] = []
    classes, shape = wants.classes, start.shape
    only = [kind not in barred and shape.takes(each, site.smallest_block) for kind, each in enumerate(classes)]
    makers = {stage: set(numbers) for stage, numbers in start.makers.items()}
    while True:
        progress.next_wave()
        earlier = (*start.earlier, *found)
        wave = start.replace(
            number=earlier[-1].wave + 1 if earlier else 0,
            begins=max((job.begins + job.timeline.seconds for job in earlier), default=0.0),
            earlier=earlier,
            makers=makers,
        )
        packed = _pack_wave(wants, site, wave, progress, only)
        found += packed
        for job in packed:
            add_makers(makers, classes, job.portions, job.number)
        if not packed or _is_little(wants, shape, progress, only):
            return found


def _pack_wave(wants: Wants, site: Site, wave: Wave, progress: Progress, only: Sequence[bool]) -> list[Job]:
    found: list[Job] = []
    shape, only = wave.shape, list(only)
    while len(found) < wave.jobs_at_once:
        seconds = _share(wants, wave, progress, only, wave.jobs_at_once - len(found))
        timeline = forecast(wants, allocation_of(site, shape, seconds), progress, only)
        if not timeline.pieces and seconds < shape.usable:
            timeline = forecast(wants, allocation_of(site, shape, shape.usable), progress, only)
        if not timeline.pieces:
            break
        if wave.cut is not None:
            timeline = _shortened(timeline, shape, wave.cut, wants)
        found.append(job_of(wants, timeline, progress, wave, len(wave.earlier) + len(found)))
        for rule in {wants.classes[portion.kind].rule for portion in found[-1].portions} & set(wants.at_once):
            for kind in wants.alike[rule]:
                only[kind] = False
    return found


def _shortened(timeline: Timeline, shape: Shape, cut: Cut, wants: Wants) -> Timeline:
    """Return what a job should run if the rest of it would be cheaper in a small job of its own."""
    if shape.charged < 2 * cut.charged:
        return timeline
    pieces, areas = timeline.pieces, wants.areas
    ends, end = [], 0.0
    for piece in pieces:
        ends.append(end)
        end = max(end, piece.end)
    best, gain = len(pieces), _GAIN * shape.charged * end
    area = 0.0
    for at in range(len(pieces) - 1, 0, -1):
        area += pieces[at].count * areas[pieces[at].kind]
        rest = end - ends[at] + area / cut.charged + cut.overhead
        saved = shape.charged * (end - ends[at]) - cut.charged * rest
        if saved > gain:
            best, gain = at, saved
    if best == len(pieces):
        return timeline
    dropped = sum(piece.count * areas[piece.kind] for piece in pieces[best:])
    return timeline.replace(pieces=pieces[:best], seconds=ends[best], busy=timeline.busy - dropped)


def allocation_of(site: Site, shape: Shape, seconds: float) -> Allocation:
    """Return the nodes and the time in which the tasks of a job may run."""
    launch = site.launch if site.launcher != "none" else Launch()
    return Allocation(shape.given, seconds, shape.node, launch, site.smallest_block)


def job_of(wants: Wants, timeline: Timeline, progress: Progress, wave: Wave, number: int) -> Job:
    """Return the job that runs a timeline; `progress` moves on by what it takes."""
    portions: list[Portion] = []
    parents: set[int] = set()
    for kind, (first, stop) in timeline.counts().items():
        portions.append(Portion(kind, first, stop))
        progress.taken[kind] = stop
        each = wants.classes[kind]
        for stage in (*each.needs, *each.follows):
            parents |= wave.makers.get(stage, set())
        if each.rule in wants.at_once:
            parents |= wave.makers.get(each.rule, set())  # two jobs at a time would run twice as many together
    # what begins last must be allowed to: its ceiling counts, not what it is expected to take
    seconds = max(piece.start + wants.ceilings[piece.kind] for piece in timeline.pieces)
    shape = wave.shape
    after = _nearest(parents, wave.earlier)
    return Job(number, wave.number, shape, shape.walltime(seconds), timeline, tuple(portions), after, wave.begins)


def _nearest(parents: set[int], jobs: Sequence[Job]) -> tuple[int, ...]:
    """Return those of some jobs for which no other one waits: they end last."""
    behind: set[int] = set()
    todo = [number for number in parents if number >= 0]
    while todo:
        for number in jobs[todo.pop()].after:
            if number not in behind:
                behind.add(number)
                if number >= 0:
                    todo.append(number)
    return tuple(sorted(parents - behind))


def add_makers(
    makers: dict[int | str, set[int]], classes: Sequence[TaskClass], portions: Sequence[Portion], number: int
) -> None:
    """Take note that a job holds tasks of the stages and of the limited rules of its portions."""
    for portion in portions:
        each = classes[portion.kind]
        makers.setdefault(each.stage, set()).add(number)
        if each.at_once is not None:
            makers.setdefault(each.rule, set()).add(number)


def _left(wants: Wants, progress: Progress, only: Sequence[bool]) -> list[int]:
    return [count - taken if may else 0 for count, taken, may in zip(wants.counts, progress.taken, only, strict=True)]


def _share(wants: Wants, wave: Wave, progress: Progress, only: Sequence[bool], jobs: int) -> float:
    """Return the seconds in which a job of a wave takes its share of what is left, if `jobs` are still to be packed."""
    shape = wave.shape
    profiles = profiles_of(wants, _left(wants, progress, only))
    outlook = appraise(shape, profiles, 1)
    if outlook is None:
        return shape.usable
    waves = -(-outlook.jobs // jobs)
    if waves == 1 and jobs == 1:
        return shape.usable
    each = outlook.area / shape.given / jobs / waves * _UNEVEN
    slack = max(
        ceiling - seconds
        for ceiling, seconds, count in zip(wants.ceilings, wants.seconds, _left(wants, progress, only), strict=True)
        if count
    )
    longest = max(profile.longest for profile in profiles)
    return min(shape.usable, max(each, longest) + slack)


def _is_little(wants: Wants, shape: Shape, progress: Progress, only: Sequence[bool]) -> bool:
    area = sum(count * each for count, each in zip(_left(wants, progress, only), wants.areas, strict=True))
    return area < _FEW * shape.given * shape.usable
