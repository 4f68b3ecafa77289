"""Expressions made ready to run: from syntax to closures over a task's names.

Owns scopes, the meaning of each expression and the places of its mistakes.  Knows nothing of rules, nor of the disk:
what an expression reads it asks of a World.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.planner import functions
from hpcmake.planner.patterns import Pattern
from hpcmake.planner.values import Rows, Value, ValueTypeError, field_of, is_text_digits, kind_of, render_value
from hpcmake.planner.world import Need, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from hpcmake.planner.world import World
    from hpcmake.text import Span

    Env: TypeAlias = dict[str, Value]
    Run: TypeAlias = Callable[[Env], Value]
    Clause: TypeAlias = tuple[
        tuple[str, ...], Callable[[Env], Sequence[Sequence[Value]]]
    ]  # names, rows of their values


class Filled:
    """The paths of a comprehension over a simple pattern, and the columns that filled it.

    `columns` holds, for each place of the pattern, one text for all rows or a list of texts.
    """

    __slots__ = ("columns", "literals", "paths")

    def __init__(self, paths: list[str], literals: tuple[str, ...], columns: list[str | list[str]]) -> None:
        self.paths = paths
        self.literals = literals
        self.columns = columns


class Code:
    """An expression, ready to run.

    `names` are the wildcards of the rule that it needs, `is_list` whether it gives a list by the way it is written,
    `reads` whether it may read a file or range over files.  `literals` and `places` are set for a plain string with
    simple names.  `fill`, where set, gives the paths of a comprehension by columns (or None where it cannot).
    """

    __slots__ = ("fill", "is_list", "literals", "names", "pattern", "places", "reads", "run", "span")

    def __init__(
        self, run: Run, span: Span, names: frozenset[str], *, is_list: bool = False, reads: bool = False
    ) -> None:
        self.run = run
        self.span = span
        self.names = names
        self.is_list = is_list
        self.reads = reads
        self.literals: tuple[str, ...] | None = None
        self.places: tuple[str, ...] = ()
        self.fill: Callable[[Env], Filled | None] | None = None
        self.pattern: Pattern | None = None
        """The pattern of the paths that a comprehension will give, as far as its item says."""


class Scope:
    """The names that an expression may use.

    `constants` are lets and params of the whole campaign (evaluated when asked), `wildcards` those that are bound,
    `lets` the local ones, `loops` the variables of comprehensions around (each with whether `each` bound it).
    `hidden` maps names that exist but may not stand here to the reason.
    """

    def __init__(
        self,
        world: World,
        constants: Mapping[str, Callable[[], Value]],
        *,
        constraints: Mapping[str, str] | None = None,
        wildcards: Sequence[str] = (),
        lets: Mapping[str, Code] | None = None,
        constant_reads: Mapping[str, bool] | None = None,
    ) -> None:
        self.world = world
        self.constants = constants
        self.constraints = constraints or {}
        self.wildcards = frozenset(wildcards)
        self.lets = dict(lets or {})
        self.loops: dict[str, bool] = {}
        self.constant_reads = constant_reads or {}
        self.troubles: list[Diagnostic] = []
        self.used: set[str] = set()
        self.reads = False
        self.is_of_resources = False
        """Whether `size` may stand here: it is known only when a task is ready."""

    def knows(self, name: str) -> bool:
        """Tell whether a name has a value here."""
        return name in self.loops or name in self.lets or name in self.wildcards or name in self.constants

    def known(self) -> set[str]:
        """Return every name that has a value here."""
        return {*self.loops, *self.lets, *self.wildcards, *self.constants}


def trouble_at(span: Span, message: str, code: str = "E301", *, label: str = "", help: str = "") -> Trouble:  # noqa: A002
    """Return a mistake in a value, with its place."""
    return Trouble(Diagnostic(code, message, span, label, help=help))


_ABSENT: Value = object()  # type: ignore[assignment]  # nothing is this object


def compile_expression(expr: syntax.Expr, scope: Scope) -> Code:
    """Return an expression made ready to run; its mistakes of names are added to `scope.troubles`."""
    outer_used, outer_reads = scope.used, scope.reads
    scope.used, scope.reads = set(), False
    try:
        run = _compile(expr, scope)
        code = Code(run, expr.span, frozenset(scope.used), is_list=_is_list(expr), reads=scope.reads)
        if isinstance(expr, syntax.String):
            simple = _simple_string(expr, scope)
            if simple is not None:
                code.literals, code.places = simple
            code.pattern = _shape(expr)
        elif isinstance(expr, syntax.Comprehension):
            code.fill = _compile_fill(expr, scope)
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


def _compile(expr: syntax.Expr, scope: Scope) -> Run:
    return _COMPILERS[type(expr)](expr, scope)


def _guard(span: Span, function: Callable[..., Value], *runs: Run) -> Run:
    """Return a closure that applies a function to values, and gives its mistakes a place."""
    if len(runs) == 1:
        only = runs[0]

        def one(env: Env) -> Value:
            value = only(env)
            try:
                return function(value)
            except ValueTypeError as mistake:
                raise trouble_at(span, str(mistake), mistake.code, help=mistake.mend) from None

        return one

    def many(env: Env) -> Value:
        values = _all(runs, env)
        try:
            return function(*values)
        except ValueTypeError as mistake:
            raise trouble_at(span, str(mistake), mistake.code, help=mistake.mend) from None

    return many


def _all(runs: Sequence[Run], env: Env) -> list[Value]:
    """Evaluate each; what must be waited for is gathered, so that it can be made side by side."""
    values: list[Value] = []
    needs: list[Need] = []
    for run in runs:
        try:
            values.append(run(env))
        except Wait as wait:
            needs += wait.needs
    if needs:
        raise Wait(*needs)
    return values


# ---------------------------------------------------------------- literals and names


def _constant(value: Value) -> Run:
    return lambda _env: value


def _number(expr: syntax.Number, _scope: Scope) -> Run:
    if "." not in expr.text:
        return _constant(int(expr.text))
    from fractions import Fraction  # slow to import, seldom needed

    from hpcmake.planner.values import exact

    return _constant(exact(Fraction(expr.text)))


def _quantity(expr: syntax.Duration | syntax.Size, _scope: Scope) -> Run:
    from hpcmake.planner.values import DurationOf, SizeOf, exact
    from hpcmake.units import parse_duration, parse_size

    if isinstance(expr, syntax.Size):
        return _constant(SizeOf(parse_size(expr.text)))
    seconds = parse_duration(expr.text)
    if isinstance(seconds, float):
        from fractions import Fraction

        return _constant(DurationOf(exact(Fraction(seconds).limit_denominator(10**9))))
    return _constant(DurationOf(seconds))


def unknown_name(name: str, span: Span, scope: Scope) -> Diagnostic:
    """Return the mistake of a name that has no value where it stands."""
    close = did_you_mean(name, scope.known())
    return Diagnostic(
        "E203",
        f"unknown name `{name}`",
        span,
        "no wildcard of this rule, let, param or loop has this name",
        help=close or "define it with `let`, or write it as a text in quotes",
    )


def unbound_wildcard(name: str, span: Span, scope: Scope) -> Diagnostic:
    """Return the mistake of a name in braces that nothing binds where it stands."""
    known = scope.known()
    bound = ", ".join(f"`{{{each}}}`" for each in sorted({*scope.loops, *scope.wildcards}))
    close = did_you_mean(name, known) or (f"bound here: {bound}" if bound else "nothing is bound here")
    help_ = f'{close}\nto take all files that match, write `"…" for each "…{{{name}}}…"`'
    return Diagnostic("E230", f"`{{{name}}}` is not bound", span, "it has no value here", help=help_)


def _lookup(name: str, span: Span, scope: Scope, *, in_text: bool = False) -> Run:
    if name in scope.loops:
        return lambda env: env[name]
    if name in scope.lets:
        let = scope.lets[name]
        scope.used |= let.names
        scope.reads = scope.reads or let.reads
        run = let.run

        def local(env: Env) -> Value:
            value = env.get(name, _ABSENT)
            if value is _ABSENT:
                value = env[name] = run(env)
            return value

        return local
    if name in scope.wildcards:
        scope.used.add(name)
        return lambda env: env[name]
    if name in scope.constants:
        constant = scope.constants[name]
        scope.reads = scope.reads or scope.constant_reads.get(name, True)
        return lambda _env: constant()
    scope.troubles.append((unbound_wildcard if in_text else unknown_name)(name, span, scope))
    return _constant("")


def _name(expr: syntax.Name, scope: Scope) -> Run:
    return _lookup(expr.id, expr.span, scope)


def _brace(brace: syntax.Brace, scope: Scope) -> Run:
    """Return the value of a brace group, before it becomes text."""
    run = _lookup(brace.name.id, brace.name.span, scope, in_text=True)
    return follow_path(brace, run, scope)


def follow_path(brace: syntax.Brace, run: Run, scope: Scope) -> Run:
    """Return a closure that follows the fields and positions of a brace group."""
    for step in brace.path:
        if isinstance(step, syntax.Field):
            field = step.name.id
            run = _guard(step.span, lambda value, field=field: field_of(value, field), run)
        elif isinstance(step.key, syntax.Word):
            key = _lookup(step.key.id, step.key.span, scope)
            run = _guard(step.span, functions.index, run, key)
        else:
            at = step.key
            run = _guard(step.span, lambda value, at=at: functions.index(value, at), run)
    return run


def padded(value: Value, width: int) -> str:
    """Return a number, or a text of digits, with zeros before it.  Raises ValueTypeError for anything else."""
    text = render_value(value)
    if not is_text_digits(text):
        message = f"only a number is padded with zeros, and this is {value!r}"
        raise ValueTypeError(message)
    return "-" + text[1:].zfill(width - 1) if text.startswith("-") else text.zfill(width)


def _text_of(brace: syntax.Brace, run: Run) -> Run:
    span, width = brace.span, brace.pad

    def text(env: Env) -> Value:
        value = run(env)
        if width is None and type(value) is str:
            return value
        try:
            return render_value(value) if width is None else padded(value, width)
        except ValueTypeError as mistake:
            raise trouble_at(span, str(mistake), mistake.code, help=mistake.mend) from None

    return text


def _string(expr: syntax.String, scope: Scope) -> Run:
    pieces: list[str | Run] = []
    for part in expr.parts:
        if isinstance(part, syntax.Text):
            pieces.append(part.value)
            continue
        if part.modifier is not None:
            scope.troubles.append(
                Diagnostic(
                    "E310",
                    f"`!{part.modifier}` is for commands; it means nothing in a text",
                    part.span,
                    help="leave it out",
                )
            )
        pieces.append(_text_of(part, _brace(part, scope)))
    if not pieces:
        return _constant("")
    if len(pieces) == 1:
        only = pieces[0]
        return _constant(only) if isinstance(only, str) else only
    return lambda env: "".join([piece if type(piece) is str else piece(env) for piece in pieces])  # type: ignore[operator, misc]


def _simple_string(expr: syntax.String, scope: Scope) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return literals and places of a string whose groups are plain names of wildcards or loops."""
    literals = [""]
    places = []
    for part in expr.parts:
        if isinstance(part, syntax.Text):
            literals[-1] += part.value
        elif part.path or part.pad is not None or part.modifier is not None:
            return None
        elif part.name.id in scope.loops or part.name.id in scope.wildcards:
            places.append(part.name.id)
            literals.append("")
        else:
            return None
    return tuple(literals), tuple(places)


