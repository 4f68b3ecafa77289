"""The functions of the expression language.

Owns what each function does to values.  Knows nothing of syntax: an error has no place yet.
"""

from __future__ import annotations

from hpcmake.planner.operators import LONGEST_LIST, arithmetic, compare, elements, fail, is_number, sort_value, too_long
from hpcmake.planner.values import DurationOf, SizeOf, Value, exact, kind_of, render_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _text(value: Value) -> str:
    if not isinstance(value, str):
        message = f"a text is wanted here, and this is {kind_of(value)}"
        raise fail(message, mend="`str(…)` makes a text of a number")
    return value


def _each_text(value: Value, function: Callable[[str], str]) -> Value:
    if isinstance(value, list):
        return [function(_text(each)) for each in value]
    return function(_text(value))


def _len(value: Value) -> Value:
    return len(value) if isinstance(value, str) else len(elements(value))


def _extreme(pick: Callable[..., Value], *arguments: Value) -> Value:
    items = elements(arguments[0]) if len(arguments) == 1 else list(arguments)
    if not items:
        message = f"`{pick.__name__}` of an empty list"
        raise fail(message, mend="add something that is always there: `max([0, x])`")
    for each in items[1:]:
        compare("<", items[0], each)
    return pick(items, key=sort_value)


def _sum(items: Value) -> Value:
    listed = elements(items)
    total: Value = listed[0] if listed else 0
    for each in listed:
        if not is_number(each) and not isinstance(each, (DurationOf, SizeOf)):
            message = f"`sum` adds numbers, durations or sizes, and this is {kind_of(each)}"
            raise fail(message, mend="`int(…)` makes a number of a text: `sum([int(row.n) for row in rows])`")
    for each in listed[1:]:
        total = arithmetic("+", total, each)
    return total


def _sorted(items: Value) -> Value:
    listed = elements(items)
    for each in listed[1:]:
        compare("<", listed[0], each)
    return sorted(listed, key=sort_value)  # type: ignore[arg-type]


def _unique(items: Value) -> Value:
    seen: list[Value] = []
    try:
        return list(dict.fromkeys(elements(items)))
    except TypeError:  # lists within lists
        for each in elements(items):
            if each not in seen:
                seen.append(each)
        return seen


def _zip(*lists: Value) -> Value:
    columns = [elements(each) for each in lists]
    if len({len(column) for column in columns}) > 1:
        message = f"`zip` takes lists of one length, and these have {', '.join(str(len(c)) for c in columns)}"
        raise fail(message, mend="make them of one length, or use two loops")
    return [list(row) for row in zip(*columns, strict=True)]


def _range(*bounds: Value) -> Value:
    for bound in bounds:
        if not isinstance(bound, int) or isinstance(bound, bool):
            message = f"`range` takes whole numbers, and this is {kind_of(bound)}"
            raise fail(message, mend="`int(…)` makes one of a text")
    if len(bounds) == 3 and bounds[2] == 0:  # noqa: PLR2004  # start, stop, step
        message = "a range cannot go by steps of 0"
        raise fail(message, mend="write a step from 1, or from -1 downwards")
    numbers = range(*bounds)  # type: ignore[arg-type]
    if len(numbers) > LONGEST_LIST:
        what = "a range"
        raise too_long(what, len(numbers))
    return list(numbers)


def _int(value: Value) -> Value:
    if isinstance(value, str):
        import re  # the planner has it already

        if re.fullmatch(r"\s*[+-]?[0-9]{1,4000}\s*", value):
            return int(value)
        message = f"{value!r} is not a whole number"
        raise fail(message, mend="take the number out of the text first, as with `replace` or `split`")
    if is_number(value):
        return int(value)  # type: ignore[arg-type]
    message = f"`int` takes a text or a number, and this is {kind_of(value)}"
    raise fail(message, mend="leave `int` out")


def _float(value: Value) -> Value:
    if is_number(value):
        return value
    if isinstance(value, str):
        from fractions import Fraction  # slow to import, seldom needed

        try:
            float(value)
            if len(value) < 400 and value.lower().strip().lstrip("+-") not in {"inf", "nan", "infinity"}:  # noqa: PLR2004
                exponent = value.lower().partition("e")[2]
                if abs(int(exponent or 0)) <= 400:  # noqa: PLR2004  # a double ends there
                    return exact(Fraction(value))
        except (ValueError, ZeroDivisionError):
            pass
        message = f"{value!r} is not a number"
        raise fail(message, mend="take the number out of the text first, as with `replace` or `split`")
    message = f"`float` takes a text or a number, and this is {kind_of(value)}"
    raise fail(message, mend="leave `float` out")


def _join(items: Value, separator: Value = " ") -> Value:
    if isinstance(items, str) and isinstance(separator, list):  # join(",", items), as Python has it
        items, separator = separator, items
    return _text(separator).join(render_value(each) for each in elements(items))


def _split(text: Value, separator: Value = None) -> Value:
    if separator == "":
        message = "an empty text parts nothing"
        raise fail(message, mend="leave the separator out to part at blanks")
    return list(_text(text).split(None if separator is None else _text(separator)))


def _replace(text: Value, old: Value, new: Value) -> Value:
    return _each_text(text, lambda each: each.replace(_text(old), _text(new)))


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _suffix(path: str) -> str:
    name = _name(path)
    at = name.rfind(".")
    return name[at:] if 0 < at < len(name) - 1 else ""


def _stem(path: str) -> str:
    name = _name(path)
    suffix = _suffix(path)
    return name[: len(name) - len(suffix)] if suffix else name


def _parent(path: str) -> str:
    return path.rstrip("/").rpartition("/")[0] or "."


def _of_path(function: Callable[[str], str]) -> Callable[[Value], Value]:
    return lambda value: _each_text(value, function)


PURE: dict[str, tuple[int, int, Callable[..., Value]]] = {
    "len": (1, 1, _len),
    "min": (1, 99, lambda *values: _extreme(min, *values)),
    "max": (1, 99, lambda *values: _extreme(max, *values)),
    "sum": (1, 1, _sum),
    "sorted": (1, 1, _sorted),
    "unique": (1, 1, _unique),
    "zip": (1, 99, _zip),
    "range": (1, 3, _range),
    "int": (1, 1, _int),
    "float": (1, 1, _float),
    "str": (1, 1, render_value),
    "join": (1, 2, _join),
    "split": (1, 2, _split),
    "replace": (3, 3, _replace),
    "upper": (1, 1, lambda value: _each_text(value, str.upper)),
    "lower": (1, 1, lambda value: _each_text(value, str.lower)),
    "name": (1, 1, _of_path(_name)),
    "stem": (1, 1, _of_path(_stem)),
    "suffix": (1, 1, _of_path(_suffix)),
    "parent": (1, 1, _of_path(_parent)),
}
"""Functions of values alone: the least and the greatest number of arguments, and what they do."""

READERS = frozenset({"lines", "table", "json", "toml"})
"""Functions that read a file."""

NAMES = frozenset(PURE) | READERS | {"first", "size", "env"}
"""Every function of the language."""
