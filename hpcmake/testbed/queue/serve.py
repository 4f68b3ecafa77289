"""A queue in the real world: the socket on which commands ask it, and the processes of its jobs.

Owns these.  Knows nothing of any one scheduler, and of the command around which the testbed is.
"""

from __future__ import annotations

import os
import shutil
import time

from hpcmake.testbed.commands.marks import end_marked, find_marked, hang_node, kill_node, send
from hpcmake.testbed.commands.state import MARK, NODE, State
from hpcmake.testbed.faults import OF_QUEUE
from hpcmake.testbed.ground import write_machine
from hpcmake.testbed.queue.letters import Letters
from hpcmake.testbed.queue.nouns import Answer, Kill, Signal, Start, Write
from hpcmake.testbed.queue.scripts import start_script
from hpcmake.testbed.queue.upsets import GARBAGE, HANGS, LATE, REFUSED, Upsets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.testbed.faults import Fault
    from hpcmake.testbed.machine import Machine
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.letters import Letter
    from hpcmake.testbed.queue.nouns import Effect, Job, Request

SUBMITS = ("qsub",)
"""The commands that faults of submissions concern."""

REST = 60.0
"""Seconds within which it has written all of a job that has ended."""

RUBBISH = Answer("\x00\ufffd<<\n", "", 0)


