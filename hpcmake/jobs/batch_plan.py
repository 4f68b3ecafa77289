"""A batch as the plan of a run: what the engine and the loop ask of a plan, answered from what the planner wrote.

Owns these answers.  Knows nothing of Wfiles: nothing is planned here, so what is unknown stays so.
"""

from __future__ import annotations

import os
from array import array

from hpcmake.jobs.batch_graph import BatchGraph
from hpcmake.jobs.batch_judge import BatchJudge
from hpcmake.jobs.batch_tables import BatchRule, BatchTable, make_elsewhere
from hpcmake.tasks.history import History
from hpcmake.tasks.patterns import Pattern
from hpcmake.tasks.rows import SOURCE
from hpcmake.tasks.stamps import Stamps
from hpcmake.tasks.states import FRESH, GIVEN_UP, LOST
from hpcmake.tasks.urgency import Urgency
from hpcmake.tasks.wait import Need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from hpcmake.model import Stamp, Tree


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


class Piece:
    """What is read of one piece of a batch, before it is made use of."""

    def __init__(self, groups: int) -> None:
        self.groups = groups
        """How many groups of files there were before it."""
        self.numbers: list[int] = []
        """The numbers in the batch of the piece's files."""
        self.tables: list[BatchTable] = []
        """The tables of the piece's rules."""
        self.firsts: dict[int, int] = {}
        """Where the rows of the piece begin, by the number of the rule."""
        self.awaited: dict[int, str | None] = {}
        self.lost: list[int] = []

    def await_files(self, record: Mapping[str, Any]) -> None:
        """Note which files other jobs are to make, and the tasks that do where these may be given up."""
        files = [self.numbers[each] for each in record["files"]]
        self.awaited.update(zip(files, record["names"] or [None] * len(files), strict=True))


class BatchCampaign:
    """The rules of a batch."""

    def __init__(self) -> None:
        self.rules: list[BatchRule] = []


