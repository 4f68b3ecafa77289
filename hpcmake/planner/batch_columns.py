"""Rows of a batch by columns: where all tasks of a rule are made alike, none is looked at by itself.

Owns the proof that a template holds for tasks whose commands were not rendered, and their rows.  Knows nothing of the
rest of a batch.

A command that names only wildcards and files, each as it is, is a sequence of fixed texts and of such values.  If no
value needs quotes, and the template is right for tasks that differ in each of them, it is right for all.
"""

from __future__ import annotations

from itertools import repeat
from operator import eq

from hpcmake.tasks import quoting
from hpcmake.tasks.batch import fill_template
from hpcmake.tasks.states import IS_MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from typing import Any, TypeVar

    from hpcmake.planner.batch_templates import AttemptTexts, Template
    from hpcmake.planner.rules import Rule
    from hpcmake.tasks.quoting import Place

    T = TypeVar("T")

_FEW = 200  # rows: of so many each is rendered as fast
_MORE = 5  # tasks that are looked at besides
_SIMPLE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@+:,./-\n"
_STEADY = frozenset((quoting.WORD, quoting.DOUBLE, quoting.SINGLE, quoting.HERE, quoting.COMMENT, quoting.JSON))
_PLAIN = frozenset("input output log rule site cores memory gpus nodes ranks time attempt launch wildcards".split())


def is_proven(texts: AttemptTexts, rows: Sequence[int], templates: dict[str, Template]) -> bool:
    """Tell whether the first template is right for all of these tasks.  Raises Trouble."""
    if len(rows) < _FEW or len(templates) != 1 or not _is_plain(texts, rows):
        return False
    columns = list(_columns(texts, rows))
    distinct = [set(column) for column in columns]
    wild = distinct[: len(texts.table.columns)]
    if not all(map(_are_simple, distinct)) or any("/" in value for values in wild for value in values):
        return False
    samples = _samples(rows, columns)
    template = templates["1"]
    return all(fill_template(template, texts.values(row)) == texts.text(row, 1)[0] for row in samples)


def _is_plain(texts: AttemptTexts, rows: Sequence[int]) -> bool:
    """Tell whether all that a rule's commands name is the same for all tasks, or stands in their rows."""
    rule, table = texts.rule, texts.table
    if texts.is_late or texts.stem or rule.depfile is not None or rule.row_values or table.named:
        return False
    if any(item.maybe for item in rule.inputs) or not texts.attempts.is_constant(table):
        return False
    if any(code.names for _, code in (*rule.env, *rule.site_env)):
        return False
    if rule.launch_options is not None and rule.launch_options.names:
        return False
    paths = [code for code in (rule.log, rule.workdir) if code is not None]
    if any(code.names and code.literals is None for code in paths):
        return False
    judge = texts.plan.judge
    return (
        len(rows) > 0
        and _are_alike(judge.optional.get(rule.number), rows)
        and _are_written_alike(rule)
        and all(_are_values(rule, each) for each in _named(rule))
    )


def _are_alike(optional: bytearray | None, rows: Sequence[int]) -> bool:
    """Tell whether all of these tasks, or none, are wanted as `maybe` only."""
    return optional is None or len(set(map(optional.__getitem__, rows))) == 1


def _named(rule: Rule) -> Iterator[Any]:
    for template in (rule.run, rule.post):
        if template is not None:
            yield from template.braces


def _are_written_alike(rule: Rule) -> bool:
    """Tell whether a value without special letters is written in the same way wherever one stands, whichever it is."""
    for template in (rule.run, rule.post):
        for piece in template.pieces() if template is not None else ():
            if not isinstance(piece, str) and not _is_steady(piece.place):
                return False
    return True


def _is_steady(place: Place) -> bool:
    return place.kind in _STEADY and not (place.careful or place.first or place.delimiters or place.tabs_lost)


def _are_values(rule: Rule, brace: Any) -> bool:  # a group of a command
    if brace.path or brace.pad is not None or brace.modifier is not None:
        return False
    name = brace.name.id
    names = {item.name for item in rule.inputs} | {item.name for item in rule.output_items} | set(rule.wildcards)
    code = rule.values[id(brace)]
    return name in _PLAIN or name in names or not (code.names or code.reads)


