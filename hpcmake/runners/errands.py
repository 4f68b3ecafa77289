"""Errands: short commands that run beside a run, several at once, and what they have answered.

Owns their processes.  Knows nothing of what they are for.
"""

from __future__ import annotations

import os
import time

from hpcmake.record import Record
from hpcmake.runners.doors import find_argv
from hpcmake.runners.process import spawn
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from hpcmake.runners.process import Process

_LOOK_EVERY = 0.05
_NOT_THERE = 127


class Answer(Record):
    """What an errand has come to: its number, its exit status (negative: a signal), and what it said."""

    number: int
    status: int
    out: str
    err: str


class _Errand:
    def __init__(self, process: Process, err: BinaryIO, name: str, seconds: float) -> None:
        self.process = process
        self.err = err
        self.out = bytearray()
        self._name = name
        self._seconds = seconds
        self._until = time.monotonic() + seconds

    def heed_time(self) -> None:
        if time.monotonic() > self._until and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            text = f"\n{self._name} did not end within {render_duration(self._seconds)}\n"
            os.write(self.err.fileno(), text.encode())

    def read(self) -> None:
        while True:
            try:
                piece = os.read(self.process.stdout, 1 << 16)
            except BlockingIOError:
                return
            if not piece:
                return
            self.out += piece


class Errands:
    """Commands that were started and have not been asked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._running: dict[int, _Errand] = {}
        self._ended: list[Answer] = []

    def __len__(self) -> int:
        return len(self._running) + len(self._ended)

    def start(self, number: int, argv: Sequence[str], seconds: float) -> None:
        """Start a command, which is killed after so long; one that cannot be started is answered like any other."""
        import tempfile

        err = tempfile.TemporaryFile()  # noqa: SIM115  # it is open as long as the errand runs
        try:
            process = spawn(find_argv(argv, self._environment), environment=self._environment, stderr=err.fileno())
        except OSError as problem:
            err.close()
            text = f"{argv[0]}: {problem.strerror or problem}"
            self._ended.append(Answer(number, _NOT_THERE, "", text))
            return
        process.close_stdin()
        os.set_blocking(process.stdout, False)
        self._running[number] = _Errand(process, err, argv[0], seconds)

    def take_ended(self) -> list[Answer]:
        """Return what has ended since this was asked last."""
        for number, errand in list(self._running.items()):
            errand.read()
            errand.heed_time()
            status = errand.process.poll()
            if status is not None:
                del self._running[number]
                self._ended.append(self._answer(number, errand, status))
        ended, self._ended = self._ended, []
        return ended

    def _answer(self, number: int, errand: _Errand, status: int) -> Answer:
        errand.read()
        errand.process.close()
        errand.err.seek(0)
        said = errand.err.read()
        errand.err.close()
        return Answer(number, status, errand.out.decode(errors="replace"), said.decode(errors="replace"))

    def end(self) -> None:
        """End all that run, with all that they have started, and forget them."""
        for number, errand in self._running.items():
            errand.process.kill()
            self._answer(number, errand, errand.process.wait())
        self._running.clear()
        self._ended.clear()

    def finish(self, seconds: float) -> list[Answer]:
        """Wait until all have ended, at most so long; return what they have answered, and end the others."""
        until = time.monotonic() + seconds
        answers = self.take_ended()
        while self._running and time.monotonic() < until:
            time.sleep(_LOOK_EVERY)
            answers += self.take_ended()
        self.end()
        return answers
