"""Nodes, launches and a clock that are simulated: what surrounds the runner of an allocation, as a test wishes it.

A task is a program `sleep SECONDS`; one that wants nodes is `sleep SECONDS NODES`, and runs on the machine of the script.
"""

import heapq
import json
import random
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from hpcmake.model import LAUNCH, Attempt, Resources
from hpcmake.runners.allocation import AllocationRunner
from hpcmake.runners.channels import Channel
from hpcmake.runners.node.task import DEFAULTS
from hpcmake.runners.orders import Rules, Spot


class Machine:
    """The simulated world: `Doors` of a runner.

    `start_up` is the seconds a launch takes to come up, `way` those of a line in each direction, `drops` the share of
    answers that are lost on their way.  `failing` launches do not come up.
    """

    def __init__(
        self, *, start_up: float = 0.5, way: float = 0.01, drops: float = 0.0, failing: int = 0, seed: int = 0
    ) -> None:
        self.time = 0.0
        self.start_up = start_up
        self.way = way
        self.drops = drops
        self.failing = failing
        self.random = random.Random(seed)
        self.agenda: list[tuple[float, int, Callable[[], None]]] = []
        self.steps = 0
        self.waits = 0
        self.heard: dict[int, SimulatedChannel] = {}
        self.launches: list[SimulatedChannel] = []
        self.running: dict[str, set[int]] = {}
        """What runs on each node, by its name."""
        self.on_node: dict[str, list[SimulatedChannel]] = {}
        self.most_on_node = 0
        self.most_launches = 0
        self.launch_times: list[float] = []
        self.dead: set[str] = set()
        self.hung: set[str] = set()
        self.began: dict[int, list[float]] = {}
        self.ended: dict[int, float] = {}
        self.spans: list[tuple[int, float, float]] = []
        """The attempts that ran, each with when it began and ended."""

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        self.steps += 1
        heapq.heappush(self.agenda, (self.time + seconds, self.steps, action))

    # ------------------------------------------------------------ doors

    def now(self) -> float:
        return self.time

    def host(self, start: Mapping[str, Any]) -> "SimulatedChannel":
        return SimulatedChannel(self, ("",), start, is_host=True)

    def serve(self, nodes: Sequence[str], start: Mapping[str, Any]) -> "SimulatedChannel":
        channel = SimulatedChannel(self, tuple(nodes), start, is_host=False)
        self.launches.append(channel)
        return channel

    def note_launch(self, nodes: Sequence[str], key: "SimulatedChannel") -> None:
        self.launch_times.append(self.time)
        for node in nodes:
            self.on_node.setdefault(node, []).append(key)
            self.most_on_node = max(self.most_on_node, len(self.on_node[node]))
        self.most_launches = max(self.most_launches, len({id(each) for keys in self.on_node.values() for each in keys}))

    def end_launch(self, nodes: Sequence[str], key: "SimulatedChannel") -> None:
        for node in nodes:
            self.on_node[node] = [each for each in self.on_node[node] if each is not key]

    def wait(self, seconds: float | None) -> bool:
        self.heard.clear()
        until = inf if seconds is None else self.time + seconds
        self.waits += 1
        assert self.waits < 50_000, "it goes on for ever"
        while not self.heard:
            if not self.agenda or self.agenda[0][0] > until:
                assert until < inf, "nothing will ever happen"
                self.time = max(self.time, until)
                break
            when, _, action = heapq.heappop(self.agenda)
            self.time = max(self.time, when)
            action()
        return False

    def ready(self) -> list[Channel]:
        return list(self.heard.values())

    def rest(self, channel: Channel) -> None:
        pass

    def forget(self, channel: Channel) -> None:
        channel.close()

    def close(self) -> None:
        pass

    # ------------------------------------------------------------ faults

    def kill_node(self, name: str) -> None:
        """A node loses its power, and the launches on it end with an error."""
        self.dead.add(name)
        for channel in list(self.on_node.get(name, ())):
            channel.end(1)

    def hang_node(self, name: str) -> None:
        """A node stands still, with all that runs on it, and tells nobody."""
        self.hung.add(name)
        for channel in self.on_node.get(name, ()):
            for node in channel.nodes:
                for id_ in list(node.running) if node.name == name else ():
                    node.leave(id_)

    def kill_launch(self, channel: "SimulatedChannel") -> None:
        """The launcher is killed, and its node programs go on until they miss their beat."""
        channel.end(-9, leaves=True)


