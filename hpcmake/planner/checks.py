"""Values that are wanted only when a task runs, tried before anything does.

Owns the search for mistakes in them.  Knows nothing of what the values are for.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.shapes import read_resources
from hpcmake.planner.stale import is_stale
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hpcmake.planner.graph import Table
    from hpcmake.planner.rules import Rule
    from hpcmake.planner.scope import Env

_ENOUGH = 3  # mistakes of one kind; more of them tell nothing new

_RANKS = frozenset({"nodes", "ranks", "ranks_per_node"})


def find_mistakes(table: Table, rows: Sequence[int]) -> list[Diagnostic]:
    """Return what is wrong with the values of stale tasks, each tried once for all tasks in which it is the same."""
    trials = list(_trials(table.rule))
    if not trials or not rows:
        return []
    stale = [row for row in rows if is_stale(table.state[row])]
    found: list[Diagnostic] = []
    for names, run in trials if stale else ():
        mistakes = 0
        for env in _environments(table, names, stale):
            try:
                run({**env, "attempt": 1})
            except (Wait, KeyError):
                continue  # known later: when something is made, or when the task is ready
            except Trouble as trouble:
                found += [_about(each, table.rule, env) for each in trouble.diagnostics]
                mistakes += 1
                if mistakes == _ENOUGH:
                    break
    return found


def _trials(rule: Rule) -> Iterator[tuple[frozenset[str], Callable[[Env], object]]]:
    """Yield what may differ between tasks of a rule: the wildcards it depends on, and a function that tries it."""
    codes = [*rule.row_values, *(code for _, code in (*rule.env, *rule.site_env))]
    single = (rule.workdir, rule.log, rule.depfile, rule.queue, rule.site, rule.launch_options)
    codes += [code for code in single if code is not None]
    for code in codes:
        yield code.names, code.run
    shape = {name for name in _RANKS if name in rule.resources}
    groups = [shape] if shape else []
    groups += [{name} for name in rule.resources if name not in shape]
    for group in groups:
        only = {name: rule.resources[name] for name in sorted(group)}
        names = frozenset().union(*(code.names for code in only.values()))
        if names or any(code.reads for code in only.values()):  # the others were read with the rule
            yield names, lambda env, only=only: read_resources(rule, env, only=only)  # type: ignore[misc]


def _environments(table: Table, names: Iterable[str], rows: Sequence[int]) -> Iterator[Env]:
    """Yield the wildcards named, in each combination that some row has, once."""
    known = [name for name in table.rule.wildcards if name in names]
    if not known:
        yield {}
        return
    columns = [table.columns[table.rule.wildcards.index(name)] for name in known]
    if len(known) == 1:
        only = columns[0]
        for value in dict.fromkeys(only[row] for row in rows):
            yield {known[0]: value}
        return
    for values in dict.fromkeys(tuple(column[row] for column in columns) for row in rows):
        yield dict(zip(known, values, strict=True))


def _about(diagnostic: Diagnostic, rule: Rule, env: Env) -> Diagnostic:
    values = ", ".join(f"{name}={value}" for name, value in env.items() if name in rule.wildcards)
    if not values:
        return diagnostic
    return diagnostic.replace(message=f"{diagnostic.message} (for {rule.name} with {values})")