# ---------------------------------------------------------------- operators and calls


def _unary(expr: syntax.Unary, scope: Scope) -> Run:
    operand = _compile(expr.operand, scope)
    if expr.operator == "not":
        return _guard(expr.operand.span, lambda value: not functions.require_bool(value), operand)
    return _guard(expr.span, lambda value: functions.signed(expr.operator, value), operand)


def _binary(expr: syntax.Binary, scope: Scope) -> Run:
    left, right = _compile(expr.left, scope), _compile(expr.right, scope)
    operator = expr.operator
    if operator in {"and", "or"}:
        stops = operator == "or"
        first = _guard(expr.left.span, functions.require_bool, left)
        second = _guard(expr.right.span, functions.require_bool, right)

        def both(env: Env) -> Value:
            return stops if first(env) is stops else second(env)

        return both
    return _guard(expr.span, lambda a, b: functions.arithmetic(operator, a, b), left, right)


def _comparison(expr: syntax.Comparison, scope: Scope) -> Run:
    runs = [_compile(operand, scope) for operand in expr.operands]
    pairs = [
        _guard(a.span.to(b.span), lambda x, y, operator=operator: functions.compare(operator, x, y), one, two)
        for a, b, operator, one, two in zip(
            expr.operands, expr.operands[1:], expr.operators, runs, runs[1:], strict=False
        )
    ]
    if len(pairs) == 1:
        return pairs[0]
    return lambda env: all(pair(env) for pair in pairs)


