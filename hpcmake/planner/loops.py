"""Comprehensions and `each` made ready: loops, joins, and paths that are filled in by columns.

Owns how clauses bind names, one round after the other.  Knows nothing of where the files of an `each` come from.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner import operators
from hpcmake.planner.scope import Filled, Scope, compile_node, constant, guarded, trouble_at
from hpcmake.planner.texts import brace_value, lookup, simple_string, text_of
from hpcmake.planner.values import Value, ValueTypeError, kind_of, render_value
from hpcmake.tasks.patterns import Pattern
from hpcmake.tasks.wait import Need, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hpcmake.planner.scope import Clause, Env, Run
    from hpcmake.text import Span


def compile_pattern(
    string: syntax.String, scope: Scope
) -> tuple[Callable[[Env], tuple[Pattern, dict[str, str]]], tuple[str, ...]]:
    """Return a closure that gives an `each` pattern and its bound wildcards, and the names that it will bind.

    Names of constants, lets and loops over lists stand for their values; wildcards that are bound restrict the match.
    """
    pieces: list[tuple[str, Run] | str | Run] = []
    fresh: list[str] = []
    for part in string.parts:
        if isinstance(part, syntax.Text):
            pieces.append(part.value)
            continue
        name = part.name.id
        is_wildcard = scope.loops.get(name, False) or (name in scope.wildcards and name not in scope.loops)
        if not scope.knows(name):
            _require_plain(part, scope)
            pieces.append((name, constant("")))
            if name not in fresh:
                fresh.append(name)
        elif is_wildcard and not part.path and part.pad is None:
            pieces.append((name, lookup(name, part.name.span, scope)))
        else:
            pieces.append(text_of(part, brace_value(part, scope)))
    new = tuple(fresh)
    bound_names = {piece[0]: piece[1] for piece in pieces if isinstance(piece, tuple) and piece[0] not in fresh}
    constraints = scope.constraints
    cache: dict[tuple[str, ...], Pattern] = {}

    def pattern(env: Env) -> tuple[Pattern, dict[str, str]]:
        texts = tuple(
            piece if isinstance(piece, str) else piece(env) for piece in pieces if not isinstance(piece, tuple)
        )
        made = cache.get(texts)  # type: ignore[arg-type]
        if made is None:
            literals, places, rest = [""], [], iter(texts)
            for piece in pieces:
                if isinstance(piece, tuple):
                    places.append(piece[0])
                    literals.append("")
                else:
                    literals[-1] += next(rest)  # type: ignore[operator]
            made = cache[texts] = Pattern(literals, places, constraints)  # type: ignore[index]
        return made, {name: run(env) for name, run in bound_names.items()}  # type: ignore[misc]

    return pattern, new


def _require_plain(brace: syntax.Brace, scope: Scope) -> None:
    if brace.path or brace.pad is not None or brace.modifier is not None:
        name = brace.name.id
        scope.troubles.append(
            Diagnostic(
                "E207",
                f"`{name}` is a wildcard here, and a wildcard in a pattern is a bare name",
                brace.span,
                help=f"write `{{{name}}}`",
            )
        )


def compile_each(expr: syntax.Each, scope: Scope) -> Run:
    """Return a closure that gives the files of an `each`."""
    pattern_of, fresh = compile_pattern(expr.pattern, scope)
    world, span = scope.world, expr.span
    scope.reads = True

    def files(env: Env) -> Value:
        pattern, bound = pattern_of(env)
        rows = world.files(pattern, bound, span)
        return [pattern.fill({**bound, **dict(zip(fresh, row, strict=True))}) for row in rows]

    return files


def compile_clauses(
    expr: syntax.Comprehension, scope: Scope
) -> tuple[list[tuple[tuple[str, ...], Callable[[Env], Sequence[Sequence[Value]]]]], dict[str, bool | None]]:
    """Return, for each clause, the names it binds and a closure for the rows of their values; and what they hid."""
    clauses: list[tuple[tuple[str, ...], Callable[[Env], Sequence[Sequence[Value]]]]] = []
    hidden: dict[str, bool | None] = {}
    for clause in expr.clauses:
        if isinstance(clause, syntax.EachClause):
            names, rows = _each_rows(clause, scope)
            is_wildcard = True
        else:
            names, rows = _in_rows(clause, scope)
            is_wildcard = False
        for name in names:
            hidden.setdefault(name, scope.loops.get(name))
            scope.loops[name] = is_wildcard
        clauses.append((names, rows))
    return clauses, hidden


def restore(scope: Scope, hidden: dict[str, bool | None]) -> None:
    """Give names that loops have hidden their meaning back."""
    for name, before in hidden.items():
        if before is None:
            del scope.loops[name]
        else:
            scope.loops[name] = before


def _each_rows(
    clause: syntax.EachClause, scope: Scope
) -> tuple[tuple[str, ...], Callable[[Env], Sequence[Sequence[Value]]]]:
    pattern_of, fresh = compile_pattern(clause.pattern, scope)
    world, span = scope.world, clause.span
    scope.reads = True

    def rows(env: Env) -> Sequence[Sequence[Value]]:
        pattern, bound = pattern_of(env)
        return world.files(pattern, bound, span)

    return fresh, rows


def _in_rows(
    clause: syntax.InClause, scope: Scope
) -> tuple[tuple[str, ...], Callable[[Env], Sequence[Sequence[Value]]]]:
    run = compile_node(clause.values, scope)
    names = tuple(word.id for word in clause.names)
    for word in clause.names:
        if word.id in scope.wildcards or word.id in scope.loops:
            scope.troubles.append(
                Diagnostic(
                    "E208",
                    f"`{word.id}` is bound already: a loop cannot bind it again",
                    word.span,
                    help="take another name",
                )
            )
    span = clause.values.span
    width = len(names)

    def rows(env: Env) -> Sequence[Sequence[Value]]:
        try:
            values = operators.elements(run(env))
        except ValueTypeError as mistake:
            raise trouble_at(span, str(mistake), mistake.code, help=mistake.mend) from None
        if width == 1:
            return [(value,) for value in values]
        for value in values:
            if not isinstance(value, list) or len(value) != width:
                what = f"a list of {len(value)}" if isinstance(value, list) else kind_of(value)
                raise trouble_at(span, f"{width} names unpack lists of {width}, and this holds {what}")
        return values  # type: ignore[return-value]

    return names, rows


def run_through(
    clauses: Sequence[tuple[tuple[str, ...], Callable[[Env], Sequence[Sequence[Value]]]]], env: Env, needs: list[Need]
) -> Iterator[None]:
    """Run through all bindings of the clauses, left to right, in `env` itself; gather what must be waited for."""
    names, rows_of = clauses[0]
    rest = clauses[1:]
    try:
        rows = rows_of(env)
    except Wait as wait:
        needs += wait.needs
        return
    for row in rows:
        for name, value in zip(names, row, strict=True):
            env[name] = value
        if rest:
            yield from run_through(rest, env, needs)
        else:
            yield


def compile_comprehension(expr: syntax.Comprehension, scope: Scope) -> Run:
    """Return a closure that gives the list of a comprehension."""
    clauses, hidden = compile_clauses(expr, scope)
    item = compile_node(expr.item, scope)
    condition = compile_condition(expr, scope)
    restore(scope, hidden)
    span = expr.span

    def values(env: Env) -> Value:
        inner = dict(env)
        found: list[Value] = []
        needs: list[Need] = []
        for count, _ in enumerate(run_through(clauses, inner, needs), 1):
            if count > operators.LONGEST_LIST:  # also where a condition drops them: they take as long
                raise too_long(span, count)
            try:
                if condition is None or condition(inner):
                    found.append(item(inner))
            except Wait as wait:
                needs += wait.needs
        if needs:
            raise Wait(*needs)
        return found

    return values


def compile_fill(expr: syntax.Comprehension, scope: Scope) -> Callable[[Env], Filled | None] | None:
    """Return a closure that fills a simple pattern by columns, if the item of a comprehension is one."""
    if not isinstance(expr.item, syntax.String):
        return None
    mistakes = len(scope.troubles)
    clauses, hidden = compile_clauses(expr, scope)
    simple = simple_string(expr.item, scope)
    condition = compile_condition(expr, scope)
    restore(scope, hidden)
    del scope.troubles[mistakes:]  # they were told when the comprehension itself was compiled
    if simple is None or not simple[1]:
        return None
    literals, places = simple
    names, rows_of = clauses[0]

    def fill(env: Env) -> Filled | None:
        if len(clauses) == 1 and condition is None:
            rows = rows_of(env)
            columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
        else:
            rows = _bound_rows(clauses, condition, env, places, expr.span)
            columns = dict(zip(places, zip(*rows, strict=True), strict=True))
        if not rows:
            return Filled([], literals, [[] for _ in places])
        parts: list[str | list[str]] = []
        for place in places:
            if place not in columns:
                value = env[place]
                if not isinstance(value, str):
                    return None
                parts.append(value)
                continue
            column = _texts(columns[place])
            if column is None:
                return None
            parts.append(column)
        return Filled(fill_places(literals, parts), literals, parts)

    return fill


def _bound_rows(
    clauses: Sequence[Clause], condition: Run | None, env: Env, places: Sequence[str], span: Span
) -> list[tuple[Value, ...]]:
    """Return what some names are bound to, round by round."""
    inner = dict(env)
    rows: list[tuple[Value, ...]] = []
    needs: list[Need] = []
    for count, _ in enumerate(run_through(clauses, inner, needs), 1):
        if count > operators.LONGEST_LIST:
            raise too_long(span, count)
        try:
            if condition is None or condition(inner):
                rows.append(tuple([inner[place] for place in places]))
        except Wait as wait:
            needs += wait.needs
    if needs:
        raise Wait(*needs)
    return rows


def too_long(span: Span, count: int) -> Trouble:
    """Return the mistake of a list that no memory should hold."""
    mistake = operators.too_long("a list", count)
    return trouble_at(span, str(mistake), mistake.code, help=mistake.mend)


def _texts(column: Sequence[Value]) -> list[str] | None:
    """Return a column of texts and numbers as texts, None if it holds anything else."""
    if set(map(type, column)) == {str}:
        return list(column)  # type: ignore[arg-type]
    if all(isinstance(value, str) or operators.is_number(value) for value in column):
        return [render_value(value) for value in column]
    return None


def compile_condition(expr: syntax.Comprehension, scope: Scope) -> Run | None:
    """Return a closure that tells whether a round of a comprehension counts; None if all do."""
    if expr.condition is None:
        return None
    return guarded(expr.condition.span, operators.require_bool, compile_node(expr.condition, scope))


def fill_places(literals: tuple[str, ...], parts: list[str | list[str]]) -> list[str]:
    """Return the paths of a pattern whose places hold one text for all rows, or a list."""
    texts = [literals[0]]
    columns: list[list[str]] = []
    for part, literal in zip(parts, literals[1:], strict=True):
        if isinstance(part, str):
            texts[-1] += part + literal
        else:
            columns.append(part)
            texts.append(literal)
    if len(columns) == 1:
        before, after = texts
        return [before + value + after for value in columns[0]]
    template = "%s".join(text.replace("%", "%%") for text in texts)
    return list(map(template.__mod__, zip(*columns, strict=True)))
