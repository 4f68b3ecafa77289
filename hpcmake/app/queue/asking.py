"""What is asked of a site's scheduler before a campaign is driven, and how often it is asked then.

Owns whether its commands are there, whether a job is, and the pace of looks.  Knows nothing of campaigns.
"""

from __future__ import annotations

import os
import shutil

from hpcmake.app.placing import run_command
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.jobs.polling import TIMEOUT
from hpcmake.jobs.submitting import PAUSE, Submitter
from hpcmake.runners.schedulers.jobs import DoNotKnow
from hpcmake.runners.schedulers.scheduler import find_scheduler
from hpcmake.text import Source, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hpcmake.jobs.polling import Call
    from hpcmake.runners.schedulers.scheduler import Scheduler
    from hpcmake.site import Site

POLL = "HPCMAKE_POLL"
"""The variable that says how many seconds lie between two looks at the queue, in place of the site."""
_POLL = 60.0


def require_commands(site: Site) -> None:
    """Raise Trouble if the scheduler's commands are not there."""
    scheduler = find_scheduler(site.scheduler)
    missing = [name for name in scheduler.COMMANDS if shutil.which(name) is None] if scheduler is not None else []
    if not missing:
        return
    names = ", ".join(f"`{name}`" for name in missing)
    message = f"the commands of {site.name}'s scheduler are not on the PATH: {names}"
    source = Source("the command line", f"--site {site.name}")
    help_ = (
        f"log in to {site.name}, or load the module that brings them; to try it here, on an emulated machine:\n"
        f"`hpcmake testbed {site.name} -- hpcmake …`; `-n` only shows what would be submitted"
    )
    raise Trouble(Diagnostic("E917", message, Span(source, 0, len(source.text)), help=help_), exit_status=3)


def asking(site: Site) -> Callable[[str], bool | None]:
    """Return what tells whether a job is in the queue still: True, False, or None where nobody knows."""
    scheduler = find_scheduler(site.scheduler)

    def ask(job: str) -> bool | None:
        if scheduler is None or not job[:1].isdigit():
            return None
        try:
            status, out, err = run_command(scheduler.render_poll_job(job), 30.0)
        except OSError:
            return None
        told = scheduler.parse_poll_job(status, out.decode(errors="replace"), err.decode(errors="replace"))
        if isinstance(told, DoNotKnow):
            return None
        return told is not None and told.in_queue

    return ask


def poll_of(site: Site) -> float:
    """Return the seconds between two looks at the queue."""
    text = os.environ.get(POLL)
    if text:
        try:
            return max(0.05, float(text))
        except ValueError:
            source = Source("the environment", f"{POLL}={text}")
            span = Span(source, len(POLL) + 1, len(source.text))
            raise Trouble(Diagnostic("E803", f"`{POLL}` is a number of seconds, not `{text}`", span)) from None
    return site.poll or _POLL


def hurry(site: Site) -> float:
    """Return the part of the usual that pauses last: less than 1 where `HPCMAKE_POLL` hurries them."""
    return min(1.0, poll_of(site) / (site.poll or PAUSE))


def make_submitter(
    scheduler: Scheduler, site: Site, user: str, call: Call, may_submit: Callable[[], bool]
) -> Submitter:
    """Return what submits the user's jobs; `HPCMAKE_POLL` hurries its pauses too."""
    scale = hurry(site)
    return Submitter(
        scheduler,
        site.replace(poll=poll_of(site)),
        user=user,
        call=call,
        pause=max(0.2, PAUSE * scale),
        timeout=max(2.0, TIMEOUT * scale),
        guard=lambda: None if may_submit() else "the campaign was stopped, or another drives it now",
    )
