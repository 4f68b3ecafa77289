"""Which jobs a site's queues take: shapes of jobs, which tasks fit them, and what they would come to at best.

Owns the shapes that are worth trying and their quick appraisal.  Knows nothing of which tasks go into which job.
"""

from __future__ import annotations

from math import ceil, inf

from hpcmake.planner.classes import fit_on, width_of
from hpcmake.record import Record
from hpcmake.site import NodeKind, Queue
from hpcmake.tasks.estimates import ASSUMED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.timeline import Wants
    from hpcmake.site import Site

MINUTE = 60.0
TIGHT = 60.0
"""Seconds kept at the end, and allowed for launching, where a `time` is as long as the walltime."""
ROUND = 300.0
"""Walltimes are rounded up to five minutes, or to a minute where five are too many."""

NEAR = 1.1
"""Plans that charge less than this times the least are taken for equally cheap."""

SAME_END = 1.02
"""Ends that lie closer are taken for equal, and the plan of fewer jobs is preferred."""


class Wishes(Record):
    """What the user asks for instead of the site's choice; None where nothing is asked.

    `nodes` is how many nodes may be used at once, `job_nodes` and `job_time` (seconds) the shape of jobs, `queue` their
    queue, `queued` how many jobs may be in a queue at once.
    """

    nodes: int | None = None
    job_nodes: int | None = None
    job_time: float | None = None
    queue: str | None = None
    queued: int | None = None


class Shape(Record):
    """A job that a queue takes: `given` nodes for at most `longest` seconds, of which the last `margin` stay unused.

    `charged` nodes are paid for.  `at_once` is how many such jobs may run at the same time, `in_line` how many may be
    in the queue (None: nobody says).  A `cap` (seconds) is set where tasks have a `time` as long as the walltime: their
    `time` is then no measure of what must be left, since both end them, and they count as that long.
    """

    queue: Queue
    node: NodeKind
    given: int
    charged: int
    longest: float
    margin: float
    at_once: int
    in_line: int | None = None
    cap: float | None = None

    @property
    def usable(self) -> float:
        """Seconds in which tasks may run."""
        return self.longest - self.margin

    def counted(self, each: TaskClass) -> TaskClass:
        """Return a class as it counts in such a job: not longer than the cap, if only its `time` says so."""
        expected = each.estimate
        if self.cap is None or expected.basis != ASSUMED or not self.cap < expected.ceiling <= self.longest:
            return each
        return each.replace(estimate=expected.replace(seconds=self.cap, ceiling=self.cap))

    def takes(self, each: TaskClass, smallest_block: int | None = None) -> bool:
        """Whether a task of a class may run in such a job, if it begins at once."""
        return self.holds(each, smallest_block) and self.counted(each).estimate.ceiling <= self.usable + 1e-6

    def holds(self, each: TaskClass, smallest_block: int | None = None) -> bool:
        """Whether the nodes of such a job are enough for a task of a class, whatever its length."""
        if each.queue is not None and each.queue != self.queue.name:
            return False
        width = width_of(each.resources, smallest_block)
        return width <= self.given if width else fit_on(each.resources, self.node) > 0

    def walltime(self, seconds: float) -> float:
        """Return the walltime to ask for if tasks run for so many seconds, rounded up for people and schedulers."""
        wanted = max(seconds + self.margin, self.queue.shortest, MINUTE)
        for grain in (ROUND, MINUTE):
            rounded = ceil(wanted / grain - 1e-9) * grain
            if rounded <= self.longest:
                return rounded
        return self.longest


def node_kind(site: Site, queue: Queue) -> NodeKind | None:
    """Return the kind of nodes of a queue; a site with one kind need not say which."""
    if queue.node is not None:
        return site.find_kind(queue.node)
    return site.nodes[0] if len(site.nodes) == 1 else None


def open_queues(site: Site, wishes: Wishes, classes: Iterable[TaskClass], *, purpose: str = "work") -> list[Queue]:
    """Return the queues that may be used: those meant for the purpose, and those that are asked for by name."""
    if wishes.queue is not None:
        return [queue for queue in site.queues if queue.name == wishes.queue]
    named = {each.queue for each in classes if each.queue is not None}
    return [queue for queue in site.queues if queue.purpose == purpose or queue.name in named]


