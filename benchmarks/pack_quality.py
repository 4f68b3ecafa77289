"""How well nodes are kept busy: allocations are simulated task by task, with true durations that differ from estimates.

Owns the simulated allocation and the tables of quality and speed.  Knows nothing of how packing decides: it asks
`hpcmake.choose` each time that something falls free, as the runner of an allocation does.

    python benchmarks/pack_quality.py [--quick]
"""

from __future__ import annotations

import heapq
import os
import random
import sys
import time
from bisect import insort
from math import inf

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from hpcmake.choose import Free, Hold, Ready, choose  # noqa: E402
from hpcmake.model import Resources  # noqa: E402  # the checkout, and not what is installed
from hpcmake.planner.bundles import least_node_seconds  # noqa: E402
from hpcmake.planner.classes import Rows, RuleTraits, gather  # noqa: E402
from hpcmake.planner.pack import pack  # noqa: E402
from hpcmake.planner.queues import Wishes  # noqa: E402
from hpcmake.planner.timeline import Wants  # noqa: E402
from hpcmake.site import NodeKind  # noqa: E402
from hpcmake.tasks.estimates import Estimate  # noqa: E402

KNL = NodeKind("knl", 64, 4, 192_000_000_000)


class Simulated:
    """An allocation in which nothing runs but a clock.

    `classes` are what the packer believes, `truth` the seconds that each task really takes, `gaps` seconds between
    launches.  A node-sharing node is launched once; each whole-node task is.
    """

    def __init__(self, classes, truth, nodes, node=KNL, pause=0.0):
        self.wants = Wants(classes, node)
        self.truth = truth
        self.node = node
        self.nodes = nodes
        self.pause = pause
        self.ready = Ready(self.wants.wants)
        self.queue = []
        for kind, each in enumerate(classes):
            self.ready.add(kind, each.count)
            self.queue.append(iter(each.members))
        self.area = sum(each.count * area for each, area in zip(classes, self.wants.areas, strict=True))
        self.idle = list(range(nodes))
        self.free = {}  # node: cores, memory, gpus, tasks
        self.events = []
        self.expected = []  # (expected end, sequence, nodes): sorted
        self.now = self.gate = self.ramp = self.last_start = self.end = 0.0
        self.intervals = []  # start, end, node-equivalents
        self.sequence = 0
        self.hold = None
        self.decisions = 0

    def run(self):
        """Let the clock run until all is done, and return self."""
        self.fill(None)
        self.ramp = max((start for start, _, _ in self.intervals), default=0.0)
        while self.events:
            self.now, _, kind, nodes, expected = heapq.heappop(self.events)
            if self.wants.wants[kind].nodes:
                self.idle += nodes
                self.expected.remove((expected, nodes[0], len(nodes)))
                self.fill(None)
            else:
                self.give_back(kind, nodes[0])
                self.fill(nodes[0])
        return self

    def give_back(self, kind, node):
        """Let a node have back what a task held."""
        want, held = self.wants.wants[kind], self.free[node]
        held[0] += want.cores
        held[1] += want.memory
        held[2] += want.gpus
        held[3] -= 1

    def fill(self, node):
        """Start what can be started: first on a node where something ended, then on idle ones."""
        horizon = self.area / self.nodes
        if node is not None:
            self.share(node, horizon)
            if self.free[node][3] == 0:
                del self.free[node]
                self.idle.append(node)
        while self.idle:
            self.decisions += 1
            head = choose(self.ready, Free(nodes=10**9), inf, horizon=horizon)
            if head is None:
                return
            width = self.wants.wants[head].nodes or 1
            if width > len(self.idle):
                head = choose(
                    self.ready, Free(nodes=len(self.idle)), inf, horizon=horizon, hold=self.kept_for(head, width)
                )
                if head is None:
                    return
                width = self.wants.wants[head].nodes or 1
                if self.hold[1] - self.now < self.wants.wants[head].ceiling:
                    self.hold[2] -= width
            nodes = [self.idle.pop() for _ in range(width)]
            at = max(self.now, self.gate)
            self.gate = at + self.pause
            if self.wants.wants[head].nodes:
                self.start(head, nodes, at)
            else:
                memory = self.node.memory if self.node.memory is not None else 1 << 62
                self.free[nodes[0]] = [self.node.cores, memory, self.node.gpus, 0]
                self.share(nodes[0], horizon, at)

    def kept_for(self, head, width):
        """Keep nodes for a wide task that does not fit yet."""
        if self.hold is None or self.hold[0] != head or self.hold[1] <= self.now:
            freed, missing = 0, width - len(self.idle)
            for end, _, nodes in self.expected:
                freed += nodes
                if freed >= missing:
                    self.hold = [head, max(end, self.now), freed - missing]
                    break
        return Hold(max(0.0, self.hold[1] - self.now), self.hold[2])

    def share(self, node, horizon, at=None):
        """Fill what is free on a node that tasks share."""
        held = self.free[node]
        while held[0] > 0:
            self.decisions += 1
            kind = choose(self.ready, Free(0, held[0], held[1], held[2]), inf, horizon=horizon)
            if kind is None:
                return
            want = self.wants.wants[kind]
            held[0] -= want.cores
            held[1] -= want.memory
            held[2] -= want.gpus
            held[3] += 1
            self.start(kind, [node], self.now if at is None else at)

    def start(self, kind, nodes, at):
        """Start a task of a kind."""
        self.ready.take(kind)
        task = next(self.queue[kind])
        self.area -= self.wants.areas[kind]
        seconds = self.truth[task]
        self.sequence += 1
        expected = at + self.wants.seconds[kind]
        heapq.heappush(self.events, (at + seconds, self.sequence, kind, nodes, expected))
        want = self.wants.wants[kind]
        if want.nodes:
            insort(self.expected, (expected, nodes[0], len(nodes)))
        self.intervals.append((at, at + seconds, want.nodes or 1 / max(1, self.wants.fits[kind])))
        self.last_start = max(self.last_start, at)
        self.end = max(self.end, at + seconds)

    def utilisation(self):
        """The share of node-time that is used between the end of the launch ramp and the last start."""
        start, stop = self.ramp, self.last_start
        if stop <= start:
            return 1.0
        used = sum(max(0.0, min(end, stop) - max(begin, start)) * share for begin, end, share in self.intervals)
        return used / (self.nodes * (stop - start))


