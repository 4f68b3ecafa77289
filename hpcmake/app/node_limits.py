"""Whether tasks fit the nodes of a job: told before anything runs.

Owns what one kind of nodes can hold.  Knows nothing of how tasks are placed, nor of which are looked at.
"""

from __future__ import annotations

from hpcmake.app.attempt_checks import check_attempts, check_site
from hpcmake.diagnostics import Diagnostic
from hpcmake.tasks.states import is_stale
from hpcmake.units import render_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.app.attempt_checks import Found
    from hpcmake.model import Resources
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan
    from hpcmake.site import NodeKind, Site


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
    here = attempts.site

    def check_rule(table: Table, found: Found) -> None:
        help_ = f"add `{here}` to its `site`, or leave it out of this run: `--omit {table.rule.name}`"
        check_site(table, here, found, where=f"this job is one of {here}", help_=help_)
        _check_shell(table, site, found)

    def check(table: Table, which: str, resources: Resources, found: Found) -> None:
        _check(table, which, resources, site.nodes[0], nodes, found)

    return check_attempts(plan, attempts, check_rule, check, retries=retries, rows=rows)


def _check_shell(table: Table, site: Site, found: Found) -> None:
    """Tell of a rule that shares nodes where these have no shell."""
    rule = table.rule
    if site.runs != "program" or rule.has_nodes or rule.run is None or not any(map(is_stale, table.state)):
        return
    message = f"rule `{rule.name}` shares nodes, and the nodes of {site.name} run one program and no shell"
    help_ = f"give it `nodes` and start its program by {{launch}}, or leave it out: `--omit {rule.name}`"
    found.mistake(f"fork {rule.name}", Diagnostic("E508", message, rule.span, help=help_))


def _check(table: Table, which: str, taken: Resources, kind: NodeKind, nodes: int, found: Found) -> None:
    rule = table.rule

    def refuse(what: str, wants: str, has: str) -> None:
        message = f"{which} wants {wants}, and a node of this job has {has}"
        span = rule.resources[what].span if what in rule.resources else rule.span
        found.mistake(f"{what} {rule.name}", Diagnostic("E503", message, span, help="ask for less"))

    wide = taken.width
    if wide:
        if wide > nodes:
            found.words.setdefault(
                rule.name, f"{which} wants {wide} nodes, and this job has {nodes}: it is left for a larger one"
            )
        return
    if taken.cores > kind.cores:
        refuse("cores", f"{taken.cores} cores", str(kind.cores))
    if kind.memory is not None and taken.memory > kind.memory:
        refuse("memory", f"{render_size(taken.memory)} of memory", render_size(kind.memory))
    if taken.gpus > kind.gpus:
        refuse("gpus", f"{taken.gpus} gpus", str(kind.gpus))