def _conditional(expr: syntax.Conditional, scope: Scope) -> Run:
    condition = _guard(expr.condition.span, functions.require_bool, _compile(expr.condition, scope))
    then, otherwise = _compile(expr.then, scope), _compile(expr.otherwise, scope)
    return lambda env: then(env) if condition(env) else otherwise(env)


def _index(expr: syntax.Index, scope: Scope) -> Run:
    return _guard(expr.span, functions.index, _compile(expr.value, scope), _compile(expr.index, scope))


def _member(expr: syntax.Member, scope: Scope) -> Run:
    field = expr.field.id
    return _guard(expr.field.span, lambda value: field_of(value, field), _compile(expr.value, scope))


def _list(expr: syntax.ListOf, scope: Scope) -> Run:
    runs = [_compile(item, scope) for item in expr.items]
    spread = [isinstance(item, (syntax.Comprehension, syntax.Each)) for item in expr.items]
    if len(runs) == 1 and spread[0]:
        return runs[0]

    def values(env: Env) -> Value:
        found: list[Value] = []
        for value, many in zip(_all(runs, env), spread, strict=True):
            if many:
                found += value  # type: ignore[arg-type]
            else:
                found.append(value)
        return found

    return values


def _range(expr: syntax.Range, scope: Scope) -> Run:
    runs = [_compile(bound, scope) for bound in (expr.low, expr.high)]
    if expr.step is not None:
        runs.append(_compile(expr.step, scope))
        return _guard(expr.span, functions.span_of_range, *runs)
    return _guard(expr.span, lambda low, high: functions.span_of_range(low, high, None), *runs)


