"""Whether tasks fit this machine: told before anything runs.

Owns the check of resources of every attempt.  Knows nothing of how they are evaluated.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.planner.alike import Alike
from hpcmake.planner.stale import is_stale
from hpcmake.planner.world import Wait
from hpcmake.units import render_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.app.machine import Machine
    from hpcmake.model import Resources
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan


def check_limits(
    plan: Plan,
    attempts: Attempts,
    machine: Machine,
    *,
    retries: int,
    rows: Mapping[int, Sequence[int]] | None = None,
) -> list[str]:
    """Check what each attempt of each stale task takes; return what the user is to be told.

    `rows` are those to look at, by rule; None: all.  Raises Trouble for what this machine cannot hold, at any attempt.
    """
    mistakes: dict[str, Diagnostic] = {}
    words: dict[str, str] = {}
    for table in plan.graph.tables:
        _check_site(table, attempts.site, mistakes)
        if not table.rule.resources:
            continue
        those = range(table.count) if rows is None else rows.get(table.rule.number, ())
        alike, seen = Alike(table, retries), set[tuple[str, ...]]()
        for row in those:
            if not is_stale(table.state[row]):
                continue
            key = alike.key(row)
            if key is not None:
                if key in seen:
                    continue
                seen.add(key)
            try:
                if _check_task(table, row, attempts, machine, retries, mistakes, words):
                    break  # all tasks of the rule are alike
            except Trouble as trouble:
                for each in trouble.diagnostics:
                    mistakes.setdefault(f"{each.code} {each.message}", each)
            except Wait:
                continue
            if len(mistakes) > 20:  # noqa: PLR2004  # enough to see what is wrong
                break
    if mistakes:
        raise Trouble(*mistakes.values())
    return list(words.values())


def _check_site(table: Table, here: str, mistakes: dict[str, Diagnostic]) -> None:
    """Tell of a rule that may run on other machines only."""
    code = table.rule.site
    if code is None or code.names or code.reads or not any(map(is_stale, table.state)):
        return
    found = code.run({})
    sites = found if isinstance(found, list) else [found]
    if here not in sites:
        names = ", ".join(str(each) for each in sites)
        message = f"rule `{table.rule.name}` may run on {names} only, and this is this machine, `{here}`"
        help_ = f"add `{here}` to its `site`, or leave `site` out: jobs on other machines come with a later version"
        mistakes.setdefault(f"site {table.rule.name}", Diagnostic("E506", message, code.span, help=help_))


def _check_task(
    table: Table,
    row: int,
    attempts: Attempts,
    machine: Machine,
    retries: int,
    mistakes: dict[str, Diagnostic],
    words: dict[str, str],
) -> bool:
    """Check one task; tell whether all tasks of its rule are alike."""
    first, more = attempts.resources(table, row, 1)
    for number in range(1, 2 + more.get("retries", retries)):
        resources = first if number == 1 else attempts.resources(table, row, number)[0]
        _check(table, row, resources, machine, mistakes, words, number)
        if attempts.is_constant(table):
            return True
    return False


def _check(
    table: Table,
    row: int,
    resources: Resources,
    machine: Machine,
    mistakes: dict[str, Diagnostic],
    words: dict[str, str],
    number: int,
) -> None:
    rule = table.rule
    which = f"{table.name(row)}" + (f", attempt {number}," if number > 1 else "")
    if resources.memory > machine.memory:
        has = render_size(machine.memory)
        message = f"{which} wants {render_size(resources.memory)} of memory, and this machine has {has}"
        mistakes.setdefault(
            f"memory {rule.name}",
            Diagnostic(
                "E503", message, rule.resources["memory"].span, help="ask for less, or run it where there is more"
            ),
        )
    if resources.gpus > machine.gpus:
        message = f"{which} wants {resources.gpus} gpus, and this machine has {machine.gpus}"
        mistakes.setdefault(
            f"gpus {rule.name}",
            Diagnostic(
                "E503", message, rule.resources["gpus"].span, help="ask for fewer, or run it where there are more"
            ),
        )
    if resources.ranks is not None and resources.ranks * resources.cores_per_rank > machine.cores:
        cores = resources.ranks * resources.cores_per_rank
        message = f"{which} wants {resources.ranks} ranks on {cores} cores, and this machine has {machine.cores}"
        help_ = "run it on a site, or on an emulated one for trying: `hpcmake testbed theta -- hpcmake`"
        span = next(
            rule.resources[name].span for name in ("ranks", "nodes", "ranks_per_node") if name in rule.resources
        )
        mistakes.setdefault(f"ranks {rule.name}", Diagnostic("E503", message, span, help=help_))
    elif resources.ranks is None and resources.cores > machine.cores:
        words.setdefault(rule.name, f"{which} wants {resources.cores} cores: it runs alone, with {machine.cores}")
