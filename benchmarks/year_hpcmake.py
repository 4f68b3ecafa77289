"""A campaign on the queue of a simulated year as hpcmake runs it: planned anew by the real packer as jobs end.

Owns how plans become jobs, and what becomes of a job's tasks.  Knows nothing of true durations before a task has run:
plans are made of `time` and of what has been measured; only the clock within a job goes by the truth.

A job runs by the same forecast that plans are made of: what begins next is decided by what is believed, when it ends by
what is true.  What runs at the end of a job, less the site's margin, is cut and belongs to a later job.
"""

from __future__ import annotations

import random
import time
from array import array
from bisect import bisect_left
from collections import deque
from math import ceil

from year_campaign import RULES, at_step
from year_queue import HOUR, MINUTE, START, Job, Scheduler

from hpcmake.planner.batches import allocation_of
from hpcmake.planner.classes import Rows, RuleTraits, TaskClass, gather
from hpcmake.planner.forecast import forecast
from hpcmake.planner.pack import pack
from hpcmake.planner.queues import Wishes
from hpcmake.planner.stages import Progress
from hpcmake.planner.timeline import Wants
from hpcmake.sites.loader import read_site
from hpcmake.tasks.estimates import estimate, find_growth, needed

DEEP = 2
"""Jobs that wait for each other, counted from one that runs or waits for none: more are not submitted ahead."""
SPARE = 1.0
"""A job is given so many tasks beyond those that it is expected to run, if no other job is there for them."""
ALLOWED = 60.0
"""Seconds that are asked for beyond the plan, which does not count that a job needs some to start."""
PATIENCE = 10
REMEMBERED = 2000
LONGEST = 24 * HOUR
_BLOCK = 2000  # tasks that are alike run in an order that is mixed anew after so many
STAGES = {rule.name: number for number, rule in enumerate(RULES)}


class Batch:
    """What a job was given: its shape, and of each key the true durations of its tasks, and what its plan believed."""

    def __init__(self, planned, tasks, believed):
        self.shape = planned.shape
        self.tasks = tasks
        self.believed = believed
        self.expected = planned.expected
        self.ended = {}
        self.left = {}

    def count(self, rule):
        """Return how many tasks of a rule it was given."""
        return sum(len(steps) for key, steps in self.tasks.items() if key.rule.name == rule)


