"""What one kind of scheduler adds to a queue: its commands, the states of jobs, its rules.

Owns what a dialect must do, and which dialects there are.  Knows nothing of what they answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.site import Site
    from hpcmake.testbed.machine import Machine
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.nouns import Answer, Job, Request

DIALECTS = {
    "cobalt": ("hpcmake.testbed.queue.cobalt", "Cobalt"),
    "pbs": ("hpcmake.testbed.queue.pbs", "Pbs"),
}
"""The schedulers whose queues are emulated: in which module each is, and what it is called there."""


class Dialect(ABC):
    """A kind of scheduler, made once for each emulated machine: with its site, and how many nodes that has.

    Times are seconds of the scheduler's clock; how long something takes is said in seconds of a real scheduler.
    """

    names: tuple[str, ...]
    """The commands that it answers."""
    first = 426815
    """The number of the first job."""
    grace: float
    """Between SIGTERM and SIGKILL."""
    warns_session = False
    """Whether SIGTERM goes to all processes of the script's session, and not to the script alone."""
    prologue: float = 0
    """Between the moment when a job has its nodes, and its script's start; counts as walltime."""

    def __init__(self, site: Site, count: int) -> None:
        self.site = site
        self.count = count

    @abstractmethod
    def begin(self, queue: Queue) -> None:
        """Plan what happens again and again, with `queue.every`."""

    @abstractmethod
    def answer(self, queue: Queue, request: Request) -> Answer:
        """Do what a command asks for, and return what it prints.

        It runs in the server, as the same user and with the same files as the command; a relative path counts from
        `request.cwd`.
        """

    @abstractmethod
    def order(self, queue: Queue) -> Sequence[Job]:
        """Return the jobs that may start now, if nodes are free, in their order: none that is held, or over a limit.

        A job that would pass a limit only since one before it in this very list starts must be left out too.
        """

    def choose_hosts(self, free: Sequence[str], count: int) -> Sequence[str] | None:
        """Return which nodes a job gets; None if those that are free do not do."""
        return free[:count]

    @abstractmethod
    def starting(self, queue: Queue, job: Job) -> None:
        """Take note that a job has got its nodes."""

    @abstractmethod
    def running(self, queue: Queue, job: Job) -> None:
        """Take note that the script of a job is being started."""

    @abstractmethod
    def overdue(self, queue: Queue, job: Job) -> None:
        """Take note that the walltime of a job is over; SIGTERM is sent, and SIGKILL is planned."""

    @abstractmethod
    def ended(self, queue: Queue, job: Job) -> None:
        """See to it that a job leaves the queue (`queue.remove`), whose script has ended with `job.status`."""

    @abstractmethod
    def lose(self, queue: Queue, job: Job) -> None:
        """Let a job vanish without a trace, as if nobody had ever heard of it."""

    @abstractmethod
    def delete(self, queue: Queue, job: Job) -> None:
        """Delete a job as an operator does, whoever's it is."""

    @abstractmethod
    def make_held(self, queue: Queue, machine: Machine, argv: Sequence[str], *, user: str, cwd: str) -> Job:
        """Return the job around the testbed's own command, of which the queue is to know; it is not added yet."""

    @abstractmethod
    def can_start(self, queue: Queue, job: Job) -> bool:
        """Tell whether a job that waits may start some day if nobody does anything about it."""

    @abstractmethod
    def variables(self, job: Job, machine: Machine, *, nodefile: str) -> Mapping[str, str]:
        """Return what the environment of the job's script has beside what a login gives.

        `machine` is the part that the job has; its `start` and `end` are real seconds since 1970.
        """

    def command(self, job: Job) -> Sequence[str]:
        """Return what is started: the script and its arguments."""
        return job.argv

    # ------------------------------------------------------------ when something is wrong

    @abstractmethod
    def down(self, request: Request) -> Answer:
        """Return what a command prints while the server is down."""

    @abstractmethod
    def refusal(self, request: Request) -> Answer:
        """Return what submitting prints where the user has too many jobs."""


def find_dialect(site: Site) -> type[Dialect] | None:
    """Return the dialect of a site's scheduler; None if its queue is not emulated."""
    where = DIALECTS.get(site.scheduler)
    if where is None:
        return None
    found: type[Dialect] = getattr(import_module(where[0]), where[1])
    return found
