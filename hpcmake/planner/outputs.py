"""The patterns of `output` and `produces`, and the wildcards of a rule.

Owns how the strings of both become patterns, and what they must have in common.  Knows nothing of other attributes.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Note, Trouble
from hpcmake.planner import operators
from hpcmake.planner.expressions import compile_expression
from hpcmake.planner.names import free_names
from hpcmake.planner.rules import Output, OutputItem, Rule
from hpcmake.planner.scope import Scope
from hpcmake.planner.texts import padded
from hpcmake.planner.values import ValueTypeError, render_value
from hpcmake.tasks.paths import normalize
from hpcmake.tasks.patterns import Pattern
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hpcmake.planner.attributes import Setting
    from hpcmake.planner.values import Value
    from hpcmake.text import Span


def read_outputs(
    rule: Rule, attribute: syntax.Attribute | None, setting: Setting, constraints: Mapping[str, str]
) -> None:
    """Read `output` into a rule."""
    from hpcmake.planner.attributes import read_modifiers  # the two know each other: one is a part of the other

    if attribute is None or not isinstance(attribute.value, syntax.Items):
        return
    for item in attribute.value.items:
        modifiers = read_modifiers(item, "output", setting)
        first = len(rule.outputs)
        for pattern in _patterns(item.value, setting, constraints):
            rule.outputs.append(
                Output(
                    pattern,
                    item.value.span,
                    temp="temp" in modifiers,
                    protect="protect" in modifiers,
                    touch="touch" in modifiers,
                )
            )
        plain = isinstance(item.value, syntax.String)
        name = item.name.id if item.name is not None else None
        rule.output_items.append(OutputItem(name, tuple(range(first, len(rule.outputs))), plain))
    if not rule.outputs:
        return
    rule.wildcards = rule.outputs[0].pattern.names
    for output in rule.outputs[1:]:
        if set(output.pattern.names) != set(rule.wildcards):
            lacks = [name for name in rule.wildcards if name not in output.pattern.names]
            extra = [name for name in output.pattern.names if name not in rule.wildcards]
            what = f"this one lacks `{lacks[0]}`" if lacks else f"only this one has `{extra[0]}`"
            setting.tell(
                "E212",
                f"the outputs of rule `{rule.name}` have different wildcards",
                output.span,
                what,
                notes=(Note(rule.outputs[0].span, "the first output"),),
                help=f"use {', '.join(f'`{{{n}}}`' for n in dict.fromkeys([*rule.wildcards, *extra]))} in each of them",
            )
    seen: dict[str, Span] = {}
    for output in rule.outputs:
        if output.pattern.text in seen:
            notes = (Note(seen[output.pattern.text], "it stands here already"),)
            message = f"output `{output.pattern.text}` twice in rule `{rule.name}`"
            setting.tell("E209", message, output.span, notes=notes, help="leave one of them")
        seen[output.pattern.text] = output.span


def read_produces(
    rule: Rule, attributes: Mapping[str, syntax.Attribute], setting: Setting, constraints: Mapping[str, str]
) -> None:
    """Read `produces` into a rule: which of its wildcards are closed, and which identify a task."""
    attribute = attributes.get("produces")
    if attribute is None or not isinstance(attribute.value, syntax.Items):
        return
    items = attribute.value.items
    if (
        len(items) != 1
        or items[0].modifiers
        or items[0].name is not None
        or not isinstance(items[0].value, syntax.String)
    ):
        setting.tell(
            "E228",
            "`produces` holds one pattern",
            items[0].span if items else attribute.name.span,
            help="take one wildcard pattern for all that it makes",
        )
        return
    patterns = list(_patterns(items[0].value, setting, constraints))
    if not patterns:
        return
    pattern = patterns[0]
    rule.produces, rule.produces_span = pattern, items[0].value.span
    if not pattern.names:
        setting.tell(
            "E228",
            "a `produces` without a wildcard is an `output`",
            items[0].value.span,
            help=f'write `output: "{pattern.text}"`',
        )
        return
    named = set(rule.wildcards) | (free_names(attributes["input"].value) if "input" in attributes else set())
    rule.closed = tuple(name for name in pattern.names if name in named)
    if not rule.outputs:
        rule.wildcards = rule.closed
    elif not set(rule.closed) >= set(rule.wildcards):
        missing = next(name for name in rule.wildcards if name not in rule.closed)
        setting.tell(
            "E212",
            f"`produces` lacks the wildcard `{missing}` of the rule's output: two tasks would produce the same files",
            items[0].value.span,
            help=f"put `{{{missing}}}` into it",
        )


def _patterns(value: syntax.Expr, setting: Setting, constraints: Mapping[str, str]) -> Iterator[Pattern]:
    """Return the patterns of an item of `output`: of a string one, of a comprehension one for each round."""
    scope = setting.scope(constraints=constraints)
    try:
        yield from _expand(value, scope, {}, setting, constraints)
    except Wait as wait:
        help_ = "take what that file is made from, or let `produces` say what is known only later"
        message = f"what a rule makes cannot wait for {wait.needs[0].path}, which a rule makes"
        setting.tell("E227", message, value.span, help=help_)
    except Trouble as trouble:
        setting.troubles += trouble.diagnostics
    setting.troubles += scope.troubles


def _expand(
    value: syntax.Expr, scope: Scope, env: dict[str, Value], setting: Setting, constraints: Mapping[str, str]
) -> Iterator[Pattern]:
    if isinstance(value, syntax.String):
        pattern = _pattern(value, scope, env, setting, constraints)
        if pattern is not None:
            yield pattern
    elif isinstance(value, syntax.ListOf):
        for item in value.items:
            yield from _expand(item, scope, env, setting, constraints)
    elif isinstance(value, syntax.Comprehension) and all(
        isinstance(clause, syntax.InClause) for clause in value.clauses
    ):
        yield from _rounds(value, scope, env, setting, constraints)
    else:
        setting.tell(
            "E228",
            "an output is a pattern in quotes",
            value.span,
            help='write for example `output: "results/{name}.dat"`',
        )


def _rounds(
    value: syntax.Comprehension, scope: Scope, env: dict[str, Value], setting: Setting, constraints: Mapping[str, str]
) -> Iterator[Pattern]:
    def loop(
        clauses: tuple[syntax.InClause | syntax.EachClause, ...], env: dict[str, Value]
    ) -> Iterator[dict[str, Value]]:
        if not clauses:
            yield env
            return
        clause = clauses[0]
        assert isinstance(clause, syntax.InClause)  # noqa: S101  # the caller made sure
        values = compile_expression(clause.values, scope).run(dict(env))
        for each in operators.elements(values):
            names = [word.id for word in clause.names]
            row = [each] if len(names) == 1 else operators.elements(each)
            for name in names:
                scope.loops[name] = False
            yield from loop(clauses[1:], {**env, **dict(zip(names, row, strict=False))})

    for bound in loop(value.clauses, env):
        condition = True
        if value.condition is not None:
            condition = operators.require_bool(compile_expression(value.condition, scope).run(dict(bound)))
        if condition:
            yield from _expand(value.item, scope, bound, setting, constraints)


def _pattern(
    string: syntax.String, scope: Scope, env: dict[str, Value], setting: Setting, constraints: Mapping[str, str]
) -> Pattern | None:
    literals, places = [""], []
    for part in string.parts:
        if isinstance(part, syntax.Text):
            literals[-1] += part.value
            continue
        name = part.name.id
        if name in env or name in scope.constants:
            bare = syntax.String(part.span, (part,))
            value = compile_expression(bare, scope).run(dict(env))
            try:
                literals[-1] += render_value(value) if part.pad is None else padded(value, part.pad)
            except ValueTypeError as mistake:
                setting.tell("E301", str(mistake), part.span)
        elif part.path or part.pad is not None or part.modifier is not None:
            help_ = f"write `{{{name}}}`; a number of fixed width is asked for where it is made: `for {name} in …`"
            setting.tell(
                "E207",
                f"`{name}` is a wildcard here, and a wildcard in a pattern is a bare name",
                part.span,
                help=help_,
            )
            return None
        else:
            places.append(name)
            literals.append("")
    if not places:
        path = normalize(literals[0])
        if path in {"", "."}:
            setting.tell(
                "E403", f"`{literals[0]}` is no file", string.span, help="an output is a file, or a folder of its own"
            )
        return Pattern((path,), ())
    return Pattern(_normal(literals), places, constraints)


def _normal(literals: list[str]) -> list[str]:
    """Normalise the literals of a pattern as far as wildcards leave them alone."""
    marked = "\0".join(literals)
    text = normalize(marked)
    return text.split("\0") if text.count("\0") == marked.count("\0") else literals
