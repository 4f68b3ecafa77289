"""What comes before a run or a dry run: warnings, whether tasks fit this machine, whether the folder can be written.

Owns those three checks.  Knows nothing of what follows.
"""

from __future__ import annotations

import os
import sys

from hpcmake.app.opening import FOLDER, SITE
from hpcmake.diagnostics import Diagnostic, Trouble, render_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.opening import Opened
    from hpcmake.planner.plan import Plan


def tell_warnings(opened: Opened, plan: Plan) -> None:
    """Print warnings, unless errors only are wanted."""
    warnings = [*opened.warnings, *plan.warnings()]
    if not warnings or opened.arguments.flag("quiet"):
        return
    if opened.arguments.flag("json"):
        from json import dumps

        from hpcmake.diagnostics import plain

        for row in plain(warnings):
            sys.stdout.write(dumps(row) + "\n")
        return
    from hpcmake.terminal import has_color

    sys.stderr.write(render_all(warnings, color=has_color(sys.stderr)))


def check_machine(opened: Opened, plan: Plan) -> list[str]:
    """Check that tasks fit this machine; return what the user is to be told.  Raises Trouble."""
    if not any(table.rule.resources for table in plan.graph.tables):
        return []
    from hpcmake.app.limits import check_limits
    from hpcmake.app.machine import read_machine
    from hpcmake.planner.attempts import Attempts

    jobs = opened.arguments.number("jobs")
    machine = read_machine(int(jobs) if jobs is not None else None)
    attempts = Attempts(plan, site=SITE, launch=lambda _resources: ("mpiexec",))
    return check_limits(plan, attempts, machine, retries=int(opened.arguments.number("retries") or 0))


def require_writable() -> None:
    """Make the campaign's own folder.  Raises Trouble if that cannot be."""
    try:
        os.makedirs(FOLDER, exist_ok=True)
        probe = f"{FOLDER}/.probe.{os.getpid()}"
        os.close(os.open(probe, os.O_CREAT | os.O_WRONLY, 0o600))
        os.unlink(probe)
    except OSError as problem:
        message = f"{os.path.join(os.getcwd(), FOLDER)} cannot be written: {problem.strerror}"
        help_ = "hpcmake keeps its records there; `hpcmake -n` needs to write nothing"
        raise Trouble(Diagnostic("E704", message, help=help_)) from None
