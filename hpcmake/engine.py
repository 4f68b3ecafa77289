"""What to do next: the mind of the loop that runs a plan.

Owns which tasks are ready, in which order they are handed out, retries, failures and what they stop.  Does nothing
itself: no file, no process, no clock.  It is told what happened, and asked what to do.
"""

from __future__ import annotations

from array import array
from heapq import heappop, heappush

from hpcmake.planner.graph import SOURCE
from hpcmake.planner.stale import FRESH, GIVEN_UP, LOST, STATES, UNKNOWN, is_stale
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

WAITS, READY, HANDED, DONE, FAILED, FRESH_AFTER_ALL, GAVE_UP, STOPPED = range(8)
"""What becomes of a task in a run."""

_REMADE = STATES["input will be remade"]
_DIFFER = STATES["inputs differ"]


class Settled(Record):
    """A task that needed no run of its own: judged fresh after all, or given up."""

    task: int
    fate: int


class Engine:
    """The tasks of a plan that must run, numbered in the order in which they came.

    `expected(rule)` gives the seconds that a task of a rule is expected to take, `retries(task)` how often a failed one
    is tried again, `at_once(rule)` how many of a rule may run together, `priority(task)` its priority.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        expected: Callable[[str], float],
        retries: Callable[[Table, int], int],
        priority: Callable[[Table, int], int],
        at_once: Callable[[Table], int | None],
        keep_going: bool = False,
    ) -> None:
        self.plan = plan
        self.keep_going = keep_going
        self.rule = array("i")
        self.row = array("i")
        self.state = bytearray()
        self.tries = array("i")
        """How often each task has failed."""
        self.number: dict[tuple[int, int], int] = {}
        self.settled: list[Settled] = []
        """What was settled without running since it was last asked for."""
        self.handed = 0
        self.failed: list[int] = []
        self.stopping = False
        """Whether nothing more is to be started: after a failure without `-k`, or on demand."""
        self.counts = [0] * 8
        self._open = array("i")
        """For each task, how many entries of its inputs are not settled yet."""
        self._takers: dict[int, list[int]] = {}
        """Tasks that wait for an entry: a file, or a group."""
        self._blind: set[int] = set()
        """Tasks that wait for the plan to know more of them."""
        self._linked: dict[int, set[int]] = {}
        """For those, the entries that they wait for already."""
        self._groups_of: dict[int, list[int]] = {}
        self._group_open: dict[int, int] = {}
        self._ready: list[tuple[int, float, int]] = []
        self._held: dict[int, list[tuple[int, float, int]]] = {}
        self._of_rule: dict[int, int] = {}
        self._expected = expected
        self._retries = retries
        self._priority = priority
        self._at_once = at_once
        self._rank: dict[int, float] = {}
        self._legs: dict[int, int] = {}
        self._add(self._rows_to_run())

    # ------------------------------------------------------------ taking tasks in

    def _rows_to_run(self) -> list[tuple[int, int]]:
        return [
            (number, row)
            for number, table in enumerate(self.plan.graph.tables)
            if table.state.count(FRESH) != len(table.state)
            for row, state in enumerate(table.state)
            if (is_stale(state) or state == UNKNOWN)
        ]

    def grow(self, rows: dict[int, Sequence[int]]) -> int:
        """Take in what the plan has become; return how many tasks are new to the run."""
        self._rank.clear()
        before = len(self.rule)
        add = []
        again = []
        for number, those in rows.items():
            table = self.plan.graph.tables[number]
            for row in those:
                known = self.number.get((number, row))
                if known is not None and self.state[known] == WAITS:
                    again.append(known)
                elif known is None and (is_stale(table.state[row]) or table.state[row] == UNKNOWN):
                    add.append((number, row))
        # a task that was fresh may have to run, since what is new wants a temp file of it
        for number, table in enumerate(self.plan.graph.tables):
            if number not in rows and any(output.temp for output in table.rule.outputs):
                add += [
                    (number, row)
                    for row, state in enumerate(table.state)
                    if is_stale(state) and (number, row) not in self.number
                ]
        self._add(add)
        for task in again:  # only now are all makers known
            self._relink(task)
        return len(self.rule) - before

    def _add(self, rows: list[tuple[int, int]]) -> None:
        first = len(self.rule)
        for number, row in rows:
            self.number[number, row] = len(self.rule)
            self.rule.append(number)
            self.row.append(row)
        count = len(rows)
        self.state.extend(bytes(count))
        self.tries.extend(array("i", [0]) * count)
        self._open.extend(array("i", [0]) * count)
        self.counts[WAITS] += count
        self._measure_legs(first)
        for task in range(first, first + count):
            self._link(task)
        for task in range(first, first + count):
            if not self._open[task]:
                self._became_ready(task)

    def _link(self, task: int) -> None:
        """Count what a task waits for; what it waits for already is not counted twice."""
        table, row = self.table(task), self.row[task]
        linked = self._linked.pop(task, set())
        count = self._open[task] - (task in self._blind)
        self._blind.discard(task)
        for column in table.inputs:
            entry = column[row]
            if entry not in linked and self._is_open(entry):
                self._takers.setdefault(entry, []).append(task)
                linked.add(entry)
                count += 1
        if row in table.waiting:
            count += 1  # it is linked again when the plan knows more
            self._linked[task] = linked
            self._blind.add(task)
        self._open[task] = count

    def _relink(self, task: int) -> None:
        """Link a task of which more has become known."""
        if task in self._blind:
            self._link(task)
        if not self._open[task]:
            self._became_ready(task)

    def _is_open(self, entry: int) -> bool:
        if entry == -1:
            return False
        if entry >= 0:
            return self._file_is_open(entry)
        known = self._group_open.get(entry)
        if known is None:
            known = 0
            for number in self.plan.graph.group(entry):
                if self._file_is_open(number):
                    self._groups_of.setdefault(number, []).append(entry)
                    known += 1
            self._group_open[entry] = known
        return known > 0

    def _file_is_open(self, number: int) -> bool:
        files = self.plan.graph.files
        rule = files.rule[number]
        if rule == SOURCE:
            return False
        task = self.number.get((rule, files.row[number]))
        return task is not None and self.state[task] in {WAITS, READY, HANDED, FAILED, STOPPED}

    def table(self, task: int) -> Table:
        """Return the table of a task's rule."""
        return self.plan.graph.tables[self.rule[task]]

    def name(self, task: int) -> str:
        """Return the name of a task."""
        return self.table(task).name(self.row[task])

    # ------------------------------------------------------------ the order

    def _measure_legs(self, first: int) -> None:
        """Count, for rules that need themselves, how many tasks of the rule follow each."""
        for number in {self.rule[task] for task in range(first, len(self.rule))}:
            table = self.plan.graph.tables[number]
            if number not in table.needs:
                continue
            files = self.plan.graph.files
            rows = [row for row in range(table.count) if (number, row) in self.number]
            depth = dict.fromkeys(rows, 0)
            # rows were added from takers to makers, mostly: a few rounds reach the end
            for row in rows:
                for column in table.inputs:
                    entry = column[row]
                    for taken in (entry,) if entry >= 0 else () if entry == -1 else self.plan.graph.group(entry):
                        if files.rule[taken] == number and files.row[taken] in depth:
                            maker = files.row[taken]
                            depth[maker] = max(depth[maker], depth[row] + 1)
            self._legs.update({self.number[number, row]: legs for row, legs in depth.items() if legs})

    def _path_length(self, number: int) -> float:
        """Return the seconds that are expected from the start of a task of a rule to the end of all that needs it."""
        known = self._rank.get(number)
        if known is None:
            self._rank[number] = 0.0  # rules that need each other count once
            tables = self.plan.graph.tables
            after = [
                self._path_length(other)
                for other, table in enumerate(tables)
                if number in table.needs and other != number and table.count
            ]
            known = self._rank[number] = self._expected(tables[number].rule.name) + max(after, default=0.0)
        return known

    def _became_ready(self, task: int) -> None:
        """A task has all it needs: judge it by its own record, and queue it if it must run."""
        table, row = self.table(task), self.row[task]
        if row in table.waiting:
            return
        state = table.state[row]
        if state in {_REMADE, UNKNOWN, GIVEN_UP} or (state == _DIFFER and any(item.maybe for item in table.rule.inputs)):
            self.plan.judge.forget_fates()
            state = self.plan.judge.state_of(table, row)[0]
            table.state[row] = state
            if state == FRESH:
                self._settle(task, FRESH_AFTER_ALL)
                return
            if state == GIVEN_UP:
                self._settle(task, GAVE_UP)
                return
        elif self._needs_lost(table, row):
            self._settle(task, GAVE_UP)
            return
        self._put(task, READY)
        rule = self.rule[task]
        length = self._path_length(rule) + self._legs.get(task, 0) * self._expected(table.rule.name)
        entry = (-self._priority(table, row), -length, task)
        limit = self._at_once(table)
        if limit is not None and self._of_rule.get(rule, 0) >= limit:
            heappush(self._held.setdefault(rule, []), entry)
        else:
            self._of_rule[rule] = self._of_rule.get(rule, 0) + (limit is not None)
            heappush(self._ready, entry)

    def _needs_lost(self, table: Table, row: int) -> bool:
        if not self.plan.judge.optional:
            return False
        will = self.plan.judge.will
        for item, column in zip(table.rule.inputs, table.inputs, strict=True):
            entry = column[row]
            if item.maybe or entry == -1:
                continue
            if any(will[number] == LOST for number in ((entry,) if entry >= 0 else self.plan.graph.group(entry))):
                return True
        return False

    def _put(self, task: int, state: int) -> None:
        self.counts[self.state[task]] -= 1
        self.counts[state] += 1
        self.state[task] = state

    # ------------------------------------------------------------ asking

    def next_tasks(self, most: int) -> list[int]:
        """Return up to `most` ready tasks, the most urgent first; they count as handed out."""
        found: list[int] = []
        while self._ready and len(found) < most and not self.stopping:
            task = heappop(self._ready)[2]
            self._put(task, HANDED)
            self.handed += 1
            found.append(task)
        return found

    @property
    def has_ready(self) -> bool:
        """Whether a task could be handed out."""
        return bool(self._ready) and not self.stopping

    @property
    def is_over(self) -> bool:
        """Whether nothing runs and nothing can be started."""
        return self.handed == 0 and (self.stopping or not self._ready)

    def left(self) -> list[int]:
        """Return the tasks that have not been run, though they must be."""
        return [task for task, state in enumerate(self.state) if state in {WAITS, READY, STOPPED}]

    def take_settled(self) -> list[Settled]:
        """Return what was settled without running since the last call."""
        found, self.settled = self.settled, []
        return found

    # ------------------------------------------------------------ being told

    def on_done(self, task: int) -> None:
        """A task has succeeded, and its outputs have their new stamps."""
        self.handed -= 1
        self._release(task)
        self.table(task).state[self.row[task]] = FRESH
        self._settle(task, DONE)

    def on_failure(self, task: int) -> str:
        """An attempt has failed; return `again`, `gave up` or `failed`."""
        self.handed -= 1
        self.tries[task] += 1
        if self.tries[task] <= self._retries(self.table(task), self.row[task]):
            self._put(task, READY)
            # it is tried even if nothing new is started: it was running when that was decided
            self._put(task, HANDED)
            self.handed += 1
            return "again"
        self._release(task)
        rows = self.plan.judge.optional.get(self.rule[task])
        if rows is not None and rows[self.row[task]]:
            self.table(task).state[self.row[task]] = GIVEN_UP
            self._settle(task, GAVE_UP)
            return "gave up"
        self._put(task, FAILED)
        self.failed.append(task)
        if not self.keep_going:
            self.stopping = True
        return "failed"

    def on_cut(self, task: int, *, again: bool) -> None:
        """An attempt was cut, without being at fault: it is ready again, or left."""
        self.handed -= 1
        if again:
            self._put(task, READY)
            heappush(self._ready, (-self._priority(self.table(task), self.row[task]), 0.0, task))
        else:
            self._release(task)
            self._put(task, STOPPED)

    def stop(self) -> None:
        """Start nothing more."""
        self.stopping = True

    def _release(self, task: int) -> None:
        """Give the place of a task under `at_once` to the next of its rule."""
        rule = self.rule[task]
        if self._at_once(self.table(task)) is None:
            return
        waiting = self._held.get(rule)
        if waiting:
            heappush(self._ready, heappop(waiting))
        else:
            self._of_rule[rule] -= 1

    def _settle(self, task: int, fate: int) -> None:
        """A task will not run any more: free what waited for it.  Works through a list, since chains are long."""
        todo = [(task, fate)]
        while todo:
            task, fate = todo.pop()
            self._put(task, fate)
            table, row = self.table(task), self.row[task]
            if fate != DONE:
                self.settled.append(Settled(task, fate))
            for column in table.outputs:
                number = column[row]
                self.plan.judge.will[number] = LOST if fate == GAVE_UP else 0
                self._free(number)
            if table.rule.produces is not None:
                self._free_produced(table, row)

    def _free(self, number: int) -> None:
        ready: list[int] = []
        self._close(number, ready)
        for entry in self._groups_of.pop(number, ()):
            self._group_open[entry] -= 1
            if not self._group_open[entry]:
                self._close(entry, ready)
        for task in ready:
            self._became_ready(task)

    def _close(self, entry: int, ready: list[int]) -> None:
        for taker in self._takers.pop(entry, ()):
            self._open[taker] -= 1
            if not self._open[taker] and self.state[taker] == WAITS:
                ready.append(taker)

    def _free_produced(self, table: Table, row: int) -> None:
        """Free what takes files of a `produces` by name."""
        files = self.plan.graph.files
        wanted = [
            n
            for n in list(self._takers) + list(self._groups_of)
            if n >= 0 and files.rule[n] == table.rule.number and files.row[n] == row
        ]
        for number in dict.fromkeys(wanted):
            self._free(number)
