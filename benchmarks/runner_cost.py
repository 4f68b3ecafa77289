"""Measures what the runner of an allocation costs for each task that shares a node, in cpu of its one process.

    python benchmarks/runner_cost.py [--nodes 16 512 4392] [--seconds 30] [--mailbox 1 5] [--kinds 1] [--profile]

Nodes are simulated, and nothing else: the runner waits for real pipes, reads and parses the bytes that come up, and
renders and writes the rows that go down (or appends them to real mailboxes).  What is counted is the cpu from its call
to its return, without the time in which the nodes are played.  The clock goes on by that cpu too, so that answers come
together as often as they would.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import heapq
import json
import math
import os
import platform
import pstats
import random
import sys
import tempfile
import time
import traceback
from typing import ClassVar

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from hpcmake.model import Attempt, Began, Ended, Resources
from hpcmake.runners import channels
from hpcmake.runners.allocation import AllocationRunner
from hpcmake.runners.carrier import PIPE_SIZE, Pipe
from hpcmake.runners.doors import RealDoors
from hpcmake.runners.orders import Rules, Spot
from hpcmake.runners.rows import Lines

CORES = 64
MEAN = 60.0
SPREAD = 0.6
"""Sigma of the log-normal distribution of what tasks take."""


class Meter:
    """Counts the cpu of what is measured, in seconds."""

    def __init__(self, profile):
        self.used = 0.0
        self.turns = 0
        self.profile = profile
        self._from = 0.0

    def on(self):
        """Go on."""
        if self.profile:
            self.profile.enable()
        self._from = time.thread_time()

    def off(self):
        """Stop; return the seconds since it went on."""
        spent = time.thread_time() - self._from
        if self.profile:
            self.profile.disable()
        self.used += spent
        return spent


class Process:
    """Stands for a launch: the ends of two pipes that the runner has."""

    def __init__(self, stdin, stdout):
        self.stdin = stdin
        self.stdout = stdout
        self.status = None

    def poll(self):
        """Return its status, None while it runs."""
        return self.status

    def close_stdin(self):
        """Nobody waits for it here."""

    def kill(self):
        """It is gone."""
        self.status = -9

    def wait(self):
        """It is gone."""

    def close(self):
        """Let the ends go."""
        for end in (self.stdin, self.stdout):
            if end >= 0:
                os.close(end)
        self.stdin = self.stdout = -1


class SimulatedPipe(Pipe):
    """A pipe to simulated nodes: `argv` names them."""

    world = None

    def __init__(self, argv, *, environment, remarks):  # noqa: ARG002
        self.remarks = remarks
        self.lines = Lines()
        self.ended = False
        self._unsent = bytearray()
        self.theirs, stdin = os.pipe()
        stdout, self.answers = os.pipe()
        for end in (stdin, stdout, self.theirs):
            os.set_blocking(end, False)
        self.process = Process(stdin, stdout)
        names = argv[1 : argv.index("--")] if "--" in argv else []
        mailbox = argv[-1] if argv[-1].endswith(".mail") else ""
        self.launch = Launch(self, len(self.world.launches), names, mailbox)
        self.world.launches.append(self.launch)

    def write(self):
        """Write what fits, and note that there is something to read."""
        super().write()
        self.world.spoken[self.launch] = None


class Launch:
    """The simulated nodes behind one pipe."""

    def __init__(self, pipe, number, names, mailbox):
        self.pipe = pipe
        self.number = number
        self.names = names
        self.free = [CORES] * len(names)
        self.waiting = [[] for _ in names]
        self.out = []
        self.part = b""
        self.shared = bool(mailbox)
        self.source = os.open(mailbox, os.O_RDONLY) if mailbox else pipe.theirs
        self.heads = [f"[{rank}," if mailbox else "[" for rank in range(len(names))]

    def read(self):
        """Return the lines that have come down."""
        try:
            *lines, self.part = (self.part + os.read(self.source, 64 * PIPE_SIZE)).split(b"\n")
        except BlockingIOError:
            return []
        return [json.loads(line) for line in lines]


class World(RealDoors):
    """Real doors, behind which nodes are simulated."""

    spoken: ClassVar = {}
    """Launches that were told something."""

    def __init__(self, folder, meter, mailbox):
        super().__init__(
            launch=lambda nodes, words: [sys.executable, *nodes, "--", *words],
            folder=folder,
            mark="benchmark",
            mailbox=mailbox,
        )
        self.meter = meter
        self.time = 0.0
        self.launches = []
        self.agenda = []
        self.busy = 0.0
        self.stuck = 0
        SimulatedPipe.world = self

    def now(self):
        """Return the simulated time."""
        return self.time

    def wait(self, seconds):
        """Play the nodes until something has come up; then wait for it in earnest."""
        self.time += self.meter.off()
        self.meter.turns += 1
        until = math.inf if seconds is None else self.time + seconds
        loud = self.play(until)
        self.meter.on()
        if loud:
            return super().wait(0)
        self._ready = []
        return False

    def play(self, until):
        """Let nodes hear and answer; return whether one has answered."""
        loud = {}
        spoken = list(self.spoken)
        for launch in spoken:
            for words in launch.read():
                self.hear(launch, words)
            if launch.out:
                loud[launch] = None
        self.spoken.clear()
        agenda = self.agenda
        if not loud:
            self.time = max(self.time, min(until, agenda[0][0] if agenda else until))
        while agenda and agenda[0][0] <= self.time:
            _, number, rank, id_, cores, seconds = heapq.heappop(agenda)
            launch = self.launches[number]
            launch.free[rank] += cores
            launch.out.append(
                f'{launch.heads[rank]}"e",{id_},0,"exit",{seconds:.6f},{seconds:.3f},31457280,{self.time:.6f},'
                f"[{id_ % 64},{id_ * 100},100],0,1700000000000000000,4711]\n"
            )
            loud[launch] = None
            if launch.waiting[rank]:
                self.begin(launch, number, rank)
        for launch in loud:
            os.write(launch.pipe.answers, "".join(launch.out).encode())
            launch.out.clear()
        return bool(loud)

    def hear(self, launch, words):
        """Take what a launch is told."""
        number = launch.number
        if isinstance(words, dict):
            launch.out += [
                f'{head}"up",1,"{name}",""]\n' for head, name in zip(launch.heads, launch.names, strict=True)
            ]
            return
        rank = 0
        if launch.shared:
            rank, *words = words
        if words[0] == "more":
            waiting = launch.waiting[rank]
            waiting += [(row[0], row[4] if len(row) > 4 else 1, float(row[1][1])) for row in words[1:]]
            self.begin(launch, number, rank)
        elif words[0] == "beat":
            ranks = range(len(launch.names)) if rank < 0 else [rank]
            launch.out += [f'{launch.heads[each]}"a",{CORES - launch.free[each]},0]\n' for each in ranks]

    def begin(self, launch, number, rank):
        """Begin what fits on a node, in the order in which it came."""
        waiting = launch.waiting[rank]
        while waiting and waiting[0][1] <= launch.free[rank]:
            id_, cores, seconds = waiting.pop(0)
            launch.free[rank] -= cores
            launch.out.append(f'{launch.heads[rank]}"b",{id_},{self.time:.6f}]\n')
            heapq.heappush(self.agenda, (self.time + seconds, number, rank, id_, cores, seconds))


def resident():
    """Return the MiB that this process holds."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20


