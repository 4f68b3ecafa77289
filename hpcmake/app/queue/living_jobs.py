"""A campaign whose jobs live is not run without them: their tasks would be done twice.

Owns that refusal.  Knows nothing of what is run instead of jobs.
"""

from __future__ import annotations

import os

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.journal import FOLDER
from hpcmake.tasks.states import is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.queue.standing import Standing
    from hpcmake.jobs.polling import Call
    from hpcmake.planner.plan import Plan

_MOST = 5
_WHY = "the campaign was run without jobs"


def leave_the_queue(call: Call | None = None) -> None:
    """Let a campaign be run by this process alone from now on, which holds its lease.

    A job that nobody has found in the queue may come late: its key is closed.  What was asked for in the queue holds no
    more.  Raises Trouble if jobs live.
    """
    if not os.path.isdir(f"{FOLDER}/jobs"):
        return
    require_no_living_jobs(call)
    from hpcmake.app.queue.charter import PATH
    from hpcmake.jobs.files import remove

    remove(PATH)


def require_no_living_jobs(call: Call | None = None, *, doing: str = "run here, {} tasks would be done twice") -> None:
    """Raise Trouble if jobs of this campaign wait or run, as far as their files and their scheduler tell.

    `doing` says what would become of it otherwise; `{}` stands for `its` or `their`.
    """
    if not os.path.isdir(f"{FOLDER}/jobs"):
        return
    from hpcmake.app.queue.following import render_command
    from hpcmake.app.queue.standing import find_standing
    from hpcmake.app.queue.words import chain_words, listed, silence_words

    standing = find_standing(call)
    if standing is None:
        return
    keys = [key for key in standing.living() if not _is_harmless(standing, key)]
    if not keys:
        return
    one = len(keys) == 1
    names = [standing.fates[key].job or key for key in keys[:_MOST]]
    names += [f"{len(keys) - _MOST} more"] if len(keys) > _MOST else []
    message = (
        f"{'a job of this campaign is' if one else 'jobs of this campaign are'} in the queue: {listed(names)}; "
        f"{doing.format('its' if one else 'their')}"
    )
    lines = [chain_words(standing, key) for key in keys[:_MOST]]
    lines += [silence_words(asked) for asked in standing.asks.values() if asked.silence]
    lines.append(f"`{render_command(standing.charter)}` watches {'it' if one else 'them'}")
    lines.append(f"to go on without {'it' if one else 'them'}, say `hpcmake stop` first, which takes all jobs back")
    raise Trouble(Diagnostic("E731", message, help="\n".join(lines)))


def _is_harmless(standing: Standing, key: str) -> bool:
    """Tell whether a job surely does no work, now or later.  Raises Trouble."""
    from hpcmake.jobs.fates import Unclear

    reading = standing.readings[key]
    if reading.closed is not None and not reading.claims:
        return True
    # of one that is nowhere to be seen, the key can be taken: should it come, it does nothing
    return isinstance(standing.fates[key], Unclear) and standing.folders[key].close(_WHY)


def note_living_jobs(plan: Plan, call: Call | None = None) -> str | None:
    """Return what a dry run says of tasks that are in jobs already; None if none is.  Raises Trouble."""
    if not os.path.isdir(f"{FOLDER}/jobs"):
        return None
    from hpcmake.app.queue.in_jobs import InJobs
    from hpcmake.app.queue.standing import find_standing
    from hpcmake.app.queue.words import listed

    standing = find_standing(call)
    if standing is None:
        return None
    tables = plan.graph.tables
    owned = [key for (rule, row), key in InJobs(plan, standing).owners.of.items() if is_stale(tables[rule].state[row])]
    keys, count = list(dict.fromkeys(owned)), len(owned)
    if not keys:
        return None
    names = [standing.fates[key].job or key for key in keys[:_MOST]]
    names += [f"{len(keys) - _MOST} more"] if len(keys) > _MOST else []
    tasks = "1 of these tasks is" if count == 1 else f"{count:,} of these tasks are"
    where = "job" if len(keys) == 1 else "jobs"
    return f"{tasks} in {where} {listed(names)} already: what is there is not submitted again"
