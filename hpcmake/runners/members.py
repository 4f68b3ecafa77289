"""The node programs of an allocation: started, spoken to, listened to, and given up when they are heard no more.

Owns which launch drives which nodes, and their health.  Knows nothing of why an attempt goes to a node.
"""

from __future__ import annotations

import contextlib
from math import inf

from hpcmake.model import Ended
from hpcmake.runners.faults import BEAT_EVERY, SILENT, Faults
from hpcmake.runners.launch_faults import find_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from hpcmake.model import Attempt
    from hpcmake.runners.allocation import AllocationRunner
    from hpcmake.runners.channels import Channel
    from hpcmake.runners.nodes import Node
    from hpcmake.runners.work import Work

_ON_THE_WAY = 5.0  # seconds that a line may be on its way to a node
_BLINK = 0.02  # seconds
_SLOW_END = 5.0  # seconds that a launch may take to end when its output has
_SLOW_START = 300.0  # seconds that one may take to come up: some machines are slow when many start
_SLOW_RETIRE = 60.0  # seconds that one may take to end when it was told to
_NO_PROGRAM = frozenset({126, 127})
_SHELL_SIGNALS = 128
DIED = "node"
"""Why an attempt has ended at whose deaths of nodes it was present too often."""
_LOOK_EVERY = 1.0  # seconds between two looks at all of them


class Member:
    """One launch of node programs: the nodes by rank, and when each was last heard.

    What names of the logs of a node begin with is `logs`, and, where there are several, the rank.
    """

    def __init__(self, launch: int, nodes: Sequence[Node], channel: Channel, logs: str, now: float) -> None:
        self.launch = launch
        self.nodes = tuple(node.number for node in nodes)
        self.names = [node.spot.name for node in nodes]
        self.rank_of = {number: rank for rank, number in enumerate(self.nodes)}
        self.channel = channel
        self.logs = [f"{logs}.{rank}" if channel.is_shared else logs for rank in range(len(nodes))]
        self.heard = [now] * len(nodes)
        self.up: set[int] = set()
        self.ending: float | None = None
        """When its output has ended."""
        self.retired: float | None = None
        """When it was told to end."""
        self.born = now