class SimulatedNode:
    """A node program."""

    def __init__(self, channel: "SimulatedChannel", rank: int, name: str, cores: int) -> None:
        self.channel = channel
        self.machine = channel.machine
        self.rank = rank
        self.name = name
        self.free = cores
        self.waiting: dict[int, tuple[Any, ...]] = {}
        self.running: dict[int, tuple[Any, ...]] = {}
        self.since: dict[int, float] = {}
        self.answers: dict[int, list[Any]] = {}
        self.heard = self.machine.time
        self.over = False

    def lives(self) -> bool:
        return self.name not in self.machine.dead and self.name not in self.machine.hung and not self.over

    def hear(self, words: Sequence[Any]) -> None:
        if not self.lives():
            return
        self.heard = self.machine.time
        word, *rest = words
        if word == "more":
            for row in rest:
                task = (*row, *DEFAULTS[len(row) :])
                if task[0] not in self.waiting and task[0] not in self.running and task[0] not in self.answers:
                    self.waiting[task[0]] = task
            self.begin()
        elif word == "forget":
            for id_ in rest:
                if self.waiting.pop(id_, None):
                    self.finish(id_, ["c", id_, "forgotten", 0])
        elif word in {"stop", "drain"}:
            for id_ in list(self.waiting):
                del self.waiting[id_]
                self.finish(id_, ["c", id_, "stop", 0])
            for id_ in list(self.running) if word == "stop" else ():
                self.leave(id_)
                self.finish(id_, ["c", id_, "stop", 1.0])
        elif word == "ask":
            for id_ in rest:
                if id_ in self.answers:
                    self.channel.answer(self, self.answers[id_])
                elif id_ not in self.running and id_ not in self.waiting:
                    self.channel.answer(self, ["u", id_])

    def begin(self) -> None:
        for id_, task in list(self.waiting.items()):
            cores = task[4]
            if cores > self.free:
                continue
            del self.waiting[id_]
            self.free -= cores
            self.running[id_] = task
            self.since[id_] = self.machine.time
            self.machine.began.setdefault(self.task_of(id_), []).append(self.machine.time)
            self.machine.running.setdefault(self.name, set()).add(id_)
            self.channel.answer(self, ["b", id_, 0.0])
            seconds = float(task[1][1])
            self.machine.at(seconds, lambda id_=id_: self.end(id_))  # type: ignore[misc]

    def task_of(self, id_: int) -> int:
        """Return the attempt that a number means: on the script's machine each try has one of its own."""
        return id_ // 8 if self.channel.is_host else id_

    def leave(self, id_: int) -> None:
        task = self.running.pop(id_)
        self.machine.spans.append((self.task_of(id_), self.since[id_], self.machine.time))
        self.free += task[4]
        self.machine.running.get(self.name, set()).discard(id_)

    def end(self, id_: int) -> None:
        if not self.lives() or id_ not in self.running:
            return
        seconds = float(self.running[id_][1][1])
        self.leave(id_)
        now = self.machine.time
        self.machine.ended[self.task_of(id_)] = now
        self.finish(id_, ["e", id_, 0, "exit", seconds, seconds, 1, 0.0, 0, 0])
        self.begin()

    def finish(self, id_: int, words: list[Any]) -> None:
        self.answers[id_] = words
        self.channel.answer(self, words)

    def beat(self) -> None:
        if not self.lives():
            return
        if self.machine.time - self.heard > self.channel.patience:
            self.die()
            return
        self.channel.answer(self, ["a", len(self.running), len(self.waiting)])
        self.machine.at(15.0, self.beat)

    def die(self) -> None:
        self.over = True
        for id_ in list(self.running):
            self.leave(id_)
        self.machine.running.pop(self.name, None)


