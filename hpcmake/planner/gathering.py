"""The tasks of a plan as the packer sees them: columns of rules, shapes, estimates and stages.

Owns the way from a plan to classes of tasks, and back from a member to its task.  Knows nothing of sites and jobs.

Whole columns are worked on where tasks are alike: what resources depend on is read once for each distinct value.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import compress

from hpcmake.planner.alike import Alike
from hpcmake.planner.classes import Rows, RuleTraits, gather
from hpcmake.planner.staging import Staging
from hpcmake.planner.stale import is_stale
from hpcmake.record import Record
from hpcmake.tasks.estimates import estimate, find_growth
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hpcmake.model import Resources
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan
    from hpcmake.tasks.estimates import Estimate, Growth

_STALE = bytes(is_stale(state) for state in range(256))
_FORMER = 2000
"""Runs of a rule by which it is found whether its time follows the size of its inputs: enough, and quickly read."""


class Gathered(Record):
    """The tasks that must run, as classes; members are numbers for `task`.

    `starts` and `tables` say at which number the tasks of each rule begin, `rows` which row each number is.
    `vague` counts, by rule, tasks of which it is known only later what they take.
    """

    classes: list[TaskClass]
    starts: list[int]
    tables: list[Table]
    rows: array[int]
    vague: dict[str, int]

    def task(self, number: int) -> tuple[Table, int]:
        """Return the table and row of a task by its number."""
        return self.tables[bisect_right(self.starts, number) - 1], self.rows[number]

    def name(self, number: int) -> str:
        """Return the name of a task by its number."""
        table, row = self.task(number)
        return table.name(row)


def gather_plan(plan: Plan, attempts: Attempts, tables: Iterable[Table], *, retries: int, longest: float) -> Gathered:
    """Return the classes of the tasks that must run, of the rules that are to be packed.

    `retries` holds for rules that do not say, `longest` is taken for the time of tasks of which none is known.  Raises
    Trouble.
    """
    columns = _Columns(plan, attempts, retries, longest)
    packed = [table for table in tables if any(state in table.state for state in _STATES)]
    staging = Staging(plan.graph, packed)
    for table in staging.in_order:
        columns.add(table, staging)
    rows = Rows(columns.rule, columns.shape, columns.estimate, columns.stage, columns.seconds_or_none())
    classes = gather(
        rows,
        rules=list(columns.traits),
        shapes=list(columns.shapes),
        estimates=list(columns.estimates),
        needs=staging.needs,
        follows=staging.follows,
    )
    return Gathered(classes, columns.starts, columns.tables, columns.rows, columns.vague)


_STATES = tuple(state for state in range(256) if _STALE[state])


def stale_rows(table: Table) -> Sequence[int]:
    """Return the rows of a rule's tasks that must run."""
    return list(compress(range(table.count), table.state.translate(_STALE)))


class _Columns:
    """Grows the columns rule by rule; equal shapes, estimates and traits have one number each."""

    def __init__(self, plan: Plan, attempts: Attempts, retries: int, longest: float) -> None:
        self.plan = plan
        self.attempts = attempts
        self.retries = retries
        self.longest = longest
        self.rule, self.shape, self.estimate = array("i"), array("i"), array("i")
        self.stage = array("i")
        self.seconds = array("d")
        self.has_growth = False
        self.traits: dict[RuleTraits, int] = {}
        self.shapes: dict[tuple[Resources, ...], int] = {}
        self.estimates: dict[Estimate, int] = {}
        self.starts: list[int] = []
        self.tables: list[Table] = []
        self.rows = array("q")
        self.vague: dict[str, int] = {}

    def seconds_or_none(self) -> Sequence[float]:
        """Return the expected seconds of each task, if those of any follow its inputs; else nothing."""
        return self.seconds if self.has_growth else ()

    def add(self, table: Table, staging: Staging) -> None:
        """Add the tasks of a rule that must run."""
        rows = stale_rows(table)
        numbers = _Numbers(self, table)
        first = numbers.of_or_none(rows[0])
        if numbers.alike.are_all and not numbers.cuts:
            kinds = [first] * len(rows)
        else:
            kinds = [first, *(numbers.of_or_none(row) for row in rows[1:])]
        if None in kinds:
            self.vague[table.rule.name] = kinds.count(None)
            known = [kind is not None for kind in kinds]
            rows, kinds = list(compress(rows, known)), list(compress(kinds, known))
        if not rows:
            return
        self.starts.append(len(self.rows))
        self.tables.append(table)
        self.rows.extend(rows)
        for column, part in ((self.rule, 0), (self.shape, 1), (self.estimate, 2)):
            column.extend(array("i", [kind[part] for kind in kinds if kind is not None]))
        self.stage.extend(staging.stages_of(table, rows))
        self._add_seconds(table, rows, numbers)

    def _add_seconds(self, table: Table, rows: Sequence[int], numbers: _Numbers) -> None:
        start = len(self.seconds)
        growth = numbers.growth
        expected = list(self.estimates)
        usual = [expected[number].seconds for number in self.estimate[start:]]
        if growth is not None:
            self.has_growth = True
            for at, row in enumerate(rows):
                size = _size_of(self.plan, table, row)
                if size is not None:
                    usual[at] = growth.at(size, expected[self.estimate[start + at]].limit).seconds
        self.seconds.extend(array("d", usual))

    def number_of(self, table: Table, row: int, walls: Sequence[float], cut_after: float = 0.0) -> tuple[int, int, int]:
        """Return the numbers of traits, shape and estimate of a task.  Raises Trouble, Wait.

        A deadline has cut it after `cut_after` seconds, if any has.
        """
        rule = table.rule
        first, more = self.attempts.resources(table, row, 1)
        tries = more.get("retries", self.retries)
        shape = (first, *(self.attempts.resources(table, row, number)[0] for number in range(2, 2 + tries)))
        queue = rule.queue.run(dict(table.env(row))) if rule.queue is not None else None
        traits = RuleTraits(
            rule.name, more.get("priority", 0), more.get("at_once"), queue if isinstance(queue, str) else None
        )
        expected = estimate(walls, limit=first.time, longest=self.longest)
        if cut_after:
            expected = expected.after_cut(cut_after)
        return (
            self.traits.setdefault(traits, len(self.traits)),
            self.shapes.setdefault(shape, len(self.shapes)),
            self.estimates.setdefault(expected, len(self.estimates)),
        )


