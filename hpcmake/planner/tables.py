"""The content of files as values: lines, tables, JSON, TOML.

Owns their reading and its mistakes.  Knows nothing of where the bytes come from.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.values import Row, Rows, Value, exact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.text import Span


def parse_content(raw: bytes, kind: str, path: str, span: Span) -> Value:
    """Return the content of a file as a value of the language.  Raises Trouble for what is not of the kind."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        what = f"{path}, line {line}: this is not UTF-8"
        raise _mistake(what, span, "save it as UTF-8; from Latin-1: `iconv -f latin1 -t utf-8`") from None
    readers = {"lines": _lines, "table": _table, "json": _json, "toml": _toml}
    return readers[kind](text, path, span)


def _mistake(message: str, span: Span, hint: str = "") -> Trouble:
    return Trouble(Diagnostic("E307", message, span, help=hint))


def _lines(text: str, _path: str, _span: Span) -> Value:
    return [line for line in (each.rstrip("\r") for each in text.split("\n")) if line.strip()]


def _table(text: str, path: str, span: Span) -> Value:
    import csv  # only where there is a table

    head = text.split("\n", 1)[0]
    separator = "\t" if path.endswith((".tsv", ".tab")) or ("\t" in head and "," not in head) else ","
    reader = csv.reader(text.splitlines(), delimiter=separator, strict=True)
    try:
        written = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as problem:
        what = f"{path}, line {reader.line_num}: {problem}"
        raise _mistake(what, span, "a cell that holds a quote or a separator stands in double quotes") from None
    written = [(line, row) for line, row in written if any(row)]
    if not written:
        what = f"{path} is empty: a table has a line of column names"
        raise _mistake(what, span, "write the names of its columns, even if no row follows")
    columns = tuple(written[0][1])
    if len(set(columns)) != len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        what = f"{path}: column `{twice}` stands twice"
        raise _mistake(what, span, "give each column a name of its own")
    rows = []
    for line, row in written[1:]:
        if len(row) != len(columns):
            what = f"{path}, line {line}: {len(row)} cells under {len(columns)} columns"
            raise _mistake(what, span, "each row has a cell, perhaps an empty one, for each column")
        rows.append(Row(columns, tuple(row)))
    return Rows(columns, tuple(rows), name=path)


def _json(text: str, path: str, span: Span) -> Value:
    import json  # only where there is some

    try:
        value: Value = json.loads(text, parse_float=_decimal, parse_constant=_no_constant)
    except RecursionError:
        what = f"{path}: nested too deep"
        raise _mistake(what, span, "make it flatter") from None
    except json.JSONDecodeError as problem:
        what = f"{path}, line {problem.lineno}, column {problem.colno}: not JSON ({problem.msg})"
        raise _mistake(what, span, "mend what writes the file, or read it as `lines`") from None
    except ValueError as problem:
        what = f"{path}: {problem}"
        raise _mistake(what, span, "write it as a text, in quotes") from None
    return value


def _decimal(text: str) -> Value:
    from fractions import Fraction  # slow to import, seldom needed

    exponent = text.lower().partition("e")[2]
    if abs(int(exponent or 0)) > 400 or len(text) > 400:  # noqa: PLR2004  # a double ends there
        message = f"the number {text[:40]} is beyond what a double can hold"
        raise ValueError(message)
    return exact(Fraction(text))


def _no_constant(text: str) -> Value:
    message = f"{text} is no number"
    raise ValueError(message)


def _toml(text: str, path: str, span: Span) -> Value:
    import tomllib  # only where there is some

    try:
        return _plain(tomllib.loads(text, parse_float=_decimal))
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as problem:
        what = f"{path}: not TOML ({problem})"
        raise _mistake(what, span, "mend what writes the file, or read it as `lines`") from None


def _plain(value: object) -> Value:
    """Return a TOML value as one of ours: dates and times become their text."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, (str, bool, int)) or type(value).__name__ == "Fraction":
        return value  # type: ignore[return-value]
    return str(value)