class Server:
    """The queue of a machine in a folder.

    `login` is the environment that a login gives, `environment` what everything inside bears beside it.  The process
    gets SIGIO when somebody asks, and SIGCHLD when a script has ended: then, and when something is due, it is to make a
    `turn`.
    """

    def __init__(
        self,
        folder: str,
        machine: Machine,
        queue: Queue,
        *,
        faults: Sequence[Fault],
        login: Mapping[str, str],
        renamer: str,
    ) -> None:
        self.folder = folder
        self.machine = machine
        self.queue = queue
        self.login = dict(login)
        self.renamer = renamer
        self.faults = [fault for fault in faults if fault.kind not in OF_QUEUE]
        self.upsets = Upsets([fault for fault in faults if fault.kind in OF_QUEUE], queue.origin)
        self.is_sudden = any(each.kind == "job-dies" and each.at is None and each.after is None for each in faults)
        """Whether a job is killed at the end of its time, without a warning."""
        self.started = time.monotonic()
        self.letters = Letters(folder)
        self.processes: dict[int, int] = {}
        """Of each job whose script runs: the process."""
        self.held = (0, 0)
        """The job around the testbed's own command, and its process."""
        self.waiting: list[tuple[float, Request, Letter]] = []
        """Submissions that are made later, whoever waits for them."""

    # ------------------------------------------------------------ time

    def real(self) -> float:
        """Return the real time, in seconds since 1970; a clock that is set meanwhile is no concern of jobs."""
        return self.queue.origin + time.monotonic() - self.started

    def rest(self) -> float | None:
        """Return how many real seconds may pass until a turn is due; None: any number."""
        due = [when for when, *_ in self.waiting]
        if (letter := self.letters.next_due()) is not None:
            due.append(letter)
        if (planned := self.queue.next_due()) is not None:
            due.append(self.queue.real(planned))
        return max(0.0, min(due) - self.real()) if due else None

    def turn(self) -> None:
        """Do what is due, and answer who asks."""
        self._reap()
        real = self.real()
        self.queue.advance(self.queue.scheduled(real))
        self.upsets.touch(self.queue)
        self._act()
        for letter in self.letters.read():
            self._take(letter)
        for entry in [entry for entry in self.waiting if entry[0] <= real]:
            self.waiting.remove(entry)
            self._answer(entry[1], entry[2])
        self.letters.send(self.real())

    # ------------------------------------------------------------ commands

    def _take(self, letter: Letter) -> None:
        request = letter.request(self.folder)
        real = self.real()
        if self.upsets.is_down(real):
            self._reply(letter, self.queue.dialect.down(request))
            return
        upset = None
        if request.name in SUBMITS:
            upset = self.upsets.submit(real)
        if upset is None:
            self._answer(request, letter)
        elif upset.kind == REFUSED:
            self._reply(letter, self.queue.dialect.refusal(request))
        elif upset.kind == LATE:
            self.waiting.append((real + upset.what, request, letter))
        else:
            answer = self._ask(request)
            if answer.wants_stdin:
                self._reply(letter, answer)
                upset.left += 1
            elif upset.kind == GARBAGE:
                self._reply(letter, RUBBISH)
            else:
                assert upset.kind == HANGS  # noqa: S101  # there is no other
                self.letters.keep(letter)

    def _ask(self, request: Request) -> Answer:
        answer = self.queue.ask(request, self.queue.scheduled(self.real()))
        self.upsets.touch(self.queue)
        self._act()
        return answer

    def _answer(self, request: Request, letter: Letter) -> None:
        self._reply(letter, self._ask(request))

    def _reply(self, letter: Letter, answer: Answer) -> None:
        real = self.real()
        self.letters.reply(letter, answer, real + answer.after / self.queue.speed + self.upsets.slowness(real))

    # ------------------------------------------------------------ processes

    def _act(self) -> None:
        """Do what the queue wants to be done."""
        while self.queue.effects:
            effects, self.queue.effects = self.queue.effects, []
            for effect in effects:
                self._do(effect)

    def _do(self, effect: Effect) -> None:
        if isinstance(effect, Start):
            if (job := self.queue.jobs.get(effect.number)) is not None:  # else it was taken away at the same moment
                self._start(job)
        elif isinstance(effect, Signal):
            self._signal(effect)
        elif isinstance(effect, Kill):
            end_marked(self.place(effect.number))
            if effect.number != self.held[0] and effect.number not in self.processes:
                self._clear(effect.number)
        else:
            append(effect)

    def _signal(self, effect: Signal) -> None:
        is_held = effect.number == self.held[0]
        pid = self.held[1] if is_held else self.processes.get(effect.number)
        job = self.queue.jobs.get(effect.number)
        if self.is_sudden and job is not None and job.over:
            end_marked(self.place(effect.number))
        elif pid and effect.to_session and not is_held:
            send([each for each in find_marked(self.place(effect.number)) if _session(each) == pid], effect.signal)
        elif pid:
            os.kill(pid, effect.signal)

    def _clear(self, number: int) -> None:
        """Remove the folder of a job, and keep what was noted in it."""
        place = self.place(number)
        if os.path.isdir(place):
            self.upsets.events += [f"job {number}: {event}" for event in State(place).events()]
            shutil.rmtree(place, ignore_errors=True)

    def place(self, number: int) -> str:
        """Return the folder of a job."""
        return os.path.join(self.folder, "jobs", str(number))

    def prepare(self, job: Job, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
        """Make the folder of a job that has its nodes; return the environment of its script.

        That is what a login gives, or over it what is `inherited`, and what the scheduler sets.
        """
        place = self.place(job.number)
        os.makedirs(place)
        start, end = (self.queue.real(when or 0.0) for when in (job.started, job.end))
        part = self.machine.replace(
            nodes=job.hosts,
            start=int(start),
            end=int(end),
            job=job.number,
            name=job.name,
            queue=job.queue,
            project=job.project,
        )
        write_machine(place, part, self.faults, self.renamer, root=self.folder)
        around = {**(inherited or {}), **self.login, **job.environment}
        around |= self.queue.dialect.variables(job, part, nodefile=os.path.join(place, "nodefile"))
        around["PATH"] = os.path.join(place, "bin") + os.pathsep + around["PATH"]
        around[MARK] = place
        around.pop(NODE, None)
        if self.machine.site.script_on == "compute-node":
            around[NODE] = job.hosts[0]
        return around

    def _start(self, job: Job) -> None:
        environment = self.prepare(job)
        for name in self.queue.down.intersection(job.hosts):
            State(self.place(job.number)).mark("down", name)
        self.processes[job.number] = start_script(job, self.queue.dialect.command(job), environment)

    def _reap(self) -> None:
        for number, pid in list(self.processes.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                del self.processes[number]
                self.tell_end(number, os.waitstatus_to_exitcode(status))

    def tell_end(self, number: int, status: int) -> None:
        """Tell the queue that a script has ended."""
        self.queue.ended(number, status, self.queue.scheduled(self.real()))
        self._act()

    # ------------------------------------------------------------ what breaks

    def break_node(self, name: str, *, hangs: bool = False) -> None:
        """Let a node die, or hang: with what the job that has it runs there."""
        if not hangs:
            self.queue.down.add(name)
        for job in list(self.queue.jobs.values()):
            if name in job.hosts and os.path.isdir(self.place(job.number)):
                (hang_node if hangs else kill_node)(State(self.place(job.number)), name)

    def order(self, fault: Fault) -> None:
        """Let something go wrong with launches from now on."""
        for job in list(self.queue.jobs.values()):
            if os.path.isdir(self.place(job.number)):
                State(self.place(job.number)).order(fault.kind, fault.what)
        self.faults.append(fault.replace(at=None, after=None))

    def kill_jobs(self) -> None:
        """Kill everything in all jobs."""
        for number in self.processes:
            end_marked(self.place(number))

    def is_quiet(self) -> bool:
        """Tell whether nothing will happen any more if nobody asks: no job runs, and none can start."""
        queue = self.queue
        return not self.waiting and not any(
            (job.hosts or (queue.dialect.can_start(queue, job) and not job.is_stuck)) for job in queue.jobs.values()
        )

    def write_rest(self) -> None:
        """Write what the scheduler would still write of jobs that have ended, if there were time."""
        self.queue.advance(self.queue.now + self.queue.lasting(REST))
        for effect in self.queue.effects:
            if isinstance(effect, Write):
                append(effect)
        self.queue.effects.clear()

    def close(self) -> None:
        """End all jobs."""
        self.letters.close()
        for number, pid in self.processes.items():
            end_marked(self.place(number))
            os.waitpid(pid, 0)
        self.processes.clear()


def _session(pid: int) -> int:
    """Return the session of a process, 0 if it has ended."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def append(write: Write) -> None:
    """Append what a scheduler writes to a file of a job; where that cannot be, it is lost."""
    flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT if write.create else 0)
    try:
        descriptor = os.open(write.path, flags, 0o644)
    except OSError:
        return
    try:
        os.write(descriptor, write.text.encode("utf-8", "surrogateescape"))
    except OSError:
        pass
    finally:
        os.close(descriptor)
