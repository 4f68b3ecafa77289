"""Expressions made ready to run: from syntax to closures over a task's names.

Owns the meaning of literals and operators, and the list of what makes each kind of expression ready.  Knows nothing of
rules, nor of the disk: what an expression reads it asks of a World.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.planner import operators
from hpcmake.planner.calls import compile_call
from hpcmake.planner.loops import compile_comprehension, compile_each, compile_fill
from hpcmake.planner.scope import COMPILERS, Code, Scope, all_of, compile_node, constant, guarded
from hpcmake.planner.texts import compile_name, compile_string, simple_string
from hpcmake.planner.values import Value, field_of
from hpcmake.tasks.patterns import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.scope import Env, Run


def compile_expression(expr: syntax.Expr, scope: Scope) -> Code:
    """Return an expression made ready to run; its mistakes of names are added to `scope.troubles`."""
    outer_used, outer_reads = scope.used, scope.reads
    scope.used, scope.reads = set(), False
    try:
        run = compile_node(expr, scope)
        code = Code(run, expr.span, frozenset(scope.used), is_list=_is_list(expr), reads=scope.reads)
        if isinstance(expr, syntax.String):
            simple = simple_string(expr, scope)
            if simple is not None:
                code.literals, code.places = simple
            code.pattern = _shape(expr)
        elif isinstance(expr, syntax.Comprehension):
            code.fill = compile_fill(expr, scope)
            code.pattern = _shape(expr.item)
    finally:
        inner_used, inner_reads = scope.used, scope.reads
        scope.used, scope.reads = outer_used | inner_used, outer_reads or inner_reads
    return code


def _shape(item: syntax.Expr) -> Pattern | None:
    """Return a string as a pattern whose every name is a wildcard."""
    if not isinstance(item, syntax.String):
        return None
    literals, places = [""], []
    for at, part in enumerate(item.parts):
        if isinstance(part, syntax.Text):
            literals[-1] += part.value
        else:
            places.append(f"{part.name.id}_{at}")
            literals.append("")
    return Pattern(literals, places)


def _is_list(expr: syntax.Expr) -> bool:
    if isinstance(expr, syntax.Conditional):
        return _is_list(expr.then) or _is_list(expr.otherwise)
    return isinstance(expr, (syntax.Comprehension, syntax.Each, syntax.ListOf, syntax.Range))


def _number(expr: syntax.Number, _scope: Scope) -> Run:
    if "." not in expr.text:
        return constant(int(expr.text))
    from fractions import Fraction  # slow to import, seldom needed

    from hpcmake.planner.values import exact

    return constant(exact(Fraction(expr.text)))


def _quantity(expr: syntax.Duration | syntax.Size, _scope: Scope) -> Run:
    from hpcmake.planner.values import DurationOf, SizeOf, exact
    from hpcmake.units import parse_duration, parse_size

    if isinstance(expr, syntax.Size):
        return constant(SizeOf(parse_size(expr.text)))
    seconds = parse_duration(expr.text)
    if isinstance(seconds, float):
        from fractions import Fraction

        return constant(DurationOf(exact(Fraction(seconds).limit_denominator(10**9))))
    return constant(DurationOf(seconds))


def _unary(expr: syntax.Unary, scope: Scope) -> Run:
    operand = compile_node(expr.operand, scope)
    if expr.operator == "not":
        return guarded(expr.operand.span, lambda value: not operators.require_bool(value), operand)
    return guarded(expr.span, lambda value: operators.signed(expr.operator, value), operand)


def _binary(expr: syntax.Binary, scope: Scope) -> Run:
    left, right = compile_node(expr.left, scope), compile_node(expr.right, scope)
    operator = expr.operator
    if operator in {"and", "or"}:
        stops = operator == "or"
        first = guarded(expr.left.span, operators.require_bool, left)
        second = guarded(expr.right.span, operators.require_bool, right)

        def both(env: Env) -> Value:
            return stops if first(env) is stops else second(env)

        return both
    return guarded(expr.span, lambda a, b: operators.arithmetic(operator, a, b), left, right)


def _comparison(expr: syntax.Comparison, scope: Scope) -> Run:
    runs = [compile_node(operand, scope) for operand in expr.operands]
    pairs = [
        guarded(a.span.to(b.span), lambda x, y, operator=operator: operators.compare(operator, x, y), one, two)
        for a, b, operator, one, two in zip(
            expr.operands, expr.operands[1:], expr.operators, runs, runs[1:], strict=False
        )
    ]
    if len(pairs) == 1:
        return pairs[0]
    return lambda env: all(pair(env) for pair in pairs)


def _conditional(expr: syntax.Conditional, scope: Scope) -> Run:
    condition = guarded(expr.condition.span, operators.require_bool, compile_node(expr.condition, scope))
    then, otherwise = compile_node(expr.then, scope), compile_node(expr.otherwise, scope)
    return lambda env: then(env) if condition(env) else otherwise(env)


def _index(expr: syntax.Index, scope: Scope) -> Run:
    return guarded(expr.span, operators.index, compile_node(expr.value, scope), compile_node(expr.index, scope))


def _member(expr: syntax.Member, scope: Scope) -> Run:
    field = expr.field.id
    return guarded(expr.field.span, lambda value: field_of(value, field), compile_node(expr.value, scope))


def _list(expr: syntax.ListOf, scope: Scope) -> Run:
    runs = [compile_node(item, scope) for item in expr.items]
    spread = [isinstance(item, (syntax.Comprehension, syntax.Each)) for item in expr.items]
    if len(runs) == 1 and spread[0]:
        return runs[0]

    def values(env: Env) -> Value:
        found: list[Value] = []
        for value, many in zip(all_of(runs, env), spread, strict=True):
            if many:
                found += value  # type: ignore[arg-type]
            else:
                found.append(value)
        return found

    return values


def _range(expr: syntax.Range, scope: Scope) -> Run:
    runs = [compile_node(bound, scope) for bound in (expr.low, expr.high)]
    if expr.step is not None:
        runs.append(compile_node(expr.step, scope))
        return guarded(expr.span, operators.span_of_range, *runs)
    return guarded(expr.span, lambda low, high: operators.span_of_range(low, high, None), *runs)


COMPILERS.update(
    {
        syntax.String: compile_string,
        syntax.Number: _number,
        syntax.Boolean: lambda expr, _scope: constant(expr.value),
        syntax.Duration: _quantity,
        syntax.Size: _quantity,
        syntax.Name: compile_name,
        syntax.ListOf: _list,
        syntax.Range: _range,
        syntax.Unary: _unary,
        syntax.Binary: _binary,
        syntax.Comparison: _comparison,
        syntax.Conditional: _conditional,
        syntax.Index: _index,
        syntax.Member: _member,
        syntax.Call: compile_call,
        syntax.Each: compile_each,
        syntax.Comprehension: compile_comprehension,
    }
)
