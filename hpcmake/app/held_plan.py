"""What a campaign would do on the nodes of the job that we are in: what fits, what is left, when it ends.

Owns that forecast and how it is told.  Knows nothing of how a job is found, nor of running in it.
"""

from __future__ import annotations

from hpcmake.app.batch_layout import wrapped
from hpcmake.app.batch_words import time_lines
from hpcmake.app.forecasting import place_rules
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.classes import width_of
from hpcmake.planner.forecast import forecast
from hpcmake.planner.gathering import gather_plan
from hpcmake.planner.stages import Progress
from hpcmake.planner.timeline import Allocation, Wants
from hpcmake.record import Record
from hpcmake.runners.launchers import preview_launch
from hpcmake.runners.placed import margin_of
from hpcmake.site import Launch
from hpcmake.tasks.estimates import NONE_GIVEN
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcmake.options import Arguments
    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.gathering import Gathered
    from hpcmake.planner.plan import Plan
    from hpcmake.planner.timeline import Timeline
    from hpcmake.runners.held import Held
    from hpcmake.site import Site

_UNKNOWN = 1.0
"""Seconds that a task counts of which nothing is known: it is begun in any case."""
_ENDLESS = 400 * 86400.0


class HeldForecast(Record):
    """What would run on the `nodes` of a job that are used, in the seconds that are left of it (None: nobody knows).

    `begun` counts, of each class, the tasks that are expected to begin; `unfit` are those that the nodes cannot hold.
    """

    site: Site
    held: Held
    nodes: int
    seconds: float | None
    gathered: Gathered
    attempts: Attempts
    timeline: Timeline
    begun: tuple[int, ...]
    unfit: tuple[int, ...]


def forecast_held(plan: Plan, site: Site, held: Held, arguments: Arguments) -> HeldForecast:
    """Return what would run on the nodes of a job.  Raises Trouble."""
    tables, _ = place_rules(plan, site)
    attempts = Attempts(plan, site=site.name, launch=lambda resources: preview_launch(site, resources))
    seconds = None if held.left is None else max(0.0, held.left - margin_of(site, held))
    gathered = gather_plan(plan, attempts, tables, retries=int(arguments.number("retries") or 0), longest=_UNKNOWN)
    asked = arguments.number("jobs")
    nodes = held.count if asked is None else min(held.count, int(asked))
    kind = site.nodes[0]
    launch = site.launch if site.launcher != "none" else Launch()
    wants = Wants(gathered.classes, kind, site.smallest_block)
    allocation = Allocation(nodes, _ENDLESS if seconds is None else seconds, kind, launch, site.smallest_block)
    timeline = forecast(wants, allocation, Progress(len(gathered.classes)))
    counts = timeline.counts()
    begun = tuple(counts[at][1] - counts[at][0] if at in counts else 0 for at in range(len(gathered.classes)))
    unfit = tuple(at for at in range(len(gathered.classes)) if not wants.fit(at, nodes))
    return HeldForecast(site, held, nodes, seconds, gathered, attempts, timeline, begun, unfit)


def held_line(found: HeldForecast) -> str:
    """Return how much of what is used: `4 nodes of theta`."""
    return f"{found.nodes} node{'s' if found.nodes != 1 else ''} of {found.site.name}"


def render_held(found: HeldForecast) -> Iterator[str]:
    """Yield the lines that tell what would run in this job."""
    classes = found.gathered.classes
    if not classes:
        return
    yield ""
    yield "this job"
    yield from _indented(found.held.describe())
    begun, count = sum(found.begun), sum(each.count for each in classes)
    ends = render_duration(round(found.timeline.seconds))
    all_of = f"{_tasks(count)}: all begin and end here" if begun == count else f"{begun} of {_tasks(count)} begin here"
    blind = any(each.estimate.basis == NONE_GIVEN for each in classes)
    but = ", not counting what nobody knows" if blind else ""
    yield from _indented(f"{all_of}; the last one ends after {ends}{but}")
    held = found.nodes * found.timeline.seconds
    if held:
        yield from _indented(f"{found.timeline.busy / held:.0%} of the node-time until then is used")
    for at in found.unfit:
        yield from _indented(f"{unfit_words(classes[at], found)}: it does not run here")
    for at, each in enumerate(classes):
        left = each.count - found.begun[at]
        if left and at not in found.unfit:
            yield from _indented(f"{each.rule}: {_tasks(left)} left for another job")
    yield ""
    yield "time of a task"
    yield from (f"  {line}" for line in time_lines(classes, unknown="none given: begun in any case, and not counted"))


def unfit_words(each: TaskClass, found: HeldForecast) -> str:
    """Return what tasks of a class want, and what there is."""
    width = width_of(each.resources, found.site.smallest_block)
    who = f"{each.rule} ({_tasks(each.count)})"
    if width:
        return f"{who} wants {width} nodes, and {found.nodes} are used"
    kind = found.site.nodes[0]
    for what in ("cores", "gpus"):
        wanted, has = getattr(each.resources, what), getattr(kind, what)
        if wanted > has:
            return f"{who} wants {wanted} {what}, and a node has {has}"
    return f"{who} wants more memory than a node has"


def held_rows(found: HeldForecast) -> Iterator[dict[str, object]]:
    """Yield the same as values: a row for each batch, and one for the job."""
    for at, each in enumerate(found.gathered.classes):
        yield {
            "kind": "batch",
            "job": found.held.job,
            "rule": each.rule,
            "tasks": each.count,
            "begun": found.begun[at],
            "fits": at not in found.unfit,
            "first": found.gathered.name(each.members[0]),
            "seconds": round(each.estimate.seconds, 3),
            "basis": each.estimate.basis,
        }
    yield {
        "kind": "job",
        "job": found.held.job,
        "here": True,
        "nodes": found.nodes,
        "held": found.held.count,
        "left": found.held.left,
        "seconds": round(found.timeline.seconds, 1),
        "tasks": sum(found.begun),
    }


def _indented(text: str) -> Iterator[str]:
    return (f"  {line}" for line in wrapped(text))


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"
