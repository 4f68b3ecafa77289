"""An hpcmake that drives a campaign of the cluster, as a process that a test can watch, interrupt, freeze and kill."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from slurm.queue import Queued

LONGEST = 240
"""Seconds after which a test no longer waits."""


class Driver:
    """An hpcmake that was started where users log in."""

    def __init__(self, campaign: Queued, told: Path, words: list[str], environment: Mapping[str, str]) -> None:
        self.campaign = campaign
        self.path = told
        self.words = words
        cluster = campaign.slurm.cluster
        kept = {name: value for name, value in cluster.environment.items() if not name.startswith("HPCMAKE")}
        with told.open("w") as out:
            self.process = subprocess.Popen(
                cluster.words(*words, root=campaign.root),
                env={**kept, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        """What it has written by now."""
        return self.path.read_text(errors="replace")

    @property
    def has_ended(self) -> bool:
        """Whether it has."""
        return self.process.poll() is not None

    def end(self) -> int:
        """Wait for its end, and return its exit status."""
        self.campaign.until(lambda: self.has_ended, "the driver ends")
        return self.process.returncode

    def until(self, found: Callable[[], Any], what: str, seconds: float = LONGEST) -> None:
        """Wait for a condition; the driver must not end before."""

        def holds() -> Any:
            value = found()
            if not value:
                assert not self.has_ended, f"the driver has ended before {what}\n{self.campaign.told()}"
            return value

        self.campaign.until(holds, what, seconds)

    def until_told(self, words: str, seconds: float = LONGEST) -> None:
        """Wait until it has written something."""
        self.until(lambda: words in self.text, f"it says “{words}”", seconds)

    def send(self, number: int) -> None:
        """Send it a signal."""
        for each in self._own():
            os.kill(each.pid, number)

    def freeze(self) -> None:
        """Stop it, as when its login node hangs."""
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on, and what has stopped with it."""
        self.process.send_signal(signal.SIGCONT)
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it, as a login node does that crashes: itself first, then what it has started."""
        found = self._own()
        for each in [*found, *(child for one in found for child in children_of(one))]:
            try:
                os.kill(each.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def _own(self) -> list[psutil.Process]:
        return children_of(psutil.Process(self.process.pid), deep=False) if not self.has_ended else []

    def __str__(self) -> str:
        return f"--- {' '.join(self.words[1:])}: {self.process.poll()}\n{self.text}"


def children_of(process: psutil.Process, *, deep: bool = True) -> list[psutil.Process]:
    try:
        found: Iterable[psutil.Process] = process.children(recursive=deep)
    except psutil.Error:
        return []
    return list(found)
