"""Names and strings made ready: what stands in braces, and how it is put into text.

Owns the search for a name and the mistakes of one that is not there.  Knows nothing of other expressions.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Diagnostic, did_you_mean
from hpcmake.planner import operators
from hpcmake.planner.scope import Scope, constant, guarded, trouble_at
from hpcmake.planner.values import Value, ValueTypeError, field_of, is_text_digits, render_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.scope import Env, Run
    from hpcmake.text import Span

_ABSENT: Value = object()  # type: ignore[assignment]  # nothing is this object


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


def lookup(name: str, span: Span, scope: Scope, *, in_text: bool = False) -> Run:
    """Return a closure that gives what a name stands for; a name that stands for nothing is told."""
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
        value_of = scope.constants[name]
        scope.reads = scope.reads or scope.constant_reads.get(name, True)
        return lambda _env: value_of()
    scope.troubles.append((unbound_wildcard if in_text else unknown_name)(name, span, scope))
    return constant("")


def compile_name(expr: syntax.Name, scope: Scope) -> Run:
    """Return a closure that gives what a name stands for."""
    return lookup(expr.id, expr.span, scope)


def brace_value(brace: syntax.Brace, scope: Scope) -> Run:
    """Return the value of a brace group, before it becomes text."""
    run = lookup(brace.name.id, brace.name.span, scope, in_text=True)
    return follow_path(brace, run, scope)


def follow_path(brace: syntax.Brace, run: Run, scope: Scope) -> Run:
    """Return a closure that follows the fields and positions of a brace group."""
    for step in brace.path:
        if isinstance(step, syntax.Field):
            field = step.name.id
            run = guarded(step.span, lambda value, field=field: field_of(value, field), run)
        elif isinstance(step.key, syntax.Word):
            key = lookup(step.key.id, step.key.span, scope)
            run = guarded(step.span, operators.index, run, key)
        else:
            at = step.key
            run = guarded(step.span, lambda value, at=at: operators.index(value, at), run)
    return run


def padded(value: Value, width: int) -> str:
    """Return a number, or a text of digits, with zeros before it.  Raises ValueTypeError for anything else."""
    text = render_value(value)
    if not is_text_digits(text):
        message = f"only a number is padded with zeros, and this is {value!r}"
        raise ValueTypeError(message)
    return "-" + text[1:].zfill(width - 1) if text.startswith("-") else text.zfill(width)


def text_of(brace: syntax.Brace, run: Run) -> Run:
    """Return a closure that gives the text of a brace group."""
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


def compile_string(expr: syntax.String, scope: Scope) -> Run:
    """Return a closure that gives a string, its groups put in."""
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
        pieces.append(text_of(part, brace_value(part, scope)))
    if not pieces:
        return constant("")
    if len(pieces) == 1:
        only = pieces[0]
        return constant(only) if isinstance(only, str) else only
    return lambda env: "".join([piece if type(piece) is str else piece(env) for piece in pieces])  # type: ignore[operator, misc]


def simple_string(expr: syntax.String, scope: Scope) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
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
