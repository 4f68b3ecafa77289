"""Bundles: what a node that shared tasks fill holds at once, by cores, memory and gpus, and how good that can be.

Owns the filling of one node and the bound that no filling beats.  Knows nothing of batches and time limits.
"""

from __future__ import annotations

from math import ceil, inf

from hpcmake.choose import Free, Ready, choose
from hpcmake.planner.classes import fit_on
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.timeline import Wants
    from hpcmake.site import NodeKind


class Bundle(Record):
    """So many nodes that each begin with the same tasks: of each class (by number) how many.

    `cores`, `memory` and `gpus` are what is then in use on each.
    """

    nodes: int
    holds: tuple[tuple[int, int], ...]
    cores: int
    memory: int
    gpus: int

    def words(self, classes: Sequence[TaskClass], node: NodeKind) -> str:
        """Return it in one phrase: `12 nodes with 15 dock + 4 score (64 of 64 cores)`."""
        tasks = " + ".join(f"{count} {classes[kind].rule}" for kind, count in self.holds)
        return f"{self.nodes} node{'s' if self.nodes != 1 else ''} with {tasks} ({self.cores} of {node.cores} cores)"


def bundles(wants: Wants, counts: Sequence[int], nodes: int) -> list[Bundle]:
    """Return how so many nodes are filled at first by node-sharing tasks, of each class at most a count.

    One node is filled as the runner fills it; as many more are filled alike as the tasks suffice for.
    """
    ready = Ready(wants.wants)
    left = [
        0 if want.nodes or not fit else count for want, fit, count in zip(wants.wants, wants.fits, counts, strict=True)
    ]
    for kind, count in enumerate(left):
        if count:
            ready.add(kind, count)
    found: list[Bundle] = []
    while nodes > 0 and any(left):
        holds, used = _fill(ready, wants)
        if not holds:
            break
        alike = min(nodes, *(left[kind] // count for kind, count in holds.items()))
        for kind, count in holds.items():
            left[kind] -= count * alike
            ready.take(kind, count * (alike - 1))
        nodes -= alike
        found.append(Bundle(alike, tuple(sorted(holds.items())), *used))
    return found


def _fill(ready: Ready, wants: Wants) -> tuple[dict[int, int], tuple[int, int, int]]:
    """Fill one node; the tasks are taken out of `ready`."""
    node = wants.node
    cores, gpus = node.cores, node.gpus
    memory = node.memory if node.memory is not None else 1 << 62
    holds: dict[int, int] = {}
    while True:
        kind = choose(ready, Free(cores=cores, memory=memory, gpus=gpus), inf)
        if kind is None:
            whole = node.memory if node.memory is not None else 1 << 62
            return holds, (node.cores - cores, whole - memory, node.gpus - gpus)
        want = wants.wants[kind]
        ready.take(kind)
        holds[kind] = holds.get(kind, 0) + 1
        cores, memory, gpus = cores - want.cores, memory - want.memory, gpus - want.gpus


def least_node_seconds(classes: Sequence[TaskClass], node: NodeKind) -> float:
    """Return node-seconds that no filling of nodes by node-sharing tasks can beat.

    The largest of: cores, memory and gpus times seconds, over what a node has; and, for each k, the tasks of which no
    more than k fit on a node beside each other, by what they need most of.
    """
    shared = [each for each in classes if each.resources.nodes is None]
    limits = (("cores", node.cores), ("memory", node.memory), ("gpus", node.gpus))
    bound = 0.0
    for what, most in limits:
        if most:
            taken = sum(each.count * each.estimate.seconds * getattr(each.resources, what) for each in shared)
            bound = max(bound, taken / most)
    for beside in range(1, 9):
        for what, most in limits:
            if not most:
                continue
            large = sum(
                each.count * each.estimate.seconds
                for each in shared
                if getattr(each.resources, what) * (beside + 1) > most
            )
            bound = max(bound, large / beside)
    return bound


def nodes_for(classes: Sequence[TaskClass], node: NodeKind) -> int:
    """Return how many nodes hold all node-sharing tasks at once, each class by itself."""
    return sum(
        ceil(each.count / fit)
        for each in classes
        if each.resources.nodes is None and (fit := fit_on(each.resources, node))
    )