def _are_simple(values: Collection[str]) -> bool:
    """Tell whether no text needs quotes wherever a word may stand."""
    joined = "\n".join(values)
    if not joined.isascii() or joined.encode("ascii").translate(None, _SIMPLE):
        return False
    return "\n\n" not in f"\n{joined}\n"


def _columns(texts: AttemptTexts, rows: Sequence[int]) -> Iterator[list[str]]:
    """Yield the texts that rows hold, a column each; sets of files by their numbers."""
    table, paths = texts.table, texts.plan.graph.files.paths
    pick = _picker(rows)
    for values in table.columns:
        yield list(pick(values))
    for column in (*table.outputs, *table.inputs):
        numbers = pick(column)
        if min(numbers) >= 0:
            yield list(map(paths.__getitem__, numbers))
        else:
            yield [paths[number] if number >= 0 else str(number) for number in numbers]


def _picker(rows: Sequence[int]) -> Callable[[Sequence[T]], Sequence[T]]:
    """Return what picks the values of a column in these rows: by no look at each where they stand side by side."""
    first, stop = rows[0], rows[-1] + 1
    if stop - first == len(rows) and all(map(eq, rows, range(first, stop))):
        return lambda column: column[first:stop]
    return lambda column: list(map(column.__getitem__, rows))


def _samples(rows: Sequence[int], columns: Sequence[Sequence[str]]) -> set[int]:
    """Return tasks that differ in each column, and in which no two columns are equal that are not so in all."""
    found = {0, len(rows) - 1, *range(0, len(rows), max(1, len(rows) // _MORE))}
    for at, column in enumerate(columns):
        first = column[0]
        other = next((row for row, value in enumerate(column) if value != first), None)
        if other is not None:
            found.add(other)
        for second in columns[at + 1 :]:
            if column != second:
                found.add(next(row for row, pair in enumerate(zip(column, second, strict=True)) if pair[0] != pair[1]))
    return {rows[at] for at in found}


def render_rows(
    texts: AttemptTexts,
    rows: Sequence[int],
    file: Callable[[int], int],
    entry: Callable[[int], int],
    slowly: Callable[[int], list[Any]],
    odd: Collection[int],
) -> list[Sequence[Any]]:
    """Return the rows of tasks for which the template is right.

    `file` and `entry` give numbers in the batch, `slowly` the row of one whose reason must be told, or that is `odd`.
    """
    table, present = texts.table, texts.plan.stamps.present
    pick = _picker(rows)
    wild = list(zip(*map(pick, table.columns), strict=True)) or [()] * len(rows)
    made = [list(map(file, pick(column))) for column in table.outputs]
    taken = [_renumbered(pick(column), file, entry) for column in table.inputs]
    ins = list(zip(*taken, strict=True)) or [()] * len(rows)
    outs = list(zip(*made, strict=True)) or [()] * len(rows)
    told = zip(wild, ins, outs, repeat(IS_MISSING), strict=False)  # tuples are quickly made, and lists in JSON
    if not table.outputs:
        return [slowly(row) for row in rows]
    states, first = pick(table.state), pick(table.outputs[0])
    is_usual = states.count(IS_MISSING) == len(rows) and not any(map(present.__getitem__, first))
    if is_usual and not any(map(odd.__contains__, rows)):
        return list(told)
    return [
        each if state == IS_MISSING and not present[number] and row not in odd else slowly(row)
        for row, state, number, each in zip(rows, states, first, told, strict=True)
    ]


def _renumbered(numbers: Sequence[int], file: Callable[[int], int], entry: Callable[[int], int]) -> list[int]:
    """Return entries of an input column in the batch's numbers; of those that are told often, each is asked once."""
    distinct = dict.fromkeys(numbers)
    if 2 * len(distinct) > len(numbers) and min(distinct) >= 0:
        return list(map(file, numbers))
    known = {number: file(number) if number >= 0 else entry(number) for number in distinct}
    return list(map(known.__getitem__, numbers))