class Members:
    """All of them."""

    def __init__(self, runner: AllocationRunner, name: str) -> None:
        self.runner = runner
        self.faults = Faults()
        self._name = name
        self._of: dict[int, Member] = {}
        self._by_channel: dict[int, Member] = {}
        self._dirty: dict[int, Channel] = {}
        self._ending: dict[int, Member] = {}
        """Those whose output has ended, and whose process may not have."""
        self._next_look = 0.0
        self._stranded: list[tuple[float, tuple[int, ...], list[Work]]] = []
        """Until when something that nobody hears may run on nodes, and what that is."""

    # ------------------------------------------------------------ orders

    def serve(self, launch: int, nodes: tuple[int, ...], start: Mapping[str, Any], now: float) -> None:
        """Start node programs."""
        runner = self.runner
        members = [runner.placement.nodes[number] for number in nodes]
        names = [node.spot.name for node in members]
        first, name = members[0].spot, f"{self._name}-{launch}"
        told = {
            **start,
            "name": name,
            "cores": first.cores,
            "memory": first.memory,
            "gpus": first.gpus,
            "nodes": names,
        }
        try:
            channel = runner.doors.serve(names, told)
        except OSError as error:
            runner.placement.gone(launch)
            runner.halt("launcher", f"the launcher `{error.filename}` cannot be started: {error.strerror}")
            return
        member = Member(launch, members, channel, f"{runner.logs}/{name}", now)
        self._of[launch] = self._by_channel[id(channel)] = member

    def give(self, number: int, works: Sequence[Work], now: float) -> None:
        """Hand attempts to the program of a node."""
        launch = self.runner.placement.nodes[number].launch
        member = self._of.get(-1 if launch is None else launch)
        if member is None:  # its launch has failed at once
            for work in works:
                self.runner.placement.ended(work.attempt.id)
                self.runner.placement.queue([self.as_allowed(work.part)], first=True)
            return
        rank = member.rank_of[number]
        place = (member.channel, rank)
        for work in works:
            work.place = place
            work.told = now
        self._say(member, rank, ["more", *(work.row() for work in works)])

    def retire(self, launch: int) -> None:
        """Let node programs end, which have nothing to do."""
        member = self._of[launch]
        member.retired = self.runner.doors.now()
        self._say(member, None, ["end"])

    def as_allowed(self, attempt: Attempt) -> Attempt:
        """Return an attempt as it may run: alone on a node, if it was there when others died."""
        if not self.faults.any_deaths or not self.faults.runs_alone(attempt.task):
            return attempt
        cores = max(node.spot.cores for node in self.runner.placement.nodes)
        return attempt.replace(resources=attempt.resources.replace(cores=cores))

    def tell_all(self, words: Sequence[object]) -> None:
        """Tell all node programs something."""
        for member in self._of.values():
            self._say(member, None, words)

    def say_to(self, place: tuple[Channel, int], words: Sequence[object]) -> None:
        """Tell one node program something, or that of the script's machine."""
        channel, rank = place
        channel.say(rank, words)
        member = self._by_channel.get(id(channel))
        if member is not None:
            self._dirty[member.launch] = channel

    def _say(self, member: Member, rank: int | None, words: Sequence[object]) -> None:
        member.channel.say(rank, words)
        self._dirty[member.launch] = member.channel

    def flush(self) -> None:
        """Let what was said be on its way."""
        for channel in self._dirty.values():
            channel.flush()
        self._dirty.clear()

    # ------------------------------------------------------------ answers

    def hear(self, channel: Channel) -> None:
        """Take what a launch says."""
        member = self._by_channel.get(id(channel))
        if member is None:
            return
        runner, now = self.runner, self.runner.doors.now()
        names, logs = member.names, member.logs
        for rank, row in channel.read():
            member.heard[rank] = now
            kind = row[0]
            if kind == "up":
                self._on_up(member, rank)
            elif kind == "n":
                self._on_unfit(member.nodes[rank], str(row[1]) if len(row) > 1 else "")
            elif kind != "a":
                runner.take(row, (channel, rank), now, node=names[rank], logs=logs[rank])
            elif row[1:] == [0, 0]:
                self._ask_idle(member, rank, now)
        if channel.ended and member.ending is None:
            member.ending = now
            self._ending[member.launch] = member

    def _ask_idle(self, member: Member, rank: int, now: float) -> None:
        """A node says that it has nothing to do: ask it for what it should have."""
        runner = self.runner
        given = runner.placement.nodes[member.nodes[rank]].given
        missed = [id_ for id_ in given if now - runner.works[id_].told > _ON_THE_WAY]
        if missed:
            self._say(member, rank, ["ask", *missed])

    def _on_up(self, member: Member, rank: int) -> None:
        member.up.add(rank)
        self.faults.came_up([member.nodes[rank]])
        self.runner.placement.up(member.launch)

    def _on_unfit(self, number: int, text: str) -> None:
        """A node says that it cannot run anything: what runs there may end."""
        node = self.runner.placement.nodes[number]
        if not node.dead:
            self.runner.placement.lose(number)
            self._lose(f"node {node.spot.name} cannot run anything ({text})")

    # ------------------------------------------------------------ health

    def beat(self, now: float) -> None:
        """Let all nodes hear that we live; those that are silent are not kept alive."""
        for member in self._of.values():
            silent = [now - heard > 3 * BEAT_EVERY for heard in member.heard]
            if not any(silent):
                self._say(member, None, ["beat"])
                continue
            for rank, is_silent in enumerate(silent):
                if not is_silent:
                    self._say(member, rank, ["beat"])

    def wake(self, now: float) -> float:
        """Return when to look at the latest."""
        if self._ending:
            return now + 0.05
        return min((until for until, _, _ in self._stranded), default=inf)

    def look(self, now: float) -> None:
        """Find what has ended, what is silent, and what can be sure to have ended by now."""
        for member in list(self._ending.values()):
            self._bury(member, now)
        if now >= self._next_look:
            self._next_look = now + _LOOK_EVERY
            self._look_at_all(now)
        if not self._stranded:
            return
        for entry in [entry for entry in self._stranded if entry[0] <= now]:
            self._stranded.remove(entry)
            self._free(entry[1], entry[2])

    def _look_at_all(self, now: float) -> None:
        for member in list(self._of.values()):
            if member.ending is not None:
                continue
            if member.retired is not None and now - member.retired > _SLOW_RETIRE:
                member.channel.kill()
                for number in member.nodes:
                    self._give_up(number, "does not end what it was told to end")
            elif not member.up and now - member.born > _SLOW_START:
                member.channel.kill()
            elif member.up and now - min(member.heard) > SILENT:
                self._miss(member, now)

    def _miss(self, member: Member, now: float) -> None:
        placement = self.runner.placement
        for rank, heard in enumerate(member.heard):
            number = member.nodes[rank]
            node = placement.nodes[number]
            if now - heard <= SILENT or node.dead:
                continue
            self._say(member, rank, ["stop", "kill"])
            self._say(member, rank, ["end"])
            held = placement.strand(number)
            self._lose(f"nothing was heard of node {node.spot.name} for {SILENT:.0f} s")
            self._free((), [self.runner.works[attempt.id] for attempt in held], died=True)
            if len(member.nodes) == 1:
                member.channel.kill()

    def _give_up(self, number: int, why: str) -> None:
        node = self.runner.placement.nodes[number]
        if not node.dead:
            self.runner.placement.lose(number)
            self._lose(f"node {node.spot.name} {why}")

    def _bury(self, member: Member, now: float) -> None:
        status = member.channel.status
        if status is None:
            if member.ending is not None and now - member.ending > _SLOW_END:
                member.channel.kill()
            return
        runner = self.runner
        del self._of[member.launch], self._by_channel[id(member.channel)], self._ending[member.launch]
        self._dirty.pop(member.launch, None)
        said = member.channel.last_words()
        # killed, it has left what it had started; ended by itself, it has seen that to its end
        away = status < 0 or status - _SHELL_SIGNALS in {9, 15}
        expected = member.retired is not None or bool(runner.stop_why)
        # one that was killed while it started may have started something
        lost = not expected and (away or bool(member.up))
        held = runner.placement.gone(member.launch, away=lost and away)
        works = [runner.works[attempt.id] for attempt in held if attempt.id in runner.works]
        runner.doors.forget(member.channel)
        if lost:
            runner.end_doubts(member.channel, "node")
            self._on_lost(member, status, said, works, now, away=away)
        elif not expected:
            self._on_failed_start(member, status, said, works, now)
        else:
            self._free((), works)

    def _on_failed_start(self, member: Member, status: int, said: str, works: list[Work], now: float) -> None:
        runner = self.runner
        for work in works:
            work.place = None
        runner.placement.queue([self.as_allowed(work.part) for work in works], first=True)
        pause, spent = self.faults.failed_start(member.nodes)
        names = ", ".join(runner.placement.nodes[number].spot.name for number in member.nodes[:3])
        last = said.splitlines()[-1] if said else f"status {status}"
        if pause == inf or (status in _NO_PROGRAM and not self.faults.any_up):
            runner.halt("launcher", f"no node could be used: the launch on {names} ended with {last}")
            return
        runner.placement.not_before = max(runner.placement.not_before, now + pause)
        for number in spent:
            runner.placement.strand(number)
            name = runner.placement.nodes[number].spot.name
            self._lose(f"nothing can be started on node {name} ({last})")
        if not spent:
            runner.note(f"a launch on {names} has failed ({last}); it is tried again in {pause:.0f} s")

    def _on_lost(self, member: Member, status: int, said: str, works: list[Work], now: float, *, away: bool) -> None:
        runner = self.runner
        nodes = [runner.placement.nodes[number] for number in member.nodes]
        fault = find_fault(said, [node.spot.name for node in nodes])
        named = [node.number for node in nodes if fault is not None and node.spot.name in fault.nodes]
        spent = named or (self.faults.lost_launch(member.nodes) if len(nodes) == 1 else [])
        last = f" ({said.splitlines()[-1]})" if said else ""
        which = f"node {nodes[0].spot.name}" if len(nodes) == 1 else f"{len(nodes)} nodes"
        ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        later = "; what it ran may go on there, and is begun again when it cannot" if away else ""
        runner.note(f"the launch on {which} {ended}{last}{later}")
        for number in spent:
            runner.placement.lose(number)
            self._lose(f"node {runner.placement.nodes[number].spot.name} has failed")
        if away:
            for work in works:
                work.place = None
            self._stranded.append((now + SILENT, member.nodes, works))
        else:
            self._free((), works, died=True)

    def free(self, works: Sequence[Work], elapsed: float) -> None:
        """Attempts were lost with nodes: give them back."""
        for work in works:
            self.runner.placement.ended(work.attempt.id)
            work.began = work.began if work.began is not None else self.runner.doors.now() - elapsed
        self._free((), works, died=True)

    def _free(self, nodes: Iterable[int], works: Sequence[Work], *, died: bool = False) -> None:
        """Nothing runs on nodes any more: give back what they held."""
        runner = self.runner
        for number in nodes:
            runner.placement.returned(number)
        now = runner.doors.now()
        for work in works:
            if work.attempt.id not in runner.works:
                continue
            if died or nodes:
                self.faults.saw_death(work.attempt.task)
            elapsed = 0.0 if work.began is None else max(now - work.began, 0.001)
            if self.faults.is_deadly(work.attempt.task):
                del runner.works[work.attempt.id]
                runner.events_ready.append(Ended(work.attempt.id, -9, DIED, elapsed, 0.0, 0, now - runner.began_at))
            else:
                # it may have begun without our having heard
                runner.cut(work, runner.stop_why or "node", max(elapsed, 0.001))

    def lose(self, nodes: Iterable[int], why: str) -> None:
        """Nodes are lost, as a launcher says."""
        for number in nodes:
            self._give_up(number, f"was lost ({why})")

    def _lose(self, words: str) -> None:
        runner = self.runner
        runner.note(f"{words}: what it ran runs elsewhere, and it is not used again in this run")
        if runner.placement.usable == 0:
            runner.halt("nodes", "no node is left")
        elif self.faults.lost_node(runner.doors.now()):
            runner.halt("nodes", "three nodes were lost within five minutes: nothing more is begun")

    def take_stranded(self) -> list[Work]:
        """Return what may still run where nobody hears it: we end, and it ends by itself."""
        stranded, self._stranded = self._stranded, []
        return [work for _, _, works in stranded for work in works if work.attempt.id in self.runner.works]

    def end_all(self) -> None:
        """End all node programs, and wait until they have ended: a launcher that is killed leaves them running."""
        runner = self.runner
        channels = [runner.host.channel, *(member.channel for member in self._of.values())]
        for channel in channels:
            with contextlib.suppress(OSError):
                channel.say(None, ["end"])
                channel.flush()
        until = runner.doors.now() + _SLOW_END
        while any(channel.status is None for channel in channels) and runner.doors.now() < until:
            runner.doors.wait(_BLINK)
            for channel in runner.doors.ready():
                channel.read()
                if channel.ended:
                    runner.doors.rest(channel)
        for channel in channels:
            runner.doors.forget(channel)
        self._of.clear()
        self._by_channel.clear()
        self._ending.clear()
