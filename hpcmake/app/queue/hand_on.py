"""The hand-over of a job: a process of its own plans again, and submits what follows, if nobody else drives.

Owns that process.  Knows nothing of the order of its acts, on which it depends that nothing is forgotten.
"""

from __future__ import annotations

import os
import sys

from hpcmake.app.lead import open_voice
from hpcmake.app.opening import Opened
from hpcmake.app.placing import run_command
from hpcmake.app.queue.asking import asking
from hpcmake.app.queue.charter import read_charter, restore_environment, write_charter
from hpcmake.app.queue.lead import seen_statuses
from hpcmake.app.queue.outlook import render_outlook
from hpcmake.app.queue.step import QueueRun
from hpcmake.diagnostics import Trouble, render_all
from hpcmake.jobs.hand_over import Desk, find_job, hand_over
from hpcmake.jobs.marks import is_stopped
from hpcmake.jobs.settled import read_settled
from hpcmake.journal import FOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hpcmake.app.queue.charter import Charter
    from hpcmake.lease import Lease
    from hpcmake.options import Arguments


def hand_on(key: str) -> int:
    """Plan and submit what follows the job with this key; return 0, or 1 if that could not be done."""
    charter = read_charter()
    if charter is None:
        sys.stderr.write(f"hpcmake: there is no charter in {FOLDER}, so {key} hands nothing over\n")
        return 1
    if charter.is_over:
        return 0
    restore_environment(charter)
    arguments = charter.arguments()
    try:
        why = _Handing(charter, arguments, key).run()
    except Trouble as trouble:
        sys.stderr.write(render_all(trouble.diagnostics))
        return 1
    sys.stdout.write(f"hpcmake: handed over ({why})\n")
    return 0


class _Handing:
    def __init__(self, charter: Charter, arguments: Arguments, key: str) -> None:
        self.key = key
        self.charter = charter
        self.arguments = arguments
        self.queue: QueueRun | None = None

    def run(self) -> str:
        """Hand over; return why it has ended.  Raises Trouble."""
        from hpcmake.sites import read_site

        site = read_site(str(self.arguments.text("site")), os.environ)

        apart = frozenset(read_settled(FOLDER))
        desk = Desk(
            FOLDER,
            job=find_job(os.environ),
            statuses=lambda: seen_statuses(apart),
            step=self._step,
            is_stopped=lambda: is_stopped(FOLDER),
            ask=asking(site),
            latency=site.latency or 0.0,
        )
        return hand_over(desk)

    def _step(self, lease: Lease, may_submit: Callable[[], bool]) -> None:
        """Plan and submit, from what is on the disk now."""
        opened = Opened(self.arguments)
        writer = opened.journal.open_writer(lease.generation, opened.history.covers)
        voice = open_voice(self.arguments)
        self.queue = QueueRun(
            opened,
            opened.plan(),
            self.charter,
            voice,
            call=run_command,
            may_submit=may_submit,
            lease=lease,
            live=int(writer.path.rsplit(".", 2)[-2]),
        )
        self.queue.leaving = (self.key,)
        try:
            self.queue.look()
            self.queue.pack()
            self.queue.submit()
            if self.queue.planned and set(self.queue.board.living()) <= {self.key}:
                self.queue.tell(f"nobody goes on with this campaign: {render_outlook(self.queue)}")
            if not self.queue.board.living() and not self.queue.planned and not self.queue.plan.has_unknown:
                write_charter(self.charter.replace(is_over=True))
        finally:
            writer.close()
            voice.close()
