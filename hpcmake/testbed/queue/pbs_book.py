"""The jobs of a PBS server, those that have ended too: how they are found, routed, started, ended and deleted.

Owns what happens to a job and to its children.  Knows nothing of commands and what they print.
"""

from __future__ import annotations

import re

from hpcmake.record import Record
from hpcmake.testbed.queue import pbs_queues
from hpcmake.testbed.queue.nouns import STARTING
from hpcmake.testbed.queue.pbs_attributes import run_comment
from hpcmake.testbed.queue.pbs_rules import (
    EXITING,
    FINISHED,
    QUEUED,
    RUNNING,
    SUB_EXITING,
    SUB_FAILED,
    SUB_FINISHED,
    SUB_RUNNING,
    SUB_STARTING,
    SUB_TERMINATED,
    TERMINATED,
    WALLTIME_EXCEEDED,
    PbsJob,
    follow,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.pbs_queues import PbsQueue

CLOSING = 1.0
"""Seconds between the end of a script and that of its job, in which it is seen as exiting."""

_ID = re.compile(r"([0-9]{1,15})(?:\.([\w-]+)(?:\.[\w.-]+)?)?(?:@[\w.-]+)?")


class Named(Record):
    """What a word on a command line names: a job by its number, with its full id; `job` is None if it is not there."""

    id: str
    job: PbsJob | None


class Book:
    """The jobs of a server by that name, in its queues, on so many nodes."""

    def __init__(self, queue: Queue, server: str, queues: Sequence[PbsQueue], nodes: int) -> None:
        self.queue = queue
        self.server = server
        self.queues = tuple(queues)
        self.nodes = nodes
        self.known: dict[int, PbsJob] = {}
        """All jobs by their numbers, in the order of submission: those that have ended too, as long as we run."""

    # ------------------------------------------------------------ finding

    def add(self, job: PbsJob) -> None:
        """Put a job into the queue."""
        self.known[job.number] = job
        self.queue.add(job)

    def living(self) -> list[PbsJob]:
        """Return the jobs that have not ended, in the order of submission."""
        return [job for job in self.queue.jobs.values() if isinstance(job, PbsJob)]

    def full_id(self, number: int) -> str:
        """Return the id of a job."""
        return f"{number}.{self.server}"

    def find(self, word: str) -> Named | None:
        """Return the job that a word names, with or without the server's name; None if it is no id."""
        match = _ID.fullmatch(word)
        if match is None:
            return None
        number = int(match[1])
        ours = match[2] is None or match[2] == self.server.partition(".")[0]
        return Named(self.full_id(number), self.known.get(number)) if ours else Named(f"{number}.{match[2]}", None)

    def find_queue(self, name: str) -> PbsQueue | None:
        """Return a queue by its name."""
        return next((queue for queue in self.queues if queue.name == name), None)

    def kind(self, name: str) -> PbsQueue:
        """Return the queue that a job is in."""
        return next(queue for queue in self.queues if queue.name == name)

    # ------------------------------------------------------------ scheduling

    def cycle(self) -> None:
        """Pass jobs on, and start what can be started."""
        for job in self.living():
            if job.state != QUEUED or not self.kind(job.queue).routes:
                continue
            if not pbs_queues.route(self.queues, self.living(), job):
                self.forget(job)  # no queue behind takes it
        self.queue.schedule()

    def order(self) -> list[PbsJob]:
        """Return the jobs that may start now."""
        alive = self.nodes - len(self.queue.down)
        return pbs_queues.choose(self.queues, self.living(), nodes=self.nodes, alive=alive)

    def starting(self, job: PbsJob) -> None:
        """A job has got its nodes."""
        job.state, job.substate = RUNNING, SUB_STARTING
        job.vnodes = job.hosts
        job.comment = run_comment(job, self.queue.now)
        self._touch(job)
        self._follow(job)

    def running(self, job: PbsJob) -> None:
        """The script of a job starts."""
        job.substate = SUB_RUNNING
        self._touch(job)

    def overdue(self, job: PbsJob) -> None:
        """The walltime of a job is over."""
        spent = int(self.queue.now - (job.started or self.queue.now))
        limit = int(job.walltime)
        text = f"=>> PBS: job killed: walltime {max(spent, limit + 1)} exceeded limit {limit}\n"
        self.queue.write(job.stderr, text, create=True)

    def shorten(self, job: PbsJob) -> None:
        """Look at a running job when its walltime ends that has become shorter."""
        began = job.started or self.queue.now

        def look() -> None:
            if job.state == RUNNING and not job.over and self.queue.now >= began + job.walltime:
                job.over = True
                self.queue.terminate(job)
                self.overdue(job)

        self.queue.at(began + job.walltime, look)

    # ------------------------------------------------------------ endings

    def ended(self, job: PbsJob) -> None:
        """The script of a job has ended; the job ends soon after."""
        job.state, job.substate = EXITING, SUB_EXITING
        self._touch(job)
        job.finished = self.queue.now
        self.queue.after(CLOSING, lambda: self._close(job))

    def _close(self, job: PbsJob) -> None:
        status = job.status or 0
        if job.deleted:
            how, status, substate = "terminated", TERMINATED, SUB_TERMINATED
        elif job.over:
            how, status, substate = "exceeded resource walltime", WALLTIME_EXCEEDED, SUB_FAILED
        else:
            status = 128 - status if status < 0 else status
            how, substate = ("failed", SUB_FAILED) if status else ("finished", SUB_FINISHED)
        job.comment += f" and {how}"
        job.close(status, substate=substate)
        job.finished = self.queue.now
        self._leave(job)

    def delete(self, job: PbsJob) -> None:
        """Delete a job that has not ended: one that runs gets SIGTERM, and SIGKILL some time later."""
        if job.state == RUNNING:
            job.deleted = True
            if job.phase == STARTING:  # there is nothing yet that could be told
                job.finished = self.queue.now
                self._close(job)
            else:
                self.queue.terminate(job)
            return
        job.close(None, substate=SUB_TERMINATED)
        self._leave(job)

    def forget(self, job: PbsJob) -> None:
        """Let a job vanish, as if it had never been there; what waits for it is deleted."""
        self.queue.remove(job)
        job.close(None, substate=SUB_FINISHED)
        self._follow(job)
        self.known.pop(job.number, None)
        self.queue.at(self.queue.now, self.queue.schedule)

    def _leave(self, job: PbsJob) -> None:
        """See to what follows from the end of a job."""
        self.queue.remove(job)
        self._touch(job)
        self._follow(job)
        self.cycle()

    def settle(self, numbers: Sequence[int]) -> None:
        """See to jobs that were let go, or deleted, by their parents."""
        for number in numbers:
            job = self.known[number]
            self._touch(job)
            if job.state == FINISHED:
                self.queue.remove(job)
            else:
                job.eligible = self.queue.now
                self.queue.at(self.queue.now, self.cycle)

    def _follow(self, job: PbsJob) -> None:
        freed, deleted = follow(self.known, job)
        self.settle([*freed, *deleted])

    def _touch(self, job: PbsJob) -> None:
        job.changed = self.queue.now