class SimulatedChannel:
    """A launch of node programs, or the node program of the script's machine."""

    def __init__(self, machine: Machine, names: tuple[str, ...], start: Mapping[str, Any], *, is_host: bool) -> None:
        self.machine = machine
        self.names = names
        self.is_shared = len(names) > 1
        self.is_host = is_host
        self.patience = start["beat"] or inf
        self.ended = False
        self.status: int | None = None
        self.inbox: list[tuple[int, list[Any]]] = []
        self.closing = False
        self.up_at = machine.time + machine.start_up
        """When its nodes begin to hear."""
        self.nodes = [SimulatedNode(self, rank, name, start["cores"]) for rank, name in enumerate(names)]
        if is_host:
            return
        machine.note_launch(names, self)
        if machine.failing > 0:
            machine.failing -= 1
            machine.at(0.1, lambda: self.end(1))
        elif any(name in machine.dead for name in names):
            machine.at(1.0, lambda: self.end(1))
        else:
            machine.at(machine.start_up, self.come_up)

    def come_up(self) -> None:
        if self.ended:
            return
        for node in self.nodes:
            self.answer(node, ["up", 1, node.name, ""])
            self.machine.at(15.0, node.beat)

    def say(self, rank: int | None, words: Sequence[Any]) -> None:
        words = json.loads(json.dumps(words))
        delay = self.machine.way + (0.0 if self.is_host else max(0.0, self.up_at - self.machine.time))
        if words[0] == "end" and rank is None:
            self.machine.at(delay, self.retire)
            return
        for node in self.nodes if rank is None else [self.nodes[rank]]:
            self.machine.at(delay, lambda node=node: None if self.ended else node.hear(words))  # type: ignore[misc]

    def retire(self) -> None:
        if any(node.name in self.machine.hung for node in self.nodes):
            return
        for node in self.nodes:
            for id_ in list(node.running):
                node.leave(id_)
            node.die()
        self.end(0)

    def answer(self, node: SimulatedNode, words: list[Any]) -> None:
        if self.ended or (words[0] != "up" and self.machine.random.random() < self.machine.drops):
            return
        self.machine.at(self.machine.way, lambda: self.deliver(node.rank, list(words)))

    def deliver(self, rank: int, words: list[Any]) -> None:
        if not self.ended:
            self.inbox.append((rank, words))
            self.machine.heard[id(self)] = self

    def end(self, status: int, *, leaves: bool = False) -> None:
        if self.ended:
            return
        self.ended, self.status = True, status
        if not leaves:
            for node in self.nodes:
                node.die()
            if not self.is_host:
                self.machine.end_launch(self.names, self)
        self.machine.at(0.0, self.be_heard)

    def be_heard(self) -> None:
        self.machine.heard[id(self)] = self

    def flush(self) -> None:
        pass

    def read(self) -> list[tuple[int, list[Any]]]:
        found, self.inbox = self.inbox, []
        return found

    def last_words(self) -> str:
        return ""

    def kill(self) -> None:
        self.end(-9, leaves=True)

    def close(self) -> None:
        self.end(-9)


def simulate(
    machine: Machine,
    nodes: int,
    *,
    cores: int = 4,
    rules: Rules | None = None,
    left: float = inf,
) -> AllocationRunner:
    """Return a runner of simulated nodes."""

    def spread(_resources: Resources, names: Sequence[str]) -> list[str]:
        return list(names)

    return AllocationRunner(
        machine,
        root=".",
        logs="logs",
        mark="simulated",
        spots=[Spot(f"n{number}", cores) for number in range(nodes)],
        rules=rules or Rules(),
        spread=spread,
        left=left,
        shells=10_000,
    )


def task(number: int, seconds: float, *, cores: int = 1, known: bool = True, **more: Any) -> Attempt:
    """Return an attempt that shares a node."""
    expected = seconds if known else None
    return Attempt(
        number,
        f"task[{number}]",
        argv=("sleep", str(seconds)),
        resources=Resources(cores=cores),
        expected=expected,
        ceiling=expected or 0.0,
        tail=expected or 0.0,
        **more,
    )


def wide(number: int, seconds: float, nodes: int, *, known: bool = True) -> Attempt:
    """Return an attempt that has nodes for itself."""
    attempt = task(number, seconds, known=known)
    return attempt.replace(argv=("sleep", str(seconds), LAUNCH), resources=Resources(nodes=nodes))
