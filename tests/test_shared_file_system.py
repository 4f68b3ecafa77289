"""What a task costs on the file system that all nodes share, beyond what it does itself: counted in the node program.

The real runner of an allocation is asked; the node programs that it launches count their calls.  `os.stat` and what is
done with an open file raise no audit event, so these functions are wrapped.
"""

import collections
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from command import Command

from hpcmake.model import Attempt, Ended
from hpcmake.runners.allocation import AllocationRunner
from hpcmake.runners.doors import RealDoors
from hpcmake.runners.local import find_node
from hpcmake.runners.orders import Rules, Spot

pytest.register_assert_rewrite("runner_protocol")

from runner_protocol import Told, program, script  # noqa: E402
from test_here import Job  # noqa: E402

TASKS = 120

COUNTING = """
import json, os, sys

root, report = sys.argv[1:3]
sys.path.insert(0, os.path.dirname(sys.argv[3]))
del sys.argv[1:4]
from node import serve

calls = []

def note(kind, path):
    path = os.path.abspath(os.fsdecode(path))
    if path.startswith(root + "/") and not path.endswith(".mail"):  # work comes in this file: not a thing of one task
        calls.append([kind, os.path.relpath(path, root)])

def hook(event, arguments):
    if event == "open" and not isinstance(arguments[0], int):
        note("open", arguments[0])
    elif event in ("os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod",
                   "os.listdir", "os.scandir", "os.utime") and arguments and not isinstance(arguments[0], int):
        note(event, arguments[0])

def counted(name):
    real = getattr(os, name)
    def call(what, *more, **named):
        try:
            path = os.readlink("/proc/self/fd/%d" % what) if isinstance(what, int) else what
            if not isinstance(what, int) or path.startswith("/"):  # else a pipe
                note(name, path)
        except OSError:
            pass
        return real(what, *more, **named)
    setattr(os, name, call)

for name in ("stat", "lstat", "access", "write", "pwrite", "fstat", "ftruncate", "fsync", "statvfs"):
    counted(name)
sys.addaudithook(hook)
status = serve.main()
with open(report + "/" + str(os.getpid()), "w") as file:
    json.dump(calls, file)
sys.exit(status)
"""


class Counted:
    """A runner of one node whose program counts its calls below the folder of the campaign."""

    def __init__(self, root: Path, mark: str, *, mailbox: bool, latency: float) -> None:
        self.report = root.parent / (root.name + "-report")
        self.report.mkdir()
        self.root = root

        def launch(_nodes: Sequence[str], words: Sequence[str]) -> list[str]:
            counting = [sys.executable, "-I", "-S", "-c", COUNTING, str(root), str(self.report), find_node()[-1]]
            return [*counting, *words[words.index(find_node()[-1]) + 1 :]]

        self.runner = AllocationRunner(
            RealDoors(launch=launch, folder=str(root / ".hpcmake" / "launches"), mark=mark, mailbox=mailbox),
            root=str(root),
            logs=".hpcmake/logs",
            mark=mark,
            spots=[Spot(os.uname().nodename, 4)],
            rules=Rules(),
            spread=lambda _resources, names: list(names),
            latency=latency,
        )

    def run(self, attempts: Sequence[Attempt]) -> list[Ended]:
        return Told(self.runner).run(*attempts)

    def calls(self) -> dict[str, collections.Counter[str]]:
        """Return the paths of each kind of call, once the node program has ended."""
        self.runner.close()
        (path,) = self.report.iterdir()
        found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        for kind, name in json.loads(path.read_text()):
            found[kind][name] += 1
        return found


@pytest.fixture(params=["pipe", "mailbox"])
def counted(request: pytest.FixtureRequest, root: Path, mark: str) -> Iterator[Counted]:
    counted = Counted(root, mark, mailbox=request.param == "mailbox", latency=10.0)
    yield counted
    counted.runner.close()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def mark() -> str:
    return f"counted-{os.getpid()}"


def made(name: str) -> tuple[str, int, int]:
    """Make an input; return what its maker has seen of it."""
    Path(name).write_text(name)
    found = os.stat(name)
    return name, found.st_mtime_ns, found.st_size


