"""The node program by itself: its words, its queue, the stamps of folders, and what it does without a driver."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.runners.local import find_node
from hpcmake.runners.node import stamp_folder
from hpcmake.runners.node.launched import find_launch_names
from hpcmake.runners.node.room import Room
from hpcmake.runners.node.task import Task

pytest.register_assert_rewrite("node_program")

from node_program import Node  # noqa: E402


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.chdir(tmp_path)
    node = Node(dict(os.environ))
    yield node
    assert node.close() == 0


def read(log: list[int]) -> str:
    slot, offset, length = log
    return Path(f"log.{slot}").read_bytes()[offset : offset + length].decode()


def test_a_row_may_leave_out_its_end(node: Node) -> None:
    node.say(["more", [1, ["echo", "hello"]]])
    _, number, status, why, wall, cpu, rss, at, log, strays, *stamps = node.hear("e")
    assert (number, status, why, strays, stamps) == (1, 0, "exit", 0, [])
    assert min(wall, cpu, rss, at) > 0
    assert read(log) == "hello\n"


def test_a_torn_line_is_remarked_and_skipped(node: Node) -> None:
    assert node.process.stdin is not None
    node.process.stdin.write('["more",[1,["tr\n[]\n7\n["more",[]]\n')
    for _ in range(3):
        assert node.hear("w")[1].startswith("not understood: ")
    node.say(["more", [1, ["true"]]])
    assert node.hear("e")[:3] == ["e", 1, 0]


def test_lines_are_short_however_many_outputs_there_are(node: Node) -> None:
    names = [str(number) for number in range(500)]
    node.say(["more", [1, ["touch", *names], names]])
    stamps: list[Any] = []
    for _ in range(500 // 20 - 1):
        stamps += node.hear("s")[2:]
    stamps += node.hear("e")[10:]
    assert len(stamps) == 1000
    assert stamps[::2] == [os.stat(name).st_mtime_ns for name in names]


def test_attempts_may_come_in_any_order(node: Node) -> None:
    for number in (7, 3, 5, 7, 1, 2, 3, 4):
        node.say(["more", [number, ["true"]]])
    assert [node.hear("b")[1] for _ in range(6)] == [7, 3, 5, 1, 2, 4]


def test_a_driver_that_is_silent_for_too_long_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    node = Node(dict(os.environ), beat=0.3)
    node.say(["beat"])
    node.say(["more", [1, ["sleep", "1000"]]])
    node.hear("b")
    assert node.process.wait() == 0
    node.close()


def test_what_a_launcher_left_in_the_environment_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    removed = ["PMI_RANK", "PMIX_ID", "PALS_FD", "ALPS_APP_PE", "SLURM_STEP_ID", "SLURM_STEPID", "SLURM_PROCID"]
    removed += ["SLURM_NTASKS", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE"]
    # Open MPI and MPICH; by the last four an mpiexec would look for the nodes of the whole job
    removed += ["OMPI_COMM_WORLD_SIZE", "OMPI_MCA_ess_base_vpid", "OMPI_MCA_orte_launch", "OMPI_MCA_pmix"]
    removed += ["OMPI_COMM_WORLD_RANK", "OMPI_MCA_rmaps_base_mapping_policy", "PRTE_LAUNCHED", "HYDI_CONTROL_FD"]
    removed += ["SLURM_JOBID", "SLURM_NODELIST", "PBS_NODEFILE", "COBALT_NODEFILE"]
    kept = ["SLURM_JOB_ID", "SLURM_JOB_NODELIST", "SLURM_NTASKS_PER_NODE", "PALETTE", "HOME"]
    kept += ["OMPI_MCA_btl", "OMPI_ALLOW_RUN_AS_ROOT", "PRTE_MCA_rmaps_default_mapping_policy", "PBS_JOBID"]
    node = Node({**os.environ, **dict.fromkeys(removed + kept, "x")}, scrub=True)
    node.say(["more", [1, ["env"]]])
    names = {line.partition("=")[0] for line in read(node.hear("e")[8]).splitlines()}
    assert names & set(removed) == set()
    assert set(kept) <= names
    assert node.close() == 0


def test_how_a_user_wants_open_mpi_to_place_ranks_is_kept() -> None:
    names = ["OMPI_MCA_rmaps_base_mapping_policy", "PMIX_RANK"]
    assert find_launch_names(names) == ["PMIX_RANK"]
    assert find_launch_names([*names, "OMPI_COMM_WORLD_RANK"]) == [*names, "OMPI_COMM_WORLD_RANK"]


def test_scripts_of_a_node_that_was_killed_are_swept_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = Node(dict(os.environ)), Node(dict(os.environ))
    first.process.send_signal(signal.SIGKILL)
    first.close()
    assert scratch_of(first) != []
    third = Node(dict(os.environ))
    assert (scratch_of(first), len(scratch_of(second)), len(scratch_of(third))) == ([], 1, 1)
    second.close()
    third.close()
    assert scratch_of(second) + scratch_of(third) == []


def scratch_of(node: Node) -> list[str]:
    return [name for name in os.listdir("/dev/shm") if name.startswith(f"hpcmake-{os.getuid()}-{node.process.pid}-")]


def test_the_program_needs_nothing_of_hpcmake(tmp_path: Path) -> None:
    code = "import sys; sys.path[0:0] = sys.argv[1:]; import node.serve; print([n for n in sys.modules if 'hpcm' in n])"
    place = os.path.dirname(find_node()[-1])
    words = [sys.executable, "-I", "-S", "-c", code, place]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "[]\n"


ORPHAN = """
import os, sys
sys.path.insert(0, sys.argv[1])
from node.kin import Kin, send

