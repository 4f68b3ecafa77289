"""Runs attempts on this machine, through one small process that starts and watches them (see node/).

Owns the pipe to that process and what it still holds.  Knows nothing of which attempts there are, nor of what follows.

Tasks are not started from here: a process that is started from a large one counts the pages of the large one as its own
peak, and a driver that is killed could not end them.  The small one notices when the driver's end of its pipe closes.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time

from hpcmake.model import Began, Cut, Lost
from hpcmake.runners.alarm import Alarm
from hpcmake.runners.carrier import Pipe
from hpcmake.runners.process import MARK, end_all_strays
from hpcmake.runners.rows import parse_end, render_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from hpcmake.model import Attempt, Event


def find_node(python: str | None = None) -> list[str]:
    """Return the command that runs the node program: here, or by a Python elsewhere that sees the same files."""
    return [python or sys.executable, "-I", "-S", os.path.join(os.path.dirname(os.path.abspath(__file__)), "node")]


def name_run() -> str:
    """Return a name that no other run has: when it began, by which process."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}-{os.urandom(2).hex()}"


class LocalRunner:
    """A `Runner` (see model.py) for this machine.

    `root` is the campaign's folder; `logs` a folder in which output is kept (made if absent); `mark` is borne by each
    process that is started, so that those a killed driver left are found.  `memory` is in bytes, 0 if it shall not be
    counted; `grace` the seconds between SIGTERM and SIGKILL; `environment` what tasks see, else that of this process;
    `command` what runs the node program.  Raises OSError if the process cannot be started.
    """

    def __init__(  # noqa: PLR0913  # all are named by whoever calls
        self,
        *,
        root: str,
        logs: str,
        mark: str,
        cores: int,
        memory: int = 0,
        gpus: int = 0,
        grace: float = 5.0,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self._root = root
        self._logs = logs
        self._mark = mark
        self._name = name_run()
        self._held: dict[int, str | None] = {}
        self._stamps: dict[int, list[Any]] = {}
        self._ready: list[Event] = []
        self._scratch = ""
        self._lost = False
        self._stop_why = "stop"
        os.makedirs(os.path.join(root, logs), exist_ok=True)
        self._pipe = Pipe(
            command or find_node(),
            environment={**(os.environ if environment is None else environment), MARK: mark + ":node"},
            remarks=os.path.join(root, logs, self._name + ".node"),
        )
        self._process = self._pipe.process
        self._poll = select.poll()
        self._poll.register(self._process.stdout, select.POLLIN)
        self._is_full = False
        self._alarm = Alarm()
        if self._alarm.fileno() >= 0:
            self._poll.register(self._alarm, select.POLLIN)
        self._say(
            {
                "root": os.path.abspath(root),
                "logs": logs,
                "name": self._name,
                "mark": mark,
                "cores": cores,
                "memory": memory,
                "gpus": gpus,
                "grace": grace,
                "beat": 0,
                "scrub": False,
                "encoding": sys.getfilesystemencoding(),
            }
        )

    # ------------------------------------------------------------ what the engine says

    def more(self, attempts: Sequence[Attempt]) -> None:
        """Queue attempts behind those handed out before; each begins as soon as it fits."""
        if self._lost:
            return
        for attempt in attempts:
            self._held.setdefault(attempt.id, attempt.log)
        self._say(["more", *map(render_row, attempts)])

    def forget(self, ids: Iterable[int]) -> None:
        """Take attempts back that have not begun; each answers Cut(why="forgotten")."""
        self._say(["forget", *ids])

    def resume(self) -> None:
        """Begin again what is handed out from now on, after the failure of an attempt that `holds`."""
        self._say(["resume"])

    def drain(self) -> None:
        """Begin nothing more; what has not begun answers Cut(why="stop")."""
        self._say(["drain"])

    def stop(self, how: str, why: str = "stop") -> None:
        """End what runs: `term` asks, and kills after a grace; `kill` kills at once.  Each answers Cut(why)."""
        self._stop_why = why
        self._say(["stop", how])

    def close(self) -> None:
        """End the runner; what still runs is killed."""
        if self._process.stdout < 0:
            return
        self._process.close_stdin()
        if not self._lost:
            self._await_end()
            self._bury()
        self._pipe.close()
        self._alarm.close()

    # ------------------------------------------------------------ what it answers

    def events(self, timeout: float | None) -> list[Event]:
        """Wait for events, at most `timeout` seconds (None: without end); empty if none came, or a signal did."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._ready and not self._lost:
            rest = None if until is None else max(0.0, until - time.monotonic())
            found = dict(self._poll.poll(None if rest is None else rest * 1000))
            if not found:
                break
            if self._process.stdin in found:
                self._pipe.write()
                self._watch()
            if self._process.stdout in found:
                self._read()
            if self._alarm.fileno() in found:
                self._alarm.heed()
                break
        events, self._ready = self._ready, []
        return events

    def _read(self) -> None:
        for row in self._pipe.read():
            try:
                self._take(row)
            except (ValueError, TypeError, IndexError, KeyError):  # not ours: what something else has written
                self._pipe.remark(repr(row).encode())
        if self._pipe.ended:
            self._lose()

    def _take(self, row: list[Any]) -> None:
        kind = row[0]
        if kind == "b":
            if row[1] in self._held:
                self._ready.append(Began(row[1], row[2]))
        elif kind == "e":
            self._take_end(row)
        elif kind == "s":
            if row[1] in self._held:
                self._stamps.setdefault(row[1], []).extend(row[2:])
        elif kind == "c":
            if row[1] in self._held:
                del self._held[row[1]]
                self._stamps.pop(row[1], None)
                self._ready.append(Cut(row[1], self._stop_why if row[2] == "stop" else row[2], row[3]))
        elif kind == "up":
            self._node, self._scratch = row[2], row[3]
        else:
            self._pipe.remark(repr(row).encode())

    def _take_end(self, row: list[Any]) -> None:
        number = row[1]
        if number in self._held:
            logs = f"{self._logs}/{self._name}"
            ended = parse_end(row, self._stamps.get(number, []), node=self._node, logs=logs, own=self._held[number])
            del self._held[number]
            self._stamps.pop(number, None)
            self._ready.append(ended)

    def _say(self, words: object) -> None:
        if not self._lost:
            self._pipe.say(words)
            self._watch()

    def _watch(self) -> None:
        """Wait for room in the pipe if, and only if, there is something to write."""
        if self._pipe.unsent != self._is_full:
            self._is_full = self._pipe.unsent
            if self._is_full:
                self._poll.register(self._process.stdin, select.POLLOUT)
            else:
                self._poll.unregister(self._process.stdin)

    # ------------------------------------------------------------ the end

    def _lose(self) -> None:
        """Its end has come unasked: end what it has left, and tell."""
        self._lost = True
        self._process.kill()
        self._process.wait()
        self._bury()
        said = self._pipe.last_words()
        self._poll.unregister(self._process.stdout)
        self._held.clear()
        self._ready.append(Lost(said or f"the process that runs tasks ended with status {self._process.status}"))

    def _bury(self) -> None:
        """End what the node left, and remove its scripts; a node that ended by itself leaves neither."""
        if self._process.status != 0:
            end_all_strays(self._mark + ":")
            if self._scratch:
                from hpcmake.runners.node.scratch import remove_scratch

                remove_scratch(self._scratch)

    def _await_end(self) -> None:
        """Wait until the node has ended, which takes as long as killing its tasks does."""
        until = time.monotonic() + 10
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        while (rest := until - time.monotonic()) > 0:
            if poll.poll(rest * 1000):
                with contextlib.suppress(BlockingIOError):
                    if not os.read(self._process.stdout, 1 << 20):
                        break
        else:
            self._process.kill()
        self._process.wait()