class BatchPlan:
    """A batch as a plan.  `disk` is the tree through which files are looked at, `root` the campaign's folder."""

    def __init__(self, disk: Tree, root: str | None = None) -> None:
        self.graph = BatchGraph(root if root is not None else os.getcwd())
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
        self._fixed: list[tuple[BatchTable, int]] = []
        """Tasks whose commands hold only as long as no more of their inputs are left out."""
        self._names: dict[str, tuple[BatchTable, int]] = {}
        self._named_by = -1

    @property
    def has_unknown(self) -> bool:
        """Nothing of a batch is unknown."""
        return False

    # ------------------------------------------------------------ reading

    def take(self, records: Iterable[Mapping[str, Any]]) -> dict[int, Sequence[int]]:
        """Take a piece of a batch; return the rows that are new, or of which more is known, by rule.

        Raises KeyError, ValueError, TypeError or IndexError for what is none.
        """
        graph = self.graph
        piece = Piece(len(graph.groups))
        self.is_whole = False
        for record in records:
            kind = record["k"]
            if kind == "batch":
                self.head = self.head or dict(record)
            elif kind == "files":
                piece.numbers += graph.add_files(record["paths"])
            elif kind == "group":
                graph.groups.append(array("i", [piece.numbers[each] for each in record["files"]]))
            elif kind == "awaits":
                piece.await_files(record)
            elif kind == "lost":
                piece.lost += [piece.numbers[each] for each in record["files"]]
            elif kind == "makes":
                graph.patterns = [Pattern(*each) for each in record["of"]]
            elif kind == "rule":
                table = self._table_of(record)
                piece.tables.append(table)
                piece.firsts.setdefault(table.rule.number, table.count)
            elif kind == "tasks":
                piece.tables[record["rule"]].take_rows(record["rows"], graph.files, piece.numbers, piece.groups)
            elif kind == "times":
                piece.tables[record["rule"]].take_times(record)
            elif kind == "past":
                self.history.take((record["of"],))
            elif kind == "other":
                self.history.others[record["of"]["t"]] = record["of"]
            elif kind == "end":
                self.is_whole = True
        return self._settle(piece)

    def _table_of(self, record: Mapping[str, Any]) -> BatchTable:
        """Return the table of a rule: one of an earlier piece, if the rule was told there just so."""
        number = len(self.graph.tables)
        rule = BatchRule(number, record)
        self.history.told[rule.name] = rule.walls
        known = (each for each in self.graph.tables if each not in self.elsewhere and each.rule.shape == rule.shape)
        table = next(known, None)
        if table is None:
            table = BatchTable(rule)
            self.graph.tables.append(table)
            self.campaign.rules.append(rule)
        table.tell(record)
        return table

    def _settle(self, piece: Piece) -> dict[int, Sequence[int]]:
        graph, judge = self.graph, self.judge
        files = graph.files
        touched = {table.rule.number: table for table in piece.tables}
        unmade = {number: name for number, name in piece.awaited.items() if files.rule[number] == SOURCE}
        if unmade:
            table = make_elsewhere(len(graph.tables), files, unmade)
            graph.tables.append(table)
            self.elsewhere.append(table)
            touched[table.rule.number] = table
        judge.will.extend(bytes(len(files) - len(judge.will)))
        for table in touched.values():
            self._note_rows(table, piece.firsts.get(table.rule.number, 0))
        self.stamps.look(files)
        for number in piece.numbers:  # what this piece does not await any more has been made since
            maker = graph.tables[files.rule[number]] if files.rule[number] != SOURCE else None
            if maker in self.elsewhere and number not in piece.awaited and files.row[number] in maker.waiting:
                self._settle_elsewhere(maker, files.row[number], self.stamps.tree.stamps([files.paths[number]])[0])
                touched[maker.rule.number] = maker
        for number in piece.lost:
            judge.will[number] = LOST
        self._veil()
        return {number: range(table.count) for number, table in touched.items()}

    def _note_rows(self, table: BatchTable, first: int) -> None:
        """Note what is told of rows that are new."""
        judge, rule = self.judge, self.graph.files.rule
        optional = judge.optional.get(table.rule.number, bytearray())
        optional.extend(bytes(table.count - len(optional)))
        for row in range(first, table.count):
            judge.note(table, row, table.state[row])
            if table.told(row, "abs"):
                self.only_absent.add((table.rule.number, row))
            if table.told(row, "fix"):
                self._fixed.append((table, row))
            optional[row] = table.is_optional(row)
        if any(optional):
            judge.optional[table.rule.number] = optional
        entries = {entry for column in table.inputs for entry in column[first:]}
        table.needs |= {rule[number] for entry in entries for number in judge.members(entry)} - {SOURCE}

    def _veil(self) -> None:
        """Let nobody run a task whose command could not leave an input out that may still be given up."""
        files, tables = self.graph.files, self.graph.tables
        for table, row in self._fixed:
            table.waiting.pop(row, None)
            for item, column in zip(table.rule.inputs, table.inputs, strict=True):
                for number in self.judge.members(column[row]) if item.maybe else ():
                    rule = files.rule[number]
                    if rule != SOURCE and tables[rule].state[files.row[number]] != FRESH:
                        table.waiting[row] = (Need(files.paths[number]),)

    # ------------------------------------------------------------ what others have done

    def know(self, records: Iterable[Mapping[str, Any]], *, own: bool = False) -> None:
        """Take note of what other jobs, or an earlier life of this one (`own`), have recorded."""
        for record in records:
            kind = record.get("k")
            if own:
                self.history.take((record,))
                self._know_own(record)
            elif kind in {"ok", "adopted"}:
                self._know_made(record)
            elif kind == "gave up":
                for table in self.elsewhere:
                    for row in range(table.count):
                        if table.told(row, "t") == record["t"]:
                            table.more[row]["lost"] = 1
                            self._settle_elsewhere(table, row, None)
        self._veil()

    def _know_made(self, record: Mapping[str, Any]) -> None:
        """Take note of what a task of another job has made."""
        files, tables = self.graph.files, self.graph.tables
        alike = record.get("as", {})
        for path, *stamp in (*record["out"], *record.get("prod", ())):
            number = files.index.get(path)
            if number is None or files.rule[number] == SOURCE:
                continue
            table = tables[files.rule[number]]
            if table in self.elsewhere:
                self._settle_elsewhere(table, files.row[number], tuple(alike.get(path, stamp)))

    def _settle_elsewhere(self, table: BatchTable, row: int, stamp: Stamp | None) -> None:
        """Take note that a file of another job is there, or never will be."""
        self._set_fresh(table, row)
        self.stamps.put(table.outputs[0][row], stamp)

    def _know_own(self, record: Mapping[str, Any]) -> None:
        """Take note of what an earlier life of this job has done."""
        kind = record.get("k")
        found = self._find(record["t"]) if kind in {"ok", "fail", "gave up"} else None
        if found is None:
            return
        table, row = found
        if kind == "ok":
            if "prod" in record:
                self.produced[table.rule.number, row] = [path for path, *_ in record["prod"]]
            self._set_fresh(table, row)
        elif kind == "gave up":
            table.state[row] = GIVEN_UP
            self.judge.note(table, row, GIVEN_UP)
        else:
            failed = table.told(row, "tried", 0) + 1
            table.more.setdefault(row, {})["tried"] = failed
            if failed > table.retries(row):
                table.waiting[row] = (Need(record["t"]),)  # it has failed for good

    def _find(self, name: str) -> tuple[BatchTable, int] | None:
        """Return the task of this name; None if it is none of ours."""
        if self._named_by != sum(table.count for table in self.graph.tables):
            mine = [table for table in self.graph.tables if table not in self.elsewhere]
            self._names = {table.name(row): (table, row) for table in mine for row in range(table.count)}
            self._named_by = sum(table.count for table in self.graph.tables)
        return self._names.get(name)

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

    def urgency(self, expected: Callable[[str], float]) -> Urgency:
        """Return how urgent tasks are, if one of a rule takes so many seconds."""
        return Urgency(self.graph, expected)

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
