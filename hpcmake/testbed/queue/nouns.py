"""The nouns of a queue: what a command asks, what it is answered, a job, and what is to be done with processes.

Owns these values.  Knows nothing of any one scheduler.
"""

from __future__ import annotations

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WAITING, STARTING, RUNNING, ENDED = "waiting", "starting", "running", "ended"
"""The phases of a job: it has no nodes yet; it has them; its script runs; that has ended, and the job is still listed.

What users see is the dialect's word for it (`Dialect`), which may be finer."""


class Request(Record):
    """A command that somebody has started: its name and words, and where, by whom and in what environment.

    `stdin` is what there was on its stdin, if the answer to the first try has asked for it.  `inside` is the number of
    the job in which it was started, 0 on the login node.
    """

    name: str
    argv: tuple[str, ...]
    cwd: str
    user: str
    environment: Mapping[str, str]
    stdin: str | None = None
    inside: int = 0


class Answer(Record):
    """What a command prints, and its exit status; it is given `after` so many seconds.

    `wants_stdin`: nothing was done; the request is to be made again, with what is on the command's stdin.
    """

    out: str = ""
    err: str = ""
    status: int = 0
    after: float = 0
    wants_stdin: bool = False


class Job:
    """A job.  A dialect derives its own class from it, with what else it wants to know.

    `count` is how many nodes it is given (not only: asked for), `walltime` in seconds, `argv` its script with its
    arguments, `environment` the variables that were asked for.  `stdout` and `stderr` are opened for append.
    `started` is when it got its nodes; `status` its script's exit status, or minus the signal that killed it.
    """

    def __init__(
        self,
        number: int,
        *,
        user: str,
        queue: str,
        count: int,
        walltime: float,
        argv: Sequence[str],
        cwd: str,
        submitted: float,
    ) -> None:
        self.number = number
        self.user = user
        self.queue = queue
        self.count = count
        self.walltime = walltime
        self.argv = list(argv)
        self.cwd = cwd
        self.submitted = submitted
        self.name = ""
        self.project = ""
        self.environment: dict[str, str] = {}
        self.stdin = "/dev/null"
        self.stdout = "/dev/null"
        self.stderr = "/dev/null"
        self.phase = WAITING
        self.hosts: tuple[str, ...] = ()
        self.started: float | None = None
        self.status: int | None = None
        self.over = False
        """Whether its walltime has run out."""
        self.is_held_here = False
        """Whether its script is the testbed's own command, which others end."""
        self.is_stuck = False
        """Whether it was ordered that it never starts."""

    @property
    def end(self) -> float | None:
        """When its walltime ends; None while it has not started."""
        return None if self.started is None else self.started + self.walltime


# ---------------------------------------------------------------- what is to be done in the real world


class Start(Record):
    """Start the script of a job on its nodes."""

    number: int


class Signal(Record):
    """Send a signal to the script of a job: to this process alone, or to all of its session if `to_session`."""

    number: int
    signal: int
    to_session: bool = False


class Kill(Record):
    """Kill everything in a job.  Its end is told as any other, if its script was still running."""

    number: int


class Write(Record):
    """Append text to a file; unless `create`, only if it is there."""

    path: str
    text: str
    create: bool = False


Effect = Start | Signal | Kill | Write
