"""The node program when something is wrong: with its machine, with its folders, with what reached the driver."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcmake.runners.local import find_node
from hpcmake.runners.node import past

pytest.register_assert_rewrite("node_program")

from node_program import Launch, Node, start_object  # noqa: E402

SCRIPT: list[object] = [None, [], [], 1, 0, 0, None]
"""What a row has between its id and its script."""

PATCHED = """
import errno, os, sys
sys.path.insert(0, sys.argv.pop(1))
from node import attempts, programs, scratch, serve

{0}
sys.exit(serve.main())
"""
"""The node program after a few lines of ours, which play a machine that is no good."""

NO_PLACE = "scratch.PLACES = ('/proc/none', 'relative', '/' + 201 * 'x')"
NO_ROOM = """
def refuse(path, argv, env, log):
    raise OSError(errno.EAGAIN, "no more processes")

attempts.PAUSE = 0.001
programs.spawn, spawn = refuse, programs.spawn
"""


def patched(text: str) -> list[str]:
    """Return the command of a node program that is patched."""
    return [sys.executable, "-I", "-S", "-c", PATCHED.format(text), os.path.dirname(find_node()[-1])]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.chdir(tmp_path)
    node = Node(dict(os.environ))
    yield node
    assert node.close() == 0


# ---------------------------------------------------------------- a machine that is no good


def test_a_scratch_that_cannot_be_written_is_not_the_fault_of_a_task(node: Node) -> None:
    os.mkfifo("go")
    node.say(["more", [1, ["sh", "-c", "read line < go; echo $line"]]])
    node.hear("b")
    scratch = node.up[3]
    shutil.rmtree(scratch)
    node.say(["more", [2, *SCRIPT, "true"], [3, *SCRIPT, "true"], [4, ["true"]]])
    assert node.hear("n") == ["n", f"{scratch}/1: No such file or directory"]
    assert sorted(node.hear("c") for _ in range(3)) == [["c", number, "node", 0] for number in (2, 3, 4)]
    Path("go").write_text("what runs may end\n")
    assert node.hear("e")[:4] == ["e", 1, 0, "exit"]
    node.say(["resume"])
    node.say(["more", [5, ["true"]]])
    assert node.hear("c") == ["c", 5, "node", 0]


def test_a_script_that_was_swept_away_under_a_node_is_noticed(node: Node) -> None:
    node.say(["more", [1, *SCRIPT, "true"]])
    node.hear("e")
    shutil.rmtree(node.up[3])  # its slot still holds the file open
    node.say(["more", [2, *SCRIPT, "true"]])
    assert node.hear("n") == ["n", f"{node.up[3]}/0: No such file or directory"]
    assert node.hear("c") == ["c", 2, "node", 0]


def test_a_post_that_cannot_be_written_cuts_its_task(node: Node) -> None:
    node.say(["more", [1, ["rm", "-r", node.up[3]], [], [], 1, 0, 0, None, "", ["bash"], "true"]])
    assert node.hear("n")[1].endswith("/0: No such file or directory")
    assert node.hear("c") == ["c", 1, "node", 0]


def test_a_machine_without_room_for_a_process_is_no_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    node = Node(dict(os.environ), patched(NO_ROOM))
    node.say(["more", *([number, ["true"]] for number in range(1, 5))])
    assert node.hear("n") == ["n", "no room for another process: no more processes, 100 times"]
    assert sorted(node.hear("c") for _ in range(4)) == [["c", number, "node", 0] for number in range(1, 5)]
    assert node.close() == 0


def test_a_node_without_a_scratch_tells_so_and_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    node = Node(dict(os.environ), patched(NO_PLACE))
    assert node.up[3] == ""
    text = "neither /dev/shm nor TMPDIR nor /tmp can be written: No such file or directory"
    assert node.hear("n") == ["n", text]
    assert node.process.wait() == node.close() == 3
    assert capfd.readouterr().err == f"hpcmake: {text}\n"


def test_a_node_that_cannot_enter_the_folder_of_the_campaign_tells_so(capfd: pytest.CaptureFixture[str]) -> None:
    node = Node(dict(os.environ), root="/proc/none")
    assert node.hear("n") == ["n", "/proc/none: No such file or directory"]
    assert node.process.wait() == node.close() == 3
    assert capfd.readouterr().err == "hpcmake: /proc/none: No such file or directory\n"


def test_a_rank_that_is_no_good_stays_lest_its_launcher_ends_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with Launch(tmp_path / "mailbox") as launch:
        launch.post(start_object(root="/proc/none", look=0.1))
        launch.start({"PMI_RANK": "1"})
        assert launch.hear("n") == [[1, "n", "/proc/none: No such file or directory"]]
        launch.post([1, "more", [1, ["true"]]])
        assert launch.hear("c") == [[1, "c", 1, "node", 0]]
        launch.post([-1, "end"])
        assert launch.ranks[0].wait() == 0
    assert capfd.readouterr().err == "hpcmake: /proc/none: No such file or directory\n"


@pytest.mark.parametrize("line", ["banner\n", "[1]\n", '{"root"\n'])
def test_a_first_line_that_is_no_object_is_told(line: str, capfd: pytest.CaptureFixture[str]) -> None:
    node = Node.__new__(Node)
    node.launch(dict(os.environ))
    assert node.process.stdin is not None
    node.process.stdin.write(line)
    assert node.close() == 3
    assert capfd.readouterr().err.startswith("hpcmake: the first line is not understood: ")


# ---------------------------------------------------------------- folders of others


def test_a_log_that_cannot_be_written_is_no_fault_of_the_machine(node: Node) -> None:
    Path("log.0").mkdir()
    node.say(["more", [1, ["true"]], [2, ["true"]]])
    assert node.hear("w")[1] == "hpcmake: ./log.0: Is a directory"
    assert [node.hear("e")[:4], node.hear("e")[:4]] == [["e", number, 1, "exit"] for number in (1, 2)]
    Path("log.0").rmdir()
    node.say(["more", [3, ["true"]]])
    assert node.hear("b")[1] == 3
    assert node.hear("e")[:4] == ["e", 3, 0, "exit"]


# ---------------------------------------------------------------- what did not reach the driver


def test_asked_for_an_end_a_node_tells_it_again(node: Node) -> None:
    names = [str(number) for number in range(50)]
    node.say(["more", [1, ["touch", *names], names]])
    first = [node.hear("s"), node.hear("s"), node.hear("e")]
    node.say(["more", [2, ["false"]]])
    second = node.hear("e")
    node.say(["ask", 2, 1])
    assert node.hear("e") == second
    assert [node.hear("s"), node.hear("s"), node.hear("e")] == first


def test_asked_for_what_it_never_got_a_node_says_so(node: Node) -> None:
    node.say(["ask", 7, 8])
    assert [node.hear("u") for _ in range(2)] == [["u", 7], ["u", 8]]
    node.say(["more", [7, ["true"]]])
    assert node.hear("e")[1] == 7


def test_asked_for_what_waits_or_runs_a_node_says_nothing(node: Node) -> None:
    os.mkfifo("go")
    node.say(["more", [1, *SCRIPT, "read < go"], [2, *SCRIPT, "read < go"], [3, ["true"]]])
    node.hear("b")
    node.say(["ask", 1, 2, 3, 9])
    assert node.hear("u") == ["u", 9]
    node.say(["forget", 3])
    assert node.hear("c") == ["c", 3, "forgotten", 0]
    node.say(["ask", 3])
    assert node.hear("c") == ["c", 3, "forgotten", 0]


def test_the_last_ends_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "KEPT", 3)
    monkeypatch.setattr(past, "MOST", 12)
    kept = past.Past()
    for number in range(1, 6):
        kept.keep(number, f"end {number}")
    assert [kept.find(number) for number in range(1, 6)] == [None, None, None, "end 4", "end 5"]
    kept.keep(6, "x")
    assert [kept.find(number) for number in range(4, 7)] == ["end 4", "end 5", "x"]
    kept.keep(7, "a long end of 22 bytes")
    assert [kept.find(number) for number in range(4, 8)] == [None] * 4


def test_asked_for_an_end_that_is_forgotten_a_node_has_it_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    node = Node(dict(os.environ), patched("from node import past; past.KEPT = 1"))
    node.say(["more", [1, ["true"]], [2, ["true"]]])
    ended = {node.hear("e")[1], node.hear("e")[1]}
    assert ended == {1, 2}
    node.say(["ask", 1, 2])
    assert node.hear("c")[2:] == ["node", 0]
    assert node.close() == 0


# ---------------------------------------------------------------- signs of life


def test_a_node_tells_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    node = Node(dict(os.environ), tell=0.02, cores=1)
    assert node.hear("a") == ["a", 0, 0]
    node.say(["more", [1, ["sleep", "1000"]], [2, ["true"]]])
    node.hear("b")
    assert node.hear("a") == ["a", 1, 1]
    assert node.close() == 0