kin = Kin("kin")
if sys.argv[2] == "no list of children":
    kin.children = -1
text = "setsid sleep 1000 & setsid env -i sleep 1000 &"
leader = os.posix_spawn("/bin/sh", ["sh", "-c", text], {"HPCMAKE_ATTEMPT": "kin:7"})
os.waitid(os.P_PID, leader, os.WEXITED | os.WNOWAIT)
orphans = kin.find_orphans({leader: None}, busy=True)
trees = kin.survey({leader: 7})
print(len(orphans), len(trees.get(7, [])) + len(trees.get(None, [])))
send(orphans, 9)
"""


@pytest.mark.parametrize("kernel", ["a list of children", "no list of children"])
def test_orphans_come_to_the_node_on_every_kernel(kernel: str) -> None:
    words = [sys.executable, "-I", "-S", "-c", ORPHAN, os.path.dirname(find_node()[-1]), kernel]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "2 2\n"


# ---------------------------------------------------------------- stamps of folders


def test_the_stamp_of_a_folder_is_as_defined(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "inner").write_text("123")
    (tmp_path / "b.txt").write_text("12345")
    (tmp_path / "a").write_text("1")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "loop").symlink_to(".")
    lines = []
    total = 0
    for name in ("a", "b/", "b/inner", "b.txt", "link", "loop"):
        found = os.lstat(tmp_path / name) if name == "loop" else os.stat(tmp_path / name)
        mtime, size = (0, 0) if name.endswith("/") else (found.st_mtime_ns, found.st_size)
        lines.append(f"{name}\0{mtime}\0{size}\n".encode())
        total += size
    digest = int.from_bytes(hashlib.sha256(b"".join(lines)).digest()[:8], "big") >> 1
    assert stamp_folder(os.fsencode(tmp_path)) == (digest, total)
    assert stamp_folder(os.fsencode(tmp_path) + b"/") == (digest, total)
    assert digest < 1 << 63


def test_a_folder_as_an_output_is_stamped(node: Node) -> None:
    node.say(["more", [1, ["mkdir", "out"], ["out/", "absent/"]]])
    assert node.hear("e")[10:] == [*stamp_folder(b"out"), None, None]


# ---------------------------------------------------------------- the queue

SHAPES = st.tuples(
    st.integers(1, 10), st.integers(0, 10), st.integers(0, 3), st.booleans(), st.booleans()
)  # cores, memory, gpus, alone; whether one ends before the next is looked for


@given(st.integers(1, 8), st.integers(0, 8), st.integers(0, 2), st.lists(SHAPES, max_size=60))
def test_the_room_is_never_overfilled_and_all_get_their_turn(
    cores: int, memory: int, gpus: int, shapes: list[tuple[int, int, int, bool, bool]]
) -> None:
    room = Room(cores, memory, gpus)
    for number, (want_cores, want_memory, want_gpus, alone, _) in enumerate(shapes):
        row: list[Any] = [
            number,
            None,
            (),
            (),
            want_cores,
            want_memory,
            want_gpus,
            None,
            "",
            (),
            "",
            False,
            {},
            None,
            int(alone),
        ]
        room.queue(Task(row))
    began: list[int] = []
    turn = 0
    while room.waiting or room.running:
        task = room.next()
        if task is not None:
            began.append(task.id)
        running = list(room.running.values())
        assert sum(task.cores for task in running) <= max(1, cores)
        assert sum(task.memory for task in running) <= memory
        devices = [device for task in running for device in task.devices]
        assert len(devices) == len(set(devices)) == sum(task.gpus for task in running)
        assert len(running) == 1 or not any(task.alone for task in running)
        turn += 1
        if running and (task is None or shapes[turn % len(shapes)][4]):
            room.give_back(running[turn % len(running)])
    assert sorted(began) == list(range(len(shapes)))
    assert (room.free_cores, room.free_memory, room.gpus) == (max(1, cores), memory, list(range(gpus)))


@given(st.lists(st.integers(0, 30)))
def test_an_attempt_is_known_from_the_second_time_on(numbers: list[int]) -> None:
    room = Room(1, 0, 0)
    known: set[int] = {0}
    for number in numbers:
        assert room.know(number) == (number in known)
        known.add(number)
