"""Calls of functions made ready: of values, of files, and `first`.

Owns how many arguments each takes, and their mistakes.  Knows nothing of what functions of values do.
"""

from __future__ import annotations

from hpcmake import syntax
from hpcmake.diagnostics import Diagnostic, did_you_mean
from hpcmake.planner import functions
from hpcmake.planner.loops import compile_clauses, compile_condition, restore, run_through
from hpcmake.planner.scope import Scope, compile_node, constant, guarded, trouble_at
from hpcmake.planner.values import Rows, Value, kind_of
from hpcmake.tasks.wait import Need, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.planner.scope import Env, Run
    from hpcmake.text import Span


def compile_call(expr: syntax.Call, scope: Scope) -> Run:
    """Return a closure that calls a function."""
    name = expr.function.id
    if name not in functions.NAMES:
        hint = did_you_mean(name, functions.NAMES) or f"there are: {', '.join(sorted(functions.NAMES))}"
        scope.troubles.append(
            Diagnostic("E204", f"unknown function `{name}`", expr.function.span, "no such function", help=hint)
        )
        return constant("")
    if name == "first":
        return compile_first(expr, scope)
    runs = [compile_node(argument, scope) for argument in expr.arguments]
    keywords = {keyword.name.id: keyword for keyword in expr.keywords}
    allowed = {"table": {"key"}, "env": {"default"}}.get(name, set())
    for keyword in expr.keywords:
        if keyword.name.id not in allowed:
            hint = f"it takes `{'`, `'.join(sorted(allowed))}=…`" if allowed else "write its arguments without names"
            message = f"`{name}` takes no argument called `{keyword.name.id}`"
            scope.troubles.append(Diagnostic("E205", message, keyword.name.span, help=hint))
            return constant("")
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
        return constant("")
    if name in functions.PURE:
        return guarded(expr.span, functions.PURE[name][2], *runs)
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
        runs[1] if len(runs) > 1 else compile_node(keywords["default"].value, scope) if "default" in keywords else None
    )
    return _variable(expr, runs[0], default, scope)


def _reader(expr: syntax.Call, kind: str, path: Run, keywords: dict[str, syntax.Keyword], scope: Scope) -> Run:
    world, span, at = scope.world, expr.span, expr.arguments[0].span
    key = compile_node(keywords["key"].value, scope) if "key" in keywords else None

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


def compile_first(expr: syntax.Call, scope: Scope) -> Run:
    """Return a closure that searches, one round at a time."""
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
        return constant("")
    search = expr.arguments[0]
    clauses, hidden = compile_clauses(search, scope)
    item = compile_node(search.item, scope)
    condition = compile_condition(search, scope)
    restore(scope, hidden)
    default = compile_node(keywords["default"], scope) if "default" in keywords else None
    span = expr.span

    def first(env: Env) -> Value:
        inner = dict(env)
        needs: list[Need] = []
        for _ in run_through(clauses, inner, needs):
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
