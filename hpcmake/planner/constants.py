"""Lets and params of the whole campaign: evaluated when asked, once.

Owns their evaluation, cycles among them, and the reading of `-D NAME=VALUE`.  Knows nothing of rules.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.planner.functions import is_number
from hpcmake.planner.values import DurationOf, SizeOf, Value, exact, kind_of
from hpcmake.text import Source, Span
from hpcmake.units import UnitError, parse_duration, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hpcmake.planner.expressions import Code

_UNKNOWN: Value = object()  # type: ignore[assignment]  # nothing is this object


class Constant:
    """A let or param: a callable that gives its value.  Raises Wait or Trouble as its expression does."""

    def __init__(self, name: str, span: Span) -> None:
        self.name = name
        self.span = span
        self.code: Code | None = None
        self.override: str | None = None
        self._value: Value = _UNKNOWN
        self._running = False

    def __call__(self) -> Value:
        """Return the value."""
        if self._value is not _UNKNOWN:
            return self._value
        if self._running:
            message = f"`{self.name}` is defined by itself"
            raise Trouble(
                Diagnostic("E220", message, self.span, help="break the circle: one of them must not use the other")
            )
        if self.code is None:
            return ""  # its expression had mistakes, which are told
        self._running = True
        try:
            value = self.code.run({})
            if self.override is not None:
                value = parse_override(self.name, self.override, value)
        finally:
            self._running = False
        self._value = value
        return value


def unknown_param(name: str, known: Iterable[str]) -> Diagnostic:
    """Return the mistake of a `-D` that names no param."""
    names = sorted(known)
    hint = did_you_mean(name, names) or (
        f"there are: {', '.join(names)}" if names else f"write `param {name} = …` into the Wfile"
    )
    source = Source("-D", name)
    return Diagnostic("E801", f"there is no param `{name}`", Span(source, 0, len(name)), help=hint)


def parse_override(name: str, text: str, default: Value) -> Value:
    """Return the value of `-D NAME=TEXT`, of the same kind as the default.  Raises Trouble if it is not one."""
    readers: list[tuple[bool, Callable[[str], Value]]] = [
        (isinstance(default, bool), _bool),
        (isinstance(default, str), str),
        (is_number(default), _number),
        (isinstance(default, DurationOf), _duration),
        (isinstance(default, SizeOf), lambda each: SizeOf(parse_size(each))),
        (isinstance(default, list), lambda each: _list(name, each, default)),  # type: ignore[arg-type]
    ]
    for fits, read in readers:
        if fits:
            try:
                return read(text)
            except (ValueError, UnitError) as problem:
                reason = str(problem)
                break
    else:
        reason = "it cannot be given on the command line"
    source = Source("-D", f"{name}={text}")
    message = f"`{text}` is no value for `{name}`, whose default is {kind_of(default)}"
    raise Trouble(
        Diagnostic("E802", message, Span(source, len(name) + 1, len(name) + 1 + max(1, len(text))), help=reason)
    )


def _bool(text: str) -> Value:
    if text not in {"true", "false"}:
        message = "write true or false"
        raise ValueError(message)
    return text == "true"


def _number(text: str) -> Value:
    import re  # the planner has it already

    if not re.fullmatch(r"-?[0-9]{1,4000}(\.[0-9]+)?", text):
        message = "write a number, such as 8 or 0.25"
        raise ValueError(message)
    if "." not in text:
        return int(text)
    from fractions import Fraction  # slow to import, seldom needed

    return exact(Fraction(text))


def _duration(text: str) -> Value:
    seconds = parse_duration(text)
    if isinstance(seconds, float):
        from fractions import Fraction  # slow to import, seldom needed

        return DurationOf(exact(Fraction(seconds).limit_denominator(10**9)))
    return DurationOf(seconds)


def _list(name: str, text: str, default: list[Value]) -> Value:
    inner = text.strip().removeprefix("[").removesuffix("]")
    example: Value = default[0] if default else ""
    return (
        [parse_override(name, each.strip().strip("\"'"), example) for each in inner.split(",")] if inner.strip() else []
    )
