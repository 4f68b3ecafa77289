"""Runs a command on an emulated machine: starts it, ends it in time, and leaves nothing behind.

Owns the session: the folder of the machine, the command's process, and the faults that come at a time.  Knows nothing
of launchers, and of no scheduler's rules.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time

from hpcmake.record import Record
from hpcmake.testbed.commands.marks import end_marked, hang_node, kill_node
from hpcmake.testbed.commands.state import MARK, NODE, State
from hpcmake.testbed.faults import OF_QUEUE, Fault
from hpcmake.testbed.ground import guard, write_machine
from hpcmake.testbed.machine import job_environment, on_login, outside_jobs, project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.testbed.machine import Machine
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.nouns import Job
    from hpcmake.testbed.queue.serve import Server

NOT_FOUND, NOT_STARTED = 127, 126

LOGIN = ("HOME", "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")
"""What a login on the machine sets, as it is where the testbed is started: a job gets no more of the environment."""

PAYER = "COBALT_PROJ"
"""The variable by which a user of Cobalt names a project once and for all."""

_PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_OF_TERMINAL = 128  # SI_KERNEL: the whole foreground has got it, the command too
_TURN = 5.0
"""Seconds after which a server looks around without being told: nothing depends on it."""


class Ending(Record):
    """How a session has ended: the exit status of its command, how many launches that made, and what went wrong.

    `submitted` jobs there were, and `left` of them were still in the queue; None where there was no queue.
    """

    status: int
    launches: int
    events: tuple[str, ...] = ()
    submitted: int | None = None
    left: int = 0


class Wish(Record):
    """How a command is to be run: with what `environment`, and what goes wrong.

    `renamer` is what `find_renamer` found.  With a `queue`: `poll` is how many seconds its users should wait between
    two looks at it, and `waits` says whether the session goes on until all jobs have ended.
    """

    environment: Mapping[str, str]
    faults: tuple[Fault, ...] = ()
    renamer: str = ""
    poll: float = 0
    waits: bool = False


def hold(machine: Machine, argv: Sequence[str], wish: Wish) -> Ending:
    """Run a command in a job of a machine whose queue is not emulated; return how it ended."""
    folder = tempfile.mkdtemp(prefix="hpcmake-testbed-")
    watch, held = guard(folder)
    try:
        write_machine(folder, machine, wish.faults, wish.renamer)
        around = job_environment(machine, wish.environment, nodefile=os.path.join(folder, "nodefile"), cwd=os.getcwd())
        around["PATH"] = _path(folder, around)
        around[MARK] = folder
        around.setdefault("HPCMAKE_SITE", _site(machine))
        around.pop(NODE, None)
        if machine.site.script_on == "compute-node":
            around[NODE] = machine.nodes[0]
        state = State(folder)
        status = _Session(machine, state, wish).run(argv, around)
        return Ending(status, state.launches(), tuple(state.events()))
    finally:
        os.close(held)
        os.waitpid(watch, 0)


def visit(machine: Machine, queue: Queue, argv: Sequence[str], wish: Wish, job: Job | None = None) -> Ending:
    """Run a command on a machine with a queue: on its login node, or as the script of a job; return how it ended.

    The queue ends with the command, or, if that is wished, when no job is left that runs or can start.
    """
    from hpcmake.testbed.queue.serve import Server

    folder = tempfile.mkdtemp(prefix="hpcmake-testbed-")
    watch, held = guard(folder)
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # while it is blocked it is kept all the same
    server = None
    try:
        write_machine(folder, on_login(machine), wish.faults, wish.renamer)
        more = _told(machine, wish)
        login = find_account() | {name: wish.environment[name] for name in LOGIN if name in wish.environment} | more
        server = Server(folder, machine, queue, faults=wish.faults, login=login, renamer=wish.renamer)
        session = _Session(machine, State(folder), wish, server)
        if job is None:
            around = {**outside_jobs(wish.environment), **more, MARK: folder}
            around["PATH"] = _path(folder, around)
            around.pop(NODE, None)
        else:
            queue.add(job)
            queue.give(job, machine.nodes[: job.count])
            around = server.prepare(job, outside_jobs(wish.environment))
            session.place = server.place(job.number)
            session.end_at(queue.real(job.end or 0.0) - queue.origin)
        status = session.run(argv, around, number=job.number if job else 0)
        left = sum(not each.is_held_here for each in queue.jobs.values())
        if wish.waits:
            server.write_rest()
        launches, noted = 0, []
        if job is not None:
            here = State(session.place)
            launches, noted = here.launches(), here.events()
        events = (*session.state.events(), *noted, *server.upsets.events)
        return Ending(status, launches, events, len(queue.submitted), left)
    finally:
        if server is not None:
            server.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
        os.close(held)
        os.waitpid(watch, 0)


def _told(machine: Machine, wish: Wish) -> dict[str, str]:
    """Return the variables that are set on the login node and in jobs: the site, the poll, and with Cobalt who pays."""
    found = {
        "HPCMAKE_SITE": wish.environment.get("HPCMAKE_SITE") or _site(machine),
        "HPCMAKE_POLL": f"{wish.poll:g}",
    }
    if machine.site.scheduler == "cobalt":
        found[PAYER] = wish.environment.get(PAYER) or project(machine)
    return found


def find_account() -> dict[str, str]:
    """Return the variables that say who we are."""
    import pwd

    try:
        found = pwd.getpwuid(os.getuid())
    except KeyError:
        name = os.environ.get("USER", str(os.getuid()))
        return {"USER": name, "LOGNAME": name, "SHELL": "/bin/sh", "HOME": "/", "PATH": os.defpath}
    who = {"USER": found.pw_name, "LOGNAME": found.pw_name, "SHELL": found.pw_shell or "/bin/sh"}
    return {**who, "HOME": found.pw_dir, "PATH": os.defpath}


def _path(folder: str, environment: Mapping[str, str]) -> str:
    return os.path.join(folder, "bin") + os.pathsep + environment.get("PATH", os.defpath)


def _site(machine: Machine) -> str:
    """Return how the site can be named from anywhere."""
    last = machine.site.files[-1] if machine.site.files else ""
    return last if os.path.isabs(last) else machine.site.name


class _Session:
    """A command while it runs, and the queue beside it."""

    def __init__(self, machine: Machine, state: State, wish: Wish, server: Server | None = None) -> None:
        self.machine = machine
        self.state = state
        self.wish = wish
        self.server = server
        self.place = state.folder
        self.began = time.monotonic()
        self.due = [
            (self.began + fault.at, fault)
            for fault in wish.faults
            if fault.at is not None and fault.kind not in OF_QUEUE
        ]
        if server is None:
            self.end_at(float(machine.end - machine.start))
        self.due.sort(key=lambda entry: entry[0])
        self.pid = 0

    def end_at(self, seconds: float) -> None:
        """Let the command's time be over so many seconds after the start."""
        sudden = any(each.kind == "job-dies" and each.at is None and each.after is None for each in self.wish.faults)
        self._plan(self.began + seconds, "job-dies" if sudden else "end")

    def _plan(self, when: float, kind: str) -> None:
        self.due.append((when, Fault(kind)))
        self.due.sort(key=lambda entry: entry[0])

    def run(self, argv: Sequence[str], environment: Mapping[str, str], *, number: int = 0) -> int:
        """Start the command, as the script of the job with that number if there is one, and see it to its end.

        Return its exit status.
        """
        waited = {*_PASSED, signal.SIGCHLD, signal.SIGIO}
        former = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
        try:
            found = shutil.which(argv[0], path=environment["PATH"])
            if found is None:
                sys.stderr.write(f"testbed: {argv[0]}: command not found\n")
                return NOT_FOUND
            sys.stderr.flush()
            sys.stdout.flush()
            try:
                self.pid = os.posix_spawn(
                    found,
                    list(argv),
                    environment,
                    setsigmask=former - waited,
                    setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGIO],
                )
            except OSError as problem:
                sys.stderr.write(f"testbed: {argv[0]}: {problem.strerror}\n")
                return NOT_STARTED
            status = self._see_to_the_end(waited, number)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)
        return 128 - status if status < 0 else status

    def _see_to_the_end(self, waited: set[signal.Signals], number: int) -> int:
        """Wait for the command, and for the jobs behind it if that is wished; return its status, or minus a signal."""
        server = self.server
        if server is not None and number:
            server.held = number, self.pid
        status: int | None = None
        while True:
            if status is None:
                pid, how = os.waitpid(self.pid, os.WNOHANG)
                if pid:
                    status = os.waitstatus_to_exitcode(how)
                    self.pid = 0
                    if server is not None and number:
                        server.held = number, 0
                        server.tell_end(number, status)
            if server is not None:
                server.turn()
            if status is not None and not (self.wish.waits and server is not None and not server.is_quiet()):
                return status
            rests = [_TURN if server is not None else 3600.0]
            rests += [self.due[0][0] - time.monotonic()] if self.due else []
            if server is not None and (rest := server.rest()) is not None:
                rests.append(rest)
            told = signal.sigtimedwait(waited, max(0.0, min(rests)))
            if told is not None and told.si_signo in _PASSED:
                if not self.pid:
                    return 128 + told.si_signo  # nobody is left who could end by it
                if told.si_code != _OF_TERMINAL:
                    os.kill(self.pid, told.si_signo)
            while self.due and self.due[0][0] <= time.monotonic():
                _, fault = self.due.pop(0)
                self._do(fault)

    def _do(self, fault: Fault) -> None:
        """Do what is due."""
        state, server, kind = self.state, self.server, fault.kind
        if kind == "end":
            if self.pid:
                state.tell("the job's time is over: SIGTERM to its command")
                os.kill(self.pid, signal.SIGTERM)
                speed = 1 if server is None else server.queue.speed
                self._plan(time.monotonic() + self.machine.grace / speed, "job-dies")
        elif kind == "job-dies":
            state.tell("everything in the job was killed")
            if self.place != state.folder or server is None:
                end_marked(self.place)
            else:
                server.kill_jobs()
        elif kind in {"node-dies", "node-hangs"}:
            state.tell(f"node {fault.what} {'died' if kind == 'node-dies' else 'hung'}")
            if server is not None:
                server.break_node(fault.what, hangs=kind == "node-hangs")
            else:
                (kill_node if kind == "node-dies" else hang_node)(state, fault.what)
        elif server is not None:
            server.order(fault)
        else:
            state.order(kind, fault.what)
