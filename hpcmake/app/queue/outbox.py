"""What goes out: the folder of a job with its batch and script, and the order to its scheduler.

Owns what is written before a submission, and in which form.  Knows nothing of why and when a job goes out.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import Counter
from operator import itemgetter

from hpcmake.jobs.folder import new_folder
from hpcmake.jobs.papers import Intent
from hpcmake.jobs.pieces import write_piece
from hpcmake.jobs.policy import WATCH
from hpcmake.jobs.programs import require_program
from hpcmake.jobs.site_paper import render_site
from hpcmake.journal import FOLDER
from hpcmake.record import Record
from hpcmake.refusals import trouble
from hpcmake.runners.schedulers.jobs import Submission
from hpcmake.tasks.quoting import quote_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from hpcmake.jobs.folder import JobFolder
    from hpcmake.planner.batch_rows import BatchRows
    from hpcmake.planner.rows import Table
    from hpcmake.site import Site


class Outgoing(Record):
    """A job that was planned: its tasks, and what it asks for.

    `name` stands for its key until it has one; `parents` are keys, or names of others that were planned with it.
    `nodes` are given, `charged` paid for, `walltime` and `expected` seconds, `why` what the user reads of its shape.
    `times` are what each task was packed for: the seconds expected, and those that must be left.
    """

    name: str
    queue: str
    nodes: int
    charged: int
    walltime: float
    tasks: tuple[tuple[Table, int], ...]
    parents: tuple[str, ...] = ()
    expected: float = 0.0
    why: str = ""
    role: str = "work"
    times: tuple[tuple[float, float] | None, ...] = ()

    def words(self) -> str:
        """Return what it runs: its rules, each with how many tasks."""
        counts = Counter(map(itemgetter(0), self.tasks))
        return ", ".join(f"{count} {table.rule.name}" for table, count in counts.items()) or "the hand-over"


class Outbox:
    """Writes the folders of jobs of one site.

    `generation` is that of the lease of who submits them, `live` the number of its live file.
    """

    def __init__(
        self,
        site: Site,
        *,
        keep_going: bool,
        latency: float | None,
        content: bool,
        generation: int,
        live: int,
        user: str,
    ) -> None:
        self.site = site
        self.content = content
        self.live = live
        self.keep_going = keep_going
        self.latency = latency
        self.generation = generation
        self.user = user
        self._program = ""

    def head(self, **more: object) -> dict[str, Any]:
        """Return the first record of a piece of a batch."""
        return {
            "k": "batch",
            "v": 1,
            "site": render_site(self.site),
            "keep_going": self.keep_going,
            "latency": self.latency,
            "content": self.content,
            **more,
        }

    def write(self, job: Outgoing, rows: BatchRows) -> JobFolder:
        """Make the folder of a job, with all but its intent.  Raises Trouble."""
        folder = new_folder(FOLDER)
        rows.attempts.lists_in = f"{folder.path}/lists"
        head = self.head(key=folder.key, tasks=len(job.tasks), grows=rows.plan.has_unknown)
        write_piece(folder.batch, (head, *rows.make(job.tasks, job.times)))
        self._write_script(folder, job)
        return folder

    def write_more(self, folder: JobFolder, tasks: Sequence[tuple[Table, int]], rows: BatchRows) -> None:
        """Write one more piece of the batch of a job that runs: without tasks it says that there are none for it.

        Raises Trouble.
        """
        number = len(folder.pieces()) + 1
        rows.attempts.lists_in = f"{folder.path}/lists.{number}"
        write_piece(folder.more(number), (self.head(key=folder.key, tasks=len(tasks)), *rows.make(tasks)))

    def _write_script(self, folder: JobFolder, job: Outgoing) -> None:
        root = os.getcwd()
        # one for all that this process submits, whatever is installed meanwhile: it must understand our batches
        self._program = self._program or require_program(FOLDER)
        program = f"{root}/{self._program}"
        order = ("--watch",) if job.role == WATCH else ()
        words = " ".join(quote_word(word) for word in (sys.executable, program, *order, folder.key))
        lines = [
            "#!/bin/bash",
            f"# {folder.key}: {job.words()}",
            f"cd -- {quote_word(root)} || exit 3",
            *self.site.setup.splitlines(),
            "shopt -s execfail",
            f"exec {words}",
            "exit 3  # this Python cannot be started here",
        ]
        try:
            with open(folder.script, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write("\n".join(lines) + "\n")
            os.chmod(folder.script, 0o755)  # noqa: S103  # Cobalt wants to execute it
        except OSError as error:
            raise trouble(error, "write", folder.script) from None

    def intent(self, folder: JobFolder, job: Outgoing, parents: Sequence[str], after: str, *, grows: bool) -> Intent:
        """Return the intent of a job whose parents have these keys."""
        return Intent(
            key=folder.key,
            site=self.site.name,
            queue=job.queue,
            nodes=job.nodes,
            charged=job.charged,
            walltime=job.walltime,
            parents=tuple(parents),
            after=after,
            tasks=len(job.tasks),
            expected=job.expected,
            why=f"{job.words()}; {job.why}" if job.why else job.words(),
            project=self.site.project,
            generation=self.generation,
            live=self.live,
            host=socket.gethostname(),
            user=self.user,
            role=job.role,
            keep_going=self.keep_going,
            grows=grows and job.role != WATCH,
            at=time.time(),
        )

    def submission(self, folder: JobFolder, job: Outgoing, parents: Sequence[str], after: str) -> Submission:
        """Return the order to the scheduler; `parents` are ids."""
        here = os.getcwd()
        return Submission(
            script=f"{here}/{folder.script}",
            name=folder.key,
            nodes=job.nodes,
            walltime=job.walltime,
            output=f"{here}/{folder.out}",
            error=f"{here}/{folder.err}",
            log=f"{here}/{folder.cobaltlog}",
            parents=tuple(parents),
            after=after,
            project=self.site.project,
        )
