"""Signals that ask a run to end: the first lets what runs finish, the second ends it, the third kills it.

Owns their count, and what each asks of the drive.  Knows nothing of tasks.
"""

from __future__ import annotations

import atexit
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from hpcmake.app.drive import Drive

_CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Catches signals while it is entered."""

    def __init__(self) -> None:
        self.count = 0
        self.terminated = False
        """Whether one came that was no Ctrl-C."""
        self._heeded = 0
        self._former: dict[int, object] = {}

    def stay(self) -> None:
        """Catch signals until this process ends: who is asked to end while it does needs no other answer."""
        self.__enter__()
        atexit.register(_ignore)

    def __enter__(self) -> None:
        self._former = {number: signal.signal(number, self._on_signal) for number in _CAUGHT}

    def __exit__(self, *_: object) -> None:
        for number, action in self._former.items():
            signal.signal(number, action)  # type: ignore[arg-type]  # as it was given to us

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1 if number == signal.SIGINT else max(1, 2 - self.count)
        self.terminated = self.terminated or number != signal.SIGINT

    def heed(self, drive: Drive) -> None:
        """Do what new signals ask for: start nothing more; end what runs; end it at once."""
        while self._heeded < self.count:
            self._heeded += 1
            running = sum(1 for handed in drive.handed.values() if handed.began)
            drive.engine.stop()
            if not drive.has_runner:
                continue
            why = "term" if self.terminated else "stop"
            if self._heeded == 1:
                drive.forget_unbegun()
                tasks = "1 task is" if running == 1 else f"{running} tasks are"
                text = f"stopping: nothing more is started, {tasks} still running; Ctrl-C again ends them"
                if not self.terminated:
                    drive.voice.tell({"kind": "note", "text": text})
            elif self._heeded == 2:  # noqa: PLR2004  # the second signal
                drive.runner.stop("term", why)
                again = "" if self.terminated else "; Ctrl-C again kills it"
                drive.voice.tell({"kind": "note", "text": f"ending what runs{again}"})
            else:
                drive.runner.stop("kill", why)


def _ignore() -> None:
    """Heed signals no more: while the interpreter shuts down it has no handlers, and one would end the process."""
    for number in _CAUGHT:
        signal.signal(number, signal.SIG_IGN)
