"""What would run when on the nodes of one job: tasks are started as the runner would start them, in expected time.

Owns the forecast.  Knows nothing of queues, and moves no real task.

Tasks are moved as counts: as many of a class as fit begin as one, and nodes that hold the same are one group.  So a
million tasks of a few classes cost a few thousand steps, and 10^5 of mixed sizes and lengths about one step each.
"""

from __future__ import annotations

from bisect import insort
from math import inf

from hpcmake.choose import Ready
from hpcmake.planner.stages import Stages
from hpcmake.planner.timeline import Piece, Timeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.stages import Progress
    from hpcmake.planner.timeline import Allocation, Wants

_RAMP = 0.05  # tasks that begin as one begin within this share of their length
_SOON = 1e-9


def forecast(wants: Wants, allocation: Allocation, progress: Progress, only: Sequence[bool] | None = None) -> Timeline:
    """Return what an allocation would run of what `progress` leaves; nothing begins whose ceiling is not left.

    `only` tells of each class whether it may run here.  `progress` is not changed.
    """
    return _Forecast(wants, allocation, progress, only).run()


class _Run:
    """Something that holds nodes: one whole-node start (`shared` False) or a group of equal nodes with shared tasks."""

    __slots__ = ("cores", "ends", "entries", "gpus", "launches", "memory", "nodes", "shared", "stamp")

    def __init__(self, nodes: int, *, shared: bool, launches: int) -> None:
        self.nodes = nodes
        self.shared = shared
        self.launches = launches
        self.entries: list[tuple[float, int, int]] = []  # end, class, tasks on each node
        self.cores: float = 0
        self.memory: float = 0
        self.gpus: float = 0
        self.stamp = 0
        self.ends = 0.0


