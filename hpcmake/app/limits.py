"""Whether tasks fit this machine: told before anything runs.

Owns what this machine can hold.  Knows nothing of how resources are evaluated, nor of which tasks are looked at.
"""

from __future__ import annotations

from hpcmake.app.attempt_checks import check_attempts, check_site
from hpcmake.diagnostics import Diagnostic
from hpcmake.units import render_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.app.attempt_checks import Found
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
    here = attempts.site
    help_ = f"add `{here}` to its `site`, or leave `site` out: jobs on other machines come with a later version"

    def check_rule(table: Table, found: Found) -> None:
        check_site(table, here, found, where=f"this is this machine, `{here}`", help_=help_)

    def check(table: Table, which: str, resources: Resources, found: Found) -> None:
        _check(table, which, resources, machine, found)

    return check_attempts(plan, attempts, check_rule, check, retries=retries, rows=rows)


def _check(table: Table, which: str, resources: Resources, machine: Machine, found: Found) -> None:
    rule = table.rule
    if resources.memory > machine.memory:
        has = render_size(machine.memory)
        message = f"{which} wants {render_size(resources.memory)} of memory, and this machine has {has}"
        found.mistake(
            f"memory {rule.name}",
            Diagnostic(
                "E503", message, rule.resources["memory"].span, help="ask for less, or run it where there is more"
            ),
        )
    if resources.gpus > machine.gpus:
        message = f"{which} wants {resources.gpus} gpus, and this machine has {machine.gpus}"
        found.mistake(
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
        found.mistake(f"ranks {rule.name}", Diagnostic("E503", message, span, help=help_))
    elif resources.ranks is None and resources.cores > machine.cores:
        found.words.setdefault(rule.name, f"{which} wants {resources.cores} cores: it runs alone, with {machine.cores}")
