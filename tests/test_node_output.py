"""The output of tasks on a node of many: by way of the scratch to one log, and what may go wrong on that way."""

import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpcmake.runners.local import find_node
from hpcmake.runners.node.output import MOST, punch

pytest.register_assert_rewrite("node_program")

from node_program import Launch, Node, start_object  # noqa: E402

SCRIPT: list[object] = [None, [], [], 1, 0, 0, None]
"""What a row has between its id and its script."""

PATCHED = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from node import output, serve

{0}
sys.exit(serve.main())
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Node]]:
    """Starts a node in a folder that stands for a shared one, after a line of ours."""
    monkeypatch.chdir(tmp_path)
    nodes: list[Node] = []

    def start_node(patch: str = "", **more: object) -> Node:
        command = [sys.executable, "-I", "-S", "-c", PATCHED.format(patch), os.path.dirname(find_node()[-1])]
        nodes.append(Node(dict(os.environ), command, **{"spool": True, **more}))
        return nodes[-1]

    yield start_node
    for node in nodes:
        assert node.close() == 0
        assert not Path(node.up[3]).exists()


def read(place: list[int]) -> bytes:
    slot, offset, length = place
    path = Path("log.out" if slot == -2 else f"log.{slot}")
    return path.read_bytes()[offset : offset + length]


def test_all_tasks_of_a_node_share_one_log(start: Callable[..., Node]) -> None:
    node = start(cores=4)
    node.say(["more", *([number, *SCRIPT, f"echo {number}; echo {'x' * number} >&2"] for number in range(1, 50))])
    for _ in range(1, 50):
        ended = node.hear("e")
        assert read(ended[8]) == f"{ended[1]}\n{'x' * ended[1]}\n".encode()
    assert os.listdir() == ["log.out"]


def test_no_output_makes_no_file(start: Callable[..., Node]) -> None:
    node = start()
    node.say(["more", [1, ["true"]], [2, ["false"]]])
    assert [node.hear("e")[8], node.hear("e")[8]] == [0, 0]
    assert os.listdir() == []


def test_each_rank_has_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Launch(tmp_path / "mailbox") as launch:
        launch.post(start_object(spool=True, look=0.1), [-1, "more", [1, ["echo", "x"]]])
        for rank in "01":
            launch.start({"PMI_RANK": rank})
        assert [row[9] for row in launch.hear("e", 2)] == [[-2, 0, 2]] * 2
        launch.post([-1, "end"])
        assert [rank.wait() for rank in launch.ranks] == [0, 0]
    assert sorted(os.listdir()) == ["log.0.out", "log.1.out", "mailbox"]


def test_a_log_of_its_own_is_written_by_the_task(start: Callable[..., Node]) -> None:
    node = start()
    row = [1, ["echo", "mine"], [], [], 1, 0, 0, None, "", ["bash"], "", False, {}, "own/log"]
    node.say(["more", row, [2, ["echo", "ours"]]])
    places = {ended[1]: ended[8] for ended in (node.hear("e"), node.hear("e"))}
    assert places == {1: [-1, 0, 5], 2: [-2, 0, 5]}
    assert Path("own/log").read_text() == "mine\n"


def test_what_could_not_begin_says_why_in_the_same_log(start: Callable[..., Node]) -> None:
    node = start()
    node.say(["more", [1, ["no-such-program"]]])
    assert read(node.hear("e")[8]) == b"bash: no-such-program: command not found\n"


def test_run_and_post_are_one_piece(start: Callable[..., Node]) -> None:
    node = start()
    node.say(["more", [1, *SCRIPT, "echo run", ["bash"], "echo post"]])
    assert read(node.hear("e")[8]) == b"run\npost\n"


def test_what_a_task_wrote_that_is_cut_is_kept(start: Callable[..., Node]) -> None:
    os.mkfifo("up")
    node = start()
    node.say(["more", [1, *SCRIPT, "echo so far; echo > up; sleep 1000"]])
    Path("up").read_text()
    node.say(["stop", "kill"])
    assert node.hear("c")[:3] == ["c", 1, "stop"]
    assert Path("log.out").read_text() == "so far\n"


def test_so_is_what_a_task_wrote_when_the_driver_left(start: Callable[..., Node]) -> None:
    os.mkfifo("up")
    node = start()
    node.say(["more", [1, *SCRIPT, "echo so far; echo > up; sleep 1000"]])
    Path("up").read_text()
    node.close()
    assert Path("log.out").read_text() == "so far\n"


# ---------------------------------------------------------------- much output


