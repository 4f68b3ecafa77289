"""Rules as functions of a shell script, and tasks as lines that call them.

Owns how a rule's command becomes one function with arguments, where that is possible, and else one function a task.
Knows nothing of jobs and launchers.

A value of the command that is the same for all tasks stands in the function; one that differs is an argument.
"""

from __future__ import annotations

import re

from hpcmake.planner.command import Slot, items_of
from hpcmake.record import Record
from hpcmake.tasks import quoting
from hpcmake.tasks.quoting import Place, quote_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hpcmake.planner.attempts import Attempts, Values
    from hpcmake.planner.command import Template
    from hpcmake.planner.graph import Table
    from hpcmake.syntax import Brace

HOSTS = "NODES"
"""The word in a launcher's options for which a script puts the nodes of a task."""

_OPEN = {
    quoting.WORD: '"{}"',
    quoting.DOUBLE: "{}",
    quoting.HERE: "{}",
    quoting.SINGLE: "'\"{}\"'",
    quoting.ANSI: "'\"{}\"$'",
    quoting.PARAMETER: '"{}"',
    quoting.COMMENT: "{}",
}
"""How a variable is written into each kind of place; where there is none, a task has a function of its own."""


class Group(Record):
    """Tasks of a rule that are alike: a function, or several, and a line for each task that calls one."""

    rule: str
    functions: tuple[str, ...]
    calls: tuple[str, ...]
    folders: tuple[str, ...]
    lists: tuple[tuple[str, tuple[str, ...]], ...]


def group_of(attempts: Attempts, table: Table, rows: Sequence[int], name: str, *, prelude: Sequence[str]) -> Group:
    """Return the functions and calls of some tasks of a rule, which take the same resources.

    `name` is that of the function, `prelude` are lines for its beginning.  Raises Trouble, Wait.
    """
    attempts.lists.clear()
    made = _Function(attempts, table, rows, name, prelude)
    try:
        functions, calls = made.as_one()
    except _UnfitError:
        attempts.lists.clear()
        functions, calls = _one_each(attempts, table, rows, name, prelude)
    folders: dict[str, None] = {}
    for row in rows:
        folders.update(dict.fromkeys(attempts.folders(table, row)))
    lists = tuple((path, tuple(items)) for path, items in attempts.lists)
    return Group(table.rule.name, tuple(functions), tuple(calls), tuple(folders), lists)


class _UnfitError(Exception):
    """A value that cannot be a variable where it stands."""


class _Function:
    """One function for all tasks of a group."""

    def __init__(
        self, attempts: Attempts, table: Table, rows: Sequence[int], name: str, prelude: Sequence[str]
    ) -> None:
        self.attempts = attempts
        self.table = table
        self.rows = rows
        self.name = name
        self.prelude = prelude
        self.values = [attempts.values(table, row) for row in rows]
        self.arguments: dict[str, list[str]] = {}
        rule = table.rule
        self.text = "".join(each.text for each in (rule.run, rule.post) if each is not None)

    def as_one(self) -> tuple[list[str], list[str]]:
        """Return the function, and a call for each task."""
        rule = self.table.rule
        if rule.run is not None and rule.run.interpreter and rule.run.interpreter != ("bash",):
            raise _UnfitError
        body = list(self._body())
        head = [f"    {name}=${{{at}}}" for at, name in enumerate(self.arguments, 1)]
        title = f"{self.name}() (" + (
            f" # {' '.join(name.upper() for name in self.arguments)}" if self.arguments else ""
        )
        text = "\n".join([title, *head, *(f"    {line}" for line in self.prelude), *body, ")"])
        columns = list(self.arguments.values())
        calls = [" ".join([self.name, *(quote_word(column[at]) for column in columns)]) for at in range(len(self.rows))]
        return [text], calls

    def _body(self) -> Iterator[str]:
        rule, setup = self.table.rule, self.attempts.setup(self.table.rule)
        yield from self._environment()
        yield "    set -e"
        if rule.run is not None:
            workdir = self._path([each.workdir for each in self.values], "workdir")
            log = self._path([each.log for each in self.values], "log")
            yield "    ("
            if setup:
                yield setup.rstrip("\n")
            yield "    set -euo pipefail"
            if workdir is not None:
                yield f"    cd -- {workdir}"
            yield self._text(rule.run, post=False)
            yield "    )" + (f" >>{log} 2>&1" if log is not None else "")
        if rule.post is not None:
            yield "    ("
            yield "    set -euo pipefail"
            yield self._text(rule.post, post=True)
            yield "    )"
        markers = [at for at, output in enumerate(rule.outputs) if output.touch]
        paths = self.attempts.plan.graph.files.paths
        for at in markers:
            column = [paths[self.table.outputs[at][row]] for row in self.rows]
            yield f"    : >{self._path(column, 'marker')}"

    def _environment(self) -> Iterator[str]:
        found = [self.attempts.env(self.table, row) for row in self.rows]
        for name in found[0]:
            yield f"    export {name}={self._path([each[name] for each in found], 'value')}"

    def _path(self, column: Sequence[str | None], name: str) -> str | None:
        """Return a word for a column of texts: itself if it is one, else a variable."""
        texts = [each for each in column if each is not None]
        if not texts:
            return None
        return quote_word(texts[0]) if texts.count(texts[0]) == len(texts) else f'"{self._variable(name, texts)}"'

    def _text(self, template: Template, *, post: bool) -> str:
        parts = [piece if isinstance(piece, str) else self._slot(piece, post=post) for piece in template.pieces()]
        return "".join(parts).strip("\n")

    def _slot(self, slot: Slot, *, post: bool) -> str:
        columns = [self._items(slot.brace, values, post=post) for values in self.values]
        first = columns[0]
        if slot.brace.name.id == "launch":
            if any(each != first for each in columns) or slot.place.kind != quoting.WORD:
                raise _UnfitError
            return " ".join(_launch_word(word) for word in first)
        if all(each == first for each in columns):
            return " ".join(first) if slot.brace.modifier == "r" else quoting.quote(slot.place, first)
        if slot.brace.modifier == "r" or any(len(each) != 1 for each in columns) or not _may_vary(slot.place):
            raise _UnfitError
        return _OPEN[slot.place.kind].format(self._variable(_name_of(slot.brace), [each[0] for each in columns]))

    def _items(self, brace: Brace, values: Values, *, post: bool) -> list[str]:
        value = values.of_post(None)(brace) if post else values.of_run(brace)
        return items_of(brace, value, values.list_file)

    def _variable(self, wanted: str, column: list[str]) -> str:
        """Return a variable that holds a column's value; columns that are equal have one variable."""
        for name, known in self.arguments.items():
            if known == column:
                return f"${{{name}}}"
        name, number = wanted, 1
        while name in self.arguments or re.search(rf"\b{name}\b", self.text) or name in _TAKEN:
            number += 1
            name = f"{wanted}_{number}"
        self.arguments[name] = column
        return f"${{{name}}}"


