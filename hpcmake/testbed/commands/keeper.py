"""Runs the ranks of a launch and sees them to their end, as the daemons of the nodes do.

Owns a launch from its claim to its release; it outlives the launcher that was killed.  Knows nothing of how a launcher
is asked, nor of what it says.
"""

from __future__ import annotations

import os
import select
import signal
import time

from .breakage import Breakage
from .face import NOBODY, Outcome
from .marks import end_marked, hang_node, kill_node, send
from .ranks import spawn
from .refusal import Refusal, Unclaimed
from .relay import Relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .face import Face, Rank, Step
    from .state import State

RETRY = 0.05
"""Seconds between two looks for free nodes."""

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL where a launch is ended since one of its ranks failed."""


class Keeper:
    """Keeps one launch.

    `heard` brings the numbers of signals from the launcher, and its end; `told` takes what it shall say.
    """

    def __init__(self, state: State, face: Face, step: Step, heard: int, told: int) -> None:
        self.state = state
        self.face = face
        self.step = step
        self.heard = heard
        self.told = told
        self.ranks: list[Rank] = []
        self.by_pid: dict[int, Rank] = {}
        self.alone = False  # whether the launcher is gone
        self.ended_by = ""
        self.last_signal = 0.0
        self.due: list[tuple[float, str]] = []  # when, which signal
        self.poll = select.poll()
        self.relay: Relay | None = None
        self.null = -1

    def run(self) -> None:
        """Run the launch from its beginning to its end."""
        os.setsid()
        self._catch_signals()
        number = self.state.begin()
        try:
            breakage = Breakage(self.state, number)
            if breakage.fails:
                raise self.face.fail(number)
            names = self._claim(number)
        except Refusal as refusal:
            self._tell(list(refusal.out), list(refusal.lines), refusal.status)
            return
        try:
            self._pause(breakage.pause)
            self.ranks = self.face.place(self.step, names, number)
            if not self.alone:
                self._start(number, breakage)
            self._break(number, breakage)
            self._see_to_the_end()
            if not all(rank.status == 0 for rank in self.ranks) or self._left_something():
                end_marked(self.state.folder, launch=number)
        finally:
            self.state.release(number)
        down = self.state.marked("down")
        lost = [name for name in names if name in down and any(r.node == name and r.status for r in self.ranks)]
        self._tell(*self.face.ended(Outcome(number, self.step, self.ranks, lost, self.ended_by)))

    def _catch_signals(self) -> None:
        """Hear of children; be deaf to all else, since what reaches the launcher comes by its pipe."""
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for each in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(each, signal.SIG_IGN)
        self.poll.register(self.wake, select.POLLIN)
        self.poll.register(self.heard, select.POLLIN)

    # ------------------------------------------------------------ the beginning

    def _claim(self, number: int) -> list[str]:
        """Claim the nodes; wait for them if this launcher does.  Raises Refusal."""
        words = self.face.begun(number)
        waited = False
        while True:
            try:
                names = self.state.claim(number, self.step.want)
            except Unclaimed as reason:
                if reason.why not in self.face.busy or not self.step.waits:
                    raise self.face.refuse(reason, self.step) from None
                if not waited and words:
                    os.write(2, (words[0] + "\n").encode("utf-8", "surrogateescape"))
                waited = True
                self._pause(RETRY)
                if self.alone or self.ended_by:
                    raise Refusal(status=1) from None
                continue
            if waited and words:
                os.write(2, (words[1] + "\n").encode("utf-8", "surrogateescape"))
            return names

    def _pause(self, seconds: float) -> None:
        """Wait so long, or until the launcher is gone or has been ended."""
        until = time.monotonic() + seconds
        while not self.alone and not self.ended_by and time.monotonic() < until:
            self._wait(until)

    def _start(self, number: int, breakage: Breakage) -> None:
        """Start the ranks, but for those whose node hangs."""
        hung = self.state.marked("hung")
        if self.step.relayed or breakage.loses or os.isatty(0):
            self.relay = Relay(self.poll, self.step, breakage, len(self.ranks))
        for rank in self.ranks:
            if rank.node in hung:
                continue
            streams = self.relay.streams(rank) if self.relay else self._streams(rank)
            try:
                rank.pid = spawn(self.state, self.step, rank, number, streams)
                self.by_pid[rank.pid] = rank
            except OSError as problem:
                lines, rank.status = self.face.unstarted(rank, problem)
                os.write(2, "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape"))
            finally:
                if self.relay:
                    self.relay.started(rank)
        self._catch_up(hung)
        if self.step.limit:
            self.due.append((time.monotonic() + self.step.limit, "time"))
        if not self.relay:
            self._drop_streams()

    def _catch_up(self, hung: set[str]) -> None:
        """See to ranks whose node has died or hung while they were being started."""
        down, new = self.state.marked("down"), self.state.marked("hung") - hung
        send([rank.pid for rank in self.ranks if rank.pid and rank.node in down], signal.SIGKILL)
        send([rank.pid for rank in self.ranks if rank.pid and rank.node in new], signal.SIGSTOP)

    def _break(self, number: int, breakage: Breakage) -> None:
        """Let go wrong what was ordered for the moment when so many launches have begun."""
        told = f"{number} launch{'es' if number > 1 else ''}"
        for name in breakage.dying:
            self.state.tell(f"node {name} died after {told}")
            kill_node(self.state, name)
        for name in breakage.hanging:
            self.state.tell(f"node {name} hung after {told}")
            hang_node(self.state, name)
        if breakage.kills_all:
            self.state.tell(f"everything in the job was killed after {told}")
            end_marked(self.state.folder)

    def _streams(self, rank: Rank) -> tuple[int, int, int]:
        reader = {"first": "0", NOBODY: ""}.get(self.step.stdin, self.step.stdin)
        if str(rank.number) == reader:
            return (0, 1, 2)
        if self.null < 0:
            self.null = os.open(os.devnull, os.O_RDONLY)
        return (self.null, 1, 2)

    def _drop_streams(self) -> None:
        """Hold none of the launcher's streams, so that who reads them sees the end of the last rank."""
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)

    # ------------------------------------------------------------ until the end

    def _see_to_the_end(self) -> None:
        while any(rank.status is None for rank in self.ranks) or (self.relay and not self.relay.ended()):
            if self.alone and not self.step.stays:
                break
            self._wait(min((when for when, _ in self.due), default=None))
            now = time.monotonic()
            for when, name in [each for each in self.due if each[0] <= now]:
                self.due.remove((when, name))
                if name == "time":
                    self.ended_by = "time"
                    self._send("TERM")
                    self.due.append((now + GRACE, "KILL"))
                else:
                    self._send(name)
        if self.alone and not self.step.stays:
            self._send("KILL")

    def _wait(self, until: float | None) -> None:
        """Wait until something happens, and take it in."""
        rest = None if until is None else max(0.0, until - time.monotonic()) * 1000
        found = self.poll.poll(rest)
        found.sort(key=lambda pair: pair[0] != self.heard)  # a dead launcher passes nothing on
        for descriptor, events in found:
            if descriptor == self.wake:
                os.read(self.wake, 4096)
                self._reap()
            elif descriptor == self.heard:
                numbers = os.read(self.heard, 512)
                for number in numbers:
                    self._on_signal(number)
                if not numbers:
                    self._on_orphaned()
            elif self.relay:
                self.relay.serve(descriptor, events)

    def _on_signal(self, number: int) -> None:
        """Do what this launcher does at a signal."""
        name = signal.Signals(number).name.removeprefix("SIG")
        now = time.monotonic()
        again = bool(self.last_signal) and now - self.last_signal < 1
        self.last_signal = now
        lines, sent = self.face.on_signal(name, again=again, number=number, ranks=self.ranks)
        self._say(lines)
        if sent:
            self.ended_by = "signal"
            self._send(sent)

    def _on_orphaned(self) -> None:
        """The launcher was killed."""
        self.alone = True
        self.poll.unregister(self.heard)
        if self.relay:
            self.relay.cut()

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            rank = self.by_pid.get(pid)
            if rank is None:
                continue
            rank.status = os.waitstatus_to_exitcode(status)
            rank.usage = (usage.ru_utime, usage.ru_stime, usage.ru_maxrss, usage.ru_inblock, usage.ru_oublock)
            if self.face.ends_others(rank) and not self.ended_by:
                self.ended_by = "rank"
                self._send("TERM")
                self.due.append((time.monotonic() + GRACE, "KILL"))

    def _send(self, name: str) -> None:
        """Send a signal to all ranks that run."""
        number = getattr(signal, "SIG" + name)
        send([rank.pid for rank in self.ranks if rank.pid and rank.status is None], number)
        if number == signal.SIGKILL:
            for rank in self.ranks:
                if not rank.pid and rank.status is None:
                    rank.status = -9

    def _left_something(self) -> bool:
        """Tell whether a rank has left processes in its session."""
        for rank in self.ranks:
            try:
                os.killpg(rank.pid or 1 << 30, 0)
            except OSError:
                continue
            return True
        return False

    def _say(self, lines: list[str]) -> None:
        """Let the launcher say something on stderr now."""
        self._write("".join(f"2 {line}\n" for line in lines))

    def _tell(self, out: list[str], err: list[str], status: int) -> None:
        """Let the launcher say how it ended, and exit."""
        self._write("".join([*(f"1 {line}\n" for line in out), *(f"2 {line}\n" for line in err), f"x {status}\n"]))

    def _write(self, text: str) -> None:
        rest = text.encode("utf-8", "surrogateescape")
        try:
            while rest:
                rest = rest[os.write(self.told, rest) :]
        except OSError:
            pass  # the launcher is gone