def _call(expr: syntax.Call, scope: Scope) -> Run:
    name = expr.function.id
    if name not in functions.NAMES:
        hint = did_you_mean(name, functions.NAMES) or f"there are: {', '.join(sorted(functions.NAMES))}"
        scope.troubles.append(
            Diagnostic("E204", f"unknown function `{name}`", expr.function.span, "no such function", help=hint)
        )
        return _constant("")
    if name == "first":
        return _first(expr, scope)
    runs = [_compile(argument, scope) for argument in expr.arguments]
    keywords = {keyword.name.id: keyword for keyword in expr.keywords}
    allowed = {"table": {"key"}, "env": {"default"}}.get(name, set())
    for keyword in expr.keywords:
        if keyword.name.id not in allowed:
            hint = f"it takes `{'`, `'.join(sorted(allowed))}=…`" if allowed else "write its arguments without names"
            message = f"`{name}` takes no argument called `{keyword.name.id}`"
            scope.troubles.append(Diagnostic("E205", message, keyword.name.span, help=hint))
            return _constant("")
    least, most = (
        {"size": (1, 1), "env": (1, 2)}.get(name, (1, 1)) if name not in functions.PURE else functions.PURE[name][:2]
    )
    if not least <= len(runs) <= most:
        many = f"{least}" if least == most else f"{least} to {most}" if most < 99 else f"at least {least}"  # noqa: PLR2004
        plural = "argument" if many == "1" else "arguments"
        message = f"`{name}` takes {many} {plural}, and here are {len(runs)}"
        scope.troubles.append(
            Diagnostic("E205", message, expr.span, help="see the table of functions in the language reference")
        )
        return _constant("")
    if name in functions.PURE:
        return _guard(expr.span, functions.PURE[name][2], *runs)
    scope.reads = scope.reads or name not in {"env", "size"}
    if name in functions.READERS:
        return _reader(expr, name, runs[0], keywords, scope)
    if name == "size":
        if not scope.is_of_resources:
            help_ = "write it there, as in `memory: 2 * size(input) + 1GiB`; what inputs weigh changes no other value"
            message = "`size` stands in resources only: it is taken when the task is ready"
            scope.troubles.append(Diagnostic("E311", message, expr.span, help=help_))
        return _size(expr, runs[0], scope)
    default = (
        runs[1] if len(runs) > 1 else _compile(keywords["default"].value, scope) if "default" in keywords else None
    )
    return _variable(expr, runs[0], default, scope)


