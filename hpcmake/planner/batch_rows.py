"""Tasks of a plan as the rows of a batch: all that a job needs to run them, and nothing that it would have to plan.

Owns what stands in a batch.  Knows nothing of files on the disk, nor of the job that will read it.

A rule is written once, with a template of what an attempt of it is; a task is a short row of its wildcards and of
numbers of files.  Where the template, filled with these, is not the attempt exactly, the row has the attempt itself.
"""

from __future__ import annotations

import re
from json import dumps

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.model import Resources
from hpcmake.tasks.batch import NAMED, PRODUCED, fill_template, render_pattern
from hpcmake.tasks.rows import SOURCE
from hpcmake.tasks.states import LOST, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from hpcmake.model import Attempt
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.plan import Plan
    from hpcmake.planner.rows import Table
    from hpcmake.planner.rules import Rule
    from hpcmake.tasks.ledger import Past

_LINE = 400  # paths or rows a line, about
_SHORT = 3  # letters: values of fewer stand in commands by chance
_WALLS = 200  # wall times of a rule that a job is told


class BatchRows:
    """Makes the rows of a batch.

    `retries` holds for rules that do not say; `tried` counts, by rule and row, the attempts that have failed already.
    """

    def __init__(
        self, plan: Plan, attempts: Attempts, *, retries: int, tried: Mapping[tuple[int, int], int] | None = None
    ) -> None:
        self.tried = tried or {}
        self.plan = plan
        self.attempts = attempts
        self.retries = retries
        self._local: dict[int, int] = {}
        """The number in the batch of each file of the plan."""
        self._paths: list[str] = []
        self._groups: dict[int, int] = {}
        self._told_groups: list[list[int]] = []

    def make(self, tasks: Sequence[tuple[Table, int]]) -> Iterator[dict[str, Any]]:
        """Yield the records of a batch, which holds these tasks.  Raises Trouble for a command that cannot be made."""
        self._local, self._paths, self._groups, self._told_groups = {}, [], {}, []
        by_rule: dict[int, tuple[Table, list[int]]] = {}
        for table, row in tasks:
            by_rule.setdefault(table.rule.number, (table, []))[1].append(row)
        mine = {(number, row) for number, (_, rows) in by_rule.items() for row in rows}
        lines: list[dict[str, Any]] = []
        for at, number in enumerate(sorted(by_rule)):
            lines += self._rule(at, *by_rule[number])
        yield from self._files()
        yield from self._elsewhere(mine)
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

    def _elsewhere(self, mine: set[tuple[int, int]]) -> Iterator[dict[str, Any]]:
        """Tell which files other jobs are to make, and which nobody will."""
        files, tables, will = self.plan.graph.files, self.plan.graph.tables, self.plan.judge.will
        awaited, lost = [], []
        for number, local in self._local.items():
            rule, row = files.rule[number], files.row[number]
            if will[number] == LOST:
                lost.append(local)
            elif rule != SOURCE and (rule, row) not in mine and is_stale(tables[rule].state[row]):
                awaited.append(local)
        if awaited:
            yield {"k": "awaits", "files": awaited}
        if lost:
            yield {"k": "lost", "files": lost}

    # ------------------------------------------------------------ rules

    def _rule(self, at: int, table: Table, rows: list[int]) -> Iterator[dict[str, Any]]:
        rule = table.rule
        tries = _tries(rule)
        templates = self._templates(table, rows, tries)
        post = rule.post is not None and "produced" in rule.post.names
        record: dict[str, Any] = {
            "k": "rule",
            "n": at,
            "name": rule.name,
            "wild": list(rule.wildcards),
            "in": [[int(item.order), int(item.maybe)] for item in rule.inputs],
            "out": [[int(each.temp), int(each.protect), int(each.touch)] for each in rule.outputs],
            "run": int(rule.run is not None),
            "post": int(rule.post is not None),
            "late": int(post),
            "log": int(rule.log is not None),
            "vals": int(bool(rule.row_values)),
            "res": sorted(rule.resources),
            "c": self.plan.definition_of(table),
            "of": rule.definition(),
            "walls": [round(wall, 3) for wall in self.plan.history.walls(rule.name)[-_WALLS:]],
            "tries": templates,
            "dep": int(rule.depfile is not None),
        }
        if rule.produces is not None:
            record["prod"] = render_pattern(rule.produces)
        if "at_once" in rule.resources:
            record["at_once"] = self.attempts.resources(table, rows[0], 1)[1].get("at_once")
        yield record
        for start in range(0, len(rows), _LINE):
            chunk = rows[start : start + _LINE]
            yield {"k": "tasks", "rule": at, "rows": [self._row(table, row, templates) for row in chunk]}
        for row in rows:
            past = self.plan.judge.past(table, row)
            if past is not None:
                yield {"k": "past", "of": self._past(table, row, past)}
            other = self.plan.history.others.get(table.name(row))
            if other is not None:
                yield {"k": "other", "of": other}

    def _row(self, table: Table, row: int, templates: dict[str, list[str | int]]) -> list[Any]:
        rule = table.rule
        outs = [self._file(column[row]) for column in table.outputs]
        ins = [self._entry(column[row]) for column in table.inputs]
        reason = self.plan.judge.explain(table, row)
        more: dict[str, Any] = {}
        resources = self.attempts.resources(table, row, 1)[1]
        retries = resources.get("retries", self.retries)
        if retries:
            more["retries"] = retries
        if (rule.number, row) in self.tried:
            more["tried"] = self.tried[rule.number, row]
        if resources.get("priority"):
            more["prio"] = resources["priority"]
        if (rule.number, row) in self.plan.only_absent:
            more["abs"] = 1
        optional = self.plan.judge.optional.get(rule.number)
        if optional is not None and optional[row]:
            more["opt"] = 1
        if row in table.named:
            more["named"] = [self._file(number) for number in table.named[row]]
        if rule.row_values:
            more["v"] = self.plan.row_values(table, row)
        if rule.depfile is not None:
            more["dep"] = list(self.plan.depfile_of(table, row))
        if reason is not None and (reason.file is not None or reason.detail):
            more["why"] = [reason.file, reason.detail]
        values = self._values(table, row)
        for number in range(1, 2 + retries) if "2" in templates else (1,):
            text = self._attempt(table, row, number)
            template = templates.get(str(number))
            if template is None or fill_template(template, values) != text:
                more.setdefault("alt", {})[str(number)] = text
        found: list[Any] = [list(table.values(row)), ins, outs, table.state[row]]
        return [*found, more] if more else found

    # ------------------------------------------------------------ attempts

    def _values(self, table: Table, row: int) -> list[str]:
        """Return the texts of a task that its row holds anyway, as they stand inside JSON."""
        paths = self.plan.graph.files.paths
        found = [*table.values(row)]
        found += [paths[column[row]] for column in table.outputs]
        found += [paths[column[row]] if column[row] >= 0 else "" for column in table.inputs]
        return [dumps(each)[1:-1] for each in found]

    def _attempt(self, table: Table, row: int, number: int) -> str:
        """Return an attempt as JSON."""
        late = table.rule.post is not None and "produced" in table.rule.post.names
        if late:
            _require_plain(table.rule)
        attempt = self.attempts.make(table, row, id=0, number=number)
        plain = _plain(attempt, [[path, items] for path, items in self.attempts.lists])
        self.attempts.lists.clear()
        if late:
            behind = self.attempts.make(table, row, id=0, number=number, only_post=True, produced=[PRODUCED])
            plain["post"], plain["looked"] = behind.post, list(behind.outputs)
            self.attempts.lists.clear()
        return dumps(plain)

    def _templates(self, table: Table, rows: list[int], tries: int) -> dict[str, list[str | int]]:
        """Return the template of each attempt that differs from the first one, by its number."""
        found = {}
        for number in range(1, tries + 1):
            samples = [rows[0], rows[len(rows) // 2], rows[-1]]
            texts = [self._attempt(table, row, number) for row in samples]
            values = [self._values(table, row) for row in samples]
            best: tuple[int, list[str | int]] = (-1, [texts[0]])
            for places in _choices(table, values[0]):
                template = _template(texts[0], values[0], places)
                hits = sum(fill_template(template, each) == text for each, text in zip(values, texts, strict=True))
                if hits > best[0]:
                    best = (hits, template)
            found[str(number)] = best[1]
        return found

    # ------------------------------------------------------------ what was

    def _past(self, table: Table, row: int, past: Past) -> dict[str, Any]:
        """Return an earlier success as a record; sets are written out."""
        history = self.plan.history
        versions = history.versions
        taken: list[Any] = []
        for entry in past.ledger.taken_by(past.row):
            for version in (entry,) if entry >= 0 else history.sets[-2 - entry]:
                taken.append([versions.paths[version], *versions.stamp(version)])  # noqa: PERF401  # two loops
        record: dict[str, Any] = {
            "k": "ok",
            "t": table.name(row),
            "c": past.ledger.definition,
            "in": taken,
            "out": [[path, *stamp] for path, stamp in history.made_paths(past)],
        }
        record |= past.ledger.extras.get(past.row, {})
        return record


def _tries(rule: Rule) -> int:
    """Return how many attempts differ: 1, or 2 where the number of the attempt enters something (each has its own)."""
    codes = [*rule.resources.values(), *rule.values.values(), *(code for _, code in (*rule.env, *rule.site_env))]
    codes += [code for code in (rule.workdir, rule.log, rule.depfile, rule.launch_options) if code is not None]
    return 2 if any("attempt" in code.names for code in codes) else 1


_NONE = Resources()
_RESOURCES: tuple[str, ...] = Resources.__slots__


def _plain(attempt: Attempt, lists: list[list[Any]]) -> dict[str, Any]:
    """Return what of an attempt is its task's own."""
    resources = attempt.resources
    return {
        "argv": None if attempt.argv is None else list(attempt.argv),
        "script": attempt.script,
        "by": list(attempt.interpreter),
        "post": attempt.post,
        "env": dict(attempt.env),
        "log": attempt.log,
        "folders": list(attempt.folders),
        "looked": list(attempt.outputs),
        "res": {name: value for name in _RESOURCES if (value := getattr(resources, name)) != getattr(_NONE, name)},
        **({"lists": lists} if lists else {}),
    }


def _choices(table: Table, values: list[str]) -> list[list[int]]:
    """Return which texts of a row may stand for themselves in a template, the most telling choice first."""
    every = [at for at, value in enumerate(values) if value]
    wild = len(table.rule.wildcards)
    return [[at for at in every if at >= wild or len(values[at]) >= _SHORT], [at for at in every if at >= wild], every]


def _template(text: str, values: Sequence[str], places: Sequence[int]) -> list[str | int]:
    """Return a text in pieces: what is the same for all, and the places of values between."""
    by_value: dict[str, int] = {}
    for place in places:
        by_value.setdefault(values[place], place)
    if not by_value:
        return [text]
    longest_first = sorted(by_value, key=len, reverse=True)
    pieces = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text)
    return [by_value[piece] if at % 2 else piece for at, piece in enumerate(pieces) if piece]


def _require_plain(rule: Rule) -> None:
    """Refuse a `post` that does more with `produced` than to name it as words.  Raises Trouble."""
    assert rule.post is not None  # noqa: S101  # the caller asked
    for slot in rule.post.pieces():
        if isinstance(slot, str) or slot.brace.name.id != NAMED or (slot.is_bare and not slot.brace.path):
            continue
        message = f"`post` of rule `{rule.name}` takes `produced` otherwise than as words, and a job cannot plan"
        help_ = "write `{produced}` outside of quotes; or run it here, or inside a job"
        raise Trouble(Diagnostic("E510", message, slot.brace.span, help=help_))
