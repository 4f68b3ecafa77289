"""Whether tasks fit the nodes of a job: told before anything runs.

Owns the check of the resources of every attempt against one kind of nodes.  Knows nothing of how they are placed.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.stale import is_stale
from hpcmake.planner.world import Wait
from hpcmake.units import render_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hpcmake.model import Resources
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan
    from hpcmake.site import NodeKind, Site

_ENOUGH = 20  # mistakes


def check_nodes(
    plan: Plan,
    attempts: Attempts,
    site: Site,
    nodes: int,
    *,
    retries: int,
    rows: Mapping[int, Sequence[int]] | None = None,
) -> list[str]:
    """Check what each attempt of each stale task takes; return what the user is to be told.

    `nodes` is how many there are, `rows` those to look at, by rule; None: all.  Raises Trouble for what no node of the
    site can hold, at any attempt.
    """
    mistakes: dict[str, Diagnostic] = {}
    words: dict[str, str] = {}
    for table in plan.graph.tables:
        those = range(table.count) if rows is None else rows.get(table.rule.number, ())
        _check_rule(table, those, attempts, site, mistakes)
        for row in those:
            if not is_stale(table.state[row]):
                continue
            try:
                for which, taken in _attempts(table, row, attempts, retries):
                    _check(table, which, taken, site.nodes[0], nodes, mistakes, words)
            except Trouble as trouble:
                for each in trouble.diagnostics:
                    mistakes.setdefault(f"{each.code} {each.message}", each)
            except Wait:
                continue
            if attempts.is_constant(table) or len(mistakes) > _ENOUGH:
                break
    if mistakes:
        raise Trouble(*mistakes.values())
    return list(words.values())


def _check_rule(
    table: Table, rows: Iterable[int], attempts: Attempts, site: Site, mistakes: dict[str, Diagnostic]
) -> None:
    """Tell of a rule that may not run on this site, or cannot since its nodes have no shell."""
    rule = table.rule
    if not any(is_stale(table.state[row]) for row in rows):
        return
    code = rule.site
    if code is not None and not code.names and not code.reads:
        found = code.run({})
        sites = found if isinstance(found, list) else [found]
        if attempts.site not in sites:
            names = ", ".join(str(each) for each in sites)
            message = f"rule `{rule.name}` may run on {names} only, and this job is one of {attempts.site}"
            help_ = f"add `{attempts.site}` to its `site`, or leave it out of this run: `--omit {rule.name}`"
            mistakes.setdefault(f"site {rule.name}", Diagnostic("E506", message, code.span, help=help_))
    if site.runs == "program" and not rule.has_nodes and rule.run is not None:
        message = f"rule `{rule.name}` shares nodes, and the nodes of {site.name} run one program and no shell"
        help_ = f"give it `nodes` and start its program by {{launch}}, or leave it out: `--omit {rule.name}`"
        mistakes.setdefault(f"fork {rule.name}", Diagnostic("E508", message, rule.span, help=help_))


def _attempts(table: Table, row: int, attempts: Attempts, retries: int) -> Iterable[tuple[str, Resources]]:
    first, more = attempts.resources(table, row, 1)
    yield table.name(row), first
    if not attempts.is_constant(table):
        for number in range(2, 2 + more.get("retries", retries)):
            yield f"{table.name(row)}, attempt {number},", attempts.resources(table, row, number)[0]


def _check(
    table: Table,
    which: str,
    taken: Resources,
    kind: NodeKind,
    nodes: int,
    mistakes: dict[str, Diagnostic],
    words: dict[str, str],
) -> None:
    rule = table.rule

    def refuse(what: str, wants: str, has: str) -> None:
        message = f"{which} wants {wants}, and a node of this job has {has}"
        span = rule.resources[what].span if what in rule.resources else rule.span
        mistakes.setdefault(f"{what} {rule.name}", Diagnostic("E503", message, span, help="ask for less"))

    wide = taken.nodes or (1 if taken.ranks is not None else 0)
    if wide:
        if wide > nodes:
            words.setdefault(
                rule.name, f"{which} wants {wide} nodes, and this job has {nodes}: it is left for a larger one"
            )
        return
    if taken.cores > kind.cores:
        refuse("cores", f"{taken.cores} cores", str(kind.cores))
    if kind.memory is not None and taken.memory > kind.memory:
        refuse("memory", f"{render_size(taken.memory)} of memory", render_size(kind.memory))
    if taken.gpus > kind.gpus:
        refuse("gpus", f"{taken.gpus} gpus", str(kind.gpus))
