"""What a campaign in the queue asks of its scheduler and of the file system: counted, for few jobs and for many."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from hpcmake.app.opening import Opened
from hpcmake.app.queue import asking, hand_on
from hpcmake.app.queue.charter import make_charter, write_charter
from hpcmake.app.queue.leaving_out import blocked_by, left_out
from hpcmake.app.queue.step import QueueRun
from hpcmake.jobs.files import COUNTS
from hpcmake.jobs.papers import OVER, Status
from hpcmake.journal import FOLDER
from hpcmake.lease import acquire
from hpcmake.lines import render_record
from hpcmake.options import parse_arguments
from hpcmake.runners.schedulers.cobalt import render_poll_user
from hpcmake.tasks.states import FRESH, IN_JOB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from command import Command

SITE = """\
name = "galaxy"
scheduler = "cobalt"
launcher = "aprun"
margin = "0s"
[node.cpu]
cores = 1
[[queue]]
name = "batch"
node = "cpu"
nodes = [1, 1]
longest = [[1, "10m"]]
"""

WFILE = """\
target all: "out/{i}.txt" for i in 1..@

rule make:
    output: "out/{i}.txt"
    time: 8m
    run: touch {output}
"""


LIVING = 3
"""Files that are read of a job that runs: its intent, what the scheduler answered, and its status."""


class Cobalt:
    """Takes all jobs, shows them running, and counts what it is asked."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}
        self.calls: Counter[str] = Counter()

    def call(self, argv: Sequence[str], _seconds: float) -> tuple[int, bytes, bytes]:
        self.calls[argv[0]] += 1
        if argv[0] == "qsub":
            job = str(100 + self.calls["qsub"])
            self.jobs[job] = argv[argv.index("--jobname") + 1]
            return 0, f"{job}\n".encode(), b""
        return 0, self._table().encode() if argv[0] == "qstat" else b"", b""

    def _table(self) -> str:
        names = render_poll_user("me")[2].split(":")
        told = [{"JobID": job, "State": "running", "JobName": name} for job, name in self.jobs.items()]
        lines = ["".join(row.get(name, "-").ljust(20) for name in names) for row in told]
        return "\n".join(["".join(name.ljust(20) for name in names), "=" * 20 * len(names), *lines, ""])

    @contextlib.contextmanager
    def counting(self) -> Iterator[Counter[str]]:
        """Count what is asked meanwhile, and what is read and listed of the folders of jobs."""
        before, files = self.calls.copy(), Counter(COUNTS)
        found: Counter[str] = Counter()
        yield found
        found.update(self.calls - before)
        found.update(Counter(COUNTS) - files)


class Nobody:
    """Is told everything."""

    def tell(self, row: Mapping[str, object]) -> None:
        pass


class World:
    """A campaign of so many tasks, each of which fills a job; it is driven in this process."""

    def __init__(self, command: Command, monkeypatch: pytest.MonkeyPatch, count: int, wfile: str = WFILE) -> None:
        self.command = command
        command.write("site.toml", SITE)
        command.wfile(wfile.replace("@", str(count)))
        monkeypatch.chdir(command.root)
        monkeypatch.setattr(os, "fsync", lambda _: None)  # of which hundreds take long on a busy disk
        for module in (asking, hand_on):
            monkeypatch.setattr(module, "run_command", self._call)
        self.cobalt = Cobalt()
        self.drive()

    def _call(self, argv: Sequence[str], seconds: float) -> tuple[int, bytes, bytes]:
        return self.cobalt.call(argv, seconds)

    def drive(self) -> None:
        """Open the campaign, as a new process does."""
        opened = Opened(parse_arguments(["--site", "./site.toml", "--submit"]))
        with acquire(FOLDER, wait=0.0) as lease:
            charter = make_charter(opened.arguments, "./site.toml", first=0, budget=None, variables={})
            write_charter(charter)
            self.run = QueueRun(
                opened,
                opened.plan(),
                charter,
                Nobody(),  # type: ignore[arg-type]
                call=self._call,
                may_submit=lambda: True,
                lease=lease,
                live=1,
            )

    def step(self) -> Counter[str]:
        """Take a step; return what that has asked for."""
        with self.cobalt.counting() as found:
            self.run.look()
            self.run.pack()
            self.run.submit()
        return found

    @property
    def living(self) -> list[str]:
        return sorted(self.run.board.living())

    def start(self) -> None:
        """Let all jobs begin."""
        for key in self.living:
            folder, job = self.run.board.folders[key], self.run.board.readings[key].job
            if folder.claim(job):
                folder.write_status(Status(key, job=job, beat=1, began=time.time()))

    def finish(self, keys: Sequence[str]) -> None:
        """Let jobs do their tasks, and end."""
        tables = self.run.plan.graph.tables
        for key in keys:
            folder, job = self.run.board.folders[key], self.run.board.readings[key].job
            with open(folder.records, "wb") as file:
                for rule, row in self.run.owners.tasks[key]:
                    table = tables[rule]
                    out = self.run.plan.graph.files.paths[table.outputs[0][row]]
                    record = {"k": "ok", "t": table.name(row), "c": self.run.plan.definition_of(table), "in": []}
                    self.command.write(out, "")
                    made = os.stat(out)
                    file.write(render_record({**record, "a": 1, "out": [[out, made.st_mtime_ns, 0]], "w": 1.0}))
            folder.write_status(Status(key, OVER, job, exit=0, why="done", beat=2, done=1))
            del self.cobalt.jobs[job]