def _part(parts, before, count, total):
    """Return the parts of `count` tasks in proportion, if `before` others of a total have had theirs."""
    return [part * (before + count) // total - part * before // total for part in parts]


def expectation(key, believed):
    """Return what a task is expected to take: by its size, if that is known to matter; longer than when it was cut."""
    expected, growth = believed[key.rule.name]
    if growth is not None:
        expected = growth.at(key.bytes, key.rule.limit)
    if not key.cut:
        return expected
    ceiling = min(key.rule.limit, needed(expected.ceiling, key.cut))
    return expected.replace(seconds=min(ceiling, max(expected.seconds, key.cut)), ceiling=ceiling)


class Driver:
    """hpcmake with `-j nodes --site theta`."""

    def __init__(self, campaign, nodes, slow=1.0):
        self.campaign = campaign
        self.site = read_site("theta", {})
        self.wishes = Wishes(nodes=nodes)
        self.nodes = nodes
        self.scheduler = Scheduler(random.Random(f"hpcmake {nodes} {campaign.seed}"), self.begin, self.finish, slow)
        self.score = self.scheduler.score
        self.mix = random.Random(f"mix {campaign.seed}")
        self.pools = {}
        for tasks in campaign.tasks.values():
            for key, step in tasks:
                self.pools.setdefault(key, []).append(step)
        self.living = []
        self.ended = dict.fromkeys(campaign.tasks, 0)
        self.former = {name: deque(maxlen=REMEMBERED) for name in campaign.tasks}
        self.cuts = self.in_vain = 0
        self.expected = 0.0
        self.refused = set()

    def run(self):
        """Return what all comes to."""
        self.step()
        return self.scheduler.run()

    # ------------------------------------------------------------ plans

    def believe(self):
        """Return what each rule's tasks are expected to take, and how that grows with the size of their inputs."""
        found = {}
        for rule in RULES:
            walls = [wall for wall, _ in self.former[rule.name]]
            growth = find_growth(walls, [size for _, size in self.former[rule.name]]) if walls else None
            found[rule.name] = (estimate(walls, limit=rule.limit, longest=LONGEST), growth)
        return found

    def columns(self, believed):
        """Return what belongs to no job as columns, its shapes, estimates and keys, and at which task each key begins.

        As in a plan: a task counts as its rule does, but for its seconds, if they follow its size, and if it was cut.
        """
        keys = [key for key, steps in self.pools.items() if steps]
        rule, shape, number, seconds = array("i"), array("i"), array("i"), array("d")
        starts, shapes, estimates = [], {}, {}
        for key in keys:
            count = len(self.pools[key])
            starts.append(len(rule))
            expected = believed[key.rule.name][0] if not key.cut else expectation(key, believed)
            rule.extend(array("i", [STAGES[key.rule.name]]) * count)
            shape.extend(array("i", [shapes.setdefault((key.rule.resources(key.width),), len(shapes))]) * count)
            number.extend(array("i", [estimates.setdefault(expected, len(estimates))]) * count)
            seconds.extend(array("d", [expectation(key, believed).seconds]) * count)
        return Rows(rule, shape, number, rule, seconds), list(shapes), list(estimates), keys, starts

    def plan(self):
        """Return the jobs of a plan, each with how many tasks of each key it runs, and what these should take."""
        believed = self.believe()
        rows, shapes, estimates, keys, starts = self.columns(believed)
        if not keys:
            return []
        before = time.process_time()
        classes = gather(
            rows,
            rules=[RuleTraits(rule.name) for rule in RULES],
            shapes=shapes,
            estimates=estimates,
            needs={STAGES[rule.name]: (STAGES[rule.needs],) for rule in RULES if rule.needs},
            follows={STAGES[rule.name]: (STAGES[rule.follows],) for rule in RULES if rule.follows},
        )
        packing = pack(classes, self.site, self.wishes)
        self.score.planning += time.process_time() - before
        self.score.plans += 1
        if packing.refused:
            self.refused |= {each.words for each in packing.refused}
        starts.append(len(rows.rule))
        found = []
        for job in packing.jobs:
            counts, expected = {}, {}
            for portion in job.portions:
                members = packing.classes[portion.kind].members
                at = portion.first
                while at < portion.stop:
                    number = bisect_left(starts, members[at] + 1) - 1
                    stop = min(portion.stop, bisect_left(members, starts[number + 1]))
                    counts[keys[number]] = counts.get(keys[number], 0) + stop - at
                    expected[keys[number]] = packing.classes[portion.kind].estimate
                    at = stop
            found.append((job, counts, expected))
        return found

    def step(self):
        """Plan, and submit the first of the jobs as far as there are places and sense in it."""
        if not self.scheduler.has_place() or max(map(self.depth, self.living), default=0) >= DEEP:
            return
        submitted = {}
        for job, counts, expected in self.plan():
            parents = self.parents(job, counts, submitted)
            if not self.scheduler.has_place() or 1 + max(map(self.depth, parents), default=0) > DEEP:
                break
            tasks = {key: [self.pools[key].pop() for _ in range(count)] for key, count in counts.items()}
            mine = Job(job.nodes, min(job.shape.longest, job.walltime + ALLOWED), Batch(job, tasks, expected), parents)
            submitted[job.number] = self.scheduler.submit(mine)
            self.living.append(mine)
        for mine in submitted.values():
            self.spare(mine.batch)

    def spare(self, batch):
        """Give a job some more of the tasks that it has, of those that no other job is there for."""
        for key, steps in batch.tasks.items():
            pool = self.pools[key]
            steps += [pool.pop() for _ in range(min(int(SPARE * len(steps)), len(pool)))]

    def parents(self, job, counts, submitted):
        """Return the jobs after which one may start: they hold what it needs, or the nodes that it would have."""
        found = {submitted[number] for number in job.after if number in submitted}
        before = {key.rule.before for key in counts}
        found |= {each for each in self.living if any(key.rule.name in before for key in each.batch.tasks)}
        ends = [each for each in self.living if not any(child.ended is None for child in each.children)]
        free = self.nodes - sum(each.nodes for each in ends if each not in found)
        for each in sorted(ends, key=lambda each: (self.depth(each), each.submitted)):
            if free >= job.nodes:
                break
            if each not in found:
                found.add(each)
                free += each.nodes
        return found

    def depth(self, job):
        """Return the length of the chain of living jobs that ends with a job."""
        return 1 + max((self.depth(parent) for parent in job.parents if parent.ended is None), default=0)

    # ------------------------------------------------------------ jobs

    def may_run(self, batch):
        """Return of each rule how many of a batch's tasks are free, and how many more its own tasks let begin."""
        found = {}
        for rule in RULES:
            mine = batch.count(rule.name)
            if not mine:
                continue
            others = (each.batch.count(rule.name) for each in self.living if each.started is not None)
            taken = self.ended[rule.name] + sum(others) - mine  # it counts as one that has started
            before = self.ended[rule.before] if rule.before else 0
            free = min(mine, max(0, self.campaign.released(rule, before) - taken))
            here = sum(found.get(rule.before, (0, 0))) if rule.before else 0
            later = min(mine, max(0, self.campaign.released(rule, before + here) - taken))
            found[rule.name] = (free, later - free)
        return found

    def classes(self, batch):
        """Return the tasks of a job that may run as classes, with key and true seconds of each."""
        free = self.may_run(batch)
        found = []
        passed = dict.fromkeys(STAGES, 0)
        for key, steps in batch.tasks.items():
            stage = STAGES[key.rule.name]
            now, later = _part(free[key.rule.name], passed[key.rule.name], len(steps), batch.count(key.rule.name))
            passed[key.rule.name] += len(steps)
            batch.left[key] = steps[now + later :]
            for part, waits in ((steps[:now], False), (steps[now : now + later], True)):
                for first in range(0, len(part), _BLOCK):
                    block = part[first : first + _BLOCK]
                    kinds = sorted(set(block))
                    self.mix.shuffle(kinds)
                    for step in kinds:
                        each = TaskClass(
                            key.rule.name,
                            range(block.count(step)),
                            key.rule.resources(key.width),
                            batch.believed[key],
                            stage=stage,
                            needs=(STAGES[key.rule.needs],) if waits and key.rule.needs else (),
                            follows=(STAGES[key.rule.follows],) if waits and key.rule.follows else (),
                        )
                        found.append((batch.shape.counted(each), key, step))
        return found

    def begin(self, job):
        """Run what a job was given, and return the seconds that it takes."""
        batch = job.batch
        found = self.classes(batch)
        classes = [each for each, _, _ in found]
        wants = Wants(classes, batch.shape.node)
        wants.seconds = [at_step(step) for _, _, step in found]
        usable = job.walltime - batch.shape.margin - START
        timeline = forecast(wants, allocation_of(self.site, batch.shape, usable), Progress(len(classes)))
        done, ended = [0] * len(classes), [0] * len(classes)
        seconds = 0.0
        for piece in timeline.pieces:
            _, key, step = found[piece.kind]
            seconds = max(seconds, min(piece.end, usable))
            if piece.end > usable:
                self.cut(batch, key, step, piece.count, usable - piece.start)
            done[piece.kind] += piece.count
            if piece.end > usable:
                continue
            ended[piece.kind] += piece.count
            at = self.scheduler.now + START + piece.end
            self.score.done(at, piece.count, piece.count * key.part * at_step(step))
        for (each, key, step), begun, count in zip(found, done, ended, strict=True):
            if count:
                batch.ended.setdefault(key, []).append((step, count))
            batch.left[key] += [step] * (each.count - begun)
        self.expected += batch.expected
        return seconds

    def cut(self, batch, key, step, count, seconds):
        """Give back tasks that the end of a job has cut: they begin only where twice what they had is left."""
        self.cuts += count
        longest = max(key.cut, ceil(seconds / MINUTE) * MINUTE)
        batch.left.setdefault(key.replace(cut=longest), []).extend([step] * count)

    def finish(self, job):
        """Take note of what has been done, give back what has not, and go on."""
        batch = job.batch
        self.living.remove(job)
        self.in_vain = 0 if batch.ended else self.in_vain + 1
        if self.in_vain >= PATIENCE:
            raise RuntimeError(f"{PATIENCE} jobs in a row ended without a task: what is left does not run as planned")
        measured = {}
        for key, runs in batch.ended.items():
            self.ended[key.rule.name] += sum(count for _, count in runs)
            for step, count in runs:
                some = [(at_step(step), key.bytes)] * min(count, REMEMBERED)
                measured.setdefault(key.rule.name, []).extend(some)
        for name, runs in measured.items():
            self.mix.shuffle(runs)
            self.former[name].extend(runs[:REMEMBERED])
        for key, steps in batch.left.items():
            self.pools.setdefault(key, []).extend(steps)
            self.mix.shuffle(self.pools[key])
        self.step()
