"""What must hold of any campaign that is really run, whatever was edited, deleted, failed or interrupted before."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command import Command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FEW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


class Graph:
    """A random graph of files: each rule takes some sources and some outputs of rules before it."""

    def __init__(self, needs: list[list[int]], sources: int) -> None:
        self.sources = sources
        self.needs = needs
        """For each rule, what it takes: sources, and above them rules."""

    def path(self, number: int) -> str:
        return f"s{number}" if number < self.sources else f"r{number - self.sources}"

    def inputs(self, at: int) -> list[str]:
        return [self.path(number) for number in self.needs[at]]

    @property
    def outputs(self) -> list[str]:
        return [f"r{at}" for at in range(len(self.needs))]

    def wfile(self, tags: dict[int, int] | None = None) -> str:
        """A Wfile; a command holds a tag, which may be another later."""
        text = "target all: " + ", ".join(f'"{path}"' for path in self.outputs) + "\n"
        for at in range(len(self.needs)):
            listed = ", ".join(f'"{path}"' for path in self.inputs(at))
            text += f'rule r{at}:\n    input: {listed}\n    output: "r{at}"\n'
            text += f"    run:\n        if grep -q bad {{input}}; then exit 1; fi\n        {{ echo {(tags or {}).get(at, 0)}; cat {{input}}; }} > {{output}}\n"
        return text

    def makefile(self) -> str:
        text = "all: " + " ".join(self.outputs) + "\n"
        for at, path in enumerate(self.outputs):
            text += f"{path}: {' '.join(self.inputs(at))}\n\t@cat $^ > $@; echo {path} >> ran\n"
        return text

    def ninja(self) -> str:
        text = "rule cat\n  command = cat $in > $out; echo $out >> ran\n"
        for at, path in enumerate(self.outputs):
            text += f"build {path}: cat {' '.join(self.inputs(at))}\n"
        return text

    def contents(self, sources: dict[str, str], tags: dict[int, int] | None = None) -> dict[str, str]:
        """What each file holds when all is up to date."""
        found = dict(sources)
        for at, path in enumerate(self.outputs):
            found[path] = f"{(tags or {}).get(at, 0)}\n" + "".join(found[each] for each in self.inputs(at))
        return found

    def above(self, changed: set[str]) -> list[str]:
        """The outputs that depend on changed files, or are such."""
        found = set(changed)
        for at, path in enumerate(self.outputs):
            if found & set(self.inputs(at)):
                found.add(path)
        return sorted(path for path in found if path in self.outputs)


@st.composite
def graphs(draw: Callable[..., object]) -> Graph:
    sources = draw(st.integers(1, 4))
    rules = draw(st.integers(1, 7))
    assert isinstance(sources, int)
    assert isinstance(rules, int)
    needs = [
        draw(st.lists(st.integers(0, sources + at - 1), min_size=1, max_size=4, unique=True)) for at in range(rules)
    ]
    return Graph(needs, sources)  # type: ignore[arg-type]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Callable[[], Command]]:
    """Makes commands in new folders: hypothesis runs a test many times."""
    made: list[Command] = []

    def make() -> Command:
        made.append(Command(Path(tempfile.mkdtemp(dir=tmp_path))))
        return made[-1]

    yield make
    for command in made:
        command.close()


CHANGES = st.lists(st.tuples(st.sampled_from(["edit", "touch", "delete", "tag"]), st.integers(0, 50)), max_size=5)


@FEW
@given(graph=graphs(), rounds=st.lists(CHANGES, min_size=1, max_size=3))
def test_after_any_edit_a_run_gives_the_same_bytes_as_building_from_nothing_and_then_the_plan_is_empty(
    fresh: Callable[[], Command], graph: Graph, rounds: list[list[tuple[str, int]]]
) -> None:
    command = fresh()
    sources = {f"s{n}": f"s{n}\n" for n in range(graph.sources)}
    tags: dict[int, int] = {}
    for path, text in sources.items():
        command.write(path, text)
    for number, changes in enumerate([[], *rounds]):
        for what, at in changes:
            source, output = f"s{at % graph.sources}", graph.outputs[at % len(graph.outputs)]
            if what == "edit":
                sources[source] = f"{number} {at}\n"
                command.write(source, sources[source])
            elif what == "touch":
                command.touch(source)
            elif what == "delete" and command.exists(output):
                command.remove(output)
            elif what == "tag":
                tags[at % len(graph.outputs)] = number
        command.wfile(graph.wfile(tags))
        command.ok()
        wanted = graph.contents(sources, tags)
        assert {path: text for path, text in command.files().items() if path != "Wfile"} == wanted
        assert command.stale() == {}


def await_tick(root: Path) -> None:
    """Wait until what is written now is newer than all that is there: the clock of a file system advances by some ms."""
    newest = max(path.stat().st_mtime_ns for path in root.iterdir())
    probe = root / ".tick"
    probe.touch()
    while probe.stat().st_mtime_ns <= newest:
        probe.touch()


def differs(command: Command, graph: Graph, tool: list[str]) -> Callable[[set[str], set[str]], None]:
    """What compares the set of files that we and another tool make again."""
    shutil.copytree(command.root, command.root.parent / (command.root.name + ".other"), dirs_exist_ok=True)
    other = command.root.parent / (command.root.name + ".other")
    (other / "Makefile").write_text(graph.makefile())
    (other / "build.ninja").write_text(graph.ninja())

    def build() -> list[str]:
        (other / "ran").unlink(missing_ok=True)
        subprocess.run(tool, cwd=other, check=True, capture_output=True)
        return sorted((other / "ran").read_text().split()) if (other / "ran").exists() else []

    assert build() == sorted(graph.outputs)
    command.ok()

    def compare(touched: set[str], removed: set[str]) -> None:
        for root in (command.root, other):
            await_tick(root)
            for path in touched:
                os.utime(root / path)
            for path in removed:
                (root / path).unlink(missing_ok=True)
        assert sorted(command.ok().ran) == build() == graph.above(touched | removed)

    return compare


def compare_with(
    fresh: Callable[[], Command], graph: Graph, steps: list[tuple[list[int], list[int]]], tool: list[str]
) -> None:
    command = fresh()
    command.wfile(graph.wfile())
    for n in range(graph.sources):
        command.sources(f"s{n}")
    compare = differs(command, graph, tool)
    for touched, removed in steps:
        compare({f"s{n % graph.sources}" for n in touched}, {graph.outputs[n % len(graph.outputs)] for n in removed})


STEPS = st.lists(
    st.tuples(st.lists(st.integers(0, 9), max_size=2), st.lists(st.integers(0, 9), max_size=1)), min_size=1, max_size=2
)


@pytest.mark.needs(program="make")
@FEW
@given(graph=graphs(), steps=STEPS)
def test_the_same_tasks_are_remade_as_by_make(
    fresh: Callable[[], Command], graph: Graph, steps: list[tuple[list[int], list[int]]]
) -> None:
    compare_with(fresh, graph, [(touched, []) for touched, _ in steps], ["make", "-s"])


@pytest.mark.needs(program="ninja")
@FEW
@given(graph=graphs(), steps=STEPS)
def test_the_same_tasks_are_remade_as_by_ninja(
    fresh: Callable[[], Command], graph: Graph, steps: list[tuple[list[int], list[int]]]
) -> None:
    compare_with(fresh, graph, steps, ["ninja"])


# ---------------------------------------------------------------- a campaign over its life


class Life(RuleBasedStateMachine):
    """Edits, deletions, failures, interruptions and runs in any order, beside a model that knows what each file held.

    The model: an output is up to date if its last success took just what its inputs hold now.
    """

    files = Bundle("files")
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.command = Command(Path(tempfile.mkdtemp(dir=self.folder)))
        self.graph = Graph([[0, 1], [1], [2, 3], [4, 0]], 2)
        self.texts: dict[str, str] = {}
        self.built: dict[str, tuple[str, ...]] = {}
        """For each output, what its inputs held when it was made, as far as it is there."""
        self.held: dict[str, str] = {}

    @initialize()
    def begin(self) -> None:
        self.command.wfile(self.graph.wfile())
        for path in ("s0", "s1"):
            self.edit(path, "good")

    @rule(path=st.sampled_from(["s0", "s1"]), text=st.sampled_from(["good", "better", "bad"]))
    def edit(self, path: str, text: str) -> None:
        self.command.write(path, f"{text}\n")
        self.texts[path] = f"{text}\n"

    @rule(at=st.integers(0, 3))
    def delete(self, at: int) -> None:
        path = f"r{at}"
        if self.command.exists(path):
            self.command.remove(path)
            self.held.pop(path, None)
            self.built.pop(path, None)

    def taken(self, at: int) -> tuple[str, ...]:
        return tuple(self.held.get(path, "") if path[0] == "r" else self.texts[path] for path in self.graph.inputs(at))

    def build(self, *arguments: str, keep_going: bool) -> None:
        """Run, and let the model follow: tasks run if they must, in an order in which they can; `bad` is a failure."""
        result = self.command.run(*arguments, *(["-k"] if keep_going else []), jobs=1)
        failed = {row["task"] for row in result.failed}
        done = set(result.done)
        for at, path in enumerate(self.graph.outputs):
            inputs = self.graph.inputs(at)
            if path in done:
                assert not any("bad" in text for text in self.taken(at)), "a command that must fail was done"
                self.built[path] = self.taken(at)
                self.held[path] = "0\n" + "".join(self.taken(at))
            elif path in failed:
                assert any("bad" in text for text in self.taken(at))
                if path in self.built and not self.command.exists(path):
                    self.built.pop(path)
                    self.held.pop(path)
            if keep_going and path not in done and all(each in self.held or each[0] == "s" for each in inputs):
                ready = not any(self.is_broken(each) for each in inputs)
                if ready and not any("bad" in text for text in self.taken(at)):
                    assert self.built.get(path) == self.taken(at), f"{path} should have been made again"
        expected = 0 if not any("bad" in self.texts[path] for path in ("s0", "s1")) else 1
        assert result.status == expected, result

    def is_broken(self, path: str) -> bool:
        """Whether a file cannot be made of what its inputs hold now."""
        if path[0] == "s":
            return False
        at = int(path[1:])
        return any("bad" in self.texts.get(each, "") or self.is_broken(each) for each in self.graph.inputs(at))

    @rule()
    def run(self) -> None:
        self.build(keep_going=False)

    @rule()
    def run_on(self) -> None:
        self.build(keep_going=True)

    @precondition(lambda self: bool(self.texts))
    @rule(at=st.integers(0, 3))
    def interrupted(self, at: int) -> None:
        """A task is written down as begun, and its output is half: what a driver that was killed leaves."""
        path = f"r{at}"
        if path not in self.built:
            return
        from hpcmake.journal import JournalFolder

        folder = JournalFolder(str(self.command.root / ".hpcmake"))
        names = folder.live()
        writer = folder.open_writer(99, dict.fromkeys(names, 0))
        writer.append({"k": "launch", "n": "here", "ts": [path]})
        writer.close()
        self.command.write(path, "half")
        self.built.pop(path)
        self.held.pop(path)

    @invariant()
    def what_is_there_is_what_was_made(self) -> None:
        for path, text in self.held.items():
            assert self.command.text(path) == text

    @invariant()
    def the_plan_is_what_the_model_says(self) -> None:
        if not self.texts:
            return
        stale = self.command.stale()
        for at, path in enumerate(self.graph.outputs):
            if self.built.get(path) != self.taken(at):
                assert path in stale, f"{path} is not what its inputs say, and counts as up to date"

    def teardown(self) -> None:
        self.command.close()


def test_a_campaign_over_its_life(tmp_path: Path) -> None:
    Life.folder = tmp_path
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
