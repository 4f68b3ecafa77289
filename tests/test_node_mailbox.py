"""The node program as one of many ranks: a file tells all of them what to do, and one stream takes their answers."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.runners.node.inlets import Mailbox
from hpcmake.runners.node.rank import TOLD_BY, find_rank

pytest.register_assert_rewrite("node_program")

from node_program import Launch, start_object  # noqa: E402

FOREVER = ["sleep", "1000"]


@pytest.fixture
def launch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Launch]:
    """A launch that is told nothing yet.  Its ranks have to end by themselves."""
    monkeypatch.chdir(tmp_path)
    for name in TOLD_BY:
        monkeypatch.delenv(name, raising=False)
    with Launch(tmp_path / "mailbox") as launch:
        yield launch


def begin(launch: Launch, ranks: int, **start: object) -> None:
    """Start ranks, and wait until they are up."""
    launch.post(start_object(**{"look": 0.1, **start}))
    for rank in range(ranks):
        launch.start({"PMI_RANK": str(rank)})
    assert [row[0] for row in launch.hear("up", ranks)] == list(range(ranks))


def test_each_rank_takes_its_own_words_and_those_for_all(launch: Launch) -> None:
    begin(launch, 3)
    launch.post([2, "more", [1, ["echo", "two"]]], [0, "more", [2, ["echo", "zero"]]], [1, "more", [3, ["true"]]])
    assert [row[:4] for row in launch.hear("e", 3)] == [[0, "e", 2, 0], [1, "e", 3, 0], [2, "e", 1, 0]]
    launch.post([-1, "ask", 1])
    assert [row[:3] for row in launch.hear("u", 2)] == [[0, "u", 1], [1, "u", 1]]
    launch.post([-1, "end"])
    assert [rank.wait() for rank in launch.ranks] == [0, 0, 0]
    assert Path("log.2.0").read_text() + Path("log.0.0").read_text() == "two\nzero\n"


def test_the_mailbox_may_come_after_the_ranks(launch: Launch) -> None:
    launch.start({})
    launch.append("")
    text = '{"root": "."'
    launch.append(text)
    launch.post({})  # still no line that could be understood
    assert launch.ranks[0].wait() == 3


def test_a_torn_tail_waits_for_its_end(launch: Launch) -> None:
    begin(launch, 2)
    launch.append('[0,"more",[1,["ec')
    launch.append('ho","a"')
    launch.start({"PMI_RANK": "2"})  # when that is up, the others have looked, or will see the same
    launch.hear("up")
    launch.append("]]]\n[-1")
    assert launch.hear("e")[0][:4] == [0, "e", 1, 0]
    launch.append(',"ask",7]\n')
    assert [row[:3] for row in launch.hear("u", 3)] == [[rank, "u", 7] for rank in range(3)]
    launch.post([-1, "end"])


def test_garbage_for_us_is_remarked_and_that_for_others_is_not_looked_at(launch: Launch) -> None:
    begin(launch, 1)
    launch.append('[5,"more",[[[\nhello\n\n[0,"more"\n[0,"stop"]\n')
    assert [row[2][:16] for row in launch.hear("w", 2)] == ["not understood: "] * 2
    launch.post([-1, "end"])


def test_what_is_written_at_once_is_whole_lines_and_short(launch: Launch) -> None:
    begin(launch, 2, cores=4)
    names = [str(number) for number in range(500)]
    launch.post([-1, "more", [1, ["touch", *names], names], *([n, ["true"]] for n in range(2, 400))])
    launch.hear("e", 2 * 399)
    launch.post([-1, "end"])
    assert max(len(packet) for packet in launch.writes) <= 1000
    assert all(packet.endswith(b"\n") for packet in launch.writes)
    assert len(launch.writes) < sum(packet.count(b"\n") for packet in launch.writes) / 2, "lines should travel together"


def test_ranks_of_one_machine_leave_each_others_tasks_alone(launch: Launch) -> None:
    begin(launch, 2)
    os.mkfifo("go")
    launch.post([0, "more", [1, FOREVER]], [1, "more", [2, None, [], [], 1, 0, 0, None, "read line < go; echo $line"]])
    launch.hear("b", 2)
    launch.post([0, "end"])
    assert launch.ranks[0].wait() == 0
    Path("go").write_text("alive\n")
    rows = launch.hear("e")
    assert rows[0][:4] == [1, "e", 2, 0]
    assert Path("log.1.0").read_text() == "alive\n"
    launch.post([-1, "end"])


def test_what_runs_at_the_end_is_cut(launch: Launch) -> None:
    begin(launch, 1)
    launch.post([0, "more", *([number, FOREVER] for number in range(1, 5))])
    launch.hear("b", 2)
    launch.post([0, "end"])
    assert [row[1:4] for row in launch.hear("c", 4)] == [["c", number, "stop"] for number in range(1, 5)]


def test_words_that_are_repeated_do_nothing(launch: Launch) -> None:
    begin(launch, 1)
    launch.post(*[[0, "more", [1, ["sh", "-c", "echo x >> count"]]]] * 3, [-1, "more", [2, ["true"]]])
    launch.hear("e", 2)
    launch.post([-1, "more", [1, ["sh", "-c", "echo x >> count"]]], [-1, "more", [3, ["true"]]])
    launch.hear("e")
    launch.post([-1, "end"])
    assert Path("count").read_text() == "x\n"


def test_a_rank_that_hears_no_beat_ends(launch: Launch) -> None:
    launch.post(start_object(beat=0.5, look=0.1), [0, "more", [1, FOREVER]])
    launch.start({})
    assert launch.hear("c")[0][:4] == [0, "c", 1, "stop"]
    assert launch.ranks[0].wait() == 0


def test_a_rank_tells_that_it_lives(launch: Launch) -> None:
    begin(launch, 2, tell=0.05, cores=1)
    launch.post([1, "more", [1, FOREVER], [2, FOREVER], [3, FOREVER]])
    awaited = [[0, "a", 0, 0], [1, "a", 1, 2]]
    for row in launch.answers():
        if row in awaited:
            awaited.remove(row)
        if not awaited:
            break
    launch.post([-1, "end"])


def test_a_rank_that_nobody_hears_ends(launch: Launch, tmp_path: Path) -> None:
    with Launch(tmp_path / "other") as other:
        begin(other, 1)
        other.post([0, "more", [1, FOREVER]])
        other.hear("b")
        other.hang_up()
        assert other.ranks[0].wait() == 0


def test_sigterm_ends_a_rank_when_its_tasks_have_ended(launch: Launch) -> None:
    begin(launch, 1)
    launch.post([0, "more", [1, FOREVER]])
    launch.hear("b")
    launch.ranks[0].send_signal(signal.SIGTERM)
    assert launch.hear("c")[0][:4] == [0, "c", 1, "term"]
    assert launch.ranks[0].wait() == 0


# ---------------------------------------------------------------- which rank


NODES = ["nid00012.example.org", "nid00013", "nid00017"]


@pytest.mark.parametrize(
    ("environment", "host", "rank"),
    [
        ({}, "nid00017", 2),
        ({}, "NID00012.other.org", 0),
        ({}, "elsewhere", 0),
        ({"ALPS_APP_PE": "2"}, "elsewhere", 2),
        ({"PALS_RANKID": ""}, "elsewhere", 0),
        ({"PMIX_RANK": "x", "SLURM_PROCID": "1"}, "elsewhere", 1),
        ({"SLURM_PROCID": "0", "PMI_RANK": "1"}, "elsewhere", 1),  # mpiexec in the script of a Slurm job
        ({"SLURM_PROCID": "1", "PMIX_RANK": "0"}, "nid00013", 1),  # srun within a step of a user at a terminal
        ({"SLURM_PROCID": "2"}, "nid00013", 1),  # srun sorts its nodes
    ],
)
def test_a_rank_finds_its_place(environment: dict[str, str], host: str, rank: int) -> None:
    assert find_rank(NODES, environment, host) == rank


def test_two_ranks_of_one_host_are_told_apart_by_what_their_launcher_says() -> None:
    assert [find_rank(["a", "a"], {"PMI_RANK": rank}, "a") for rank in "01"] == [0, 1]


@pytest.mark.parametrize("name", TOLD_BY)
def test_every_launcher_is_understood(name: str) -> None:
    assert find_rank([], {name: "3"}, "a") == 3


# ---------------------------------------------------------------- the file


@given(st.lists(st.integers(0, 200), max_size=8), st.integers(0, 3))
def test_a_line_is_taken_once_and_only_whole(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / f"mailbox-{os.getpid()}"
    text = b'{"beat": 0, "nodes": []}\n[0,"beat"]\n[1,"no"]\n[-1,"more",[1,["\xc3\xa4"]]]\n[0,"x"]\n[-1,"end"]\n'
    first = text.index(b"\n") + 1
    path.write_bytes(text[:first])
    box = Mailbox(str(path))
    assert box.await_start() == {"beat": 0, "nodes": []}
    found: list[list[object]] = []
    for number, cut in enumerate([*sorted(first + cut for cut in cuts), len(text)]):
        content = text[:cut]
        # a file system may tell of a length before it shows what was written
        path.write_bytes(content + b"\0" * (7 if number == at and cut < len(text) else 0))
        found += [box.parse(line) for line in box.read()]
    assert found == [["beat"], ["more", [1, ["ä"]]], ["x"], ["end"]]
    assert not box.ended


def test_a_line_for_others_is_a_sign_of_life(tmp_path: Path) -> None:
    path = tmp_path / "mailbox"
    path.write_text('{"beat": 60}\n')
    box = Mailbox(str(path))
    box.await_start()
    assert (box.read(), box.heard) == ([], False)
    with path.open("a") as file:
        file.write('[5,"beat"]\n')
    assert (box.read(), box.heard) == ([], True)


def test_a_mailbox_that_is_gone_for_long_is_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("hpcmake.runners.node.inlets.time.monotonic", lambda: now[0])
    path = tmp_path / "mailbox"
    path.write_text('{"beat": 60, "look": 0.5}\n')
    box = Mailbox(str(path))
    box.await_start()
    assert box.due(short=False) <= now[0], "what came with the first line is not waited for"
    assert (box.read(), box.due(short=True), box.due(short=False)) == ([], 1000.5, 1005.0)
    path.rename(tmp_path / "away")
    for now[0] in (1030.0, 1059.0):
        assert (box.read(), box.ended, box.heard) == ([], False, False)
    (tmp_path / "away").rename(path)
    now[0] = 1070.0
    assert (box.read(), box.ended) == ([], False)
    path.unlink()
    now[0] = 1131.0
    assert (box.read(), box.ended) == ([], True)