_TAKEN = frozenset("hosts slot nodes script pause at_once".split())
"""Variables of the script itself."""


def _may_vary(place: Place) -> bool:
    return place.kind in _OPEN and not place.backquotes and place.apostrophe == "'\\''"


def _name_of(brace: Brace) -> str:
    """Return a name for a variable: that of the group, in small letters."""
    return re.sub(r"\W", "_", brace.name.id.lower()) or "value"


def _launch_word(word: str) -> str:
    return word.replace(HOSTS, '"$hosts"') if HOSTS in word else quote_word(word)


def _one_each(
    attempts: Attempts, table: Table, rows: Sequence[int], name: str, prelude: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return a function for each task, with its text as it stands."""
    functions, calls = [], []
    for at, row in enumerate(rows, 1):
        own = name if len(rows) == 1 else f"{name}_{at}"
        attempt = attempts.make(table, row, id=0, number=1)
        script = attempt.script.replace(HOSTS, '"$hosts"') if table.rule.has_nodes else attempt.script
        exports = [f"    export {key}={quote_word(value)}" for key, value in attempt.env.items()]
        log = f" >>{quote_word(attempt.log)} 2>&1" if attempt.log is not None else ""
        lines = [f"{own}() (", *(f"    {line}" for line in prelude), *exports, "    set -e"]
        if script:
            lines += _run(script, attempt.interpreter, log)
        if attempt.post:
            lines += ["    (", attempt.post.strip("\n"), "    )"]
        outputs = [attempts.plan.graph.files.paths[column[row]] for column in table.outputs]
        marks = [path for path, output in zip(outputs, table.rule.outputs, strict=True) if output.touch]
        lines += [f"    : >{quote_word(path)}" for path in marks]
        functions.append("\n".join([*lines, ")"]))
        calls.append(own)
    return functions, calls


def _run(script: str, interpreter: Sequence[str], log: str) -> list[str]:
    if tuple(interpreter) == ("bash",):
        return ["    (", script.strip("\n"), f"    ){log}"]
    end = "HPCMAKE_END"
    while end in script:
        end += "_"
    words = " ".join(quote_word(word) for word in interpreter)
    return [
        "    file=$(mktemp)",
        f"    cat >\"$file\" <<'{end}'",
        script.rstrip("\n"),
        end,
        "    status=0",
        f'    {words} "$file"{log} || status=$?',
        '    rm -f "$file"',
        '    [ "$status" = 0 ] || exit "$status"',
    ]
