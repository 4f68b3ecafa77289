"""Jobs, nodes and time of an emulated queue, as a state machine that does nothing by itself.

Owns who is in the queue, which nodes are free, and what happens when.  Knows nothing of processes, sockets and real
clocks: it is told the time and the ends of scripts, and what is to be done is put into `effects`.
"""

from __future__ import annotations

import heapq
import signal

from hpcmake.testbed.queue.nouns import ENDED, RUNNING, STARTING, WAITING, Kill, Signal, Start, Write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.testbed.queue.dialect import Dialect
    from hpcmake.testbed.queue.nouns import Answer, Effect, Job, Request


class Queue:
    """The queue.

    `hosts` are the nodes of the machine, `now` is the scheduler's time in seconds since 1970: at the beginning the real
    one, then it goes `hurry` times as fast, and so do walltimes.  What the scheduler itself takes its time for is
    `speed` times as fast as it really is, whatever its clock shows: see `lasting`.
    """

    def __init__(
        self, dialect: Dialect, hosts: Sequence[str], *, now: float, speed: float = 1, hurry: float = 1
    ) -> None:
        self.dialect = dialect
        self.hosts = tuple(hosts)
        self.now = now
        self.speed = speed
        self.hurry = hurry
        self.origin = now
        self.jobs: dict[int, Job] = {}
        """Those that are listed, in the order of their submission."""
        self.effects: list[Effect] = []
        self.down: set[str] = set()
        """Nodes that have died: they are given to no job any more."""
        self.submitted: list[int] = []
        """The numbers of all jobs that were ever in it."""
        self._number = dialect.first
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._used: dict[str, int] = {}
        dialect.begin(self)

    # ------------------------------------------------------------ time

    def real(self, when: float) -> float:
        """Return the real time, in seconds since 1970, of a time of the scheduler's clock."""
        return self.origin + (when - self.origin) / self.hurry

    def scheduled(self, real: float) -> float:
        """Return what the scheduler's clock shows at a real time."""
        return self.origin + (real - self.origin) * self.hurry

    def lasting(self, seconds: float) -> float:
        """Return what passes on the scheduler's clock while it does what takes a real one so many seconds."""
        return seconds * self.hurry / self.speed

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Let something happen at a time."""
        self._count += 1
        heapq.heappush(self._planned, (when, self._count, do))

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Let something happen when a real scheduler would have taken so many seconds."""
        self.at(self.now + self.lasting(seconds), do)

    def every(self, seconds: float, do: Callable[[], None]) -> None:
        """Let something happen again and again, each time when a real scheduler would have taken so many seconds."""

        def turn() -> None:
            do()
            self.after(seconds, turn)

        self.after(seconds, turn)

    def next_due(self) -> float | None:
        """Return when something is due; None if nothing is."""
        return self._planned[0][0] if self._planned else None

    def advance(self, now: float) -> None:
        """Let happen what is due until `now`."""
        while self._planned and self._planned[0][0] <= now:
            when, _, do = heapq.heappop(self._planned)
            self.now = max(self.now, when)
            do()
        self.now = max(self.now, now)

    # ------------------------------------------------------------ what comes from outside

    def ask(self, request: Request, now: float) -> Answer:
        """Answer a command."""
        self.advance(now)
        return self.dialect.answer(self, request)

    def ended(self, number: int, status: int, now: float) -> None:
        """Take note that the script of a job has ended: with this exit status, or minus the signal that killed it."""
        self.advance(now)
        job = self.jobs.get(number)
        if job is None or job.phase not in {STARTING, RUNNING}:
            return
        job.status = status
        job.phase = ENDED
        self.effects.append(Kill(number))  # what the script has left running
        self.dialect.ended(self, job)

    # ------------------------------------------------------------ what dialects do

    def take_number(self) -> int:
        """Return the number of the next job; each is given once, and a refused job may use one up."""
        self._number += 1
        return self._number - 1

    def add(self, job: Job) -> None:
        """Put a job into the queue."""
        self.jobs[job.number] = job
        self.submitted.append(job.number)

    def remove(self, job: Job) -> None:
        """Take a job out of the queue: it is not listed any more, and its nodes are free.

        What still runs in it is killed.
        """
        self._free(job)
        if job.phase in {STARTING, RUNNING}:
            self.effects.append(Kill(job.number))
        job.phase = ENDED
        self.jobs.pop(job.number, None)

    def of_user(self, user: str, queue: str) -> list[Job]:
        """Return the jobs of a user in a queue, whatever they do."""
        return [job for job in self.jobs.values() if job.user == user and job.queue == queue]

    def free_hosts(self) -> list[str]:
        """Return the nodes that no job has."""
        return [name for name in self.hosts if name not in self._used and name not in self.down]

    def schedule(self) -> None:
        """Give nodes to jobs that wait, in the dialect's order.

        Where the first does not fit, those behind it start only if they end before it could.
        """
        until: float | None = None
        for job in self.dialect.order(self):
            if job.is_stuck or job.phase != WAITING:
                continue
            free = self.free_hosts()
            if until is not None and self.now + job.walltime > until:
                continue
            hosts = self.dialect.choose_hosts(free, job.count) if len(free) >= job.count else None
            if hosts is not None:
                self.give(job, hosts)
            elif until is None:
                until = self._earliest(job.count, len(free))

    def _earliest(self, count: int, free: int) -> float:
        """Return when so many nodes are free at the latest, as walltimes tell."""
        ends = sorted((job.end or self.now, len(job.hosts)) for job in self.jobs.values() if job.hosts)
        for end, freed in ends:
            free += freed
            if free >= count:
                return end
        return self.now  # never: it has to wait for nodes that are down

    def give(self, job: Job, hosts: Sequence[str]) -> None:
        """Give a job its nodes; its script starts after the dialect's prologue, and its walltime begins."""
        job.hosts = tuple(hosts)
        self._used.update(dict.fromkeys(job.hosts, job.number))
        job.started = self.now
        job.phase = STARTING
        self.dialect.starting(self, job)
        if job.is_held_here:
            self._run(job)
        else:
            self.after(self.dialect.prologue, lambda: self._run(job))
            self.at(self.now + job.walltime, lambda: self._overdue(job))

    def _run(self, job: Job) -> None:
        if job.phase == STARTING and job.number in self.jobs:
            job.phase = RUNNING
            if not job.is_held_here:
                self.effects.append(Start(job.number))
            self.dialect.running(self, job)

    def _overdue(self, job: Job) -> None:
        """End a job whose walltime is over; one that was given more is looked at again."""
        if job.phase not in {STARTING, RUNNING} or job.number not in self.jobs:
            return
        end = job.end or 0.0
        if end > self.now:
            self.at(end, lambda: self._overdue(job))
            return
        job.over = True
        self.terminate(job)
        self.dialect.overdue(self, job)

    def terminate(self, job: Job) -> None:
        """Send SIGTERM to the script of a job, and after the dialect's grace kill all that is left of it."""
        self.effects.append(Signal(job.number, signal.SIGTERM, to_session=self.dialect.warns_session))
        self.after(self.dialect.grace, lambda: self.kill(job))

    def kill(self, job: Job) -> None:
        """Kill all that runs in a job."""
        if job.phase in {STARTING, RUNNING}:
            self.effects.append(Kill(job.number))

    def write(self, path: str, text: str, *, create: bool = False) -> None:
        """Append text to a file; unless `create`, only if it is there."""
        self.effects.append(Write(path, text, create))

    def _free(self, job: Job) -> None:
        for name in job.hosts:
            if self._used.get(name) == job.number:
                del self._used[name]

    def release(self, job: Job) -> None:
        """Give back the nodes of a job that has ended, and is still listed."""
        self._free(job)
