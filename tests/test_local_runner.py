"""The local runner: what all runners promise, over a good and a bad pipe, and what happens when one end dies."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hpcmake.model import Attempt, Event, Lost, Resources, Runner
from hpcmake.runners.local import LocalRunner, find_node
from hpcmake.runners.process import find_strays

pytest.register_assert_rewrite("runner_protocol")

from runner_protocol import FOREVER, RunnerProtocol, Start, Told, overlap, program, script, strays_of  # noqa: E402

TORN = """
# Runs a command; carries its output up in pieces that end anywhere, between lines that are not its own.
import os, subprocess, sys

node = subprocess.Popen(sys.argv[1:], stdin=0, stdout=subprocess.PIPE)
turn = 0
for line in node.stdout:
    turn += 1
    if turn % 3 == 0:
        line = b"Application 4711 resources: utime ~0s\\n[1, 2]\\n{}\\n\\n[\\xff\\n" + line
    middle = turn * 7 % len(line)
    os.write(1, line[:middle])
    os.write(1, line[middle:])
sys.exit(node.wait())
"""

DRIVER = """
import sys
from hpcmake.model import Attempt
from hpcmake.runners.local import LocalRunner

runner = LocalRunner(root=".", logs="logs", mark=sys.argv[1], cores=2)
runner.more([Attempt(1, "one", script=sys.argv[2])])
while True:
    runner.events(None)
"""


def starts(root: Path, mark: str, command: list[str] | None) -> Iterator[Callable[..., LocalRunner]]:
    runners = []

    def start(*, cores: int = 2, memory: int = 0, gpus: int = 0, grace: float = 0.2, **more: object) -> LocalRunner:
        runner = LocalRunner(
            root=str(root),
            logs=".hpcmake/logs",
            mark=mark,
            cores=cores,
            memory=memory,
            gpus=gpus,
            grace=grace,
            command=command,
            **more,  # type: ignore[arg-type]
        )
        runners.append(runner)
        return runner

    yield start
    for runner in runners:
        runner.close()


class TestLocalRunner(RunnerProtocol):
    @pytest.fixture
    def start(self, root: Path, mark: str) -> Iterator[Callable[..., Runner]]:
        yield from starts(root, mark, None)

    def test_post_follows_a_success_in_the_same_log(self, start: Start) -> None:
        told = Told(start())
        good, bad = told.run(script(1, "echo run", post="echo post"), script(2, "false", post="echo post"))
        assert (good.status, good.why, self.output(good)) == (0, "exit", "run\npost\n")
        assert (bad.status, bad.why, self.output(bad)) == (1, "exit", "")

    def test_a_task_that_wants_too_many_cores_runs_alone(self, start: Start) -> None:
        told = Told(start(cores=2))
        cores = {1: 1, 2: 1, 3: 100, 4: 1, 5: 1}
        told.run(*(program(n, "true", resources=Resources(cores=cores[n])) for n in cores))
        assert overlap(told.events, cores) in (2, 100)

    def test_a_task_that_does_not_fit_is_overtaken_but_not_for_ever(self, start: Start, fifo: Path) -> None:
        told = Told(start(cores=2))
        told.runner.more([script(1, "read < fifo"), program(2, "true", resources=Resources(cores=2))])
        told.runner.more([program(n, "true") for n in range(3, 40)])
        told.until_ended(*range(3, 19))
        assert 2 not in told.begun()
        fifo.write_text("go\n")
        told.until_ended(*range(1, 40))
        assert told.begun() == [1, *range(3, 19), 2, *range(19, 40)]

    def test_nothing_is_left_when_all_is_done(self, start: Start, mark: str) -> None:
        told = Told(start())
        told.run(program(1, "true"), script(2, "true"))
        scratch = told.runner._scratch  # type: ignore[attr-defined]
        assert os.path.isdir(scratch)
        told.runner.close()
        assert not os.path.exists(scratch)
        assert os.listdir(".hpcmake/logs") == []
        assert find_strays(mark) == []

    def test_a_node_that_is_killed_is_lost_once_and_leaves_nothing(self, start: Start, mark: str, fifo: Path) -> None:
        runner = start()
        runner.more([script(1, f"setsid {FOREVER} & echo up > fifo; {FOREVER}"), program(2, "true")])
        fifo.read_text()
        os.kill(runner._process.pid, signal.SIGKILL)  # type: ignore[attr-defined]
        events: list[Event] = []
        while not any(isinstance(event, Lost) for event in events):
            events += runner.events(None)
        assert events[-1] == Lost("the process that runs tasks ended with status -9")
        assert runner.events(None) == []
        assert find_strays(mark) == []
        assert not os.path.exists(runner._scratch)  # type: ignore[attr-defined]

    def test_what_a_node_said_last_is_told(self, root: Path, mark: str) -> None:
        command = [sys.executable, "-c", "import sys; sys.exit('no memory left')"]
        runner = LocalRunner(root=str(root), logs="logs", mark=mark, cores=1, command=command)
        runner.more([Attempt(1, "one", argv=("true",))])
        assert runner.events(None) == [Lost("no memory left")]
        runner.close()

    def test_a_driver_that_is_killed_leaves_no_task(self, mark: str, fifo: Path) -> None:
        os.mkfifo("alive")
        text = f"exec 7> alive; setsid {FOREVER} & echo up > fifo; {FOREVER}"
        driver = subprocess.Popen([sys.executable, "-c", DRIVER, mark, text])
        with driver, open("alive", "rb") as alive:
            fifo.read_text()
            assert len(strays_of(mark, 1)) >= 2
            (node,) = find_strays(mark + ":node")
            node_end = os.pidfd_open(node)
            driver.kill()
            assert alive.read() == b""  # comes when the last task that could write has ended
        select.select([node_end], [], [])
        os.close(node_end)
        assert [name for name in os.listdir("/dev/shm") if f"-{node}-" in name] == []

    def test_a_ctrl_c_in_the_terminal_does_not_reach_tasks(self, start: Start) -> None:
        told = Told(start())
        (ended,) = told.run(script(1, "ps -o sid= -p $$"))
        assert int(self.output(ended)) not in (os.getsid(0), 0)

    def test_a_node_that_is_asked_to_end_cuts_what_runs(self, start: Start, fifo: Path) -> None:
        runner = start()
        runner.more([script(1, f"echo up > fifo; {FOREVER}"), program(2, "true", resources=Resources(cores=2))])
        fifo.read_text()
        os.kill(runner._process.pid, signal.SIGTERM)  # type: ignore[attr-defined]
        told = Told(runner)
        assert [getattr(event, "why", "") for event in told.until_ended(1, 2)] == ["term", "term"]
        assert [type(event) for event in runner.events(None)] == [Lost]

    def test_many_attempts_are_no_dead_end_while_nobody_listens(self, start: Start) -> None:
        told = Told(start())
        for first in range(1, 20001, 1000):
            told.runner.more([Attempt(n, f"t{n}", env={"LONG": "x" * 200}) for n in range(first, first + 1000)])
        told.until_ended(*range(1, 20001))


class TestTornPipe(RunnerProtocol):
    """The same, with lines torn and strays between."""

    @pytest.fixture
    def start(self, root: Path, mark: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Runner]]:
        carrier = tmp_path_factory.mktemp("carrier") / "torn.py"
        carrier.write_text(TORN)
        yield from starts(root, mark, [sys.executable, str(carrier), *find_node()])
