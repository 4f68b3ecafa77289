"""`stop`: nothing more is submitted, what waits in the queue is taken back, and what runs is ended.

Owns the order of these acts, and how long their end is waited for.  Knows nothing of how jobs are looked at.

The mark comes first, since whoever drives reads it before each submission.  Then keys are closed, so that a job that
starts all the same does no work; then jobs are cancelled, children first: the end of a parent would set them free.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from hpcmake.app.opening import enter
from hpcmake.app.usage import usage
from hpcmake.holders import find_self, is_alive
from hpcmake.journal import FOLDER
from hpcmake.lease import find_holder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.queue.taking_back import Ordered
    from hpcmake.holders import Holder
    from hpcmake.options import Arguments

PATIENCE = 30.0
"""Seconds that `stop` waits for a run to end."""


def stop(arguments: Arguments) -> int:
    """End the run of this campaign, with all that it runs.  Returns 1 if something does not end.  Raises Trouble."""
    enter(arguments)
    tell = _Telling(arguments)
    if os.path.isdir(f"{FOLDER}/jobs"):
        return _stop_jobs(tell)
    holder = find_holder(FOLDER)
    if holder is None:
        tell("nothing is running")
        return 0
    if not is_alive(holder, find_self()):
        raise usage(
            f"the run is on another machine: {holder.words()}",
            "stop",
            help_=f"log in there and say `hpcmake stop`, or kill {holder.pid}",
        )
    if _end_driver(holder, tell) and not _has_ended(holder, tell):
        return 1
    tell("ended; the next `hpcmake` goes on from here")
    return 0


class _Telling:
    """Tells people, or programs."""

    def __init__(self, arguments: Arguments) -> None:
        self.is_json = arguments.flag("json")
        self._is_quiet = arguments.flag("quiet")

    def __call__(self, text: str, **row: object) -> None:
        if self.is_json:
            from json import dumps

            sys.stdout.write(dumps({"kind": "note", **row, "text": text}, separators=(",", ":")) + "\n")
        elif not self._is_quiet or row.get("ended") is False:
            from hpcmake.app.queue.words import wrapped

            sys.stderr.write(wrapped(text) + "\n")
            sys.stderr.flush()


def _end_driver(holder: Holder, tell: _Telling) -> bool:
    """Tell a driver on this machine to end; tell whether there still was one."""
    try:
        os.kill(holder.pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    tell(f"ending {holder.words()}")
    return True


def _has_ended(holder: Holder, tell: _Telling) -> bool:
    """Wait for the end of a driver on this machine; tell whether it has come."""
    me = find_self()
    deadline = time.monotonic() + PATIENCE
    while find_holder(FOLDER) is not None and is_alive(holder, me):
        if time.monotonic() > deadline:
            tell(
                f"it has not ended after {PATIENCE:.0f} s; `kill -9 {holder.pid}` ends it, and the next run cleans up",
                ended=False,
            )
            return False
        time.sleep(0.05)
    return True


def _stop_jobs(tell: _Telling) -> int:
    """Stop a campaign that has, or had, jobs."""
    from hpcmake.app.queue.charter import read_charter
    from hpcmake.app.queue.following import render_command
    from hpcmake.app.queue.taking_back import TakingBack
    from hpcmake.jobs.marks import write_stop

    holder = find_holder(FOLDER)
    charter = read_charter()
    if charter is not None or holder is not None:
        write_stop(FOLDER, f"{time.strftime('%Y-%m-%d %H:%M:%S')} on {os.uname().nodename}, pid {os.getpid()}")
    taking = TakingBack()
    if taking.look() == 0 and holder is None:
        tell("nothing is running, and no job is in the queue")
        return 0
    tell("stopping: nothing more is submitted")
    is_here = holder is not None and holder.job is None and bool(is_alive(holder, find_self()))
    if holder is not None and is_here:
        _end_driver(holder, tell)
    elif holder is not None and holder.job is None:
        tell(f"{holder.words()} ends when it looks at the queue next; it submits nothing more")
    ordered = taking.take_back()
    for each in ordered:
        _tell_job(each, tell)
    for words in taking.silences():
        tell(words, ended=False)
    is_driver_gone = holder is None or not is_here or _has_ended(holder, tell)
    command = render_command(charter)
    if all(each.is_ended for each in ordered) and is_driver_gone:
        tell(f"stopped; `{command}` goes on from here")
        return 0
    return 1


def _tell_job(each: Ordered, tell: _Telling) -> None:
    name = f"job {each.job} ({each.key})" if each.job else f"job {each.key}"
    row = {"kind": "stop", "key": each.key, "job": each.job or None, "was": each.was, "ended": each.is_ended}
    tell(f"{name} {each.words}", **row)
