"""Tasks of a plan as the rows of a batch: all that a job needs to run them, and nothing that it would have to plan.

Owns what stands in a batch.  Knows nothing of files on the disk, nor of the job that will read it.

A rule is written once, with a template of what an attempt of it is; a task is a short row of its wildcards and of
numbers of files.  Where the template, filled with these, is not the attempt exactly, the row has the attempt itself.
"""

from __future__ import annotations

from hpcmake.model import LAUNCH
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.batch_columns import is_proven as is_proven_for
from hpcmake.planner.batch_columns import render_rows
from hpcmake.planner.batch_templates import AttemptTexts
from hpcmake.tasks.batch import render_pattern
from hpcmake.tasks.digests import digest_of
from hpcmake.tasks.rows import SOURCE
from hpcmake.tasks.states import IS_MISSING, LOST, UNKNOWN, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from hpcmake.planner.plan import Plan
    from hpcmake.planner.rows import Table
    from hpcmake.planner.rules import Rule
    from hpcmake.tasks.ledger import Past
    from hpcmake.tasks.patterns import Pattern

_LINE = 400  # paths or rows a line, about
_SET = "batch {}"  # of a digest: as no set is called that a run writes down
_WALLS = 200  # wall times of a rule that a job is told


class BatchRows:
    """Makes the rows of a batch, for the site of `attempts`; `{launch}` is put in when the nodes are known.

    `retries` holds for rules that do not say; `tried` counts, by rule and row, the attempts that have failed already,
    `deaths` the nodes that have died under a task.
    """

    def __init__(
        self,
        plan: Plan,
        attempts: Attempts,
        *,
        retries: int,
        tried: Mapping[tuple[int, int], int] | None = None,
        deaths: Mapping[tuple[int, int], int] | None = None,
    ) -> None:
        self.tried = tried or {}
        self.deaths = deaths or {}
        self.plan = plan
        self.attempts = Attempts(plan, site=attempts.site, launch=lambda _resources: (LAUNCH,))
        self.retries = retries
        self._local: dict[int, int] = {}
        """The number in the batch of each file of the plan."""
        self._paths: list[str] = []
        self._groups: dict[int, int] = {}
        self._told_groups: list[list[int]] = []
        self._sets: dict[int, str] = {}
        """The sets of files in the history that are told, with their names."""

    def make(
        self, tasks: Sequence[tuple[Table, int]], times: Sequence[tuple[float, float] | None] = ()
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of a batch, which holds these tasks.  Raises Trouble for a command that cannot be made.

        `times` are what each was packed for, if that is known: the seconds expected, and those that must be left.
        """
        self._local, self._paths, self._groups, self._told_groups, self._sets = {}, [], {}, [], {}
        by_rule: dict[int, tuple[Table, list[int]]] = {}
        for table, row in tasks:
            by_rule.setdefault(table.rule.number, (table, []))[1].append(row)
        packed: dict[int, list[tuple[float, float] | None]] = {}
        for (table, _), time in zip(tasks, times, strict=False):
            packed.setdefault(table.rule.number, []).append(time)
        mine = {number: frozenset(rows) for number, (_, rows) in by_rule.items()}
        lines: list[dict[str, Any]] = []
        for at, number in enumerate(sorted(by_rule)):
            lines += self._rule(at, *by_rule[number])
            lines += _times(at, packed.get(number, ()))
        yield from self._files()
        yield from self._elsewhere(mine)
        if any(table.rule.depfile is not None for table, _ in by_rule.values()):
            rules = self.plan.campaign.rules
            made = [output.pattern for rule in rules for output in rule.outputs]
            made += [rule.produces for rule in rules if rule.produces is not None]
            yield {"k": "makes", "of": [render_pattern(pattern) for pattern in made]}
        yield from lines

    # ------------------------------------------------------------ files

    def _file(self, number: int) -> int:
        local = self._local.get(number)
        if local is None:
            local = self._local[number] = len(self._paths)
            self._paths.append(self.plan.graph.files.paths[number])
        return local

    def _entry(self, entry: int) -> int:
        """Return an entry of an input column in the batch's numbers: a file, or -2 - g for its group g."""
        if entry >= 0:
            return self._file(entry)
        known = self._groups.get(entry)
        if known is None:
            known = self._groups[entry] = len(self._told_groups)
            self._told_groups.append([self._file(number) for number in self.plan.graph.group(entry)])
        return -2 - known

    def _files(self) -> Iterator[dict[str, Any]]:
        for start in range(0, len(self._paths), _LINE):
            yield {"k": "files", "paths": self._paths[start : start + _LINE]}
        for group in self._told_groups:
            yield {"k": "group", "files": group}

    def _elsewhere(self, mine: Mapping[int, frozenset[int]]) -> Iterator[dict[str, Any]]:
        """Tell which files other jobs are to make, and which nobody will."""
        files, tables, will = self.plan.graph.files, self.plan.graph.tables, self.plan.judge.will
        awaited, lost = [], []
        names: dict[int, str] = {}
        nothing: frozenset[int] = frozenset()
        numbers = list(self._local)
        makers = zip(map(files.rule.__getitem__, numbers), map(files.row.__getitem__, numbers), strict=True)
        for local, (number, (rule, row)) in enumerate(zip(numbers, makers, strict=True)):
            if will[number] == LOST:
                lost.append(local)
            elif rule != SOURCE and row not in mine.get(rule, nothing):
                state = tables[rule].state[row]
                if is_stale(state) or state == UNKNOWN:
                    awaited.append(local)
                    if self._is_optional(tables[rule], row):
                        names[local] = tables[rule].name(row)
        if awaited:
            yield {"k": "awaits", "files": awaited, "names": [names.get(local) for local in awaited] if names else []}
        if lost:
            yield {"k": "lost", "files": lost}

    # ------------------------------------------------------------ rules

    def _rule(self, at: int, table: Table, rows: list[int]) -> Iterator[dict[str, Any]]:
        rule = table.rule
        texts = AttemptTexts(self.plan, self.attempts, table)
        first = self._retries(table, rows[0])
        retries = [first] if self.attempts.is_constant(table) else [self._retries(table, row) for row in rows]
        templates = texts.templates(rows, max(retries))
        record: dict[str, Any] = {
            "k": "rule",
            "n": at,
            "name": rule.name,
            "wild": list(rule.wildcards),
            "in": [[int(item.order), int(item.maybe)] for item in rule.inputs],
            "out": [[int(each.temp), int(each.protect), int(each.touch)] for each in rule.outputs],
            "run": int(rule.run is not None),
            "post": int(rule.post is not None),
            "late": int(texts.is_late),
            "log": int(rule.log is not None),
            "vals": int(bool(rule.row_values)),
            "res": sorted(rule.resources),
            "c": self.plan.definition_of(table),
            "of": rule.definition(),
            "walls": [round(wall, 3) for wall in self.plan.history.walls(rule.name)[-_WALLS:]],
            "tries": templates,
            "dep": int(rule.depfile is not None),
            "stem": texts.stem,
            "retries": retries[0],
            "same": int(self.attempts.is_constant(table)),
            "prio": self._priority(table, rows[0]),
            "opt": self._is_optional(table, rows[0]),
        }
        if rule.produces is not None:
            record["prod"] = render_pattern(rule.produces)
            record["not"] = [render_pattern(pattern) for pattern in self._rivals(rule)]
        if "at_once" in rule.resources:
            record["at_once"] = self.attempts.resources(table, rows[0], 1)[1].get("at_once")
        yield record

        def slowly(row: int) -> list[Any]:
            return self._row(texts, row, record)

        odd = {row for number, row in (*self.tried, *self.deaths, *self.plan.only_absent) if number == rule.number}
        is_proven = retries.count(retries[0]) == len(retries) and is_proven_for(texts, rows, templates)
        for start in range(0, len(rows), _LINE):
            chunk = rows[start : start + _LINE]
            if is_proven:
                told = render_rows(texts, chunk, self._file, self._entry, slowly, odd)
            else:
                told = [slowly(row) for row in chunk]
            yield {"k": "tasks", "rule": at, "rows": told}
        history = self.plan.history
        if not history.recent and not history.folded and not history.others:
            return
        for row in rows:
            past = self.plan.judge.past(table, row)
            if past is not None:
                yield from self._past(table, row, past)
            other = history.others.get(table.name(row)) if history.others else None
            if other is not None:
                yield {"k": "other", "of": other}

    def _retries(self, table: Table, row: int) -> int:
        return self.attempts.resources(table, row, 1)[1].get("retries", self.retries)

    def _priority(self, table: Table, row: int) -> int:
        return self.attempts.resources(table, row, 1)[1].get("priority", 0)

    def _rivals(self, rule: Rule) -> Iterator[Pattern]:
        """Yield the patterns of what other rules make, or could make, of the files that a rule might produce."""
        assert rule.produces is not None  # noqa: S101  # the caller asked
        campaign = self.plan.campaign
        for pattern, (number, _) in campaign.index.overlapping(rule.produces):
            other = campaign.rules[number].name
            if number != rule.number and (not pattern.places or campaign.preferred(rule.name, other) != rule.name):
                yield pattern

    def _is_optional(self, table: Table, row: int) -> int:
        rows = self.plan.judge.optional.get(table.rule.number)
        return int(rows is not None and bool(rows[row]))

    def _row(self, texts: AttemptTexts, row: int, usual: Mapping[str, Any]) -> list[Any]:
        table, rule = texts.table, texts.rule
        outs = [self._file(column[row]) for column in table.outputs]
        ins = [self._entry(column[row]) for column in table.inputs]
        reason = self.plan.judge.explain(table, row)
        more: dict[str, Any] = {}
        retries, priority = self._retries(table, row), self._priority(table, row)
        if retries != usual["retries"]:
            more["retries"] = retries
        if (rule.number, row) in self.tried:
            more["tried"] = self.tried[rule.number, row]
        if (rule.number, row) in self.deaths:
            more["deaths"] = self.deaths[rule.number, row]
        if priority != usual["prio"]:
            more["prio"] = priority
        if (rule.number, row) in self.plan.only_absent:
            more["abs"] = 1
        if self._is_optional(table, row) != usual["opt"]:
            more["opt"] = 1 - usual["opt"]
        if row in table.named:
            more["named"] = [self._file(number) for number in table.named[row]]
        if rule.row_values:
            more["v"] = self.plan.row_values(table, row)
        if rule.depfile is not None:
            more["dep"] = list(self.plan.depfile_of(table, row))
        if reason is not None and (reason.file is not None or reason.detail):
            number = self.plan.graph.files.index.get(reason.file or "")
            local = None if number is None else self._local.get(number)
            why = [reason.file if local is None else local, reason.detail]
            if table.state[row] != IS_MISSING or not outs or why != [outs[0], ""]:
                more["why"] = why
        more |= texts.own(row, usual["tries"], retries)
        found: list[Any] = [list(table.values(row)), ins, outs, table.state[row]]
        return [*found, more] if more else found

    # ------------------------------------------------------------ what was

    def _past(self, table: Table, row: int, past: Past) -> Iterator[dict[str, Any]]:
        """Yield an earlier success as a record, and before it the sets of files that it names, each once."""
        history = self.plan.history
        taken: list[Any] = []
        for entry in past.ledger.taken_by(past.row):
            if entry >= 0:
                taken.append(self._version(entry))
                continue
            number = -2 - entry
            if number not in self._sets:
                files = [self._version(version) for version in history.sets[number]]
                self._sets[number] = _SET.format(digest_of(files))
                yield {"k": "past", "of": {"k": "set", "id": self._sets[number], "files": files}}
            taken.append({"set": self._sets[number]})
        record: dict[str, Any] = {
            "k": "ok",
            "t": table.name(row),
            "c": past.ledger.definition,
            "in": taken,
            "out": [[path, *stamp] for path, stamp in history.made_paths(past)],
        }
        if past.row in past.ledger.values:
            record["v"] = past.ledger.values[past.row]
        yield {"k": "past", "of": record | past.ledger.extras.get(past.row, {})}

    def _version(self, version: int) -> list[Any]:
        versions = self.plan.history.versions
        return [versions.paths[version], *versions.stamp(version)]


def _times(at: int, times: Sequence[tuple[float, float] | None]) -> Iterator[dict[str, Any]]:
    """Yield what the tasks of a rule were packed for: once, where that is the same for all."""
    if not any(times):
        return
    if times.count(times[0]) == len(times):
        yield {"k": "times", "rule": at, "all": times[0]}
        return
    for start in range(0, len(times), _LINE):
        yield {"k": "times", "rule": at, "rows": list(times[start : start + _LINE])}