def test_a_task_costs_one_append_and_one_look_at_each_of_its_files(counted: Counted) -> None:
    both = made("both")
    attempts = [
        script(
            number,
            f"cat in{number} both; echo made > out/a{number}; echo made > out/b{number}",
            outputs=(f"out/a{number}", f"out/b{number}"),
            folders=("out",),
            needs=(made(f"in{number}"), both),
        )
        for number in range(1, TASKS + 1)
    ]
    ends = counted.run(attempts)
    assert all(ended.status == 0 and ended.log for ended in ends)
    log = os.path.normpath(str(ends[0].log and ends[0].log[0]))
    calls = counted.calls()
    files = [f"{beginning}{number}" for number in range(1, TASKS + 1) for beginning in ("in", "out/a", "out/b")]
    looks = calls.pop("stat")
    assert {name: looks.pop(name) for name in files} == dict.fromkeys(files, 1)
    assert looks.pop("both") == TASKS, "each task has looked at it once"
    assert sum(looks.values()) <= 2, f"the folder, once a minute: {looks}"
    assert calls.pop("open") == {log: 1}
    assert calls.pop("write") == {log: TASKS}
    assert calls.pop("os.mkdir") == {"out": 1}
    assert calls == {}


def test_a_task_without_output_and_files_costs_nothing(counted: Counted) -> None:
    counted.run([program(number, "true") for number in range(1, TASKS + 1)])
    assert counted.calls() == {}


def test_a_log_of_its_own_is_opened_once(counted: Counted) -> None:
    counted.run([program(number, "echo", "x", log=f"log{number}") for number in range(1, TASKS + 1)])
    calls = counted.calls()
    assert calls.pop("open") == {f"log{number}": 1 for number in range(1, TASKS + 1)}
    assert calls == {}


# ---------------------------------------------------------------- the driver

CHAIN = """\
target all: "b/{n}.txt" for n in 1..30

rule a:
    output: "a/{n}.txt"
    run: echo {n} > {output}

rule b:
    input: "a/{n}.txt"
    output: "b/{n}.txt"
    run: cp {input} {output}
"""


def test_the_driver_looks_at_no_output_that_a_node_has_stamped(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: collections.Counter[str] = collections.Counter()
    real = os.stat

    def counting(path: object, *more: object, **named: object) -> os.stat_result:
        if isinstance(path, str):
            looked[path] += 1
        return real(path, *more, **named)  # type: ignore[arg-type]

    command.wfile(CHAIN)
    monkeypatch.setattr("os.stat", counting)
    result = Job(command).run()
    monkeypatch.undo()
    assert result.status == 0, result
    assert len(result.done) == 60
    # absent when the plan was made, and that was told by the listing of a folder
    assert {path: count for path, count in looked.items() if path.endswith(".txt")} == {}


def test_a_node_is_told_of_inputs_that_were_made_a_moment_ago(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs: dict[str, tuple[tuple[str, int, int], ...]] = {}
    real = AllocationRunner.more

    def spy(runner: AllocationRunner, attempts: Sequence[Attempt]) -> None:
        needs.update({attempt.task: attempt.needs for attempt in attempts})
        real(runner, attempts)

    monkeypatch.setattr(AllocationRunner, "more", spy)
    command.wfile(CHAIN)
    assert Job(command).run().status == 0
    for number in range(1, 31):
        found = os.stat(command.root / f"a/{number}.txt")
        assert needs[f"a[n={number}]"] == ()
        assert needs[f"b[n={number}]"] == ((f"a/{number}.txt", found.st_mtime_ns, found.st_size),)


def test_a_post_waits_for_what_the_run_has_made_and_may_make_the_rest(counted: Counted) -> None:
    text = "cat a; echo b > b"
    (ended,) = counted.run([script(1, "echo a > a", post=text, outputs=("a", "b"), holds=True, needs=(made("in"),))])
    assert (ended.status, ended.why) == (0, "exit")
    assert ended.stamps == tuple((os.stat(name).st_mtime_ns, 2) for name in ("a", "b"))
