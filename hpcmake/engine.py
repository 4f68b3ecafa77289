"""What to do next: the mind of the loop that runs a plan.

Owns which tasks are ready, in which order they are handed out, retries, failures and what they stop.  Knows nothing of
files, processes and clocks, and does nothing itself: it is told what happened, and asked what to do.
"""

from __future__ import annotations

from array import array
from heapq import heappop, heappush

from hpcmake.record import Record
from hpcmake.tasks.entries import Entries
from hpcmake.tasks.rows import SOURCE
from hpcmake.tasks.states import FRESH, GIVEN_UP, LOST, STATES, UNKNOWN, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

WAITS, READY, HANDED, DONE, FAILED, FRESH_AFTER_ALL, GAVE_UP, STOPPED = range(8)
"""What becomes of a task in a run."""

_REMADE = STATES["input will be remade"]
_ANEW = frozenset((FRESH, _REMADE, UNKNOWN, GIVEN_UP))
"""The states that are judged again once all that a task needs is there."""
_OPEN = frozenset((WAITS, READY, HANDED, FAILED, STOPPED))
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
        self.not_produced: dict[int, None] = {}
        """Files of a `produces` that are wanted by name, and that their task has not produced."""
        self.counts = [0] * 8
        self._open = array("i")
        """For each task, how many entries of its inputs are not settled yet."""
        self._entries = Entries(self._file_is_open, plan.graph.group, plan.judge.forget_fate)
        self._blind: set[int] = set()
        """Tasks that wait for the plan to know more of them."""
        self._linked: dict[int, set[int]] = {}
        """For those, the entries that they wait for already."""
        self._ready: list[tuple[int, float, int]] = []
        self._held: dict[int, list[tuple[int, float, int]]] = {}
        self._of_rule: dict[int, int] = {}
        self._retries = retries
        self._priority = priority
        self._at_once = at_once
        self._limits: dict[int, int | None] = {}
        self._urgency = plan.urgency(expected)
        self._roots_seen = 0
        self._to_judge: list[int] = []
        """Tasks that have all they need, and are not queued yet: a list, since chains are long."""
        self._add(self._rows_to_run())
        self._check_roots()

    # ------------------------------------------------------------ taking tasks in

    def _rows_to_run(self) -> list[tuple[int, int]]:
        return [
            (number, row)
            for number, table in enumerate(self.plan.graph.tables)
            if table.state.count(FRESH) != len(table.state)
            for row, state in enumerate(table.state)
            if (is_stale(state) or state == UNKNOWN)
        ]

    def grow(self, rows: dict[int, Sequence[int]]) -> None:
        """Take in what the plan has become."""
        add, again = [], []
        for number, those in rows.items():
            table = self.plan.graph.tables[number]
            for row in those:
                known = self.number.get((number, row))
                if known is not None and self.state[known] == WAITS:
                    again.append(known)
                elif known is None and (is_stale(table.state[row]) or table.state[row] == UNKNOWN):
                    add.append((number, row))
        self._add(add)
        for task in again:  # only now are all makers known
            self._relink(task)
        self._judge_ready()
        self._check_roots()

    def _check_roots(self) -> None:
        """Find the files of `produces` that are asked for, and that their task has not produced though up to date."""
        files, roots = self.plan.graph.files, self.plan.roots
        if len(roots) == self._roots_seen:
            return
        seen, self._roots_seen = self._roots_seen, len(roots)
        for number in list(roots)[seen:]:
            rule = files.rule[number]
            if rule != SOURCE and self.plan.graph.tables[rule].rule.produces is not None:
                self._file_is_open(number)

    def _add(self, rows: list[tuple[int, int]]) -> None:
        first = len(self.rule)
        by_rule: dict[int, list[int]] = {}
        for number, row in rows:
            by_rule.setdefault(number, []).append(row)
            self.number[number, row] = len(self.rule)
            self.rule.append(number)
            self.row.append(row)
        count = len(rows)
        self.state.extend(bytes(count))
        self.tries.extend(array("i", [0]) * count)
        self._open.extend(array("i", [0]) * count)
        self.counts[WAITS] += count
        self._urgency.grow(by_rule)
        for task in range(first, first + count):
            self._link(task)
        self._to_judge += [task for task in range(first, first + count) if not self._open[task]]
        self._judge_ready()

    def _link(self, task: int) -> None:
        """Count what a task waits for; what it waits for already is not counted twice."""
        table, row = self.table(task), self.row[task]
        linked = self._linked.pop(task, set())
        count = self._open[task] - (task in self._blind)
        self._blind.discard(task)
        for column in table.inputs:
            entry = column[row]
            if entry not in linked and self._entries.wait(entry, task):
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
            self._to_judge.append(task)

    def _file_is_open(self, number: int) -> bool:
        files = self.plan.graph.files
        rule = files.rule[number]
        if rule == SOURCE:
            return False
        row = files.row[number]
        task = self.number.get((rule, row))
        if task is None or self.state[task] == DONE:
            if self.plan.is_not_produced(number):
                self._miss(number)
                return True
            return False
        return self.state[task] in _OPEN

    def _miss(self, number: int) -> None:
        self.not_produced[number] = None
        if not self.keep_going:
            self.stopping = True

    def table(self, task: int) -> Table:
        """Return the table of a task's rule."""
        return self.plan.graph.tables[self.rule[task]]

    def name(self, task: int) -> str:
        """Return the name of a task."""
        return self.table(task).name(self.row[task])

    # ------------------------------------------------------------ the order

    def _judge_ready(self) -> None:
        """Judge tasks that have all they need by their own records, and queue those that must run."""
        while self._to_judge:
            task = self._to_judge.pop()
            fate = self._judged(task)
            if fate is None:
                self._queue(task)
            elif fate != WAITS:
                self._settle(task, fate)

    def _judged(self, task: int) -> int | None:
        """Return what becomes of a task without a run; None if it must run."""
        table, row = self.table(task), self.row[task]
        if row in table.waiting or self.state[task] != WAITS:
            return WAITS
        state = table.state[row]
        if state in _ANEW or (state == _DIFFER and any(item.maybe for item in table.rule.inputs)):
            state = self.plan.judge.state_of(table, row)[0]
            table.state[row] = state
            return {FRESH: FRESH_AFTER_ALL, GIVEN_UP: GAVE_UP}.get(state)
        return GAVE_UP if self._needs_lost(table, row) else None

    def _queue(self, task: int) -> None:
        """A task may run: put it in its place."""
        self._put(task, READY)
        table, row, rule = self.table(task), self.row[task], self.rule[task]
        entry = (-self._priority(table, row), -self._urgency.of(rule, row), task)
        limit = self._limit(rule)
        if limit is not None and self._of_rule.get(rule, 0) >= limit:
            heappush(self._held.setdefault(rule, []), entry)
        else:
            self._of_rule[rule] = self._of_rule.get(rule, 0) + (limit is not None)
            heappush(self._ready, entry)

    def _limit(self, rule: int) -> int | None:
        """Return how many tasks of a rule may run together, None if there is no limit."""
        if rule not in self._limits:
            self._limits[rule] = self._at_once(self.plan.graph.tables[rule])
        return self._limits[rule]

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
        """A task has succeeded, its outputs have their new stamps, and the plan knows what it has produced."""
        self.handed -= 1
        self._release(task)
        self.table(task).state[self.row[task]] = FRESH
        self._settle(task, DONE)
        self._judge_ready()

    def urgency(self, task: int) -> float:
        """Return the seconds expected from the start of a task to the end of all that needs it."""
        return self._urgency.of(self.rule[task], self.row[task])

    def is_fatal(self, task: int) -> bool:
        """Tell whether the failure of the next attempt of a task will stop the run."""
        return not self.keep_going and not self._is_optional(task) and self.is_last(task)

    def is_last(self, task: int) -> bool:
        """Tell whether the next attempt of a task is the last."""
        return self.tries[task] >= self._retries(self.table(task), self.row[task])

    def _is_optional(self, task: int) -> bool:
        rows = self.plan.judge.optional.get(self.rule[task])
        return rows is not None and bool(rows[self.row[task]])

    def on_failure(self, task: int) -> str:
        """An attempt has failed; return `again`, `gave up` or `failed`."""
        self.handed -= 1
        self.tries[task] += 1
        if self.tries[task] <= self._retries(self.table(task), self.row[task]):
            self.handed += 1  # it is tried even if nothing new is started: it was running when that was decided
            return "again"
        self._release(task)
        if self._is_optional(task):
            self._settle(task, GAVE_UP)
            self._judge_ready()
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
        if self._limit(rule) is None:
            return
        waiting = self._held.get(rule)
        if waiting:
            heappush(self._ready, heappop(waiting))
        else:
            self._of_rule[rule] -= 1

    def _settle(self, task: int, fate: int) -> None:
        """A task will not run any more: free what waited for it."""
        self._put(task, fate)
        table, row = self.table(task), self.row[task]
        if fate != DONE:
            self.settled.append(Settled(task, fate))
        if fate == GAVE_UP:
            table.state[row] = GIVEN_UP
        self.plan.judge.note(table, row, table.state[row])
        for column in table.outputs:
            self._free(column[row])
        named = table.named.get(row)
        if named:
            self._free_named(self.rule[task], row, named, fate)

    def _free_named(self, rule: int, row: int, named: Sequence[int], fate: int) -> None:
        """Free what takes files of a `produces` by name, if they were produced."""
        paths = self.plan.graph.files.paths
        made = self.plan.known_produced(rule, row) if fate != GAVE_UP else None
        there = None if made is None else set(made)
        for number in named:
            if there is None or paths[number] in there:
                self._free(number)
            elif self._entries.is_wanted(number) or number in self.plan.roots:
                self._miss(number)

    def _free(self, number: int) -> None:
        for taker in self._entries.free(number):
            self._open[taker] -= 1
            if not self._open[taker] and self.state[taker] == WAITS:
                self._to_judge.append(taker)
