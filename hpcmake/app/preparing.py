"""What comes before a run or a dry run: warnings, whether tasks fit this machine, whether the folder can be written.

Owns those three checks.  Knows nothing of what follows.
"""

from __future__ import annotations

import os
import sys

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean, render_all
from hpcmake.journal import FOLDER
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.opening import Opened
    from hpcmake.app.venue import Venue
    from hpcmake.planner.plan import Plan

_LOOKED_AT = 20_000
"""Names among which the nearest is looked for."""


def tell_warnings(opened: Opened, plan: Plan) -> None:
    """Print warnings, unless errors only are wanted."""
    warnings = [*opened.warnings, *plan.warnings(), *_idle_words(opened, plan)]
    if not warnings or opened.arguments.flag("quiet"):
        return
    if opened.arguments.flag("json"):
        from json import dumps

        from hpcmake.diagnostics import plain

        for row in plain(warnings):
            sys.stdout.write(dumps(row, separators=(",", ":")) + "\n")
        return
    from hpcmake.terminal import has_color

    sys.stderr.write(render_all(warnings, color=has_color(sys.stderr)))


def _idle_words(opened: Opened, plan: Plan) -> list[Diagnostic]:
    """Return a warning for each file of `-W` and `-o` that no task of the plan reads or makes."""
    if plan.has_unknown:
        return []  # it may be known later
    found = []
    for flag, paths in (("-W", opened.choices.new), ("-o", opened.choices.old)):
        for path in sorted(paths):
            if path not in plan.graph.files.index and f"{path}/" not in plan.graph.files.index:
                source = Source("the command line", f"{flag} {path}")
                help_ = (
                    did_you_mean(path, plan.graph.files.paths[:_LOOKED_AT]) or "it changes nothing for these targets"
                )
                message = f"no task of this plan reads or makes `{path}`"
                found.append(Diagnostic("W810", message, Span(source, 3, 3 + len(path)), help=help_))
    return found


def check_machine(opened: Opened, plan: Plan) -> list[str]:
    """Check that tasks fit the place of a run, if there is one; return what the user is to be told.  Raises Trouble."""
    if opened.is_at_site and opened.held is None:
        return []
    from hpcmake.app.strays import mark_of_campaign
    from hpcmake.app.venue import find_venue

    return check_place(opened, plan, find_venue(opened, mark_of_campaign))


def check_place(opened: Opened, plan: Plan, venue: Venue) -> list[str]:
    """Check that tasks fit the place of a run; return what the user is to be told.  Raises Trouble."""
    if not any(table.rule.resources or table.rule.site or opened.held for table in plan.graph.tables):
        return []
    from hpcmake.planner.attempts import Attempts

    attempts = Attempts(plan, site=opened.site_name, launch=venue.launch)
    return venue.check(plan, attempts, retries=int(opened.arguments.number("retries") or 0))


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
