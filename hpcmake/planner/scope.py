"""What expressions are made ready in: the names that they may use, and the closures that come of it.

Owns Scope, Code and the closures that give mistakes a place.  Knows nothing of what each kind of expression means.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.values import Value, ValueTypeError
from hpcmake.tasks.wait import Need, Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from hpcmake import syntax
    from hpcmake.planner.world import World
    from hpcmake.tasks.patterns import Pattern
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


# ---------------------------------------------------------------- closures

COMPILERS: dict[type, Callable[[Any, Scope], Run]] = {}
"""What makes each kind of expression ready; filled in by `expressions`, since kinds are made of one another."""


def compile_node(expr: syntax.Expr, scope: Scope) -> Run:
    """Return an expression as a closure over the names of a task; its mistakes are added to the scope."""
    return COMPILERS[type(expr)](expr, scope)


def guarded(span: Span, function: Callable[..., Value], *runs: Run) -> Run:
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
        values = all_of(runs, env)
        try:
            return function(*values)
        except ValueTypeError as mistake:
            raise trouble_at(span, str(mistake), mistake.code, help=mistake.mend) from None

    return many


def all_of(runs: Sequence[Run], env: Env) -> list[Value]:
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


def constant(value: Value) -> Run:
    """Return a closure that gives this value always."""
    return lambda _env: value
