"""The campaign of a simulated year: its rules, and how long each of its tasks truly takes, drawn from a seed.

Owns tasks and their true durations.  Knows nothing of jobs and queues, and nothing of what anybody believes of tasks.

    dock    95 %, shares nodes (4 of 64 cores); its seconds grow with the size of its input
    rank    one task, which needs every dock
    relax   4.5 %, one node each; needs rank
    md      0.5 %, MPI on 8, 16 or 32 nodes; the k-th begins when its share of relax has ended
    table   0.1 %, one core; each when its share of md has ended
"""

from __future__ import annotations

import os
import random
import sys
from math import exp, log

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from hpcmake.model import Resources  # noqa: E402  # the checkout, and not what is installed
from hpcmake.record import Record  # noqa: E402
from hpcmake.tasks.estimates import at_step, steps  # noqa: E402

CORES = 64
MINUTE, HOUR = 60.0, 3600.0


class Rule(Record):
    """A rule: its share of all tasks, what a task takes, its `time`, and the law of its true seconds.

    `widths` are the nodes of its tasks, in turn (0: shares a node).  Seconds are log-normal: `median`, with `noise` as
    the standard deviation of the logarithm; those of `power` also grow with the size of the input.  It waits for all
    tasks of the rule `needs`, or the k-th for its share of `follows`.
    """

    name: str
    share: float
    median: float
    noise: float
    limit: float
    widths: tuple[int, ...] = (0,)
    cores: int = 1
    power: float = 0.0
    needs: str | None = None
    follows: str | None = None

    @property
    def before(self) -> str | None:
        """The rule that it waits for, in whatever way."""
        return self.needs or self.follows

    def resources(self, width: int) -> Resources:
        """Return what a task of so many nodes takes."""
        if width:
            return Resources(nodes=width, time=self.limit)
        return Resources(cores=self.cores, time=self.limit)

    def part(self, width: int) -> float:
        """Return the nodes that a task of so many nodes keeps busy: its share of one, if it shares."""
        return float(width) if width else self.cores / CORES


RULES = (
    Rule("dock", 0.949, 10 * MINUTE, 0.2, 1 * HOUR, cores=4, power=1.2),
    Rule("rank", 0.0, 10 * MINUTE, 0.1, 30 * MINUTE, needs="dock"),
    Rule("relax", 0.045, 25 * MINUTE, 0.4, 2 * HOUR, widths=(1,), needs="rank"),
    Rule("md", 0.005, 60 * MINUTE, 0.25, 2.5 * HOUR, widths=(8, 16, 32), follows="relax"),
    Rule("table", 0.001, 1 * MINUTE, 0.3, 10 * MINUTE, follows="md"),
)
SIZE, SIZE_SPREAD = 3000.0, 0.35
"""Bytes of the inputs of `dock`: log-normal, the median and the standard deviation of the logarithm."""


class Key(Record):
    """Tasks that cannot be told apart before they have run: of one rule, width and size of input (in steps of 5 %).

    `cut` is after how many seconds the end of a job has cut them (0: not yet).
    """

    rule: Rule
    width: int
    size: int
    cut: float = 0.0

    @property
    def bytes(self) -> float:
        """The size of the input."""
        return at_step(self.size)

    @property
    def part(self) -> float:
        """The nodes that one task keeps busy."""
        return self.rule.part(self.width)


class Campaign:
    """All tasks, each as its key and its true duration (in steps of 5 %), in an order that means nothing."""

    def __init__(self, count, seed):
        draw = random.Random(f"campaign {count} {seed}")
        self.seed = seed
        self.tasks = {rule.name: self._draw(rule, max(1, round(rule.share * count)), draw) for rule in RULES}
        self.counts = {name: len(tasks) for name, tasks in self.tasks.items()}
        self.count = sum(self.counts.values())
        self.work = sum(key.part * at_step(step) for tasks in self.tasks.values() for key, step in tasks) / HOUR
        """Node-hours that the tasks keep nodes busy, if those that share nodes fill them."""

    def _draw(self, rule, count, draw):
        keys = {}
        found = []
        for number in range(count):
            size = draw.gauss(log(SIZE), SIZE_SPREAD) if rule.power else log(SIZE)
            step = steps([exp(size)])[0]
            name = (rule.widths[number % len(rule.widths)], step)
            if name not in keys:
                keys[name] = Key(rule, *name)
            grown = rule.median * (exp(size) / SIZE) ** rule.power
            seconds = min(grown * exp(draw.gauss(0.0, rule.noise)), 0.95 * rule.limit)
            found.append((keys[name], steps([seconds])[0]))
        draw.shuffle(found)
        return found

    def released(self, rule, ended):
        """Return how many tasks of a rule may have begun when so many of the rule before have ended."""
        if rule.before is None:
            return self.counts[rule.name]
        total = self.counts[rule.before]
        if rule.needs:
            return self.counts[rule.name] if ended >= total else 0
        return self.counts[rule.name] * ended // total
