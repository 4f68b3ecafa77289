"""Attempts of tasks as texts of a batch, and the templates from which a job makes them again.

Owns what of an attempt is written down, and which of it stands for itself.  Knows nothing of the rest of a batch.

An attempt is JSON.  What it shares with those of other tasks is a template, in which numbers stand for what the task's
row holds anyway.  Where the template, filled with these, is not the attempt exactly, the row has an attempt of its own.
"""

from __future__ import annotations

import re
from json import dumps

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.model import Resources
from hpcmake.tasks.batch import INPUTS, NAMED, PRODUCED, fill_template, fill_text, fill_words, row_texts, seen_from
from hpcmake.tasks.rows import UNSET
from hpcmake.tasks.states import LOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, TypeAlias

    from hpcmake.model import Attempt
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.command import Slot
    from hpcmake.planner.plan import Plan
    from hpcmake.planner.rows import Table
    from hpcmake.planner.rules import Rule
    from hpcmake.planner.scope import Env

    Template: TypeAlias = list[str | int]

_SHORT = 3  # letters: values of fewer stand in commands by chance
_MOST = 10  # attempts of a task that have a template each, where they differ


class AttemptTexts:
    """Makes the texts of attempts of one rule's tasks.

    `stem` is how the names of its files of lists begin, but for the row; "" if it has none.  Raises Trouble for a
    command that needs a planner at the end of its task.
    """

    def __init__(self, plan: Plan, attempts: Attempts, table: Table) -> None:
        self.plan = plan
        self.attempts = attempts
        self.table = table
        self.rule = table.rule
        self.is_late = self.rule.post is not None and NAMED in self.rule.post.names
        self._marked = [at for at, item in enumerate(self.rule.inputs) if item.maybe]
        slots = list(_slots(self.rule))
        folder = "/".join(attempts.lists_in.split("/")[-2:])  # of a job, its key: nothing else is called so
        has_lists = any(slot.brace.modifier == "file" for slot in slots)
        self.stem = f"{folder}/{self.rule.name}-" if has_lists else ""
        if self.is_late:
            _require_plain(self.rule)

    # ------------------------------------------------------------ templates

    def templates(self, rows: Sequence[int], retries: int) -> dict[str, Template]:
        """Return the template of each attempt that differs from the first one, by its number."""
        found = {}
        samples = dict.fromkeys((rows[0], rows[len(rows) // 2], rows[-1]))
        for number in range(1, 1 + (min(_MOST, 1 + retries) if self._differ() else 1)):
            texts = [self.text(row, number)[0] for row in samples]
            values = [self.values(row) for row in samples]
            best: tuple[int, Template] = (-1, [texts[0]])
            for places in self._choices(values[0]):
                template = _template(texts[0], values[0], places)
                hits = sum(fill_template(template, each) == text for each, text in zip(values, texts, strict=True))
                if hits > best[0]:
                    best = (hits, template)
            found[str(number)] = best[1]
        return found

    def own(self, row: int, templates: dict[str, Template], retries: int) -> dict[str, Any]:
        """Return what is told of a task's attempts where the templates do not tell it."""
        values = self.values(row)
        alternatives: dict[str, Template] = {}
        is_fixed = False
        for number in range(1, 2 + retries) if len(templates) > 1 else (1,):
            text, fixed = self.text(row, number)
            is_fixed = is_fixed or fixed
            template = templates.get(str(number))
            if template is None or fill_template(template, values) != text:
                stem = len(values) - 1
                alternatives[str(number)] = _template(text, values, [stem] if self.stem else [])
        found: dict[str, Any] = {"alt": alternatives} if alternatives else {}
        return found | {"fix": 1} if is_fixed else found

    def values(self, row: int) -> list[str]:
        """Return the texts of a task that its row holds anyway."""
        table, paths = self.table, self.plan.graph.files.paths
        return row_texts(
            table.values(row),
            [paths[column[row]] for column in table.outputs],
            [paths[column[row]] if column[row] >= 0 else "" for column in table.inputs],
            f"{self.stem}{row}-" if self.stem else "",
        )

    def _choices(self, values: list[str]) -> list[list[int]]:
        """Return which texts of a row may stand for themselves in a template, the most telling choice first."""
        every = [at for at, value in enumerate(values) if value]
        wild = len(self.rule.wildcards)
        telling = [at for at in every if at >= wild or len(values[at]) >= _SHORT]
        return [telling, [at for at in every if at >= wild], every]

    def _differ(self) -> bool:
        """Tell whether attempts of one task may differ."""
        return not self.attempts.is_constant(self.table) or any(
            slot.brace.name.id == "attempt" or "attempt" in repr(slot.brace.path) for slot in _slots(self.rule)
        )

    # ------------------------------------------------------------ an attempt

    def text(self, row: int, number: int) -> tuple[str, bool]:
        """Return an attempt as JSON, and whether it holds only as long as just the same inputs are left out."""
        plain = self._plain(row, number)
        if not self._marked:
            return dumps(plain), False
        self.attempts.named_inputs = self._named_inputs
        try:
            marked = self._plain(row, number)
        finally:
            self.attempts.named_inputs = self.plan.named_inputs
        workdir = self.attempts.workdir(self.table, row)
        if workdir:
            marked["wd"] = workdir
        if self._filled(marked, row, workdir) == plain:
            return dumps(marked), False
        return dumps(plain), True

    def _plain(self, row: int, number: int) -> dict[str, Any]:
        attempts, table = self.attempts, self.table
        attempts.lists.clear()
        plain = _fields(attempts.make(table, row, id=0, number=number))
        if self.is_late:
            behind = attempts.make(table, row, id=0, number=number, only_post=True, produced=[PRODUCED])
            plain["post"], plain["looked"] = behind.post, list(behind.outputs)
        if attempts.lists:
            workdir = attempts.workdir(table, row)
            plain["lists"] = [[path, self._list(row, items, workdir)] for path, items in attempts.lists]
            attempts.lists.clear()
        return plain

    def _members(self, row: int, position: int) -> list[str]:
        """Return the files of an item of `input`, less those that are left out."""
        paths, will = self.plan.graph.files.paths, self.plan.judge.will
        entry = self.table.inputs[position][row]
        members = (entry,) if entry >= 0 else () if entry == UNSET else self.plan.graph.group(entry)
        is_maybe = self.rule.inputs[position].maybe
        return [paths[number] for number in members if not (is_maybe and will[number] == LOST)]

    def _list(self, row: int, items: list[str], workdir: str) -> object:
        """Return the items of a list, or by which items of `input` they are told."""
        if items == [PRODUCED]:
            return {"of": NAMED}
        positions = range(len(self.rule.inputs))
        for choice in (*([at] for at in positions), list(positions)):
            for folder in dict.fromkeys((workdir, "")):
                told = [seen_from(path, folder) for at in choice for path in self._members(row, at)]
                if items in (told, [seen_from(path, folder) for at in choice for path in self._or_mark(row, at)]):
                    return {"of": choice, "wd": folder}
        return items

    def _or_mark(self, row: int, position: int) -> list[str]:
        return [INPUTS.format(position)] if position in self._marked else self._members(row, position)

    # ------------------------------------------------------------ inputs that may be left out

    def _named_inputs(self, table: Table, row: int) -> Env:
        """Return `input` and its named items, with a mark for each that may be left out."""
        env = self.plan.named_inputs(table, row)
        everything: list[Any] = []
        for position, item in enumerate(table.rule.inputs):
            entry = table.inputs[position][row]
            mark = INPUTS.format(position)
            everything += self._or_mark(row, position)
            if item.maybe and item.name is not None:
                env[item.name] = mark if entry >= 0 else [mark]
        inputs = table.rule.inputs
        single = len(inputs) == 1 and table.inputs[0][row] >= 0 and inputs[0].plain
        env["input"] = everything[0] if single else everything
        return env

    def _filled(self, marked: dict[str, Any], row: int, workdir: str) -> dict[str, Any]:
        """Return an attempt whose marks are filled as a job will fill them."""
        found = {name: value for name, value in marked.items() if name != "wd"}
        for position in self._marked:
            mark, paths = seen_from(INPUTS.format(position), workdir), self._members(row, position)
            here = [seen_from(path, workdir) for path in paths]
            found["script"] = fill_text(found["script"], mark, here)
            found["post"] = fill_text(found["post"], INPUTS.format(position), paths)
            if found["argv"] is not None:
                found["argv"] = fill_words(found["argv"], mark, here)
        return found


_NONE = Resources()
_RESOURCES: tuple[str, ...] = Resources.__slots__


def _fields(attempt: Attempt) -> dict[str, Any]:
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
    }


def _template(text: str, values: Sequence[str], places: Sequence[int]) -> Template:
    """Return a text in pieces: what is the same for all, and the places of values between."""
    by_value: dict[str, int] = {}
    for place in places:
        by_value.setdefault(values[place], place)
    if not by_value:
        return [text]
    longest_first = sorted(by_value, key=len, reverse=True)
    pieces = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text)
    return [by_value[piece] if at % 2 else piece for at, piece in enumerate(pieces) if piece]


def _slots(rule: Rule) -> Iterator[Slot]:
    for template in (rule.run, rule.post):
        if template is not None:
            yield from (piece for piece in template.pieces() if not isinstance(piece, str))


def _require_plain(rule: Rule) -> None:
    """Refuse a `post` that does more with `produced` than to name it as words, or in a file.  Raises Trouble."""
    assert rule.post is not None  # noqa: S101  # the caller asked
    for slot in rule.post.pieces():
        if isinstance(slot, str) or slot.brace.name.id != NAMED:
            continue
        if not slot.brace.path and (slot.is_bare or slot.brace.modifier == "file"):
            continue
        message = f"`post` of rule `{rule.name}` takes `produced` otherwise than as words, and a job cannot plan"
        help_ = "write `{produced}` outside of quotes, or `{produced!file}`; or run it here, or inside a job"
        raise Trouble(Diagnostic("E510", message, slot.brace.span, help=help_))