def tasks(kinds, cores, seed=1):
    """Yield attempts, log-normal in length; with several kinds each knows about how long it takes."""
    chance = random.Random(seed)
    drift = math.log(MEAN) - SPREAD**2 / 2
    number = 0
    outputs = [f"out/docking/protein-{number:03}/pose.pdbqt" for number in range(100)]
    while True:
        number += 1
        seconds = chance.lognormvariate(drift, SPREAD)
        expected = MEAN
        if kinds > 1:  # as far as they are told apart by what is expected of them
            step = max(1, round(kinds * min(1.0, seconds / (5 * MEAN))))
            expected = 5 * MEAN * step / kinds
        yield Attempt(
            number,
            f"dock[protein={number % 100},ligand={number}]",
            argv=("dock", str(seconds), "--exhaustiveness", "8", "--receptor", "receptor.pdbqt"),
            folders=("out/docking",),
            outputs=(outputs[number % 100],),
            resources=_TAKES[cores[number % len(cores)]],
            expected=expected,
            ceiling=expected * 1.5,
            tail=expected,
        )


_TAKES = {cores: Resources(cores=cores) for cores in range(1, CORES + 1)}


class Run:
    """One run; figures are of the time between its marks."""

    def __init__(self, folder, nodes, chosen, *, ranks):
        self.profile = cProfile.Profile() if chosen.profile else None
        self.meter = Meter(self.profile)
        self.world = World(folder, self.meter, mailbox=ranks > 1)
        launches = -(-nodes // ranks)
        self.runner = AllocationRunner(
            self.world,
            root=folder,
            logs="logs",
            mark="benchmark",
            spots=[Spot(f"nid{number:05}", CORES, 192 << 30) for number in range(nodes)],
            rules=Rules(at_once=launches if ranks > 1 else None, crowds=ranks > 1),
            spread=lambda _resources, names: list(names),
            shells=64,
        )
        self.source = tasks(chosen.kinds, chosen.cores)
        self.beside = chosen.beside / 1000
        self.ended = self.began = 0

    def go(self, *, until=math.inf, tasks=math.inf):
        """Run until a time, or until so many tasks have ended."""
        runner, meter, source = self.runner, self.meter, self.source
        while self.world.time < until and self.ended < tasks:
            meter.on()
            room = runner.wants()
            self.world.time += meter.off()
            if room > 0:
                batch = [next(source) for _ in range(room)]
                meter.on()
                runner.more(batch)
                self.world.time += meter.off()
            meter.on()
            events = runner.events(0.25)
            self.world.time += meter.off()
            for event in events:
                if type(event) is Ended:
                    self.ended += 1
                    self.world.time += self.beside
                elif type(event) is Began:
                    self.began += 1
                else:
                    sys.exit(f"unexpected: {event}")

    def mark(self):
        """Return what is counted now."""
        return self.world.time, self.ended, self.meter.used, self.meter.turns


def measure(nodes, ranks, folder, chosen):
    """Measure one shape, and print a row."""
    run = Run(folder, nodes, chosen, ranks=ranks)
    run.go(until=chosen.ramp)
    if run.profile:
        run.profile.clear()
    before = run.mark()
    run.go(until=before[0] + chosen.seconds)
    seconds, ended, used, turns = (new - old for new, old in zip(run.mark(), before, strict=True))
    running = sum(CORES - free for launch in run.world.launches for free in launch.free)
    how = f"mailboxes of {ranks}" if ranks > 1 else "pipes"
    print(
        f"| {nodes:,} | {how} | {ended:,} | {ended / seconds:,.0f} | {1000 * used / ended:.4f} | "
        f"{used / seconds:.2f} | {ended / turns:.1f} | {running / (nodes * CORES):.3f} | {resident():.0f} |",
        flush=True,
    )
    if run.profile:
        pstats.Stats(run.profile).sort_stats("tottime").print_stats(35)
        sys.stdout.flush()


def watch(nodes, ranks, folder, chosen):
    """Print what the process holds after so many tasks."""
    run = Run(folder, nodes, chosen, ranks=ranks)
    run.go(until=chosen.ramp)
    for count in chosen.memory:
        run.go(tasks=count)
        print(f"{nodes:,} nodes, {run.ended:,} tasks have ended: {resident():.0f} MiB", flush=True)


def main():
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[16, 512, 4392])
    parser.add_argument("--mailbox", type=int, nargs="+", default=[1, 5], help="nodes of one launch; 1: pipes")
    parser.add_argument("--seconds", type=float, default=30.0, help="simulated, that are measured")
    parser.add_argument("--ramp", type=float, default=60.0, help="simulated, before them")
    parser.add_argument("--kinds", type=int, default=1, help="steps in which the length of tasks is known before")
    parser.add_argument("--cores", type=int, nargs="+", default=[1], help="that tasks take, in turn")
    parser.add_argument("--beside", type=float, default=0.0, help="ms that the rest of a driver takes for a task")
    parser.add_argument("--memory", type=int, nargs="+", help="after how many tasks it is told, and nothing else")
    parser.add_argument("--collect", type=int, nargs=3, help="thresholds of the garbage collector")
    parser.add_argument("--profile", action="store_true", help="by function; slower")
    parser.add_argument("--folder", help="where mailboxes lie")
    chosen = parser.parse_args()
    if chosen.collect:
        gc.set_threshold(*chosen.collect)
    channels.Pipe = SimulatedPipe
    append = channels.MailboxChannel.flush

    def flush(self):
        append(self)
        World.spoken[self.pipe.launch] = None

    channels.MailboxChannel.flush = flush
    print(f"{platform.platform()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n")
    print(
        "| nodes | over | tasks | tasks a second | ms of cpu a task | of one core | tasks a turn | cores in use | MiB |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for nodes in chosen.nodes:
        for ranks in chosen.mailbox:
            with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
                child = os.fork()  # each has a memory of its own
                if child == 0:
                    status = 1
                    try:
                        (watch if chosen.memory else measure)(nodes, ranks, folder, chosen)
                        status = 0
                    finally:
                        if status:
                            traceback.print_exc()
                        os._exit(status)  # thousands of channels need not be let go one by one
                os.waitpid(child, 0)


if __name__ == "__main__":
    main()