def test_much_output_goes_on_while_the_task_runs_and_none_of_it_is_lost(start: Callable[..., Node]) -> None:
    os.mkfifo("go")
    node = start(tell=0.02)
    text = f"seq 1 {MOST // 4}; read line < go; echo $line"
    node.say(["more", [1, *SCRIPT, text]])
    wanted = "".join(f"{number}\n" for number in range(1, MOST // 4 + 1)).encode()
    while not Path("log.0").exists() or Path("log.0").stat().st_size < len(wanted) - MOST:
        node.hear("a")
    Path("go").write_text("the end\n")
    place = node.hear("e")[8]
    assert place == [0, 0, len(wanted) + len("the end\n")]
    assert read(place) == wanted + b"the end\n"


def test_the_slot_of_such_a_task_is_as_any_other_after_it(start: Callable[..., Node]) -> None:
    node = start("output.MOST = 10; output.LOOK = 0.01", tell=0.02, cores=1)
    os.mkfifo("go")
    for number in (1, 3):
        node.say(
            [
                "more",
                [number, *SCRIPT, "echo more than ten letters; read < go; echo $REPLY"],
                [number + 1, ["echo", "few"]],
            ]
        )
        while not Path("log.0").exists() or Path("log.0").stat().st_size < 13 * number:
            node.hear("a")
        Path("go").write_text("x\n")
        assert read(node.hear("e")[8]) == b"more than ten letters\nx\n"
        ended = node.hear("e")
        assert (ended[8][0], read(ended[8])) == (-2, b"few\n")
    assert sorted(os.listdir()) == ["go", "log.0", "log.out"]


def test_a_hole_gives_memory_back_and_moves_no_end(tmp_path: Path) -> None:
    path = Path("/dev/shm") / f"hpcmake-test-{os.getpid()}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    path.unlink()
    os.write(fd, b"x" * (1 << 20))
    punch(fd, (1 << 20) - 5)
    os.write(fd, b"yz")
    found = os.fstat(fd)
    assert found.st_size == (1 << 20) + 2
    assert found.st_blocks * 512 <= 2 * os.sysconf("SC_PAGE_SIZE")
    assert os.pread(fd, 10, (1 << 20) - 5) == b"xxxxxyz"
    os.close(fd)


def test_a_task_that_opens_its_output_anew_loses_what_came_before_and_no_more(start: Callable[..., Node]) -> None:
    node = start()
    node.say(["more", [1, *SCRIPT, "echo before; : > /dev/stdout; echo after"], [2, ["echo", "other"]]])
    texts = {ended[1]: read(ended[8]) for ended in (node.hear("e"), node.hear("e"))}
    assert texts == {1: b"after\n", 2: b"other\n"}


# ---------------------------------------------------------------- a scratch or a log that has no room


def test_without_room_in_the_scratch_output_goes_to_the_log_of_its_slot(start: Callable[..., Node]) -> None:
    node = start("output.find_room = lambda folder: (1000, 1 << 30)", cores=1)
    node.say(["more", [1, ["echo", "one"]], [2, ["echo", "two"]]])
    assert [node.hear("e")[8], node.hear("e")[8]] == [[0, 0, 4], [0, 4, 4]]
    assert os.listdir() == ["log.0"]


def test_when_the_scratch_fills_up_what_runs_is_moved_on(start: Callable[..., Node]) -> None:
    patch = "rooms = [(1 << 30, 1 << 30)]; output.LOOK = 0.01"
    node = start(f"{patch}; output.find_room = lambda folder: rooms.pop() if rooms else (0, 1 << 30)", tell=0.02)
    os.mkfifo("go")
    node.say(["more", [1, *SCRIPT, "echo one; read < go; echo $REPLY"]])
    while not Path("log.0").exists() or not Path("log.0").stat().st_size:
        node.hear("a")
    Path("go").write_text("two\n")
    ended = node.hear("e")
    assert (ended[3], read(ended[8])) == ("exit", b"one\ntwo\n")


def test_a_failure_in_a_full_scratch_says_so(start: Callable[..., Node]) -> None:
    node = start("output.find_room = lambda folder: (0, 0)")
    node.say(["more", [1, *SCRIPT, "echo one; exit 3"]])
    ended = node.hear("e")
    assert ended[2] == 3
    assert read(ended[8]).decode() == f"one\nhpcmake: {node.up[3]} is full: the end of this output may be missing\n"


def test_a_scratch_that_was_swept_away_costs_no_output(start: Callable[..., Node]) -> None:
    node = start(cores=1)
    scratch = node.up[3]
    node.say(["more", [1, ["rm", "-r", scratch]]])
    node.hear("e")
    node.say(["more", [2, ["echo", "two"]]])
    assert read(node.hear("e")[8]) == b"two\n"
    os.mkdir(scratch)  # as the fixture wants to see it go


def test_a_log_that_cannot_be_written_is_told_once_and_fails_nothing(start: Callable[..., Node]) -> None:
    Path("log.out").mkdir()
    node = start(cores=1)
    node.say(["more", *([number, ["echo", "x"]] for number in range(1, 4))])
    assert node.hear("w") == ["w", "./log.out: Is a directory"]
    assert [node.hear("e")[2:9:6] for _ in range(3)] == [[0, 0]] * 3
    Path("log.out").rmdir()
    node.say(["more", [4, ["echo", "y"]]])
    assert read(node.hear("e")[8]) == b"y\n"


def test_output_beyond_what_a_file_system_takes_is_told_as_far_as_it_is_there(start: Callable[..., Node]) -> None:
    node = start("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 200))", cores=1)
    node.say(["more", [1, ["echo", "x" * 89]], [2, ["echo", "y" * 49]], [3, ["echo", "z"]]])
    assert [node.hear("e")[8]] == [[-2, 0, 90]]
    assert node.hear("w") == ["w", "the output of tasks cannot be kept: File too large"]
    assert [node.hear("e")[8], node.hear("e")[8]] == [[-2, 90, 10], 0]


def test_the_scratch_is_for_its_user_alone(start: Callable[..., Node]) -> None:
    os.mkfifo("up")
    node = start()
    node.say(["more", [1, *SCRIPT, "echo secret; echo > up; sleep 1000"]])
    Path("up").read_text()
    mode: Any = os.stat(f"{node.up[3]}/0.out").st_mode
    assert stat.S_IMODE(mode) == 0o600
    node.process.send_signal(signal.SIGTERM)
    assert node.hear("c")[2] == "term"