class _Forecast:
    def __init__(self, wants: Wants, allocation: Allocation, progress: Progress, only: Sequence[bool] | None) -> None:
        self.of = wants
        self.allocation = allocation
        self.stages = Stages(wants.waits, progress)
        self.next = list(progress.taken)
        self.ready = Ready(wants.wants, wants.orders)
        self.whole_ready = 0
        self.may_run = [
            (only is None or only[number]) and wants.fit(number, allocation.nodes) for number in range(len(wants.wants))
        ]
        self.now = 0.0
        self.gate = 0.0
        self.idle = allocation.nodes
        self.launched = 0
        self.events: list[tuple[float, int, _Run]] = []  # (-end, stamp, run): the last one is next
        self.stamps = 0
        self.groups: dict[int, _Run] = {}
        self.pieces: list[Piece] = []
        self.running = dict.fromkeys(wants.alike, 0)
        self.left_area = sum(
            (count - taken) * area
            for count, taken, area, may in zip(wants.counts, progress.taken, wants.areas, self.may_run, strict=True)
            if may
        )
        self.hold: tuple[int, float, int] | None = None
        self.draining: set[int] = set()
        self.busy = self.ramp = self.waited = 0.0
        self.launches = 0

    # ------------------------------------------------------------ time

    def run(self) -> Timeline:
        for number, count in self.stages.begin():
            self._let(number, count)
        self._fill([])
        end = 0.0
        while self.events:
            self.now = end = -self.events[-1][0]
            opened: list[_Run] = []
            while self.events and -self.events[-1][0] <= end + _SOON:
                _, stamp, run = self.events.pop()
                if stamp == run.stamp:
                    self._finish(run, opened)
            self._fill(opened)
        pieces = tuple(self.pieces)
        seconds = max((piece.end for piece in pieces), default=0.0)
        return Timeline(pieces, seconds, self.busy, self.launches, self.ramp, self.waited)

    def _finish(self, run: _Run, opened: list[_Run]) -> None:
        over = [entry for entry in run.entries if entry[0] <= self.now + _SOON]
        if run.shared:
            run.entries = [entry for entry in run.entries if entry[0] > self.now + _SOON]
            for _, number, count in over:
                want = self.of.wants[number]
                run.cores += count * want.cores
                run.memory += count * want.memory
                run.gpus += count * want.gpus
            self._schedule(run)
            opened.append(run)
        else:
            self.idle += run.nodes
            self.launched -= run.launches
        for _, number, count in over:
            self._ended(number, count * run.nodes if run.shared else count)

    def _ended(self, number: int, count: int) -> None:
        rule = self.of.classes[number].rule
        if rule in self.running:
            self.running[rule] -= count
            for each in self.of.alike[rule]:
                self.ready.open(each)
        for each, more in self.stages.ended(number, count):
            self._let(each, more)

    def _let(self, number: int, count: int) -> None:
        if count and self.may_run[number]:
            self.ready.add(number, count)
            if self.of.wants[number].nodes:
                self.whole_ready += count

    def _left(self) -> float:
        return self.allocation.seconds - max(self.now, self.gate)

    # ------------------------------------------------------------ filling nodes

    def _fill(self, opened: list[_Run]) -> None:
        if self.whole_ready and self.groups:
            self._next_of_all()  # decides which groups must drain, before they are filled again
        fresh = {id(run) for run in opened}
        spare = [run for run in self.groups.values() if id(run) not in fresh] if self.stages.take_news() else []
        for run in [*opened, *spare]:
            self._refill(run)
        self._fill_idle()

    def _next_of_all(self) -> int | None:
        """Return what should begin next, however much is free; keep nodes for it if it does not fit yet."""
        horizon = self.left_area / self.allocation.nodes
        head = self.ready.pick(inf, inf, inf, inf, self._left(), horizon)
        if head is None or self.of.wants[head].nodes <= self.idle:
            self.hold = None
            self.draining.clear()
        elif self.hold is None or self.hold[0] != head or self.hold[1] <= self.now + _SOON:
            self._keep_nodes_for(head)
        return head

    def _keep_nodes_for(self, head: int) -> None:
        missing = self.of.wants[head].nodes - self.idle
        self.draining.clear()
        after, freed = inf, 0
        if self.groups:
            ends = sorted((run.ends, run.stamp, run) for _, stamp, run in self.events if stamp == run.stamp)
            # groups on which all has just ended are not among the events any more
            ends[:0] = [(self.now, 0, run) for run in self.groups.values() if not run.entries]
        else:
            ends = ((-at, stamp, run) for at, stamp, run in reversed(self.events))  # type: ignore[assignment]
        for at, _, run in ends:
            freed += run.nodes
            self.draining.add(id(run))
            if freed >= missing:
                after = at
                break
        self.hold = (head, after, freed - missing)

    def _fill_idle(self) -> None:
        while True:
            head = self._next_of_all() if self.whole_ready else None
            left = self._left()
            if self.hold is None:
                if not self.idle:
                    return
                if head is None:
                    horizon = self.left_area / self.allocation.nodes
                    head = self.ready.pick(self.idle, inf, inf, inf, left, horizon)
                if head is None or not self._start(head, self.idle, left):
                    return
            else:
                # what begins before it changes neither what is next nor when it can begin
                while self.idle and self._start_before(self._left()):
                    pass
                return

    def _start_before(self, left: float) -> bool:
        """Start something on the idle nodes that does not delay what they are kept for."""
        if self.hold is None:
            return False
        head, after, spare = self.hold
        short = max(0.0, min(left, after - max(self.now, self.gate)))
        kind = self.ready.pick(self.idle, inf, inf, inf, short, inf)
        if kind is not None:
            return self._start(kind, self.idle, short)
        if spare <= 0:
            return False
        kind = self.ready.pick(min(self.idle, spare), inf, inf, inf, left, inf)
        if kind is None:
            return False
        before = self.idle
        started = self._start(kind, min(self.idle, spare), left)
        self.hold = (head, after, spare - (before - self.idle))
        return started

    def _start(self, number: int, nodes: int, left: float) -> bool:
        """Start as many tasks of a class as may begin as one on so many idle nodes; tell whether any did."""
        of, launch = self.of, self.allocation.launch
        want, seconds = of.wants[number], of.seconds[number]
        count = self._allowed(number)
        width, each = want.nodes or 1, 1
        if not want.nodes:
            each = min(of.fits[number], count)
        starts = min(count // each, nodes // width)
        if launch.at_once is not None and (want.nodes or launch.over_limit != "mailbox"):
            starts = min(starts, launch.at_once - self.launched)
        if launch.pause:
            spare = max(0.0, left - want.ceiling)
            starts = min(starts, max(1, int(_RAMP * seconds / launch.pause)), 1 + int(spare / launch.pause))
        if starts <= 0:
            return False
        begin = max(self.now, self.gate)
        self.gate = begin + starts * launch.pause
        begin += (starts - 1) * launch.pause
        run = _Run(starts * width, shared=not want.nodes, launches=starts)
        self.waited += (begin - self.now) * run.nodes
        self.idle -= run.nodes
        self.launched += starts
        self.launches += starts
        if self.now == 0:
            self.ramp = max(self.ramp, begin)
        if want.nodes:
            self._enter(run, number, starts, starts, begin)
            return True
        node = self.allocation.node
        run.cores, run.memory, run.gpus = node.cores, inf if node.memory is None else node.memory, node.gpus
        self._enter(run, number, each, each * starts, begin)
        self.groups[id(run)] = run
        if self.hold is not None:
            self.draining.add(id(run))
        self._refill(run, begin)
        return True

    def _allowed(self, number: int) -> int:
        """Return how many tasks of a class may begin now, for all their rule says."""
        rule, count = self.of.classes[number].rule, self.ready.counts[number]
        most = self.of.at_once.get(rule)
        return count if most is None else min(count, most - self.running[rule])

    def _refill(self, run: _Run, begin: float | None = None) -> None:
        """Give what is free on a group of nodes to tasks; a group is divided where tasks do not suffice for all."""
        todo = [run]
        while todo:
            group = todo.pop()
            while group.cores > 0:
                at = self.now if begin is None else begin
                left = self.allocation.seconds - at
                if self.hold is not None and id(group) in self.draining:
                    left = min(left, self.hold[1] - at)
                horizon = self.left_area / self.allocation.nodes
                number = self.ready.pick(0, group.cores, group.memory, group.gpus, left, horizon)
                if number is None:
                    break
                want, count = self.of.wants[number], self._allowed(number)
                if count < group.nodes:
                    todo.append(self._divide(group, count))
                fits = group.cores // want.cores if want.cores else inf
                if want.memory:
                    fits = min(fits, group.memory // want.memory)
                if want.gpus:
                    fits = min(fits, group.gpus // want.gpus)
                each = int(min(fits, count // group.nodes))
                self._enter(group, number, each, each * group.nodes, at)
            if not group.entries:
                self._close(group)

    def _divide(self, group: _Run, nodes: int) -> _Run:
        """Cut a group down to so many nodes, and return the rest as a group of its own."""
        other = _Run(group.nodes - nodes, shared=True, launches=group.launches - nodes)
        other.entries = list(group.entries)
        other.cores, other.memory, other.gpus = group.cores, group.memory, group.gpus
        group.nodes = group.launches = nodes
        self.groups[id(other)] = other
        if id(group) in self.draining:
            self.draining.add(id(other))
        self._schedule(other)
        return other

    def _close(self, group: _Run) -> None:
        """Let the nodes of a group on which nothing runs be idle."""
        self.idle += group.nodes
        self.launched -= group.launches
        del self.groups[id(group)]
        self.draining.discard(id(group))
        group.stamp = -1

    def _enter(self, run: _Run, number: int, each: int, count: int, begin: float) -> None:
        """Put tasks on a run's nodes: `each` as one node counts them, `count` in all."""
        of = self.of
        want, end = of.wants[number], begin + of.seconds[number]
        first = self.next[number]
        self.next[number] = first + count
        self.ready.take(number, count)
        rule = of.classes[number].rule
        if rule in self.running:
            self.running[rule] += count
            if self.running[rule] >= of.at_once[rule]:
                for alike in of.alike[rule]:
                    self.ready.close(alike)
        if want.nodes:
            self.whole_ready -= count
        run.cores -= each * want.cores
        run.memory -= each * want.memory
        run.gpus -= each * want.gpus
        run.entries.append((end, number, each))
        self._schedule(run)
        area = count * of.areas[number]
        self.left_area -= area
        self.busy += area
        self.pieces.append(Piece(number, first, count, begin, end, run.nodes))

    def _schedule(self, run: _Run) -> None:
        """Look at a run again when the first of what it holds ends."""
        if not run.entries:
            run.stamp = -1
            return
        ends = [entry[0] for entry in run.entries]
        self.stamps += 1
        run.stamp = self.stamps
        run.ends = max(ends)
        insort(self.events, (-min(ends), run.stamp, run))