class _Numbers:
    """Gives the tasks of one rule their numbers, and reads what they depend on once for each of its values."""

    def __init__(self, columns: _Columns, table: Table) -> None:
        self.columns = columns
        self.table = table
        self.walls = columns.plan.history.walls(table.rule.name)
        self.growth = _growth_of(columns.plan, table.rule.name, self.walls)
        self.alike = Alike(table, columns.retries)
        self.cuts = _cuts_of(columns.plan, table)
        self.known: dict[tuple[str, ...], tuple[int, int, int]] = {}

    def of(self, row: int) -> tuple[int, int, int]:
        """Return the numbers of a task.  Raises Trouble, Wait."""
        key = self.alike.key(row)
        if row in self.cuts:
            return self.columns.number_of(self.table, row, self.walls, self.cuts[row])
        if key is None:
            return self.columns.number_of(self.table, row, self.walls)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.columns.number_of(self.table, row, self.walls)
        return found

    def of_or_none(self, row: int) -> tuple[int, int, int] | None:
        """Return the numbers of a task, None if they are known only later.  Raises Trouble."""
        try:
            return self.of(row)
        except Wait:
            return None


def _cuts_of(plan: Plan, table: Table) -> dict[int, float]:
    """Return the tasks of a rule that a deadline has cut the last time, by row, with the seconds that they had run."""
    name = table.rule.name
    cut = {
        task: record.get("e", 0.0)
        for task, record in plan.history.others.items()
        if record["k"] == "cut" and record.get("why") == "deadline" and task.partition("[")[0] == name
    }
    if not cut:
        return {}
    return {row: seconds for row in range(table.count) if (seconds := cut.get(table.name(row), 0.0)) > 0}


# ---------------------------------------------------------------- sizes of inputs


def _growth_of(plan: Plan, rule: str, walls: Sequence[float]) -> Growth | None:
    if not walls:
        return None
    pairs = list(_former(plan, rule))
    return find_growth([wall for wall, _ in pairs], [size for _, size in pairs])


def _former(plan: Plan, rule: str) -> Iterator[tuple[float, float]]:
    """Yield seconds and bytes of inputs of earlier runs of a rule, the latest ones."""
    versions, sets = plan.history.versions, plan.history.sets
    for ledger in plan.history.ledgers_of(rule):
        walls, ends, taken = ledger.wall, ledger.ends, ledger.taken
        for row in range(max(0, len(walls) - _FORMER), len(walls)):
            if walls[row] < 0:
                continue
            size = 0
            for entry in taken[ends[row - 1] if row else 0 : ends[row]]:
                for version in (entry,) if entry >= 0 else sets[-2 - entry]:
                    size += max(0, versions.stamp(version)[1])
            yield walls[row], size


def _size_of(plan: Plan, table: Table, row: int) -> int | None:
    """Return the bytes of what a task takes; None if some of it is not there yet."""
    size = 0
    for number in plan.judge.effective_inputs(table, row):
        stamp = plan.stamps.stamp(number)
        if stamp is None:
            return None
        size += stamp[1]
    return size
