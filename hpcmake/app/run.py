"""Bringing targets up to date: the verb that is not written.

Owns the choice between a dry run, a question, a touch and a run, and what surrounds a run.  Knows nothing of the loop.
"""

from __future__ import annotations

import sys

from hpcmake.app.dryrun import any_stale, show_forecast, show_held, show_plan
from hpcmake.app.opening import Opened
from hpcmake.app.placing import check_words
from hpcmake.app.preparing import check_machine, tell_warnings
from hpcmake.app.usage import usage, with_verbs
from hpcmake.diagnostics import Trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.options import Arguments


def run(arguments: Arguments) -> int:
    """Bring targets up to date, or say what that would take; return the exit status.  Raises Trouble."""
    try:
        return _run(arguments)
    except Trouble as trouble:
        raise with_verbs(trouble, arguments.words) from None


def _run(arguments: Arguments) -> int:
    if not all(arguments.words):
        raise usage("a target is empty", help_="name a file or a target; a variable of the shell may be unset")
    if arguments.flag("here") and arguments.flag("submit"):
        raise usage("`--here` with `--submit`", "--here --submit", help_="leave one of them out")
    if arguments.flag("question"):
        opened = Opened(arguments)
        plan = opened.plan()
        return 1 if any_stale(plan) or plan.campaign.generated else 0
    if arguments.flag("dry_run"):
        opened = Opened(arguments)
        plan = opened.plan()
        tell_warnings(opened, plan)
        if opened.site is not None and opened.held is not None:
            from hpcmake.app.held_plan import forecast_held

            show_held(forecast_held(plan, opened.site, opened.held, arguments), plan, arguments)
            return 0
        if opened.site is not None and opened.is_at_site:
            from hpcmake.app.forecasting import make_forecast
            from hpcmake.app.queue.living_jobs import note_living_jobs

            note = note_living_jobs(plan)
            if note is not None:
                sys.stderr.write(f"{note}\n")
            return show_forecast(make_forecast(plan, opened.site, arguments), plan, arguments)
        check_words(arguments, opened.site)
        check_machine(opened, plan)
        show_plan(plan, as_json=arguments.flag("json"), verbose=arguments.flag("verbose"))
        return 0
    from hpcmake.app.lead import lead

    return lead(arguments)