def first_come(truth, widths, nodes):
    """When tasks end that are started in their order, each as soon as it fits, as xargs or a plain pool does it."""
    free, now, end, running = nodes, 0.0, 0.0, []
    for seconds, width in zip(truth, widths, strict=True):
        while free < width:
            now, back = heapq.heappop(running)
            free += back
        free -= width
        heapq.heappush(running, (now + seconds, width))
        end = max(end, now + seconds)
    return end


# ---------------------------------------------------------------- workloads


def log_normal(draw):
    return draw.lognormvariate(5.0, 0.6)


def bimodal(draw):
    return draw.gauss(600, 40) if draw.random() < 0.1 else draw.gauss(60, 10)


def docking(draw):
    """As in a docking campaign: it grows with the square of the number of torsions, times the size of the site."""
    torsions = min(20, max(0, round(draw.gauss(6, 3))))
    return (25 + 3.2 * torsions**2) * draw.choice((0.8, 1.0, 1.0, 1.3)) * draw.lognormvariate(0, 0.15)


DURATIONS = {"log-normal": log_normal, "docking": docking, "bimodal": bimodal}


def tasks(count, duration, shapes, draw, error=0.25):
    """Return classes as estimated within an error, the true seconds, and the width or share of each task."""
    truth = [max(1.0, duration(draw)) for _ in range(count)]
    believed = [seconds * draw.uniform(1 - error, 1 + error) for seconds in truth]
    shape = [draw.randrange(len(shapes)) for _ in range(count)]
    classes = gather(
        Rows(bytes(count), shape, bytes(count), seconds=believed),
        rules=[RuleTraits("task")],
        shapes=[(each,) for each in shapes],
        estimates=[Estimate(100.0, 100.0, "measured", 100)],
    )
    return classes, truth, shape


