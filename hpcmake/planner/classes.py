"""Tasks of equal shape, counted: a campaign as the packer sees it.

Owns the classes into which tasks are gathered, and what follows from them alone: their size on a node, the length of
the chain behind them.  Knows nothing of plans, files or queues: it is given columns of numbers.

A *stage* is a set of classes that others wait for as one (all tasks of a rule on one level, say), so that many classes
that wait for many cost their sum and not their product.  Stages are numbered so that each needs only lower ones.
"""

from __future__ import annotations

from math import inf

from hpcmake.choose import Want
from hpcmake.model import Resources
from hpcmake.record import Record
from hpcmake.site import NodeKind
from hpcmake.tasks.estimates import Estimate, at_step, steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class TaskClass(Record):
    """Tasks that are alike for the packer.

    `members` are their numbers, as the caller counts.  `resources` are those of the first attempt, `retries` those of
    each further one.  A task begins when all of the stages in `needs` have ended; the k-th one when also its share (k
    of `count`) of each stage in `follows` has.  `at_once` is how many of its rule may run together.
    """

    rule: str
    members: Sequence[int]
    resources: Resources
    estimate: Estimate
    priority: int = 0
    stage: int = 0
    needs: tuple[int, ...] = ()
    follows: tuple[int, ...] = ()
    retries: tuple[Resources, ...] = ()
    at_once: int | None = None
    queue: str | None = None

    @property
    def count(self) -> int:
        """How many tasks they are."""
        return len(self.members)


class Rows(Record):
    """Tasks as columns of equal length: of task i the number of its rule, shape, estimate and stage, each into a list.

    `stage` may be empty: all tasks are then of stage 0, and wait for nothing.  `seconds` may be empty; else it is what
    each task is expected to take (by the size of its inputs, say), and its ceiling is in proportion to its estimate's.
    """

    rule: Sequence[int]
    shape: Sequence[int]
    estimate: Sequence[int]
    stage: Sequence[int] = ()
    seconds: Sequence[float] = ()


class RuleTraits(Record):
    """What all tasks of a rule have in common."""

    name: str
    priority: int = 0
    at_once: int | None = None
    queue: str | None = None


def gather(
    rows: Rows,
    *,
    rules: Sequence[RuleTraits],
    shapes: Sequence[tuple[Resources, ...]],
    estimates: Sequence[Estimate],
    needs: Mapping[int, tuple[int, ...]] | None = None,
    follows: Mapping[int, tuple[int, ...]] | None = None,
) -> list[TaskClass]:
    """Return the classes of tasks, in the order in which the first of each comes.

    A shape is the resources of every attempt, the first one first.  `needs` and `follows` say of a stage which ones it
    waits for.  Durations in `seconds` are rounded to steps of five percent, and those of one step are taken for equal.
    """
    count = len(rows.rule)
    stages = rows.stage or bytes(count)
    lengths = steps(rows.seconds) if rows.seconds else bytes(count)
    members: dict[tuple[int, int, int, int, int], list[int]] = {}
    columns = zip(rows.rule, rows.shape, rows.estimate, stages, lengths, strict=True)
    for task, key in enumerate(columns):
        if key in members:
            members[key].append(task)
        else:
            members[key] = [task]
    found = []
    for (rule, shape, number, stage, length), tasks in members.items():
        traits, (first, *others), expected = rules[rule], shapes[shape], estimates[number]
        found.append(
            TaskClass(
                rule=traits.name,
                members=_compact(tasks),
                resources=first,
                estimate=_scaled(expected, at_step(length)) if rows.seconds else expected,
                priority=traits.priority,
                stage=stage,
                needs=(needs or {}).get(stage, ()),
                follows=(follows or {}).get(stage, ()),
                retries=tuple(others),
                at_once=traits.at_once,
                queue=traits.queue,
            )
        )
    return found


def _scaled(expected: Estimate, seconds: float) -> Estimate:
    ratio = expected.ceiling / expected.seconds if expected.seconds > 0 else 1.0
    if expected.limit is not None:
        seconds = min(seconds, expected.limit)
        return expected.replace(seconds=seconds, ceiling=min(seconds * ratio, expected.limit))
    return expected.replace(seconds=seconds, ceiling=seconds * ratio)


def _compact(tasks: list[int]) -> Sequence[int]:
    """Return numbers in the least memory: a range where they are one."""
    if tasks[-1] - tasks[0] == len(tasks) - 1:
        return range(tasks[0], tasks[-1] + 1)
    from array import array  # only where tasks of several classes take turns

    return array("q", tasks)


def tails(classes: Sequence[TaskClass]) -> list[float]:
    """Return of each class the expected seconds of one task and of the longest chain of tasks that waits for it.

    Raises ValueError if a stage needs itself or one that has a higher number.
    """
    behind: dict[int, float] = {}
    found = [0.0] * len(classes)
    for number in sorted(range(len(classes)), key=lambda number: -classes[number].stage):
        each = classes[number]
        tail = found[number] = each.estimate.seconds + behind.get(each.stage, 0.0)
        for stage in (*each.needs, *each.follows):
            if stage >= each.stage:
                message = f"stage {each.stage} cannot need stage {stage}: stages are numbered in their order"
                raise ValueError(message)
            behind[stage] = max(behind.get(stage, 0.0), tail)
    return found


def critical_path(classes: Sequence[TaskClass]) -> float:
    """Return the expected seconds of the longest chain of tasks."""
    return max(tails(classes), default=0.0)


def fit_on(resources: Resources, node: NodeKind) -> int:
    """Return how many such node-sharing tasks one node holds at once; 0 if it holds none."""
    fits = [node.cores // resources.cores] if resources.cores else []
    if resources.memory:
        fits.append(node.memory // resources.memory if node.memory is not None else node.cores)
    if resources.gpus:
        fits.append(node.gpus // resources.gpus)
    return min(fits, default=node.cores)


def share_of(resources: Resources, node: NodeKind) -> float:
    """Return the share of a node that a node-sharing task takes, by what it takes most of."""
    shares = [resources.cores / node.cores]
    if node.memory:
        shares.append(resources.memory / node.memory)
    if resources.gpus:
        shares.append(resources.gpus / node.gpus if node.gpus else inf)
    return max(shares)


def width_of(resources: Resources, smallest_block: int | None = None) -> int:
    """Return the nodes that a task holds: 0 if it shares one; where nodes come in blocks, a block's."""
    if resources.nodes is None:
        return 0
    if smallest_block is None:
        return resources.nodes
    block = smallest_block
    while block < resources.nodes:
        block *= 2
    return block


def want_of(each: TaskClass, node: NodeKind, tail: float, smallest_block: int | None = None) -> Want:
    """Return what a task of a class wants of nodes of a kind."""
    resources = each.resources
    width = width_of(resources, smallest_block)
    return Want(
        nodes=width,
        size=float(width) if width else share_of(resources, node),
        tail=tail,
        ceiling=each.estimate.ceiling,
        cores=0 if width else resources.cores,
        memory=0 if width else resources.memory,
        gpus=0 if width else resources.gpus,
        priority=each.priority,
    )


def area_of(each: TaskClass, node: NodeKind, smallest_block: int | None = None) -> float:
    """Return the expected node-seconds of one task; one that shares a node counts as its part of a full one."""
    width = width_of(each.resources, smallest_block)
    return each.estimate.seconds * (width or 1 / max(1, fit_on(each.resources, node)))
