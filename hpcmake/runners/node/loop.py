"""The loop of a node: hears the driver, lets begin and end what is due, and answers.

Owns what is waited for.  Knows nothing of what becomes of a task.
"""

import os
import select
import signal
import sys
import time

from .answers import Answers
from .attempts import Attempts
from .timers import NEVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .inlets import Mailbox, Pipe

KNOWN = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGQUIT}


class Node:
    """Runs what it is given.

    `start`: root, logs (folder), name (of this run's logs), mark, cores, memory (bytes; 0: not counted), gpus, grace
    (seconds between SIGTERM and SIGKILL), beat (seconds without a word after which the driver is dead; 0: for ever),
    tell (seconds between two signs of life; 0, which may be left out: none), scrub (whether to remove what a launcher
    left in the environment), encoding (of file names); and, where they differ from 0: spool (whether output goes by way
    of the scratch to one log, see output.py), latency (seconds for which a file that was made elsewhere may not show),
    grain (ns in whole multiples of which mtimes are compared), distant (whether what runs here makes files on other
    machines, so that outputs too may show late).  `scratch`: the folder for scripts; none if it cannot be made.
    """

    def __init__(self, start: "dict[str, Any]", inlet: "Pipe | Mailbox", outlet: int, scratch: str) -> None:
        self.inlet = inlet
        self.answers = Answers(outlet, inlet.rank, inlet.together)
        logs = "{}/{}.".format(start["logs"], start["name"]) + (f"{inlet.rank}." if inlet.rank >= 0 else "")
        self.attempts = Attempts(start, self.answers, logs, scratch)
        self.heard = time.monotonic()
        self.beat = start["beat"] or NEVER
        self.tell = start.get("tell") or NEVER
        self.telling = self.heard + self.tell
        self.over = False
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end)
        for number in KNOWN:
            signal.signal(number, lambda _number, _frame: None)  # a function, since tasks would inherit SIG_IGN
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        self.poll = select.poll()
        if inlet.fd >= 0:
            self.poll.register(inlet.fd, select.POLLIN)
        self.poll.register(self.wake, select.POLLIN)
        self.poll.register(outlet, 0)

    def greet(self) -> None:
        """Say who and where we are."""
        version = ".".join(map(str, sys.version_info[:3]))
        self.answers.say("up", os.getpid(), os.uname()[1], self.attempts.slots.scratch, version, count_cores())
        self.answers.flush(now=True)

    def run(self) -> None:
        """Run until the driver ends it or is silent for too long, or SIGTERM came and all has ended."""
        attempts = self.attempts
        while not self.over:
            self.wait()
            attempts.on_time()
            attempts.begin_all()
            now = time.monotonic()
            if now >= self.telling:
                self.telling = now + self.tell
                if not self.answers.blocked:
                    self.answers.say("a", len(attempts.room.running), len(attempts.room.waiting))
            self.answer()
            if now - self.heard > self.beat or (attempts.closed == "term" and not attempts.room.running):
                self.over = True

    def wait(self) -> None:
        """Wait until something happens or is due, and take it in."""
        look = self.inlet.due(short=self.attempts.room.is_short())
        dead = self.heard + self.beat
        until = min(self.attempts.due(), dead, self.telling, self.answers.due() or NEVER, look)
        rest = None if until == NEVER else max(0.0, until - time.monotonic()) * 1000
        for fd, what in self.poll.poll(rest):
            if fd == self.inlet.fd:
                self.hear()
            elif fd == self.wake:
                if signal.SIGTERM in os.read(self.wake, 4096):
                    self.attempts.stop("term", "term")
                self.attempts.reap()
            elif what & ~select.POLLOUT:
                self.over = True  # nobody is there to be answered
        if time.monotonic() >= look:
            self.hear()

    def answer(self) -> None:
        """Send answers: at once if nothing waits to begin."""
        blocked = self.answers.blocked
        self.answers.flush(now=not self.attempts.room.waiting)
        if self.answers.blocked != blocked:
            self.poll.modify(self.answers.outlet, select.POLLOUT if self.answers.blocked else 0)
        self.over = self.over or self.answers.broken

    def hear(self) -> None:
        """Read what the driver wrote, and do it."""
        lines = self.inlet.read()
        if self.inlet.heard:
            self.heard = time.monotonic()
        self.over = self.over or self.inlet.ended
        for line in lines:
            try:
                word, *rest = self.inlet.parse(line)
                self.obey(word, rest)
            except (ValueError, TypeError, IndexError, KeyError) as error:  # noqa: PERF203  # torn on its way
                self.answers.tell("w", f"not understood: {line[:80]!r} ({error!r})"[:300])

    def obey(self, word: str, rest: "list[Any]") -> None:
        """Do one thing that the driver says."""
        if word == "more":
            self.attempts.add(rest)
        elif word == "forget":
            self.attempts.forget(rest)
        elif word == "ask":
            self.attempts.ask(rest)
        elif word == "resume":
            self.attempts.resume()
        elif word == "drain":
            self.attempts.close("stop")
        elif word == "stop":
            self.attempts.stop(rest[0], "stop")
        elif word == "end":
            self.over = True

    def abandon(self) -> None:
        """End all that runs, and tell of it what can be told."""
        self.attempts.abandon()
        self.answers.flush(now=True)


def count_cores() -> int:
    """Return how many cores this process, and so its tasks, may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
