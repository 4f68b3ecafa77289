"""The node program as its driver sees it: over two pipes, or as ranks of one launch that read a mailbox."""

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from hpcmake.runners.local import find_node

LONGEST = 10.0
"""Seconds after which an answer is taken not to come."""


def start_object(**more: object) -> dict[str, object]:
    """Return what a node is told first."""
    standard = {"root": ".", "logs": ".", "name": "log", "mark": f"node-{os.getpid()}", "cores": 2, "memory": 0}
    standard |= {"gpus": 0, "grace": 0.2, "beat": 0, "scrub": False, "encoding": "utf-8"}
    return {**standard, **more}


class Node:
    """A node program and its two pipes."""

    def __init__(self, environment: dict[str, str], command: Sequence[str] = (), **start: object) -> None:
        self.launch(environment, command)
        self.say(start_object(**start))
        self.up = self.hear("up")
        assert self.up[1] == self.process.pid

    def launch(self, environment: dict[str, str], command: Sequence[str] = ()) -> None:
        """Start it, and say nothing."""
        self._unread = b""
        self.process = subprocess.Popen(
            command or find_node(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
        )

    def say(self, words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")

    def hear(self, kind: str) -> list[Any]:
        """Return the next answer of a kind."""
        while line := self._read_line():
            assert len(line) <= 1000
            row: list[Any] = json.loads(line)
            if row[0] == kind:
                return row
        pytest.fail(f"no {kind} came")

    def _read_line(self) -> bytes:
        assert self.process.stdout is not None
        until = time.monotonic() + LONGEST
        while b"\n" not in self._unread:
            if not select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                break
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                break
            self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def close(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        status = self.process.wait()
        self.process.stdout.close()
        return status


class Launch:
    """Ranks on this machine that read one mailbox and write to one pipe, which keeps apart what each write wrote."""

    def __init__(self, mailbox: Path) -> None:
        self.mailbox = mailbox
        self.ranks: list[subprocess.Popen[bytes]] = []
        self.writes: list[bytes] = []
        self.heard: list[list[Any]] = []
        self._outlet, self._inlet = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._outlet, select.POLLIN)

    def start(self, environment: dict[str, str]) -> None:
        """Start one more rank."""
        argv = [*find_node(), str(self.mailbox)]
        environment = {**os.environ, **environment}
        self.ranks.append(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self._inlet, env=environment))

    def post(self, *lines: object) -> None:
        """Append lines to the mailbox."""
        self.append("".join(json.dumps(line) + "\n" for line in lines))

    def append(self, text: str) -> None:
        with open(self.mailbox, "a", encoding="utf-8") as file:
            file.write(text)

    def answers(self) -> Iterator[list[Any]]:
        """Give answers as they come, each with its rank before it."""
        until = time.monotonic() + LONGEST
        while self._poll.poll(max(0.0, until - time.monotonic()) * 1000):
            packet = os.read(self._outlet, 65536)
            self.writes.append(packet)
            rows = [json.loads(line) for line in packet.splitlines()]
            self.heard += rows
            yield from rows
        pytest.fail(f"no more answers come; until then: {self.heard}")

    def hear(self, kind: str, count: int = 1) -> list[list[Any]]:
        """Return the next answers of a kind, sorted by rank and id."""
        found: list[list[Any]] = []
        for row in self.answers():
            if row[1] == kind:
                found.append(row)
                if len(found) == count:
                    break
        return sorted(found)

    def hang_up(self) -> None:
        """Read nothing more, as a launcher that was killed."""
        os.close(self._outlet)
        self._outlet = os.open(os.devnull, os.O_RDONLY)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _why: BaseException | None, _at: TracebackType | None
    ) -> None:
        for rank in self.ranks:
            rank.terminate()
            rank.wait()
        os.close(self._outlet)
        os.close(self._inlet)
