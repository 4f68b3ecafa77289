"""An emulated machine in a folder, for tests: its commands are run one by one, without a job's command around them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from hpcmake.site import NodeKind
from hpcmake.sites import read_site
from hpcmake.testbed.commands.marks import end_marked
from hpcmake.testbed.commands.state import MARK, State
from hpcmake.testbed.faults import parse_faults
from hpcmake.testbed.ground import find_renamer, write_machine
from hpcmake.testbed.machine import default_nodes, job_environment, make_machine

if TYPE_CHECKING:
    from pathlib import Path

START = 2_000_000_000
RENAMER = find_renamer()


SLURM = NodeKind("test", 8, memory=8000 * 2**20)
"""Nodes for a site that describes none."""

WAITS = "echo ready; exec sleep 1000"
"""What a rank does that is waited for by `Bed.ready`."""


class Done:
    """How a command has ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    def __repr__(self) -> str:
        return f"exit {self.status}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Bed:
    """A machine, and what is started on it."""

    def __init__(
        self, folder: Path, name: str, nodes: int | None, kind: NodeKind | None, faults: tuple[str, ...]
    ) -> None:
        self.folder = str(folder)
        site = read_site(name, {})
        count = default_nodes(site) if nodes is None else nodes
        self.machine = make_machine(site, kind or site.nodes[0], count=count, start=START, seconds=1800)
        write_machine(self.folder, self.machine, parse_faults(faults, self.machine.nodes), RENAMER)
        self.state = State(self.folder)
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("HPCMAKE", "PYTEST"))}
        nodefile = os.path.join(self.folder, "nodefile")
        self.environment = job_environment(self.machine, plain, nodefile=nodefile, cwd=self.folder)
        self.environment["PATH"] = os.path.join(self.folder, "bin") + os.pathsep + os.environ["PATH"]
        self.environment[MARK] = self.folder
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *argv: str, more: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command."""
        process = subprocess.Popen(
            argv,
            executable=os.path.join(self.folder, "bin", argv[0]),
            cwd=self.folder,
            env={**self.environment, **(more or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.started.append(process)
        return process

    def run(self, *argv: str, stdin: str = "", more: dict[str, str] | None = None) -> Done:
        """Run a command to its end."""
        process = self.start(*argv, more=more)
        out, err = process.communicate(stdin, timeout=60)
        return Done(process.returncode, out, err)

    def ready(self, process: subprocess.Popen[str]) -> None:
        """Wait until a rank of it has said a line."""
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    def end(self, process: subprocess.Popen[str]) -> Done:
        """Wait for the end of a command."""
        out, err = process.communicate(timeout=60)
        return Done(process.returncode, out, err)

    def close(self) -> None:
        """End what is left."""
        end_marked(self.folder)
        for process in self.started:
            process.communicate(timeout=60)


class Beds:
    """Makes machines, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: list[Bed] = []

    def __call__(
        self, name: str = "theta", *faults: str, nodes: int | None = None, kind: NodeKind | None = None
    ) -> Bed:
        """Return a new machine: that of a site, with faults that were ordered."""
        folder = self.folder / f"machine{len(self.made)}"
        folder.mkdir()
        self.made.append(Bed(folder, name, nodes, kind, faults))
        return self.made[-1]

    def close(self) -> None:
        """End what runs on all of them."""
        for each in self.made:
            each.close()
