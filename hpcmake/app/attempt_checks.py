"""Looking at what each attempt of each stale task takes, once for all that take the same.

Owns that walk, and what is found on it.  Knows nothing of what there is to take.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.alike import Alike
from hpcmake.planner.stale import is_stale
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from hpcmake.model import Resources
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

    Check: TypeAlias = Callable[[Table, str, Resources, "Found"], None]
    """Looks at what an attempt takes; the text says which attempt of which task it is."""

_ENOUGH = 20  # mistakes, to see what is wrong


class Found:
    """What was found: mistakes, and what the user is to be told, each once for what it is about."""

    def __init__(self) -> None:
        self.mistakes: dict[str, Diagnostic] = {}
        self.words: dict[str, str] = {}

    def mistake(self, about: str, mistake: Diagnostic) -> None:
        """Note a mistake, unless one about the same is there."""
        self.mistakes.setdefault(about, mistake)


def check_attempts(
    plan: Plan,
    attempts: Attempts,
    check_rule: Callable[[Table, Found], None],
    check: Check,
    *,
    retries: int,
    rows: Mapping[int, Sequence[int]] | None = None,
) -> list[str]:
    """Look at each rule, and at each attempt of each stale task of it; return what the user is to be told.

    `rows` are those to look at, by rule; None: all.  `retries` holds for rules that do not say.  Raises Trouble.
    """
    found = Found()
    for table in plan.graph.tables:
        check_rule(table, found)
        if table.rule.resources:
            those = range(table.count) if rows is None else rows.get(table.rule.number, ())
            _check_tasks(table, those, attempts, found, check, retries)
    if found.mistakes:
        raise Trouble(*found.mistakes.values())
    return list(found.words.values())


def _check_tasks(
    table: Table, rows: Sequence[int], attempts: Attempts, found: Found, check: Check, retries: int
) -> None:
    alike, seen = Alike(table, retries), set[tuple[str, ...]]()
    for row in rows:
        if not is_stale(table.state[row]):
            continue
        key = alike.key(row)
        if key is not None:
            if key in seen:
                continue
            seen.add(key)
        try:
            for which, resources in _attempts(table, row, attempts, retries):
                check(table, which, resources, found)
        except Trouble as trouble:
            for each in trouble.diagnostics:
                found.mistake(f"{each.code} {each.message}", each)
        except Wait:
            continue
        if attempts.is_constant(table) or len(found.mistakes) > _ENOUGH:
            break


def _attempts(table: Table, row: int, attempts: Attempts, retries: int) -> Iterator[tuple[str, Resources]]:
    first, more = attempts.resources(table, row, 1)
    yield table.name(row), first
    if not attempts.is_constant(table):
        for number in range(2, 2 + more.get("retries", retries)):
            yield f"{table.name(row)}, attempt {number},", attempts.resources(table, row, number)[0]


def check_site(table: Table, here: str, found: Found, *, where: str, help_: str) -> None:
    """Tell of a rule that must run and may do so on other sites only; `where` says what this one is."""
    code = table.rule.site
    if code is None or code.names or code.reads or not any(map(is_stale, table.state)):
        return
    value = code.run({})
    sites = value if isinstance(value, list) else [value]
    if here not in sites:
        names = ", ".join(str(each) for each in sites)
        message = f"rule `{table.rule.name}` may run on {names} only, and {where}"
        found.mistake(f"site {table.rule.name}", Diagnostic("E506", message, code.span, help=help_))
