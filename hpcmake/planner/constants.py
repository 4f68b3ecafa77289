"""Lets and params of the whole campaign: evaluated when asked, once.

Owns their evaluation, cycles among them, and the reading of `-D NAME=VALUE`.  Knows nothing of rules.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Diagnostic, Note, Trouble, did_you_mean
from hpcmake.planner.expressions import compile_expression
from hpcmake.planner.names import free_names
from hpcmake.planner.operators import is_number
from hpcmake.planner.scope import Code
from hpcmake.planner.values import DurationOf, SizeOf, Value, exact, kind_of
from hpcmake.tasks.wait import Wait
from hpcmake.text import Source, Span
from hpcmake.units import UnitError, parse_duration, parse_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hpcmake.planner.attributes import Setting
    from hpcmake.planner.rules import Campaign

_UNKNOWN: Value = object()  # type: ignore[assignment]  # nothing is this object


class Constant:
    """A let or param: a callable that gives its value.  Raises Wait or Trouble as its expression does."""

    def __init__(self, name: str, span: Span) -> None:
        self.name = name
        self.span = span
        self.code: Code | None = None
        self.override: str | None = None
        self._value: Value = _UNKNOWN

    def __call__(self) -> Value:
        """Return the value."""
        if self._value is not _UNKNOWN:
            return self._value
        if self.code is None:
            return ""  # its expression had mistakes, which are told
        value = self.code.run({})
        if self.override is not None:
            value = parse_override(self.name, self.override, value)
        self._value = value
        return value


def compile_constants(
    nodes: Sequence[syntax.Let | syntax.Param], setting: Setting, overrides: Mapping[str, str]
) -> dict[str, Constant]:
    """Return lets and params, each made ready after those that it uses; mistakes are told."""
    constants: dict[str, Constant] = {}
    by_name = {node.name.id: node for node in nodes}
    for name, node in by_name.items():
        constants[name] = Constant(name, node.name.span)
        if isinstance(node, syntax.Param):
            constants[name].override = overrides.get(name)
    setting.constants = constants
    uses = {
        name: [other for other in sorted(free_names(node.value, with_each=True)) if other in by_name]
        for name, node in by_name.items()
    }
    for name in _makers_first(by_name, uses, setting):
        scope = setting.scope(constraints=setting.constraints)
        code = compile_expression(by_name[name].value, scope)
        setting.troubles += scope.troubles
        if not scope.troubles:
            constants[name].code = code
        setting.constant_reads[name] = code.reads
    return constants


def _makers_first(
    nodes: Mapping[str, syntax.Let | syntax.Param], uses: Mapping[str, Sequence[str]], setting: Setting
) -> list[str]:
    """Return names so that each stands behind those that it uses; circles are told and left out."""
    done: dict[str, bool] = {}
    for start in nodes:
        trail = [start] if start not in done else []
        while trail:
            name = trail[-1]
            following = next((other for other in uses[name] if other not in done), None)
            if following is None:
                done[trail.pop()] = True
            elif following in trail:
                circle = trail[trail.index(following) :]
                _tell_circle(circle, nodes, setting)
                done.update(dict.fromkeys(circle, False))
                trail = trail[: trail.index(following)]
            else:
                trail.append(following)
    return [name for name, is_sound in done.items() if is_sound]


def _tell_circle(circle: list[str], nodes: Mapping[str, syntax.Let | syntax.Param], setting: Setting) -> None:
    first = min(circle, key=lambda name: nodes[name].name.span.start)
    at = circle.index(first)
    circle = circle[at:] + circle[:at]
    message = f"`{first}` is defined by itself" + (f": {' -> '.join([*circle, first])}" if len(circle) > 1 else "")
    notes = tuple(Note(nodes[name].name.span, "by way of this one") for name in circle[1:])
    help_ = "break the circle: one of them must not use the next" if notes else "use another name within it"
    setting.tell("E220", message, nodes[first].name.span, notes=notes, help=help_)


def evaluate_constants(campaign: Campaign, *, reading: bool) -> list[Diagnostic]:
    """Return the mistakes in lets and params for which nothing may ask: of those that read a file, or of the others."""
    found: list[Diagnostic] = []
    for constant in campaign.constants.values():
        code = getattr(constant, "code", None)
        if code is None or code.reads is not reading:
            continue
        try:
            constant()
        except Trouble as trouble:
            found += trouble.diagnostics
        except Wait:
            continue
    return found


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