@pytest.mark.parametrize("count", [1, 20, 200])
def test_a_step_asks_once_whatever_the_number_of_jobs_and_submits_each_once(
    command: Command, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    world = World(command, monkeypatch, count)
    asked = world.step()
    assert (asked["qstat"], asked["qsub"]) == (1, count)
    assert len(world.living) == count
    for _ in range(3):
        asked = world.step()
        assert {name: asked[name] for name in asked if name.startswith("q")} == {"qstat": 1}
    world.start()
    world.finish(world.living[: count // 2])
    asked = world.step()
    assert {name: asked[name] for name in asked if name.startswith("q")} == {"qstat": 1}
    assert len(world.living) == count - count // 2


def test_between_two_looks_nobody_is_asked(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(command, monkeypatch, 5)
    world.step()
    world.start()
    world.step()
    before = world.cobalt.calls.copy()
    world.finish(world.living[:2])
    world.run.take_in()
    assert world.run.done == 2
    assert world.run.wants_look()
    assert world.cobalt.calls == before


@pytest.mark.parametrize("over", [0, 3, 30])
def test_jobs_that_are_settled_cost_no_reads(command: Command, monkeypatch: pytest.MonkeyPatch, over: int) -> None:
    world = World(command, monkeypatch, over + 4)
    world.step()
    world.start()
    world.finish(world.living[:over])
    world.step()
    assert len(world.living) == 4
    asked = world.step()
    assert asked["listings"] == 1 + 4  # of all jobs, and of each that lives
    assert asked["reads"] == 4 * LIVING


@pytest.mark.parametrize("over", [0, 30])
def test_who_drives_next_reads_no_settled_jobs_either(
    command: Command, monkeypatch: pytest.MonkeyPatch, over: int
) -> None:
    world = World(command, monkeypatch, over + 4)
    world.step()
    world.start()
    world.finish(world.living[:over])
    world.step()
    world.drive()
    asked = world.step()
    assert asked["qstat"] == 1
    assert asked["reads"] == 2 * 4 * LIVING  # before the poll, to know what to ask for, and after it
    assert len(world.living) == 4


def test_a_step_of_a_hand_over_polls_once(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(command, monkeypatch, 6)
    world.step()
    world.start()
    key = world.living[0]
    world.finish([key])
    looks: list[str] = []
    look = QueueRun.look

    def counted(run: QueueRun) -> None:
        looks.extend(run.leaving)
        look(run)

    monkeypatch.setattr(QueueRun, "look", counted)
    with world.cobalt.counting() as asked:
        assert hand_on.hand_on(key) == 0
    assert set(looks) == {key}
    assert (asked["qstat"], asked["qsub"]) == (len(looks), 0)
    assert json.loads((command.root / ".hpcmake/run.json").read_text())["is_over"] is False


TREE = """\
target all: "all.txt"

rule make:
    output: "out/{i}.txt"
    time: 8m
    run: touch {output}

rule copy:
    input: "out/{i}.txt"
    output: "copy/{i}.txt"
    time: 8m
    run: cp {input} {output}

rule sum:
    input: "copy/{i}.txt" for i in 1..@
    output: "all.txt"
    time: 8m
    run: cat {input} > {output}

rule lenient:
    input: maybe "copy/{i}.txt" for i in 1..@
    output: "lenient.txt"
    time: 8m
    run: cat {input} > {output}
"""


def test_what_waits_for_a_failure_is_left_out_and_nothing_else(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    wfile = TREE.replace('target all: "all.txt"', 'target all: "all.txt", "lenient.txt"')
    world = World(command, monkeypatch, 4, wfile)
    plan = world.run.plan
    tables = {table.rule.name: table for table in plan.graph.tables}
    make = tables["make"]
    blocked = blocked_by(plan, [(make.rule.number, 1)])
    named = sorted(plan.graph.tables[rule].name(row) for rule, row in blocked)
    assert named == [f"copy[i={make.values(1)[0]}]", make.name(1), "sum"]
    before = [bytes(table.state) for table in plan.graph.tables]
    tables["copy"].state[0] = FRESH
    with left_out(plan, blocked, blocked, [(tables["copy"].rule.number, 0)]):
        assert [table.state.count(IN_JOB) for table in plan.graph.tables if table.rule.name != "copy"] == [1, 1, 0]
        assert tables["copy"].state[0] == FRESH
        assert world.run.count_stale() == 10 - 1 - 3
    tables["copy"].state[0] = before[tables["copy"].rule.number][0]
    assert [bytes(table.state) for table in plan.graph.tables] == before
