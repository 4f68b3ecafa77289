"""What a campaign keeps on the disk beside its results: records of what was there before, no `temp` files, no orphans.

Owns the upkeep of a campaign that runs in jobs.  Knows nothing of queues.
"""

from __future__ import annotations

import socket

from hpcmake.app.adoption import adopt, complete
from hpcmake.app.books import Books
from hpcmake.app.folding import FOLD_FROM, fold
from hpcmake.app.orphans import remove_orphans
from hpcmake.app.temps import Temps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hpcmake.app.opening import Opened
    from hpcmake.app.queue.owners import Task
    from hpcmake.app.queue.step import QueueRun
    from hpcmake.disk import Disk
    from hpcmake.journal import JournalWriter
    from hpcmake.planner.plan import Plan
    from hpcmake.report import Voice


class _View:
    """What the keeper of `temp` files asks of a run."""

    def __init__(self, plan: Plan, disk: Disk, voice: Voice) -> None:
        self.plan = plan
        self.disk = disk
        self.voice = voice


class TempFiles:
    """The `temp` files of a campaign: each is removed once nothing that is still to run may want it."""

    def __init__(self, opened: Opened, plan: Plan, voice: Voice) -> None:
        self._temps = Temps(
            _View(plan, opened.disk, voice),  # type: ignore[arg-type]  # it has what is asked for
            keep=opened.arguments.flag("keep_temp"),
        )
        self._temps.sweep_left()
        self._plan = plan

    def on_done(self, task: Task) -> None:
        """A task has succeeded."""
        self._temps.on_settled(self._plan.graph.tables[task[0]], task[1])

    def grow(self, rows: Mapping[int, Sequence[int]]) -> None:
        """The plan has grown."""
        self._temps.grow(rows)


def adopt_what_is_there(run: QueueRun, writer: JournalWriter) -> None:
    """Without a journal, take what is up to date by make's rule for recorded.  Raises Trouble."""
    plan, opened = run.plan, run.opened
    if plan.history.exists:
        return
    for each in (*opened.passed, plan):
        adopt(each, books_of(run, each, writer))
    complete(books_of(run, plan, writer))
    writer.flush()


def books_of(run: QueueRun, plan: Plan, writer: JournalWriter) -> Books:
    """Return the books of who drives."""
    opened = run.opened
    return Books(
        plan, writer, opened.disk, host=socket.gethostname(), content=opened.choices.content, looked=opened.looked
    )


def tidy_up(run: QueueRun, writer: JournalWriter, reopen: Callable[[], Opened]) -> None:
    """Remove orphans, and fold the journal if that pays, when all is done and no job lives.  Raises Trouble."""
    opened = reopen()
    plan = opened.plan()
    run.opened = opened
    remove_orphans(plan, books_of(run, plan, writer), opened, run.voice)
    writer.flush()
    if _live_bytes(opened) > FOLD_FROM:
        fold(plan, opened.journal, writer, damaged=opened.is_damaged)


def _live_bytes(opened: Opened) -> int:
    covers = opened.history.covers
    return sum(length - covers.get(name, 0) for name, length in opened.journal.seen.items())