def unknown(count, duration, resources, draw):
    """Return one class of which nobody knows how long its tasks take, and the true seconds."""
    truth = [max(1.0, duration(draw)) for _ in range(count)]
    classes = gather(
        Rows(bytes(count), bytes(count), bytes(count)),
        rules=[RuleTraits("task")],
        shapes=[(resources,)],
        estimates=[Estimate(3600.0, 3600.0, "none given")],
    )
    return classes, truth


def area(wants, classes, truth):
    return sum(
        truth[task] * (want.nodes or 1 / max(1, fit))
        for each, want, fit in zip(classes, wants.wants, wants.fits, strict=True)
        for task in each.members
    )


# ---------------------------------------------------------------- tables


def shared_table(sizes, quick):
    print("Node-sharing tasks, estimates within 25 %, 20 tasks a slot; launches 0.1 s apart.")
    print(
        "| nodes | slots a node | durations | tasks | utilisation | ramp | makespan / bound | with the ramp "
        "| unknown: excess / longest | unknown / first come |"
    )
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for nodes in sizes:
        slots = 16 if nodes <= 512 else 4
        per = 5 if quick and nodes > 100 else 20
        for name, duration in DURATIONS.items():
            draw = random.Random(f"{name}{nodes}")
            count = nodes * slots * per
            resources = Resources(cores=64 // slots)
            classes, truth, _ = tasks(count, duration, [resources], draw)
            one = Simulated(classes, truth, nodes, pause=0.1).run()
            work = area(one.wants, classes, truth) / nodes
            bound = max([work, *truth])
            late = max([work + 0.1 * (nodes - 1) / 2, *truth])  # the last node is launched a ramp later than the first
            blind, seconds = unknown(count, duration, resources, random.Random(f"{name}{nodes}"))
            other = Simulated(blind, seconds, nodes).run()
            excess = (other.end - area(other.wants, blind, seconds) / nodes) / max(seconds)
            pool = first_come(seconds, [1] * count, nodes * slots)
            print(
                f"| {nodes} | {slots} | {name} | {count} | {one.utilisation():.1%} | {one.ramp:.0f} s "
                f"| {one.end / bound:.3f} | {one.end / late:.3f} | {excess:.2f} | {other.end / pool:.3f} |",
                flush=True,
            )


def mpi_table(sizes, quick):
    print("\nWhole-node tasks, estimates within 25 %, as many as fill the allocation twenty times.")
    print("| nodes | widths | durations | tasks | utilisation | makespan / bound | first come / bound |")
    print("| ---: | --- | --- | ---: | ---: | ---: | ---: |")
    for nodes in sizes:
        powers = [2**k for k in range(20) if 2**k <= nodes // 4]
        rows = {
            "powers of 2 to a quarter": powers,
            "powers of 2 to all": [2**k for k in range(20) if 2**k <= nodes],
            "any to a quarter": list(range(1, nodes // 4 + 1)),
        }
        for label, widths in rows.items():
            per = 20 * nodes // (sum(widths) // len(widths))
            count = min(per, 4000 if quick else 20_000)
            for name, duration in DURATIONS.items():
                draw = random.Random(f"{name}{nodes}{label}")
                classes, truth, shape = tasks(count, duration, [Resources(nodes=width) for width in widths], draw)
                one = Simulated(classes, truth, nodes).run()
                bound = max([area(one.wants, classes, truth) / nodes, *truth])
                pool = first_come(truth, [widths[each] for each in shape], nodes)
                print(
                    f"| {nodes} | {label} | {name} | {count} | {one.utilisation():.1%} | {one.end / bound:.3f} "
                    f"| {pool / bound:.3f} |",
                    flush=True,
                )


AWKWARD = {
    "33 of 64 cores": [Resources(cores=33)],
    "33 and 31": [Resources(cores=33), Resources(cores=31)],
    "33, 20, 11 and 5": [Resources(cores=33), Resources(cores=20), Resources(cores=11), Resources(cores=5)],
    "24 of 64": [Resources(cores=24)],
    "24 and 8": [Resources(cores=24), Resources(cores=8)],
    "memory against cores": [Resources(cores=2, memory=60 * 10**9), Resources(cores=12, memory=4 * 10**9)],
    "many": [
        Resources(cores=cores, memory=memory * 10**9)
        for cores, memory in ((1, 40), (3, 2), (7, 20), (16, 10), (21, 5), (40, 60))
    ],
}


def awkward_table(quick):
    print("\nAwkward shapes on 16 nodes: node-seconds held, over a bound that no packing can beat.")
    print("| shapes | tasks | held / bound | first come / bound |")
    print("| --- | ---: | ---: | ---: |")
    for label, shapes in AWKWARD.items():
        draw = random.Random(label)
        classes, truth, shape = tasks(1000 if quick else 4000, log_normal, shapes, draw, error=0.0)
        one = Simulated(classes, truth, 16).run()
        bound = max([least_node_seconds(classes, KNL) / 16, *truth])
        blind = in_order(truth, [shapes[each] for each in shape], 16)
        print(f"| {label} | {len(truth)} | {one.end / bound:.3f} | {blind / bound:.3f} |", flush=True)


def in_order(truth, wanted, nodes):
    """When node-sharing tasks end that are started in their order, each on the first node on which it fits."""
    free = [[KNL.cores, KNL.memory] for _ in range(nodes)]
    running, now, end = [], 0.0, 0.0
    for sequence, (seconds, resources) in enumerate(zip(truth, wanted, strict=True)):
        while True:
            node = next(
                (n for n in range(nodes) if free[n][0] >= resources.cores and free[n][1] >= resources.memory), None
            )
            if node is not None:
                break
            now, _, back, held = heapq.heappop(running)
            free[back][0] += held.cores
            free[back][1] += held.memory
        free[node][0] -= resources.cores
        free[node][1] -= resources.memory
        heapq.heappush(running, (now + seconds, sequence, node, resources))
        end = max(end, now + seconds)
    return end


def speed_table(quick):
    from hpcmake.sites.loader import read_site

    print("\nPacking for Theta, from columns to jobs.")
    print("| tasks | cpu to gather | cpu to pack | jobs | peak memory |")
    print("| --- | ---: | ---: | ---: | ---: |")
    theta = read_site("theta", {})
    scale = 10 if quick else 1
    cases = {
        "node-sharing, one rule, a tenth": (100_000 // scale, [Resources(cores=4)]),
        "node-sharing, one rule": (1_000_000 // scale, [Resources(cores=4)]),
        "node-sharing, three shapes": (1_000_000 // scale, [Resources(cores=c) for c in (1, 4, 33)]),
        "whole-node, powers of 2": (100_000 // scale, [Resources(nodes=2**k) for k in range(8)]),
        "whole-node, any to 128": (100_000 // scale, [Resources(nodes=k) for k in range(1, 129)]),
    }
    import resource

    for label, (count, shapes) in cases.items():
        draw = random.Random(label)
        believed = [max(1.0, log_normal(draw)) for _ in range(count)]
        rows = Rows(bytes(count), [draw.randrange(len(shapes)) for _ in range(count)], bytes(count), seconds=believed)
        start = time.process_time()
        classes = gather(
            rows,
            rules=[RuleTraits("task")],
            shapes=[(each,) for each in shapes],
            estimates=[Estimate(100.0, 150.0, "measured", 100)],
        )
        middle = time.process_time()
        packing = pack(classes, theta, Wishes(nodes=512))
        stop = time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        jobs = len(packing.jobs)
        print(
            f"| {count:,} {label} | {middle - start:.2f} s | {stop - middle:.2f} s | {jobs} | {peak} MiB |", flush=True
        )


def main():
    quick = "--quick" in sys.argv
    speed_table(quick)
    awkward_table(quick)
    mpi_table((16, 512) if quick else (16, 512, 4392), quick)
    shared_table((16, 512) if quick else (16, 512, 4392), quick)


if __name__ == "__main__":
    main()
