"""The runner of an allocation: what all runners promise, over pipes and mailboxes, and what nodes do to it."""

import sys
from collections.abc import Callable, Iterator, Sequence
from math import inf
from pathlib import Path

import pytest

from hpcmake.model import Resources, Runner
from hpcmake.runners.allocation import AllocationRunner
from hpcmake.runners.doors import RealDoors
from hpcmake.runners.orders import Rules, Spot
from hpcmake.runners.process import find_strays

pytest.register_assert_rewrite("runner_protocol")

from runner_protocol import FOREVER, RunnerProtocol, script  # noqa: E402

LAUNCHER = """
# Stands for a launcher: runs a program once for each node, and waits for all.
import os, subprocess, sys

nodes = sys.argv[1].split(",")
shared = len(nodes) > 1
ranks = [
    subprocess.Popen(sys.argv[2:], env={**os.environ, "PMI_RANK": str(rank)}, stdin=subprocess.DEVNULL if shared else None)
    for rank, node in enumerate(nodes)
]
sys.exit(max(rank.wait() for rank in ranks))
"""


def launch(nodes: Sequence[str], words: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", LAUNCHER, ",".join(nodes), *words]


def starts(root: Path, mark: str, *, mailbox: bool) -> Iterator[Callable[..., AllocationRunner]]:
    runners = []

    def start(
        *,
        cores: int = 2,
        memory: int = 0,
        gpus: int = 0,
        grace: float = 0.2,
        environment: dict[str, str] | None = None,
        nodes: int = 1,
        left: float = inf,
    ) -> AllocationRunner:
        doors = RealDoors(
            launch=launch,
            folder=str(root / ".hpcmake" / "launches"),
            mark=mark,
            mailbox=mailbox,
            environment=environment,
        )
        runner = AllocationRunner(
            doors,
            root=str(root),
            logs=".hpcmake/logs",
            mark=mark,
            spots=[Spot(f"node{number}", cores, memory, gpus) for number in range(nodes)],
            rules=Rules(),
            spread=lambda _resources, names: ["env", f"ON={','.join(names)}"],
            left=left,
            grace=grace,
        )
        runners.append(runner)
        return runner

    yield start
    for runner in runners:
        runner.close()


class TestOverPipes(RunnerProtocol):
    @pytest.fixture
    def start(self, root: Path, mark: str) -> Iterator[Callable[..., Runner]]:
        yield from starts(root, mark, mailbox=False)

    def test_close_ends_what_has_nodes_for_itself(self, start: Callable[..., Runner], mark: str, fifo: Path) -> None:
        runner = start()
        whole = Resources(nodes=1)
        runner.more([script(1, f"setsid {FOREVER} & echo up > fifo; {FOREVER}", resources=whole)])
        fifo.read_text()
        runner.close()
        assert find_strays(mark) == []


class TestOverMailboxes(RunnerProtocol):
    @pytest.fixture
    def start(self, root: Path, mark: str) -> Iterator[Callable[..., Runner]]:
        yield from starts(root, mark, mailbox=True)
