"""The queue of PBS: its commands over a book of jobs that knows those that have ended, too.

Owns which command is whose, and what a job's script gets.  Knows nothing of how any one command works.

As OpenPBS 23.06 did it, whose answers are kept in tests/captures/pbs.  Chosen here, since nobody has seen it: output is
written where it belongs at once, as with `-k doe`; each chunk has a node for itself.
"""

from __future__ import annotations

import os

from hpcmake.testbed.queue.dialect import Dialect
from hpcmake.testbed.queue.nouns import Answer
from hpcmake.testbed.queue.pbs_attributes import job_variables
from hpcmake.testbed.queue.pbs_book import Book
from hpcmake.testbed.queue.pbs_changes import change
from hpcmake.testbed.queue.pbs_look import qselect, qstat
from hpcmake.testbed.queue.pbs_options import Asked
from hpcmake.testbed.queue.pbs_queues import make_queues, may_run, render_clock
from hpcmake.testbed.queue.pbs_rules import FINISHED, PbsJob
from hpcmake.testbed.queue.pbs_submit import submit
from hpcmake.testbed.queue.pbs_words import TOO_MANY, exit_status, render_no

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.site import Site
    from hpcmake.testbed.machine import Machine
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.nouns import Job, Request
    from hpcmake.testbed.queue.pbs_queues import PbsQueue

SERVER = "testbed"
SHELL = "/bin/bash"
AWAY = 15010
"""The error of a command that finds no server."""


class Pbs(Dialect):
    """PBS."""

    names = ("qsub", "qstat", "qdel", "qhold", "qrls", "qalter", "qmove", "qselect")
    grace = 10.0
    prologue = 1.0
    warns_session = True
    server = SERVER

    def __init__(self, site: Site, count: int) -> None:
        super().__init__(site, count)
        kind = site.nodes[0] if site.nodes else None
        self.chunk = kind.cores * kind.threads_per_core if kind is not None else 1
        self.folders: dict[int, str] = {}
        """Of each job that starts: a folder for its script."""

    def begin(self, queue: Queue) -> None:
        """Open the book."""
        self.book = Book(queue, self.server, self.queues(), self.count)

    def queues(self) -> tuple[PbsQueue, ...]:
        """Return the queues of the server."""
        return make_queues(self.site)

    # ------------------------------------------------------------ commands

    def answer(self, _queue: Queue, request: Request) -> Answer:
        """Do what a command asks for, and return what it prints."""
        if request.name == "qsub":
            return submit(self.book, request, self.site, chunk=self.chunk)
        if request.name == "qstat":
            return qstat(self.book, request)
        if request.name == "qselect":
            return qselect(self.book, request)
        return change(self.book, request)

    def down(self, request: Request) -> Answer:
        """Return what a command prints while the server is down."""
        lines = f"Connection refused\n{request.name}: cannot connect to server {self.server} (errno={AWAY})\n"
        return Answer("", lines, exit_status(AWAY))

    def refusal(self, request: Request) -> Answer:
        """Return what submitting prints where the user has too many jobs."""
        return Answer("", render_no(request.name, TOO_MANY, "user") + "\n", exit_status(TOO_MANY))

    # ------------------------------------------------------------ jobs

    def order(self, _queue: Queue) -> Sequence[Job]:
        """Return the jobs that may start now, in the order of their numbers."""
        return self.book.order()

    def starting(self, _queue: Queue, job: Job) -> None:
        """A job has got its nodes."""
        self.book.starting(_pbs(job))

    def running(self, _queue: Queue, job: Job) -> None:
        """The script of a job is being started."""
        self.book.running(_pbs(job))

    def overdue(self, _queue: Queue, job: Job) -> None:
        """The walltime of a job is over: its errors tell so."""
        self.book.overdue(_pbs(job))

    def ended(self, _queue: Queue, job: Job) -> None:
        """The script of a job has ended."""
        self.book.ended(_pbs(job))

    def lose(self, _queue: Queue, job: Job) -> None:
        """A job vanishes without a trace."""
        self.book.forget(_pbs(job))

    def delete(self, _queue: Queue, job: Job) -> None:
        """An operator deletes a job."""
        found = _pbs(job)
        if found.state != FINISHED and not found.deleted:
            self.book.delete(found)

    def can_start(self, _queue: Queue, job: Job) -> bool:
        """Tell whether a job may start some day: not if it is held, too large, or has ended."""
        found = _pbs(job)
        if found.state == FINISHED or "u" in found.holds:
            return False
        parents = [self.book.known.get(number) for _, number in found.waits]
        if parents:
            return all(parent is not None and (parent.hosts or self.can_start(_queue, parent)) for parent in parents)
        return may_run(self.book.kind(found.queue), found, nodes=self.count)

    # ------------------------------------------------------------ scripts

    def make_held(self, queue: Queue, machine: Machine, argv: Sequence[str], *, user: str, cwd: str) -> Job:
        """Return the job around the testbed's own command."""
        count = len(machine.nodes)
        fits = (each.name for each in self.book.queues if not each.routes and each.takes(count, None))
        job = PbsJob(
            queue.take_number(),
            user=user,
            queue=next(fits, self.book.queues[0].name),
            count=count,
            walltime=float(machine.end - machine.start),
            argv=argv,
            cwd=cwd,
            submitted=queue.now,
        )
        job.name, job.project, job.cpus = "testbed", self.site.project or "testbed", count * self.chunk
        job.workdir, job.output, job.error = cwd, "/dev/null", "/dev/null"
        job.variables = {"PBS_O_WORKDIR": cwd, "PBS_O_QUEUE": job.queue, "PBS_O_HOST": self.server}
        job.asked = Asked(resources=(("place", "scatter"), ("walltime", render_clock(job.walltime))))
        job.is_held_here = True
        self.book.known[job.number] = job
        return job

    def variables(self, job: Job, _machine: Machine, *, nodefile: str) -> Mapping[str, str]:
        """Return what the environment of the job's script has beside what a login gives."""
        self.folders[job.number] = os.path.dirname(nodefile)
        return job_variables(_pbs(job), self.server, nodefile=nodefile)

    def command(self, job: Job) -> Sequence[str]:
        """Return what is started: a command as it is, a script as it was when it was submitted."""
        if job.argv:
            return job.argv
        path = os.path.join(self.folders.pop(job.number), f"{job.number}.{self.server}.SC")
        script = _pbs(job).script
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(script)
        os.chmod(path, 0o700)
        return [path] if script.startswith("#!") else [SHELL, path]


def _pbs(job: Job) -> PbsJob:
    assert isinstance(job, PbsJob)  # noqa: S101  # this dialect makes no other
    return job
