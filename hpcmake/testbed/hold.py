"""Holds a job on an emulated machine for one command: starts it, ends it in time, and leaves nothing behind.

Owns the folder of the machine's state, the job's time, and the faults that come at a time.  Knows nothing of launchers.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from hpcmake.record import Record
from hpcmake.testbed.commands.marks import end_marked, hang_node, kill_node
from hpcmake.testbed.commands.state import MARK, NODE, State
from hpcmake.testbed.machine import job_environment, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.testbed.faults import Fault
    from hpcmake.testbed.machine import Machine

COMMANDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "commands", "__main__.py")

NOT_FOUND, NOT_STARTED = 127, 126

_PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_OF_TERMINAL = 128  # SI_KERNEL: the whole foreground has got it, the command too
_RENAMES = ("unshare --uts", "unshare --user --map-current-user --keep-caps --uts")
"""Commands that give a process a host name of its own: as root, and as anybody where user namespaces are allowed."""


class Job(Record):
    """How a job has come to its end: the exit status of its command, how many launches it made, and what went wrong."""

    status: int
    launches: int
    events: tuple[str, ...] = ()


def hold(
    machine: Machine,
    argv: Sequence[str],
    *,
    faults: Sequence[Fault] = (),
    environment: Mapping[str, str],
    renamer: str = "",
    on_script: bool = False,
) -> Job:
    """Run a command in a job of a machine; return how it ended.

    `renamer` is what `find_renamer` found; `on_script` tells whether the command runs on the first of the nodes, and
    dies with it.
    """
    folder = tempfile.mkdtemp(prefix="hpcmake-testbed-")
    guard, held = _guard(folder)
    try:
        write_machine(folder, machine, faults, renamer)
        around = job_environment(machine, environment, nodefile=os.path.join(folder, "nodefile"), cwd=os.getcwd())
        around["PATH"] = os.path.join(folder, "bin") + os.pathsep + environment.get("PATH", os.defpath)
        around[MARK] = folder
        around.setdefault("HPCMAKE_SITE", machine.site.files[-1] if _is_path(machine) else machine.site.name)
        around.pop(NODE, None)
        if on_script:
            around[NODE] = machine.nodes[0]
        state = State(folder)
        status = _Holding(machine, state, faults).run(argv, around)
        return Job(status, state.launches(), tuple(state.events()))
    finally:
        os.close(held)
        os.waitpid(guard, 0)


def _guard(folder: str) -> tuple[int, int]:
    """Start a process that ends everything inside when we have ended, even if we were killed.

    Return its id, and a descriptor: when this is closed, it does its work, and ends.
    """
    watched, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()  # out of reach of a terminal's Ctrl-C
            os.close(held)
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            os.read(watched, 1)
            end_marked(folder)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os._exit(0)
    os.close(watched)
    return pid, held


def _is_path(machine: Machine) -> bool:
    return bool(machine.site.files) and os.path.isabs(machine.site.files[-1])


def write_machine(folder: str, machine: Machine, faults: Sequence[Fault], renamer: str) -> None:
    """Write the state of a machine into a folder, with its commands in `bin`."""

    def write(name: str, lines: Sequence[str]) -> None:
        with open(os.path.join(folder, name), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("".join(line + "\n" for line in lines))

    told = settings(machine, python=sys.executable, hostnames=renamer)
    write("machine", [f"{key}={value}" for key, value in told.items()])
    write("nodes", machine.nodes)
    write("nodefile", machine.nodes)
    write("faults", [f"{fault.kind} {fault.what} {fault.after or 0}" for fault in faults if fault.at is None])
    os.mkdir(os.path.join(folder, "bin"))
    for name, kind in machine.commands:
        words = " ".join(_quoted(word) for word in (sys.executable, "-I", "-S", COMMANDS, folder, kind))
        write(os.path.join("bin", name), ["#!/bin/sh", f'exec {words} "$@"'])
        os.chmod(os.path.join(folder, "bin", name), 0o755)  # noqa: S103  # they are programs


def _quoted(word: str) -> str:
    quoted = word.replace("'", "'\\''")
    return f"'{quoted}'"


def find_renamer() -> str:
    """Return the command that gives a program a host name of its own; empty if this machine allows none."""
    script = 'echo testbed >/proc/sys/kernel/hostname && test "$(uname -n)" = testbed'
    for words in _RENAMES:
        program = shutil.which(words.split()[0])
        if program is None:
            continue
        argv = [program, *words.split()[1:]]
        done = subprocess.run([*argv, "/bin/sh", "-c", script], capture_output=True, check=False)
        if done.returncode == 0:
            return " ".join(argv)
    return ""


class _Holding:
    """A job while its command runs."""

    def __init__(self, machine: Machine, state: State, faults: Sequence[Fault]) -> None:
        self.machine = machine
        self.state = state
        began = time.monotonic()
        length = float(machine.end - machine.start)
        sudden = any(fault.kind == "job-dies" and fault.at is None and fault.after is None for fault in faults)
        self.due: list[tuple[float, str, str]] = [(began + length, "job-dies" if sudden else "end", "")]
        self.due += [(began + fault.at, fault.kind, fault.what) for fault in faults if fault.at is not None]
        self.due.sort()
        self.pid = 0

    def run(self, argv: Sequence[str], environment: Mapping[str, str]) -> int:
        """Start the command and see it to its end; return its exit status."""
        waited = {*_PASSED, signal.SIGCHLD}
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
                    setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
                )
            except OSError as problem:
                sys.stderr.write(f"testbed: {argv[0]}: {problem.strerror}\n")
                return NOT_STARTED
            status = self._see_to_the_end(waited)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)
        return 128 - status if status < 0 else status

    def _see_to_the_end(self, waited: set[signal.Signals]) -> int:
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            rest = max(0.0, self.due[0][0] - time.monotonic()) if self.due else 3600.0
            told = signal.sigtimedwait(waited, rest)
            if told is not None and told.si_signo != signal.SIGCHLD and told.si_code != _OF_TERMINAL:
                os.kill(self.pid, told.si_signo)
            while self.due and self.due[0][0] <= time.monotonic():
                _, kind, what = self.due.pop(0)
                self._do(kind, what)

    def _do(self, kind: str, what: str) -> None:
        """Do what is due."""
        state = self.state
        if kind == "end":
            state.tell("the job's time is over: SIGTERM to its command")
            os.kill(self.pid, signal.SIGTERM)
            self.due.append((time.monotonic() + self.machine.grace, "job-dies", ""))
        elif kind == "job-dies":
            state.tell("everything in the job was killed")
            end_marked(state.folder)
        elif kind == "node-dies":
            state.tell(f"node {what} died")
            kill_node(state, what)
        elif kind == "node-hangs":
            state.tell(f"node {what} hung")
            hang_node(state, what)
        else:
            state.order(kind, what)