def _reader(expr: syntax.Call, kind: str, path: Run, keywords: dict[str, syntax.Keyword], scope: Scope) -> Run:
    world, span, at = scope.world, expr.span, expr.arguments[0].span
    key = _compile(keywords["key"].value, scope) if "key" in keywords else None

    def read(env: Env) -> Value:
        where = path(env)
        if not isinstance(where, str):
            raise trouble_at(at, f"`{kind}` reads one file, and this is {kind_of(where)}")
        value = world.read(where, kind, span)
        if key is None or not isinstance(value, Rows):
            return value
        return _keyed(value, key(env), keywords["key"].span)

    return read


def _keyed(table: Rows, key: Value, span: Span) -> Rows:
    if not isinstance(key, str) or key not in table.columns:
        hint = did_you_mean(str(key), table.columns) or f"its columns are: {', '.join(table.columns[:12])}"
        raise trouble_at(span, f"{table.name} has no column {key!r}", "E302", help=hint)
    at = table.columns.index(key)
    rows = {}
    for row in table.rows:
        if row.cells[at] in rows:
            raise trouble_at(
                span,
                f"{table.name} has two rows whose `{key}` is {row.cells[at]!r}",
                "E302",
                help="a key finds one row: take another column, or mend the table",
            )
        rows[row.cells[at]] = row
    return table.replace(key=key, by_key=rows)


def _size(expr: syntax.Call, items: Run, scope: Scope) -> Run:
    world, span = scope.world, expr.span

    def size(env: Env) -> Value:
        from hpcmake.planner.values import SizeOf

        value = items(env)
        paths = [value] if isinstance(value, str) else value
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise trouble_at(span, f"`size` takes files, and this is {kind_of(value)}")
        return SizeOf(world.size(paths, span))  # type: ignore[arg-type]

    return size


def _variable(expr: syntax.Call, name: Run, default: Run | None, scope: Scope) -> Run:
    world, span = scope.world, expr.span

    def variable(env: Env) -> Value:
        wanted = name(env)
        if not isinstance(wanted, str):
            raise trouble_at(span, f"`env` takes the name of a variable, and this is {kind_of(wanted)}")
        value = world.variable(wanted)
        if value is not None:
            return value
        if default is None:
            message = f"the environment variable {wanted} is not set"
            raise trouble_at(span, message, "E303", help=f'set it, or give a default: `env("{wanted}", "…")`')
        return default(env)

    return variable


# ---------------------------------------------------------------- comprehensions


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
            pieces.append((name, _constant("")))
            if name not in fresh:
                fresh.append(name)
        elif is_wildcard and not part.path and part.pad is None:
            pieces.append((name, _lookup(name, part.name.span, scope)))
        else:
            pieces.append(_text_of(part, _brace(part, scope)))
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


def _each(expr: syntax.Each, scope: Scope) -> Run:
    pattern_of, fresh = compile_pattern(expr.pattern, scope)
    world, span = scope.world, expr.span
    scope.reads = True

    def files(env: Env) -> Value:
        pattern, bound = pattern_of(env)
        rows = world.files(pattern, bound, span)
        return [pattern.fill({**bound, **dict(zip(fresh, row, strict=True))}) for row in rows]

    return files


