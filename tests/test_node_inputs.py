"""Inputs that were made on another node: a task begins when its node sees them as their maker left them, or fails."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hpcmake.runners.node import stamp_folder

pytest.register_assert_rewrite("node_program")

from node_program import Node  # noqa: E402

AFTER_CORES: list[object] = [0, 0, None, "", ["bash"], "", False, {}, None, 0]
"""What a row has between its cores and `holds`."""

OLD, NEW = 1_700_000_000_123_456_789, 1_700_000_007_987_654_321
LONG = 1000.0
"""Seconds that no test lasts."""

Start = Callable[..., Node]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.chdir(tmp_path)
    nodes: list[Node] = []

    def start_node(**more: object) -> Node:
        nodes.append(Node(dict(os.environ), (), **{"cores": 1, "latency": LONG, "spool": True, **more}))
        return nodes[-1]

    yield start_node
    for node in nodes:
        assert node.close() == 0


def row(number: int, *needs: list[object], argv: tuple[str, ...] = ("true",), holds: int = 0) -> list[object]:
    return [number, argv, [], [], 1, *AFTER_CORES, holds, needs]


def make(name: str, text: str, mtime: int) -> None:
    """Let a file appear, all at once, as it is."""
    Path(name + ".new").write_text(text)
    os.utime(name + ".new", ns=(mtime, mtime))
    os.rename(name + ".new", name)


def output(node: Node) -> str:
    slot, offset, length = node.hear("e")[8]
    assert slot == -2
    return Path("log.out").read_text()[offset : offset + length]


def test_what_is_seen_is_not_waited_for(start: Start) -> None:
    node = start()
    make("a", "text", NEW)
    make("b", "", OLD)
    node.say(["more", row(1, ["a", NEW, 4], ["b", OLD, 0]), row(2)])
    assert [node.hear("e")[:3], node.hear("e")[:3]] == [["e", 1, 0], ["e", 2, 0]]


@pytest.mark.parametrize("before", [None, ("text", OLD), ("", NEW)], ids=["nothing", "an old time", "an old size"])
def test_what_shows_an_old_state_is_waited_for_and_holds_up_no_other(start: Start, before: tuple[str, int]) -> None:
    if before:
        make("a", *before)
    node = start()
    node.say(["more", row(1, ["a", NEW, 4], argv=("cat", "a")), row(2), row(3)])
    assert [node.hear("e")[1], node.hear("e")[1]] == [2, 3]
    make("a", "text", NEW)
    assert output(node) == "text"


def test_what_does_not_show_within_the_latency_fails_its_task_and_says_why(start: Start) -> None:
    make("a", "old", OLD)
    node = start(latency=0.2)
    node.say(["more", row(1, ["a", NEW, 4]), row(2, ["b", NEW, 4])])
    assert [node.hear("e")[1:3], node.hear("e")[1:3]] == [[1, 1], [2, 1]]
    lines = Path("log.out").read_text().splitlines()
    assert lines[0] == (
        "hpcmake: input a does not show what its maker wrote: "
        f"seen 3 bytes with mtime {OLD}, expected 4 bytes with mtime {NEW} (waited 0.2 s)"
    )
    assert lines[1] == "hpcmake: input b is not there, which was made before (waited 0.2 s)"


def test_such_a_failure_is_one_of_the_attempt(start: Start) -> None:
    node = start(latency=0.05)
    node.say(["more", row(1, ["a", NEW, 4], holds=1)])
    assert node.hear("e")[1:4] == [1, 1, "exit"]
    node.say(["more", row(2)])
    assert node.hear("c") == ["c", 2, "forgotten", 0]


def test_mtimes_are_compared_as_finely_as_the_file_system_keeps_them(start: Start) -> None:
    second = 10**9
    node = start(latency=0.05, grain=second)
    make("a", "text", NEW // second * second)
    make("b", "text", NEW + second)
    node.say(["more", row(1, ["a", NEW, 4]), row(2, ["b", NEW, 4])])
    assert [node.hear("e")[1:3], node.hear("e")[1:3]] == [[1, 0], [2, 1]]


def test_of_a_folder_the_whole_content_counts_or_its_size_where_times_are_coarse(start: Start) -> None:
    os.mkdir("out")
    make("out/a", "text", NEW)
    digest, size = stamp_folder(b"out")
    make("out/a", "text", OLD)
    exact, coarse = start(latency=0.05), start(latency=0.05, grain=10**9)
    for node, statuses in ((exact, [1, 1]), (coarse, [0, 1])):
        node.say(["more", row(1, ["out/", digest, size]), row(2, ["out/", digest, size + 1])])
        ends = sorted([node.hear("e")[1:3], node.hear("e")[1:3]])
        assert ends == [[1, statuses[0]], [2, statuses[1]]]
    make("out/a", "text", NEW)
    exact.say(["more", row(3, ["out/", digest, size])])
    assert exact.hear("e")[1:3] == [3, 0]


def test_what_is_only_for_order_has_to_be_there(start: Start) -> None:
    make("a", "whatever", OLD)
    node = start(latency=0.05)
    node.say(["more", row(1, ["a", -1, 0]), row(2, ["b", -1, 0])])
    assert [node.hear("e")[1:3], node.hear("e")[1:3]] == [[1, 0], [2, 1]]


def test_what_waits_for_its_inputs_can_be_taken_back(start: Start) -> None:
    node = start()
    node.say(["more", row(1, ["a", NEW, 4]), row(2)])
    node.hear("e")
    node.say(["ask", 1])
    node.say(["forget", 1])
    assert node.hear("c") == ["c", 1, "forgotten", 0]
    make("a", "text", NEW)
    node.say(["more", row(3)])
    assert node.hear("e")[:3] == ["e", 3, 0]


def test_what_waits_for_its_inputs_when_all_is_stopped_has_not_begun(start: Start) -> None:
    node = start()
    node.say(["more", row(1, ["a", NEW, 4]), row(2)])
    node.hear("e")
    node.say(["stop", "term"])
    assert node.hear("c") == ["c", 1, "stop", 0]


def test_tasks_that_wait_take_nothing_of_the_machine(start: Start) -> None:
    """And the one whose inputs come first begins first."""
    node = start()
    node.say(["more", *(row(number, [f"in{number}", NEW, 4]) for number in range(1, 300)), row(300)])
    assert node.hear("e")[1] == 300
    make("in77", "text", NEW)
    assert node.hear("e")[1:3] == [77, 0]


# ---------------------------------------------------------------- outputs that others made


def test_outputs_that_ranks_elsewhere_have_made_may_show_late(start: Start) -> None:
    node = start(distant=True)
    node.say(["more", [1, ["touch", "a"], ["a", "late"]], [2, ["true"]]])
    assert node.hear("b")[1] == 1
    make("late", "text", NEW)
    ended = node.hear("e")
    assert ended[1:3] == [1, 0]
    assert ended[12:] == [NEW, 4]


def test_outputs_that_never_show_are_missing(start: Start) -> None:
    node = start(distant=True, latency=0.05)
    node.say(["more", [1, ["true"], ["late"]]])
    assert node.hear("e")[10:] == [None, None]


def test_on_the_node_that_made_them_outputs_show_at_once(start: Start) -> None:
    node = start()
    node.say(["more", [1, ["true"], ["late"]]])
    assert node.hear("e")[10:] == [None, None]


def test_a_stop_does_not_wait_for_outputs(start: Start) -> None:
    node = start(distant=True, tell=0.02)
    node.say(["more", [1, ["true"], ["late"]]])
    node.hear("b")
    node.say(["stop", "term"])
    assert node.hear("c")[:3] == ["c", 1, "stop"]


@pytest.mark.parametrize(("holds", "after"), [(1, ["c", 2, "forgotten", 0]), (2, ["b", 2])])
def test_what_a_run_lacks_may_be_made_by_a_post_elsewhere(start: Start, holds: int, after: list[object]) -> None:
    node = start()
    node.say(["more", [1, ["true"], ["late"], [], 1, *AFTER_CORES, holds]])
    assert node.hear("e")[10:] == [None, None]
    node.say(["more", row(2)])
    assert node.hear(str(after[0]))[: len(after)] == after
