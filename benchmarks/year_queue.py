"""The queue of a simulated year: how long jobs wait in it, and a scheduler that is only a clock.

Owns waits, starts and ends of jobs, and the sums of what they were charged.  Knows nothing of tasks.

That waits are so is an assumption, and no measurement.  The user guide says of Theta's queue that larger jobs have
priority, that shorter ones gain it faster, that all walltimes from 12 h on are alike in this, and that 802 nodes and
more are preferred.  A log-normal law is what Brevik, Nurmi and Wolski compare their bounds of waits with (PPoPP 2006).
The figures are made up.
"""

from __future__ import annotations

import heapq
from collections import deque
from math import exp

HOUR, MINUTE = 3600.0, 60.0
LINK = 60.0
"""Cobalt looks at dependencies every 60 s."""
START = 30.0
"""Seconds from the start of a job to that of its first task, whatever it runs; charged."""
INHERITED = 0.5
"""A child takes over half of its parent's score (Cobalt's default), and so waits half as long once that has ended."""
USUAL, SPREAD = 2.5 * HOUR, 1.1
"""The median wait of a job of 128 nodes for 3 h, and the standard deviation of the logarithm of all waits."""
CAPABILITY, PREFERRED = 802, 0.5
RUNNING, QUEUED = 10, 20


def median_wait(nodes, walltime):
    """Return the median wait of a job, in seconds."""
    wait = USUAL * (nodes / 128) ** 0.35 * (min(walltime, 12 * HOUR) / (3 * HOUR)) ** 0.5
    return wait * PREFERRED if nodes >= CAPABILITY else wait


class Job:
    """A job in the queue: `nodes` are given and charged.  `batch` is whatever its owner wants to find again."""

    __slots__ = ("batch", "children", "ended", "nodes", "parents", "started", "submitted", "wait", "walltime")

    def __init__(self, nodes, walltime, batch, parents=()):
        self.nodes = nodes
        self.walltime = walltime
        self.batch = batch
        self.parents = {parent for parent in parents if parent.ended is None}
        self.children = []
        self.submitted = self.started = self.ended = None
        self.wait = 0.0


class Score:
    """What a way has come to.  `work` are node-hours of tasks that were done, by the hour in which they ended."""

    def __init__(self):
        self.jobs = self.tasks = 0
        self.charged = self.work = self.end = self.waited = self.planning = 0.0
        self.plans = 0
        self.by_hour = {}

    @property
    def idle(self):
        """Node-hours that were charged and in which nothing ran that was of use."""
        return self.charged - self.work

    def done(self, at, count, node_seconds):
        """Take note of tasks that have ended well."""
        self.tasks += count
        self.work += node_seconds / HOUR
        hour = int(at // HOUR)
        self.by_hour[hour] = self.by_hour.get(hour, 0.0) + node_seconds / HOUR
        self.end = max(self.end, at)


class Scheduler:
    """Jobs of one user: at most 20 in the queue, of which at most 10 run.

    `begin(job)` is asked how many seconds a job takes that starts, `finish(job)` is told when it has ended.  `slow` is
    by how much all waits are longer.
    """

    def __init__(self, draw, begin, finish, slow=1.0):
        self.draw = draw
        self.begin = begin
        self.finish = finish
        self.slow = slow
        self.now = 0.0
        self.living = 0
        self.running = 0
        self.most = [0, 0]
        self.ready = deque()
        self.events = []
        self.sequence = 0
        self.score = Score()

    def has_place(self):
        """Whether one more job is taken."""
        return self.living < QUEUED

    def submit(self, job):
        """Put a job into the queue."""
        if not self.has_place():
            raise ValueError("the queue is full")
        self.living += 1
        self.most[1] = max(self.most[1], self.living)
        job.submitted = self.now
        job.wait = self.slow * median_wait(job.nodes, job.walltime) * exp(self.draw.gauss(0.0, SPREAD))
        for parent in job.parents:
            parent.children.append(job)
        if not job.parents:
            self.at(self.now + job.wait, job)
        return job

    def at(self, seconds, job):
        """Look at a job (or, if it is None, at everything) at a time."""
        self.sequence += 1
        heapq.heappush(self.events, (seconds, self.sequence, job))

    def run(self, look=None):
        """Let time pass until nothing is left; `look()` is called where no job had been to be looked at."""
        while self.events:
            self.now, _, job = heapq.heappop(self.events)
            if job is None:
                look()
            elif job.started is None:
                self.ready.append(job)
                self.start()
            else:
                self.end(job)
        return self.score

    def start(self):
        """Start what is next, if it may run."""
        while self.ready and self.running < RUNNING:
            job = self.ready.popleft()
            self.running += 1
            self.most[0] = max(self.most[0], self.running)
            job.started = self.now
            seconds = min(job.walltime, START + self.begin(job))
            self.score.jobs += 1
            self.score.waited += self.now - job.submitted
            self.score.charged += job.nodes * seconds / HOUR
            self.at(self.now + seconds, job)

    def end(self, job):
        """Let a job have ended."""
        self.running -= 1
        self.living -= 1
        job.ended = self.now
        for child in job.children:
            child.parents.discard(job)
            if not child.parents:
                self.at(self.now + LINK + INHERITED * child.wait, child)
        self.finish(job)
        self.start()