def _clauses(
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


def _restore(scope: Scope, hidden: dict[str, bool | None]) -> None:
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
    run = _compile(clause.values, scope)
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
            values = functions.elements(run(env))
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


_Loop = "Iterator[None]"


def _loop(
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
            yield from _loop(rest, env, needs)
        else:
            yield


def _comprehension(expr: syntax.Comprehension, scope: Scope) -> Run:
    clauses, hidden = _clauses(expr, scope)
    item = _compile(expr.item, scope)
    condition = _condition(expr, scope)
    _restore(scope, hidden)
    span = expr.span

    def values(env: Env) -> Value:
        inner = dict(env)
        found: list[Value] = []
        needs: list[Need] = []
        for _ in _loop(clauses, inner, needs):
            try:
                if condition is None or condition(inner):
                    found.append(item(inner))
            except Wait as wait:
                needs += wait.needs
            if len(found) > functions.LONGEST_LIST:
                raise _too_long(span, len(found))
        if needs:
            raise Wait(*needs)
        return found

    return values


def _first(expr: syntax.Call, scope: Scope) -> Run:
    keywords = {keyword.name.id: keyword.value for keyword in expr.keywords}
    odd = set(keywords) - {"default"}
    if len(expr.arguments) != 1 or not isinstance(expr.arguments[0], syntax.Comprehension) or odd:
        scope.troubles.append(
            Diagnostic(
                "E205",
                "`first` takes a comprehension, and perhaps a default",
                expr.span,
                help="write `first(X for NAME in LIST if CONDITION, default=D)`",
            )
        )
        return _constant("")
    search = expr.arguments[0]
    clauses, hidden = _clauses(search, scope)
    item = _compile(search.item, scope)
    condition = _condition(search, scope)
    _restore(scope, hidden)
    default = _compile(keywords["default"], scope) if "default" in keywords else None
    span = expr.span

    def first(env: Env) -> Value:
        inner = dict(env)
        needs: list[Need] = []
        for _ in _loop(clauses, inner, needs):
            if needs:
                break
            # tested one at a time: a condition that must be waited for stops the search until it is known
            if condition is None or condition(inner):
                return item(inner)
        if needs:
            raise Wait(*needs)
        if default is None:
            raise trouble_at(span, "none holds, and there is no default", "E304", help="add `, default=…`")
        return default(env)

    return first


def _compile_fill(expr: syntax.Comprehension, scope: Scope) -> Callable[[Env], Filled | None] | None:
    """Return a closure that fills a simple pattern by columns, if the item of a comprehension is one."""
    if not isinstance(expr.item, syntax.String):
        return None
    mistakes = len(scope.troubles)
    clauses, hidden = _clauses(expr, scope)
    simple = _simple_string(expr.item, scope)
    condition = _condition(expr, scope)
    _restore(scope, hidden)
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
    for _ in _loop(clauses, inner, needs):
        try:
            if condition is None or condition(inner):
                rows.append(tuple([inner[place] for place in places]))
        except Wait as wait:
            needs += wait.needs
        if len(rows) > functions.LONGEST_LIST:
            raise _too_long(span, len(rows))
    if needs:
        raise Wait(*needs)
    return rows


def _too_long(span: Span, count: int) -> Trouble:
    mistake = functions.too_long("a list", count)
    return trouble_at(span, str(mistake), mistake.code, help=mistake.mend)


def _texts(column: Sequence[Value]) -> list[str] | None:
    """Return a column of texts and numbers as texts, None if it holds anything else."""
    if set(map(type, column)) == {str}:
        return list(column)  # type: ignore[arg-type]
    if all(isinstance(value, str) or functions.is_number(value) for value in column):
        return [render_value(value) for value in column]
    return None


def _condition(expr: syntax.Comprehension, scope: Scope) -> Run | None:
    if expr.condition is None:
        return None
    return _guard(expr.condition.span, functions.require_bool, _compile(expr.condition, scope))


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


_COMPILERS: dict[type, Callable[..., Run]] = {
    syntax.String: _string,
    syntax.Number: _number,
    syntax.Boolean: lambda expr, _scope: _constant(expr.value),
    syntax.Duration: _quantity,
    syntax.Size: _quantity,
    syntax.Name: _name,
    syntax.ListOf: _list,
    syntax.Range: _range,
    syntax.Unary: _unary,
    syntax.Binary: _binary,
    syntax.Comparison: _comparison,
    syntax.Conditional: _conditional,
    syntax.Index: _index,
    syntax.Member: _member,
    syntax.Call: _call,
    syntax.Each: _each,
    syntax.Comprehension: _comprehension,
}