def shapes(site: Site, queues: Sequence[Queue], wishes: Wishes, classes: Sequence[TaskClass]) -> list[Shape]:
    """Return the shapes of jobs that are worth trying, by queue and number of nodes."""
    block = site.smallest_block
    widths = sorted({width_of(each.resources, block) for each in classes} - {0})
    found: dict[tuple[str, int, float], Shape] = {}
    for queue in queues:
        kind = node_kind(site, queue)
        if kind is None:
            continue
        work = sum(each.count * _node_seconds(each, kind, block) for each in classes)
        for nodes in _node_counts(queue, wishes, widths, work, site.margin or 0.0):
            shape = _shape(site, queue, kind, nodes, wishes)
            if shape is None:
                continue
            found[queue.name, shape.given, shape.margin] = shape
            tight = _without_margin(shape, classes, block)
            if tight is not None:
                found[queue.name, tight.given, tight.margin] = tight
    return list(found.values())


def _node_seconds(each: TaskClass, kind: NodeKind, block: int | None) -> float:
    width = width_of(each.resources, block)
    return each.estimate.seconds * (width or 1 / max(1, fit_on(each.resources, kind)))


def _node_counts(queue: Queue, wishes: Wishes, widths: Sequence[int], work: float, margin: float) -> list[int]:
    low, high = queue.nodes
    most = high if wishes.nodes is None else min(high, wishes.nodes)
    if wishes.job_nodes is not None:
        return [wishes.job_nodes]
    counts = {low, most, *(band.low for band in queue.bands()), *queue.blocks}
    size = low
    while size < most:
        counts.add(size)
        size *= 2
    for band in queue.bands():
        usable = max(band.longest - margin, MINUTE)
        for jobs in (1, 2, 3, 4, 6, 8):
            counts.add(min(band.high, max(band.low, ceil(1.02 * work / usable / jobs))))
    for width in widths:
        for times in (1, 2, 3, 4, 6, 8):
            counts.add(width * times)
        counts.add(most // width * width)
        counts.add(-(-low // width) * width)
    # a site's smallest job is larger than what was asked for: it may still be all that there is
    return sorted(count for count in counts if low <= count <= max(most, low))


def _shape(site: Site, queue: Queue, kind: NodeKind, nodes: int, wishes: Wishes) -> Shape | None:
    given, longest = queue.given_nodes(nodes), None
    if given is not None:
        longest = queue.longest_for(given)
    if given is None or longest is None:
        return None
    if wishes.job_time is not None:
        longest = min(longest, wishes.job_time)
    running = _most(site, queue, "running")
    queued = _most(site, queue, "queued")
    if wishes.queued is not None:
        queued = wishes.queued if queued is None else min(queued, wishes.queued)
    at_once = max(1, (wishes.nodes or given) // given)
    for most in (running, queued):
        if most is not None:
            at_once = min(at_once, most)
    margin = min(site.margin or 0.0, longest / 2)
    return Shape(queue, kind, given, site.charged_nodes(queue, nodes) or given, longest, margin, at_once, queued)


def _most(site: Site, queue: Queue, what: str) -> int | None:
    found = [limit.most for limit in (*queue.limits, *site.limits) if limit.what == what]
    return min(found, default=None)


def _without_margin(shape: Shape, classes: Sequence[TaskClass], block: int | None) -> Shape | None:
    """Return a shape with next to no margin, if there are tasks whose `time` is as long as its walltime."""
    if shape.margin <= TIGHT or not any(
        each.estimate.basis == ASSUMED
        and shape.usable < each.estimate.ceiling <= shape.longest
        and shape.holds(each, block)
        for each in classes
    ):
        return None
    return shape.replace(margin=TIGHT, cap=shape.longest - 2 * TIGHT)


# ---------------------------------------------------------------- appraisal


class Profile(Record):
    """Tasks of one stage and width: of each class the ceiling, with the node-seconds of all its tasks.

    `longest` is the least time that they take on however many nodes: that of the longest one, or of all of a rule of
    which only so many may run at once.
    """

    stage: int
    width: int
    ceilings: tuple[float, ...]
    areas: tuple[float, ...]
    longest: float
    area: float
    highest: float

    def within(self, seconds: float) -> float:
        """Return the node-seconds of tasks whose ceiling is no more than some seconds."""
        if self.highest <= seconds:
            return self.area
        return sum(area for ceiling, area in zip(self.ceilings, self.areas, strict=True) if ceiling <= seconds)


class Outlook(Record):
    """What a shape would come to at best: node-seconds that it takes, jobs, what they are charged, when they end."""

    shape: Shape
    jobs_at_once: int
    area: float
    jobs: int
    charged: float
    end: float


def appraise(shape: Shape, profiles: Sequence[Profile], at_once: int) -> Outlook | None:
    """Return what would come of jobs of a shape, `at_once` side by side, by area alone; None if they take nothing.

    In one job, stages follow each other; where jobs run side by side, each stage waits for the jobs of the one before.
    """
    by_stage: dict[int, list[tuple[int, float, float]]] = {}
    area, usable = 0.0, shape.usable + 1e-6
    for profile in profiles:
        if profile.width > shape.given:
            continue
        taken = profile.within(usable)
        if taken:
            area += taken
            by_stage.setdefault(profile.stage, []).append((profile.width, taken, profile.longest))
    if not by_stage:
        return None
    nodes = shape.given * at_once
    times = [_seconds(parts, shape.given, nodes) for parts in by_stage.values()]
    if at_once == 1:
        jobs = waves = max(1, ceil(sum(times) / shape.usable - 1e-6))
        seconds = sum(times) / waves
        charged = waves * shape.charged * shape.walltime(min(seconds, shape.usable))
    else:
        rounds = [max(1, ceil(time / shape.usable - 1e-6)) for time in times]
        waves = sum(rounds)
        jobs = waves * at_once
        lengths = [shape.walltime(min(time / count, shape.usable)) for time, count in zip(times, rounds, strict=True)]
        charged = at_once * shape.charged * sum(count * each for count, each in zip(rounds, lengths, strict=True))
    return Outlook(shape, at_once, area, jobs, charged, sum(times) + waves * shape.margin)


def _seconds(parts: Sequence[tuple[int, float, float]], given: int, nodes: int) -> float:
    """Return the least time that tasks of one stage take: by area, by the longest, and by how many wide ones fit."""
    least = max(sum(area for _, area, _ in parts) / nodes, *(longest for _, _, longest in parts))
    for beside in (1, 2, 3, 4, 6, 8):
        wide = sum(area / width for width, area, _ in parts if width * (beside + 1) > given and width)
        least = max(least, wide / beside / (nodes / given))
    return least


def profiles_of(wants: Wants, left: Sequence[int]) -> list[Profile]:
    """Return the profiles of what is left of classes."""
    together: dict[tuple[int, str], float] = {}
    found = []
    for (stage, width), all_of in sorted(wants.groups.items()):
        kinds = [kind for kind in all_of if left[kind]]
        if not kinds:
            continue
        longest = max([wants.seconds[kind] for kind in kinds])
        for kind in kinds if wants.at_once else ():
            least, rule = wants.seconds[kind], wants.classes[kind].rule
            if rule in wants.at_once:
                before = together.get((stage, rule), least)
                least = together[stage, rule] = before + left[kind] * least / wants.at_once[rule]
                longest = max(longest, least)
        ceilings = tuple([wants.ceilings[kind] for kind in kinds])
        areas = tuple([left[kind] * wants.areas[kind] for kind in kinds])
        found.append(Profile(stage, width, ceilings, areas, longest, sum(areas), max(ceilings)))
    return found


def rank(outlooks: Sequence[Outlook], total: float, fixed: float = 0.0) -> list[Outlook]:
    """Return outlooks, the most promising first: least charged within 10 %, then the earliest end, then fewer jobs.

    What a shape does not take is counted as if it cost its area half as much again elsewhere.  `fixed` node-seconds are
    charged besides, whatever the shape.
    """

    def cost(outlook: Outlook) -> float:
        return fixed + outlook.charged + 1.5 * max(0.0, total - outlook.area)

    def end(outlook: Outlook) -> float:
        return outlook.end + max(0.0, total - outlook.area) / outlook.shape.given

    least = min(map(cost, outlooks), default=inf)
    soonest = min((end(each) for each in outlooks if cost(each) <= NEAR * least), default=inf)
    return sorted(
        outlooks,
        key=lambda each: (
            0 if cost(each) <= NEAR * least else cost(each) / least,
            0 if end(each) <= SAME_END * soonest else end(each),
            each.jobs,
            each.shape.given,
            each.shape.queue.name,
            each.shape.cap is not None,
        ),
    )
