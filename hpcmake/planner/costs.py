"""What a packing comes to: node-hours expected, reserved and at most, by rule and in all; jobs and rounds in the queue.

Owns these sums.  Knows nothing of how the packing came about.
"""

from __future__ import annotations

from math import ceil

from hpcmake.planner.batches import HOUR
from hpcmake.planner.classes import fit_on, width_of
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.model import Resources
    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.pack import Packing
    from hpcmake.planner.timeline import Piece
    from hpcmake.site import NodeKind

_BOUND = 0.05  # of the node-time: nodes that wait so much for the pause between launches are worth a word


class RuleCost(Record):
    """What the tasks of a rule come to, in node-hours of their own work: expected, and at most.

    At most means that every retry is spent, and each attempt lasts as long as it may.  `basis` says where the
    expectation comes from.
    """

    rule: str
    count: int
    expected: float
    at_most: float
    basis: str


class Costs(Record):
    """What a packing comes to, in node-hours.

    `expected` is charged if jobs end when nothing is left, `reserved` if they last as long as was asked for, `at_most`
    if moreover every retry is spent.  `idle` is what is held and not used, `tail` its part after the last start in each
    job.  `rounds` is how many times a queue must be filled under its limits.  `launch_bound` is the largest share of a
    job's node-time in which nodes only wait for the pause between launches (0 where it does not matter).
    """

    rules: tuple[RuleCost, ...]
    expected: float
    reserved: float
    at_most: float
    idle: float
    tail: float
    jobs: int
    waves: int
    rounds: int
    seconds: float
    launches: int
    launch_bound: float


def costs_of(packing: Packing, smallest_block: int | None = None) -> Costs:
    """Return what a packing comes to."""
    jobs = packing.jobs
    rules = _rules(packing, smallest_block)
    more = sum(rule.at_most - rule.expected for rule in rules)
    slowest = max((job.launch_bound for job in jobs), default=0.0)
    lines: dict[str, int] = {}
    for job in jobs:
        lines[job.shape.queue.name] = lines.get(job.shape.queue.name, 0) + 1
    limits = {job.shape.queue.name: job.shape.in_line for job in jobs}
    rounds = [ceil(count / (limits[name] or count)) for name, count in lines.items()]
    return Costs(
        rules=tuple(rules),
        expected=sum(job.expected for job in jobs),
        reserved=packing.reserved,
        at_most=packing.reserved + more,
        idle=sum(job.idle for job in jobs),
        tail=sum(_tail(job.timeline.pieces, job.nodes) for job in jobs),
        jobs=len(jobs),
        waves=len({job.wave for job in jobs}),
        rounds=max(rounds, default=0),
        seconds=packing.end,
        launches=sum(job.timeline.launches for job in jobs),
        launch_bound=slowest if slowest >= _BOUND else 0.0,
    )


def _tail(pieces: Sequence[Piece], nodes: int) -> float:
    """Return node-hours between the last start and the end that are not used."""
    last = max((piece.start for piece in pieces), default=0.0)
    end = max((piece.end for piece in pieces), default=0.0)
    used = 0.0
    seen: dict[tuple[float, float], int] = {}
    for piece in pieces:
        if piece.end > last:
            span = (piece.start, piece.end)
            seen[span] = seen.get(span, 0) + piece.nodes
    for (start, stop), held in seen.items():
        used += min(held, nodes) * (stop - max(start, last))
    return max(0.0, nodes * (end - last) - used) / HOUR


def _rules(packing: Packing, block: int | None) -> list[RuleCost]:
    """Return the cost of each rule, by its classes; nodes are those of the first job (kinds seldom differ)."""
    nodes = [job.shape.node for job in packing.jobs] + [topped.room.node for topped in packing.topped]
    if not nodes:
        return []
    found: dict[str, RuleCost] = {}
    out = {refused.kind for refused in packing.refused}
    for kind, each in enumerate(packing.classes):
        if kind in out:
            continue
        first = each.count * _node_hours(each.resources, each.estimate.seconds, nodes[0], block)
        most = first
        for resources in (each.resources, *each.retries):
            longest = each.estimate.limit or each.estimate.ceiling
            most += each.count * _node_hours(resources, longest, nodes[0], block)
        most -= first
        before = found.get(each.rule)
        if before is None:
            found[each.rule] = RuleCost(each.rule, each.count, first, max(first, most), each.estimate.words())
        else:
            found[each.rule] = before.replace(
                count=before.count + each.count,
                expected=before.expected + first,
                at_most=before.at_most + max(first, most),
            )
    return list(found.values())


def _node_hours(resources: Resources, seconds: float, node: NodeKind, block: int | None) -> float:
    return seconds * (width_of(resources, block) or 1 / max(1, fit_on(resources, node))) / HOUR


def charged_in(node_hours: float, unit: str, node: NodeKind) -> float:
    """Return an amount of node-hours in the unit in which a site charges."""
    return node_hours * node.cores if unit == "core-hours" else node_hours


def biggest(classes: Sequence[TaskClass]) -> TaskClass | None:
    """Return the class that takes most of the time in all, to name work by."""
    return max(classes, key=lambda each: each.count * each.estimate.seconds, default=None)
