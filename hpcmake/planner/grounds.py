"""Why a job has its nodes, its walltime and its place: each decision as a value, and its words.

Owns the grounds that are told for a job.  Knows nothing of how they are printed.
"""

from __future__ import annotations

from hpcmake.planner.classes import width_of
from hpcmake.planner.costs import biggest
from hpcmake.record import Record
from hpcmake.tasks.estimates import NONE_GIVEN
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.batches import Job
    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.pack import Packing
    from hpcmake.planner.queues import Wishes
    from hpcmake.planner.tries import Alternative
    from hpcmake.site import Site

_BOUND = 0.05


class Ground(Record):
    """Why something of a job is as it is.

    `about` is `nodes`, `walltime`, `first`, `margin`, `after` or `launches`; `kind` names the reason for programs.
    """

    about: str
    kind: str
    text: str

    def words(self) -> str:
        """Return the reason in one phrase."""
        return self.text


def grounds_of(job: Job, packing: Packing, site: Site, wishes: Wishes) -> tuple[Ground, ...]:
    """Return why a job has its nodes, walltime and place."""
    found = [_nodes(job, packing, site, wishes), _walltime(job, wishes)]
    if job.opens:
        names = ", ".join(f"`{rule}`" for rule in job.opens)
        others = (
            " with what fits beside it"
            if {packing.classes[part.kind].rule for part in job.portions} - set(job.opens)
            else " alone"
        )
        found.append(
            Ground("first", "opens", f"{names}{others}: other jobs wait for it, and begin when this short one ends")
        )
    if job.shape.cap is not None:
        text = f"next to no margin: a `time` of {render_duration(job.shape.longest)} is all that such a job may have"
        found.append(Ground("margin", "tight", text))
    if job.after:
        names = ", ".join(
            str(number + 1) if number >= 0 else packing.topped[-1 - number].room.name for number in job.after
        )
        found.append(Ground("after", "needs", f"needs what job{'s' if len(job.after) > 1 else ''} {names} will make"))
    if job.launch_bound >= _BOUND:
        text = (
            f"launch-bound: nodes wait {job.launch_bound:.0%} of the time for the pause of {site.launch.pause:g}s"
            " between launches"
        )
        found.append(Ground("launches", "launch-bound", text))
    return tuple(found)


def _nodes(job: Job, packing: Packing, site: Site, wishes: Wishes) -> Ground:
    shape, queue = job.shape, job.shape.queue
    if job.probe:
        rules = {
            packing.classes[part.kind].rule
            for part in job.portions
            if packing.classes[part.kind].estimate.basis == NONE_GIVEN
        }
        names = ", ".join(f"`{rule}`" for rule in sorted(rules))
        return Ground("nodes", "probe", f"small: how long {names} takes is not known, and this job measures it")
    if wishes.job_nodes is not None:
        return Ground("nodes", "asked", "asked for by --job-nodes")
    inside = [packing.classes[portion.kind] for portion in job.portions]
    needy = _needs_more(job, inside, site)
    if needy is not None:
        return needy
    if site.smallest_block is not None and shape.queue.blocks:
        return Ground("nodes", "block", f"a block of {queue.name}, which gives nodes only in blocks")
    if shape.given == queue.nodes[0]:
        return Ground("nodes", "smallest", f"the fewest that {queue.name} gives: more would cost more node-hours")
    widest = max((width_of(each.resources, site.smallest_block) for each in inside), default=0)
    if widest == shape.given:
        return Ground("nodes", "widest", f"its widest task takes {widest} nodes")
    if wishes.nodes is not None and shape.given * 2 > wishes.nodes:
        return Ground("nodes", "all", f"as many as may be used at once ({wishes.nodes}), at little or no more cost")
    return Ground("nodes", "cheap", "ends soonest among the shapes that charge within 10 % of the least")


def _needs_more(job: Job, inside: list[TaskClass], site: Site) -> Ground | None:
    """Return that a job is wider than its tasks because narrower ones may not last so long, if so."""
    each = biggest(inside)
    if each is None:
        return None
    width = width_of(each.resources, site.smallest_block)
    queue = job.shape.queue
    own = queue.longest_for(max(width, queue.nodes[0]))
    if own is None or each.estimate.ceiling <= own or width >= job.nodes:
        return None
    least = next((band.low for band in queue.bands() if band.longest >= each.estimate.ceiling), job.nodes)
    beside = job.nodes // width if width else 0
    text = (
        (f"{beside} tasks of `{each.rule}` side by side: " if beside else "")
        + f"they take {render_duration(each.estimate.ceiling)}, "
        f"and in {queue.name} only jobs of at least {least} nodes may last so long"
    )
    return Ground("nodes", "band", text)


def _walltime(job: Job, wishes: Wishes) -> Ground:
    shape = job.shape
    expected = render_duration(job.timeline.seconds)
    if job.walltime <= shape.queue.shortest:
        return Ground(
            "walltime", "shortest", f"the shortest that {shape.queue.name} takes; the work ends after {expected}"
        )
    if job.walltime >= shape.longest:
        if wishes.job_time is not None:
            return Ground("walltime", "asked", "asked for by --job-time")
        return Ground(
            "walltime",
            "longest",
            f"the longest that {shape.queue.name} gives {shape.given} node{'s' if shape.given != 1 else ''}",
        )
    margin = render_duration(shape.margin)
    return Ground(
        "walltime", "work", f"the work ends after {expected}; what starts last may take longer; {margin} of margin"
    )


def render_alternative(other: Alternative, packing: Packing) -> str:
    """Return a plan that was not chosen in words: `cheaper: 1 job of 128 nodes in default (--job-nodes 128), …`."""
    about = "" if other.certain else "about "
    hours = abs(other.reserved - packing.reserved)
    more = "more" if other.reserved > packing.reserved else "fewer"
    late = "later" if other.end > packing.end else "earlier"
    shape = other.shape
    jobs = f"{other.jobs} job{'s' if other.jobs != 1 else ''} of {shape.given} node{'s' if shape.given != 1 else ''}"
    amount = f"{hours:.0f}" if hours >= 10 else f"{hours:.1f}"  # noqa: PLR2004  # one digit where they are few
    apart = render_duration(round(abs(other.end - packing.end)))
    return (
        f"{other.how}: {jobs} in {shape.queue.name} (--job-nodes {shape.given}), "
        f"{about}{amount} {more} node-hours, ends {about}{apart} {late}"
    )
