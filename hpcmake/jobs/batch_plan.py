"""A batch as the plan of a run: what the engine and the loop ask of a plan, answered from what the planner wrote.

Owns these answers.  Knows nothing of Wfiles: nothing is planned here, so what is unknown stays so.
"""

from __future__ import annotations

from array import array

from hpcmake.jobs.batch_graph import BatchGraph
from hpcmake.jobs.batch_judge import BatchJudge
from hpcmake.jobs.batch_tables import BatchRule, BatchTable, make_elsewhere
from hpcmake.tasks.history import History
from hpcmake.tasks.rows import SOURCE
from hpcmake.tasks.stamps import Stamps
from hpcmake.tasks.states import FRESH, LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from hpcmake.model import Tree


class BatchHistory(History):
    """What a batch tells of earlier runs, and what this one adds."""

    def __init__(self) -> None:
        super().__init__()
        self.exists = True
        self.told: dict[str, list[float]] = {}
        """Wall times by rule, as the planner knew them."""

    def walls(self, rule: str) -> list[float]:
        """Return the wall seconds of successes of a rule, as far as they were measured."""
        return [*self.told.get(rule, ()), *super().walls(rule)]


class Outside:
    """The world outside, of which a batch reads nothing."""

    def forget(self, path: str) -> None:
        """Nothing was read."""


class Tails:
    """How urgent the tasks of a batch are: the longest expected chain of rules behind each rule."""

    def __init__(self, graph: BatchGraph, expected: Callable[[str], float]) -> None:
        self._graph = graph
        self._expected = expected
        self._behind: dict[int, float] | None = None

    def of(self, rule: int, row: int) -> float:  # noqa: ARG002  # all of a rule are as urgent as each other
        """Return the seconds from the start of a task to the end of all in the batch that needs it."""
        if self._behind is None:
            self._behind = self._find()
        return self._expected(self._graph.tables[rule].rule.name) + self._behind.get(rule, 0.0)

    def grow(self, rows: Mapping[int, Sequence[int]]) -> None:  # noqa: ARG002  # whatever it is
        """Take note that there are tasks more."""
        self._behind = None

    def _find(self) -> dict[int, float]:
        tables = self._graph.tables
        behind: dict[int, float] = {}
        for _ in tables:  # a chain is no longer than there are rules; those that need themselves end there
            before = dict(behind)
            for number, table in enumerate(tables):
                for need in table.needs - {number}:
                    length = self._expected(table.rule.name) + before.get(number, 0.0)
                    behind[need] = max(behind.get(need, 0.0), length)
            if behind == before:
                break
        return behind


class BatchCampaign:
    """The rules of a batch."""

    def __init__(self) -> None:
        self.rules: list[BatchRule] = []


