"""The values of the expression language and their text.

Owns the kinds of values, their names for people, their fields and how each is printed.
Knows nothing of expressions: what is written, and where.
"""

from __future__ import annotations

from hpcmake.record import Record
from hpcmake.units import SIZES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fractions import Fraction
    from typing import TypeAlias

    Value: TypeAlias = (
        "str | int | Fraction | bool | DurationOf | SizeOf | list[Value] | dict[str, Value] | Rows | Row | None"
    )
    Exact: TypeAlias = int | Fraction
else:
    Value = Exact = object  # names for annotations alone


class DurationOf(Record):
    """A duration: exact seconds."""

    seconds: Exact


class SizeOf(Record):
    """A size: exact bytes."""

    count: Exact


class Row(Record):
    """A row of a table: its cells by column, each a text."""

    columns: tuple[str, ...]
    cells: tuple[str, ...]


class Rows(Record):
    """A table: its rows in the order of the file, or by the text in one column (`key`)."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    key: str | None = None
    by_key: dict[str, Row] | None = None
    name: str = "table"


class ValueTypeError(Exception):
    """An operation that its values do not allow; the message and the mend are for people."""

    def __init__(self, message: str, code: str = "E301", mend: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.mend = mend


FIELDS_OF_DURATION = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
FIELDS_OF_SIZE = {unit: count for unit, count in SIZES.items() if unit != "KB"}


def kind_of(value: Value) -> str:
    """Return the kind of a value in words, with its article."""
    for types, words in _KINDS:
        if isinstance(value, types):
            return words
    return "nothing (null)" if value is None else "an exact number"


_KINDS: list[tuple[type | tuple[type, ...], str]] = [
    (bool, "true or false"),
    (str, "text"),
    (int, "a number"),
    (DurationOf, "a duration"),
    (SizeOf, "a size"),
    (list, "a list"),
    (dict, "an object"),
    (Rows, "a table"),
    (Row, "a row of a table"),
]


def exact(number: Exact) -> Exact:
    """Return a whole Fraction as an int, so that a number has one form."""
    return number if isinstance(number, int) or number.denominator != 1 else number.numerator


def render_number(number: Exact) -> str:
    """Return the shortest text of an exact number: all its digits if they end, else those of a double."""
    if isinstance(number, int):
        return str(number)
    if number.denominator == 1:
        return str(number.numerator)
    rest, twos, fives = number.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return repr(float(number))
    places = max(twos, fives)
    digits = str(abs(number.numerator) * 10**places // number.denominator).rjust(places + 1, "0")
    sign = "-" if number < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def render_value(value: Value) -> str:
    """Return the text of a value where text is wanted: numbers shortest, durations in seconds, sizes in bytes.

    Raises ValueTypeError for what has no text of its own: lists, objects, tables, null.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, DurationOf):
        return render_number(value.seconds)
    if isinstance(value, SizeOf):
        return render_number(value.count)
    if value is None or isinstance(value, (list, dict, Rows, Row)):
        message = f"{kind_of(value)} has no text of its own"
        raise ValueTypeError(message)
    return render_number(value)


def field_of(value: Value, field: str) -> Value:
    """Return `value.field`.  Raises ValueTypeError, naming the nearest field, if there is none."""
    known: list[str]
    if isinstance(value, DurationOf):
        known = list(FIELDS_OF_DURATION)
        if field in FIELDS_OF_DURATION:
            return _ratio(value.seconds, FIELDS_OF_DURATION[field])
    elif isinstance(value, SizeOf):
        known = list(FIELDS_OF_SIZE)
        if field in FIELDS_OF_SIZE:
            return _ratio(value.count, FIELDS_OF_SIZE[field])
    elif isinstance(value, Row):
        known = list(value.columns)
        if field in value.columns:
            return value.cells[value.columns.index(field)]
    elif isinstance(value, dict):
        known = list(value)
        if field in value:
            return value[field]
    else:
        message = f"{kind_of(value)} has no fields"
        raise ValueTypeError(message, "E309", "leave the field out")
    from hpcmake.diagnostics import did_you_mean  # only mistakes need it

    hint = did_you_mean(field, known) or (f"there are: {', '.join(known[:12])}" if known else "it is empty")
    message = f"{kind_of(value)} has no field `{field}`"
    raise ValueTypeError(message, "E309", hint)


def _ratio(number: Exact, unit: int) -> Exact:
    if isinstance(number, int) and number % unit == 0:
        return number // unit
    from fractions import Fraction  # slow to import, seldom needed

    return exact(Fraction(number) / unit)


def plain_of(value: Value) -> object:
    """Return a value as JSON knows it: numbers as numbers, durations in seconds, sizes in bytes, rows as objects."""
    if isinstance(value, DurationOf):
        return plain_of(value.seconds)
    if isinstance(value, SizeOf):
        return plain_of(value.count)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, list):
        return [plain_of(each) for each in value]
    if isinstance(value, dict):
        return {name: plain_of(each) for name, each in value.items()}
    if isinstance(value, Row):
        return dict(zip(value.columns, value.cells, strict=True))
    if isinstance(value, Rows):
        return [plain_of(each) for each in value.rows]
    return float(value)


def is_text_digits(text: str) -> bool:
    """Tell whether a text is a whole number as it is printed, with or without a minus sign."""
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal()
