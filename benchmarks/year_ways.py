"""Three ways in which people run many tasks without a tool, on the queue of a simulated year.

Owns these ways.  Knows nothing of hpcmake.  What can be done for them is done: they submit by themselves and without
delay wherever a place falls free (but for the third), and know at once which inputs are there.
"""

from __future__ import annotations

import random
from math import ceil

from year_campaign import CORES, RULES, at_step
from year_queue import HOUR, MINUTE, START, Job, Scheduler

NODES = 128
LONGEST, SHORTEST = 3 * HOUR, 30 * MINUTE
MARGIN, PAUSE = 5 * MINUTE, 0.1
DAY = 24 * HOUR


def walltime(seconds):
    """Return what is asked for: five minutes more, within what the queue takes."""
    return min(LONGEST, max(SHORTEST, ceil((seconds + MARGIN) / 300) * 300))


class Bundles:
    """Tasks in bundles that were fixed beforehand, each bundle once it may begin, each job once a place is free.

    `width_of(rule, width)` tells how many tasks of a rule and width are one bundle, `rounds_of(rule)` how many bundles
    are one job.
    """

    def __init__(self, campaign, draw, size_of, rounds_of, slow=1.0):
        self.campaign = campaign
        self.scheduler = Scheduler(draw, self.begin, self.finish, slow)
        self.rounds_of = rounds_of
        self.ended = dict.fromkeys(campaign.tasks, 0)
        self.begun = dict.fromkeys(campaign.tasks, 0)
        self.size_of = size_of
        self.batches = self.cut()
        self.waiting = next(self.batches, None)

    def cut(self):
        """Yield jobs: a rule, and rounds of tasks; rule after rule, tasks of one width together."""
        for rule in RULES:
            by_width = {}
            for task in self.campaign.tasks[rule.name]:
                by_width.setdefault(task[0].width, []).append(task)
            for width, tasks in sorted(by_width.items()):
                size = self.size_of(rule, width)
                whole = size * self.rounds_of(rule)
                for first in range(0, len(tasks), whole):
                    part = tasks[first : first + whole]
                    yield rule, [part[at : at + size] for at in range(0, len(part), size)]

    def submit(self):
        """Submit what may begin, while there are places."""
        while self.waiting is not None and self.scheduler.has_place():
            rule, rounds = self.waiting
            count = sum(map(len, rounds))
            before = self.ended[rule.before] if rule.before else 0
            if self.begun[rule.name] + count > self.campaign.released(rule, before):
                return
            self.begun[rule.name] += count
            self.scheduler.submit(Job(NODES, walltime(len(rounds) * rule.limit), (rule, rounds)))
            self.waiting = next(self.batches, None)

    def begin(self, job):
        """Return the seconds of a job: each round waits for its slowest task."""
        rule, rounds = job.batch
        seconds = 0.0
        for tasks in rounds:
            slots = 1 if tasks[0][0].width else CORES // rule.cores
            launches = ceil(len(tasks) / slots)
            seconds += at_step(max(step for _, step in tasks)) + PAUSE * (launches - 1)
        return seconds

    def finish(self, job):
        """Count what a job has done."""
        rule, rounds = job.batch
        for tasks in rounds:
            self.ended[rule.name] += len(tasks)
            node_seconds = sum(key.part * at_step(step) for key, step in tasks)
            self.scheduler.score.done(self.scheduler.now, len(tasks), node_seconds)
        self.submit()

    def run(self):
        """Return what all comes to."""
        self.submit()
        return self.scheduler.run()


def one_job_each(campaign, slow=1.0):
    """Each task in a job of its own, 20 in the queue; fewer than 128 nodes cannot be had."""
    draw = random.Random(f"each {campaign.seed}")
    return Bundles(campaign, draw, lambda *_: 1, lambda _: 1, slow).run()


def ensembles(campaign, slow=1.0):
    """Bundles that fill 128 nodes once, as many of them in a job as surely fit by their `time`."""

    def size_of(rule, width):
        return NODES // width if width else NODES * (CORES // rule.cores)

    def rounds_of(rule):
        return max(1, int((LONGEST - MARGIN) // rule.limit))

    draw = random.Random(f"ensembles {campaign.seed}")
    return Bundles(campaign, draw, size_of, rounds_of, slow).run()


def next_morning(now):
    """Return when somebody looks at it next: at nine on a working day.  Time begins on a Monday at nine."""
    day = int(now // DAY) + 1
    while day % 7 in {5, 6}:
        day += 1
    return day * DAY


def one_script(campaign, slow=1.0):
    """All tasks one after the other in one job of 128 nodes for 3 h, submitted anew on the next working morning."""
    draw = random.Random(f"script {campaign.seed}")
    tasks = (task for rule in RULES for task in campaign.tasks[rule.name])
    task = next(tasks, None)
    nodes, usable = NODES, LONGEST - START

    def begin(_job):
        nonlocal task
        spent, done, work = 0.0, 0, 0.0
        while task is not None and spent + at_step(task[1]) + PAUSE <= usable:
            spent += at_step(task[1]) + PAUSE
            done += 1
            work += task[0].part * at_step(task[1])
            task = next(tasks, None)
        scheduler.score.done(scheduler.now + START + spent, done, work)
        return spent if task is None else usable  # what is killed at the walltime begins anew

    def finish(_job):
        if task is not None:
            scheduler.at(next_morning(scheduler.now), None)

    def look():
        scheduler.submit(Job(nodes, LONGEST, None))

    scheduler = Scheduler(draw, begin, finish, slow)
    look()
    return scheduler.run(look)