class BatchPlan:
    """A batch as a plan.  `disk` is the tree through which files are looked at."""

    def __init__(self, disk: Tree) -> None:
        self.graph = BatchGraph()
        self.campaign = BatchCampaign()
        self.history = BatchHistory()
        self.stamps = Stamps(disk)
        self.judge = BatchJudge(self)
        self.outside = Outside()
        self.produced: dict[tuple[int, int], list[str]] = {}
        self.only_absent: set[tuple[int, int]] = set()
        self.roots: dict[int, None] = {}
        self.open_items: dict[int, object] = {}
        self.elsewhere: list[BatchTable] = []
        """The tasks of other jobs that make what tasks of this one take."""
        self.head: dict[str, Any] = {}
        """What the batch says of itself."""
        self.is_whole = False
        """Whether its end mark was read."""

    @property
    def has_unknown(self) -> bool:
        """Nothing of a batch is unknown."""
        return False

    # ------------------------------------------------------------ reading

    def take(self, records: Iterable[Mapping[str, Any]]) -> dict[int, Sequence[int]]:
        """Take a piece of a batch; return the rows that are new, by rule.

        Raises KeyError, ValueError, TypeError or IndexError for what is none.
        """
        graph = self.graph
        numbers: list[int] = []  # of the piece's files, here
        groups, rules = len(graph.groups), len(graph.tables)
        awaited: list[int] = []
        lost: list[int] = []
        self.is_whole = False
        for record in records:
            kind = record["k"]
            if kind == "batch":
                self.head = self.head or dict(record)
            elif kind == "files":
                numbers += graph.add_files(record["paths"])
            elif kind == "group":
                graph.groups.append(array("i", [numbers[each] for each in record["files"]]))
            elif kind == "awaits":
                awaited += [numbers[each] for each in record["files"]]
            elif kind == "lost":
                lost += [numbers[each] for each in record["files"]]
            elif kind == "rule":
                self._add_rule(record, len(graph.tables))
            elif kind == "tasks":
                graph.tables[rules + record["rule"]].take_rows(record["rows"], graph.files, numbers, groups)
            elif kind == "past":
                self.history.take((record["of"],))
            elif kind == "other":
                self.history.others[record["of"]["t"]] = record["of"]
            elif kind == "end":
                self.is_whole = True
        return self._settle(rules, awaited, lost)

    def _add_rule(self, record: Mapping[str, Any], number: int) -> None:
        rule = BatchRule(number, record)
        self.graph.tables.append(BatchTable(rule))
        self.campaign.rules.append(rule)
        self.history.told[rule.name] = rule.walls

    def _settle(self, first: int, awaited: Sequence[int], lost: Sequence[int]) -> dict[int, Sequence[int]]:
        graph, judge = self.graph, self.judge
        files = graph.files
        unmade = [number for number in awaited if files.rule[number] == SOURCE]
        if unmade:
            table = make_elsewhere(len(graph.tables), files, unmade)
            graph.tables.append(table)
            self.elsewhere.append(table)
        judge.will.extend(bytes(len(files) - len(judge.will)))
        for table in graph.tables[first:]:
            optional = bytearray(table.count)
            for row in range(table.count):
                judge.note(table, row, table.state[row])
                if table.told(row, "abs"):
                    self.only_absent.add((table.rule.number, row))
                optional[row] = bool(table.told(row, "opt"))
            if any(optional):
                judge.optional[table.rule.number] = optional
            members = {number for column in table.inputs for entry in set(column) for number in judge.members(entry)}
            table.needs = {files.rule[number] for number in members} - {SOURCE}
        for number in lost:
            judge.will[number] = LOST
        self.stamps.look(files)
        return {table.rule.number: range(table.count) for table in graph.tables[first:]}

    def know(self, records: Iterable[Mapping[str, Any]], *, own: bool = False) -> None:
        """Take note of what other jobs, or an earlier life of this one (`own`), have recorded."""
        files, tables = self.graph.files, self.graph.tables
        for record in records:
            if own:
                self.history.take((record,))
            if record.get("k") not in {"ok", "adopted"}:
                continue
            for entry in record["out"]:
                number = files.index.get(entry[0])
                if number is not None and files.rule[number] != SOURCE:
                    table = tables[files.rule[number]]
                    if own or table in self.elsewhere:
                        self._set_fresh(table, files.row[number])

    def _set_fresh(self, table: BatchTable, row: int) -> None:
        table.state[row] = FRESH
        table.waiting.pop(row, None)
        self.judge.note(table, row, FRESH)

    # ------------------------------------------------------------ what a run asks

    def definition_of(self, table: BatchTable) -> str:
        """Return the id of a rule's definition."""
        return table.rule.digest

    def row_values(self, table: BatchTable, row: int) -> list[object]:
        """Return what else was put into the command of a task, as it is compared."""
        found: list[object] = table.told(row, "v", [])
        return found

    def depfile_of(self, table: BatchTable, row: int) -> tuple[str, str]:
        """Return the path of a task's depfile, and its working folder, "" for the root."""
        path, workdir = table.told(row, "dep")
        return path, workdir

    def urgency(self, expected: Callable[[str], float]) -> Tails:
        """Return how urgent tasks are, if one of a rule takes so many seconds."""
        return Tails(self.graph, expected)

    def known_produced(self, rule: int, row: int) -> Sequence[str] | None:
        """Return what a task has produced, None if it is not known (yet)."""
        return self.produced.get((rule, row))

    def is_not_produced(self, number: int) -> bool:
        """Tell whether a file is wanted by name of a task that is done and has not produced it."""
        files = self.graph.files
        rule, row = files.rule[number], files.row[number]
        if rule == SOURCE or number not in self.graph.tables[rule].named.get(row, ()):
            return False
        made = self.known_produced(rule, row)
        return made is not None and files.paths[number] not in made

    def advance(self) -> dict[int, Sequence[int]]:
        """Return what has become known: nothing, here."""
        return {}
