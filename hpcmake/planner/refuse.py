"""What no queue of a site takes, each with what it wants, what there is, and the bands of the queues.

Owns the reasons for which tasks are refused at planning, of every attempt.  Knows nothing of how jobs are packed.
"""

from __future__ import annotations

from hpcmake.planner.classes import width_of
from hpcmake.planner.queues import Shape, Wishes, node_kind
from hpcmake.record import Record
from hpcmake.tasks.estimates import NONE_GIVEN
from hpcmake.units import render_duration, render_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.model import Resources
    from hpcmake.planner.classes import TaskClass
    from hpcmake.site import NodeKind, Queue, Site


class Refused(Record):
    """Tasks of a class that a site cannot run: `what` is wanted too much of, what is wanted and what there is.

    `what` is `cores`, `memory`, `gpus`, `nodes`, `time`, `queue` or `fork`; `attempt` the first one that is refused.
    """

    kind: int
    rule: str
    count: int
    site: str
    what: str
    wanted: float = 0
    most: float = 0
    attempt: int = 1
    nodes: int = 0
    bands: tuple[str, ...] = ()

    def words(self) -> str:
        """Return it as one sentence without a full stop."""
        who = f"`{self.rule}`" + (f" (attempt {self.attempt})" if self.attempt > 1 else "")
        if self.what == "fork":
            return f"{who} shares a node, and the nodes of {self.site} cannot start a second program"
        if self.what == "queue":
            return f"{who} asks for a queue that {self.site} does not have"
        if self.what == "memory":
            amounts = (
                render_size(self.wanted),
                f"of memory, and the largest node of {self.site}",
                render_size(self.most),
            )
            return f"{who} wants {amounts[0]} {amounts[1]} has {amounts[2]}"
        if self.what in {"cores", "gpus"}:
            return f"{who} wants {self.wanted:g} {self.what}, and the largest node of {self.site} has {self.most:g}"
        if self.what == "nodes":
            return f"{who} wants {self.wanted:g} nodes, and a job may have {self.most:g} at most"
        where = f"on {self.nodes} nodes " if self.nodes else ""
        return f"{who} takes {render_duration(self.wanted)} {where}and no queue gives that: {'; '.join(self.bands)}"

    def help(self) -> str:
        """Return one edit that would work, in words."""
        if self.what == "fork":
            return f"give `{self.rule}` `nodes` or `ranks`, or run it elsewhere: `site: local`"
        if self.what == "time":
            return f"give `{self.rule}` a shorter `time`, or more nodes"
        return f"ask for less in `{self.rule}`, or choose another site"


def bands_of(queues: Sequence[Queue]) -> tuple[str, ...]:
    """Return in words how long jobs may be: `default: 128 to 255 nodes 3h, 256 to 383 nodes 6h`."""
    return tuple(
        f"{queue.name}: "
        + ", ".join(
            f"{band.low} to {band.high} nodes {render_duration(band.longest)}"
            if band.low < band.high
            else f"{band.low} nodes {render_duration(band.longest)}"
            for band in queue.bands()
        )
        for queue in queues
    )


def find_refused(
    classes: Sequence[TaskClass], site: Site, queues: Sequence[Queue], shapes: Sequence[Shape], wishes: Wishes
) -> list[Refused]:
    """Return what cannot run in any of the queues, by the resources of every attempt and by its expected time."""
    found = []
    for kind, each in enumerate(classes):
        mine = [queue for queue in queues if each.queue in {None, queue.name}]
        refused = _refuse(kind, each, site, mine, [shape for shape in shapes if shape.queue in mine], wishes)
        if refused is not None:
            found.append(refused)
    return found


def _refuse(
    kind: int, each: TaskClass, site: Site, queues: Sequence[Queue], shapes: Sequence[Shape], wishes: Wishes
) -> Refused | None:
    start = Refused(kind, each.rule, each.count, site.name, "queue")
    if not queues:
        return start
    for number, resources in enumerate((each.resources, *each.retries), 1):
        lacking = _lacking(resources, site, queues, wishes)
        if lacking is not None:
            what, wanted, most = lacking
            return start.replace(what=what, wanted=wanted, most=most, attempt=number)
    if each.estimate.basis != NONE_GIVEN and not any(shape.takes(each, site.smallest_block) for shape in shapes):
        nodes = width_of(each.resources, site.smallest_block)
        return start.replace(what="time", wanted=each.estimate.ceiling, nodes=nodes, bands=bands_of(queues))
    return None


def _lacking(
    resources: Resources, site: Site, queues: Sequence[Queue], wishes: Wishes
) -> tuple[str, float, float] | None:
    """Return what of its resources no node or job has: its name, how much is wanted and how much there is."""
    if resources.nodes is None:
        if site.runs == "program":
            return "fork", 0, 0
        kinds = [kind for kind in (node_kind(site, queue) for queue in queues) if kind is not None]
        if any(_holds(kind, resources) for kind in kinds) or not kinds:
            return None
        for what in ("cores", "memory", "gpus"):
            wanted, most = getattr(resources, what), max(_of(kind, what) for kind in kinds)
            if wanted > most:
                return what, wanted, most
        return "cores", resources.cores, max(kind.cores for kind in kinds)
    width = width_of(resources, site.smallest_block)
    most = max((queue.nodes[1] for queue in queues), default=0)
    if wishes.job_nodes is not None:
        most = min(most, wishes.job_nodes)
    if wishes.nodes is not None:
        smallest = min((queue.nodes[0] for queue in queues), default=0)
        most = min(most, max(wishes.nodes, smallest))
    return ("nodes", resources.nodes, most) if width > most else None


def _holds(kind: NodeKind, resources: Resources) -> bool:
    return all(getattr(resources, what) <= _of(kind, what) for what in ("cores", "memory", "gpus"))


def _of(kind: NodeKind, what: str) -> float:
    amount = getattr(kind, what)
    return float("inf") if amount is None else float(amount)
