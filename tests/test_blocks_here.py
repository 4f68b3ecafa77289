"""A run in a job on a Blue Gene/Q: blocks are booted, used by runjob, and freed.  Its commands are small stand-ins."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Command, Result

from hpcmake.app import held_blocks

WHOLE = "MIR-00000-0001F-1024"
FIRST, SECOND = "MIR-00000-0000F-512", "MIR-00010-0001F-512"

STAND_IN = """
# Stands for a command of Blue Gene/Q: notes how it was called, and answers as the real one does.
import os, sys

folder, name = os.path.dirname(os.path.abspath(__file__)), sys.argv[1]
words = sys.argv[2:]
with open(f"{folder}/called", "a") as file:
    file.write(" ".join([name, *words]) + "\\n")
block = words[words.index("--block") + 1] if "--block" in words else ""
if name == "get-bootable-blocks":
    if os.path.exists(f"{folder}/down"):
        sys.exit("component error: Failed to connect to system: [Errno 111] Connection refused")
    if not os.path.exists(f"{folder}/booted"):
        sys.stdout.write(open(f"{folder}/blocks-{words[1]}").read())
elif name == "get-corners.py":
    print("R00-M0-N00-J00\\nR00-M0-N08-J00")
elif name == "boot-block" and "--free" in words:
    print(f"Block free on {block} initiated.\\nBlock {block} successfully freed.")
elif name == "boot-block":
    if os.path.exists(f"{folder}/endless"):
        open(f"{folder}/endless").read()
    if os.path.exists(f"{folder}/broken-{block}"):
        sys.exit(f"Boot for location {block} failed.")
    print(f"Boot for location {block} complete.")
elif name == "runjob":
    at = words.index(":")
    given = [words[place + 1] for place in range(at) if words[place] == "--envs"]
    os.execvpe(words[at + 1], words[at + 1 :], {"PATH": os.environ["PATH"], **dict(each.split("=", 1) for each in given)})
"""


@pytest.fixture
def machine(command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the commands; `called` in it tells how they were called."""
    monkeypatch.setattr(held_blocks, "APART", 0.0)
    folder = command.root / "bin"
    folder.mkdir()
    (folder / "stand_in.py").write_text(STAND_IN)
    for name in ("get-bootable-blocks", "boot-block", "get-corners.py", "runjob"):
        (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {folder}/stand_in.py {name} "$@"\n')
        (folder / name).chmod(0o755)
    (folder / "blocks-512").write_text(f"{FIRST}\n{SECOND}\n")
    (folder / "blocks-1024").write_text(f"{WHOLE}\n")
    return folder


def job(machine: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": f"{machine}{os.pathsep}{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}",
        "COBALT_JOBID": "77",
        "COBALT_PARTNAME": WHOLE,
        "COBALT_PARTSIZE": "1024",
        "COBALT_ENDTIME": str(int(time.time()) + 3600),
        **more,
    }


@pytest.fixture
def here(command: Command, machine: Path) -> Callable[..., Result]:
    def run(*arguments: str, jobs: int = 1024) -> Result:
        return command.say("--json", "--here", "-j", str(jobs), *arguments, env=job(machine))

    return run


def called(machine: Path, *names: str) -> list[str]:
    """Return how commands were called, in order; those of some names only."""
    lines = (machine / "called").read_text().splitlines()
    return [line for line in lines if not names or line.split()[0] in names]


def test_a_block_is_booted_for_each_task_and_freed_at_the_end(
    command: Command, machine: Path, here: Callable[..., Result]
) -> None:
    command.wfile("""
        target all: "out1", "out2"
        rule work:
            output: "out{i}"
            nodes: 512
            ranks_per_node: 16
            cores_per_rank: 2
            env: SPEED = "fast one"
            run: {launch} sh -c 'case {i} in 1) : > meet;; 2) : < meet;; esac; echo $OMP_NUM_THREADS $SPEED > {output}'
    """)
    command.fifo("meet")
    result = here()
    assert result.status == 0, result
    assert command.text("out1") == command.text("out2") == "2 fast one\n"
    calls = called(machine)
    assert [call for call in calls if not call.startswith("runjob")][:3] == [
        f"get-bootable-blocks --size 512 {WHOLE}",
        f"boot-block --block {FIRST}",
        f"boot-block --block {SECOND}",
    ]
    for block in (FIRST, SECOND):
        start = f"runjob --envs OMP_NUM_THREADS=2 --envs SPEED=fast one --block {block} --np 8192 -p 16"
        assert len([call for call in calls if call.startswith(f"{start} --cwd {command.root} : sh -c ")]) == 1
    assert sorted(calls[-2:]) == [f"boot-block --block {block} --free" for block in (FIRST, SECOND)]
    assert not command.exists(".hpcmake/blocks.77")


def test_small_tasks_run_on_parts_of_one_block(command: Command, machine: Path, here: Callable[..., Result]) -> None:
    command.wfile("""
        target all: "out1", "out2"
        rule work:
            output: "out{i}"
            nodes: 200
            run: {launch} sh -c 'echo > {output}'
    """)
    result = here()
    assert result.status == 0, result
    calls = called(machine)
    assert calls[:3] == [
        f"get-bootable-blocks --size 512 {WHOLE}",
        f"boot-block --block {FIRST}",
        f"get-corners.py {FIRST} 4x2x4x4x2",
    ]
    parts = sorted(call.split(" --np ")[0] for call in called(machine, "runjob"))
    assert parts == [
        f"runjob --envs OMP_NUM_THREADS=1 --block {FIRST} --corner {corner} --shape 4x2x4x4x2"
        for corner in ("R00-M0-N00-J00", "R00-M0-N08-J00")
    ]


WORK = """
    target all: "out1", "out2"
    rule work:
        output: "out{i}"
        nodes: 512
        run: {launch} sh -c 'echo > {output}'
"""


def test_a_block_that_does_not_boot_is_left_out(command: Command, machine: Path, here: Callable[..., Result]) -> None:
    command.wfile(WORK)
    (machine / f"broken-{FIRST}").touch()
    result = here()
    assert result.status == 0, result
    assert result.notes == (f"block {FIRST} cannot be booted, and is left out: Boot for location {FIRST} failed.")
    assert all(f"--block {SECOND} " in call for call in called(machine, "runjob"))
    assert called(machine)[-1] == f"boot-block --block {SECOND} --free"


def test_if_no_block_boots_nothing_runs(command: Command, machine: Path) -> None:
    command.wfile(WORK)
    (machine / f"broken-{FIRST}").touch()
    (machine / "blocks-512").write_text(f"{FIRST}\n")
    result = command.say("--here", "--quiet", env=job(machine))
    assert result.status == 3
    assert result.err == (
        f"error[E916]: no block of {WHOLE} could be booted: Boot for location {FIRST} failed.\n"
        f"  help: see `get-bootable-blocks {WHOLE}`, and the job's .error file; then submit the job again\n"
    )
    assert called(machine, "runjob") == []


def test_cobalt_is_down(command: Command, machine: Path) -> None:
    command.wfile(WORK)
    (machine / "down").touch()
    result = command.say("--here", "--quiet", env=job(machine))
    assert result.status == 3
    assert result.err == (
        "error[E916]: get-bootable-blocks has failed: "
        "component error: Failed to connect to system: [Errno 111] Connection refused\n"
        "  help: Cobalt may be down: try it again by hand, with the name in COBALT_PARTNAME\n"
    )


def test_what_is_no_list_of_blocks_is_shown(command: Command, machine: Path) -> None:
    command.wfile(WORK)
    (machine / "blocks-512").write_text("Traceback (most recent call last):\n")
    result = command.say("--here", "--quiet", env=job(machine))
    assert result.status == 3
    assert result.err == (
        "error[E912]: what get-bootable-blocks says cannot be read\n"
        " --> get-bootable-blocks:1:1\n"
        "1 | Traceback (most recent call last):\n"
        "  | ^^^^^^^^^ not the name of a block\n"
    )


def test_the_commands_of_blocks_are_not_there(command: Command, machine: Path) -> None:
    command.wfile(WORK)
    (machine / "boot-block").unlink()
    result = command.say("--here", env=job(machine))
    assert result.status == 3
    assert result.err == (
        "error[E915]: `boot-block`, which mira boots blocks by, is not on the PATH\n"
        "  help: it is part of Cobalt, and there where jobs run: is this the node of the job's script?\n"
    )


def test_runjob_cannot_start_any_number_of_ranks(command: Command, machine: Path) -> None:
    command.wfile("""
        rule work:
            output: "out"
            nodes: 512
            ranks_per_node: 12
            run: {launch} hello
    """)
    result = command.say("--here", env=job(machine))
    assert result.status == 2
    assert result.err == (
        "error[E913]: runjob starts 1, 2, 4, 8, 16, 32 or 64 ranks on a node, not 12\n"
        " --> Wfile:5:21\n"
        "5 |     ranks_per_node: 12\n"
        "  |                     ^^\n"
        "  = help: write `ranks_per_node: 8` or `ranks_per_node: 16`\n"
    )
    assert not (machine / "called").exists()


def test_a_block_that_was_booted_before_the_script_is_used_and_left(
    command: Command, machine: Path, here: Callable[..., Result]
) -> None:
    command.wfile(WORK)
    (machine / "booted").touch()
    result = here()
    assert result.status == 0, result
    assert called(machine, "get-bootable-blocks", "boot-block") == [
        f"get-bootable-blocks --size 512 {WHOLE}",
        f"get-bootable-blocks --size 1024 {WHOLE}",
        f"boot-block --block {WHOLE}",
    ]
    assert "one place, for one task at a time" in result.notes


def test_blocks_are_freed_after_a_failure(command: Command, machine: Path, here: Callable[..., Result]) -> None:
    command.wfile(WORK.replace("echo > {output}", "exit 3"))
    result = here()
    assert result.status == 1
    assert f"boot-block --block {FIRST} --free" in called(machine)[-2:]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_blocks_are_freed_when_the_run_is_told_to_end(
    command: Command, machine: Path, number: signal.Signals, status: int
) -> None:
    command.wfile(WORK.replace("echo > {output}", "read nothing < fifo").replace('"out1", "out2"', '"out1"'))
    fifo = command.fifo("fifo")
    running = command.start("--here", jobs=1024, env=job(machine))
    with open(fifo, "w"):  # it runs now
        running.interrupt(number)
        if number == signal.SIGINT:
            running.until("note")
            running.interrupt(number)
        assert running.end().status == status
    assert called(machine)[-1] == f"boot-block --block {FIRST} --free"


def test_a_boot_that_takes_long_does_not_hold_up_the_end(command: Command, machine: Path) -> None:
    command.wfile(WORK.replace('"out1", "out2"', '"out1"'))
    os.mkfifo(machine / "endless")
    running = command.start("--here", jobs=1024, env=job(machine))
    with open(machine / "endless", "w"):  # the block is being booted now
        running.interrupt(signal.SIGTERM)
        assert running.end().status == 143
    assert called(machine, "boot-block") == [f"boot-block --block {FIRST}", f"boot-block --block {FIRST} --free"]


def test_what_a_killed_run_has_left_booted_is_freed_by_the_next(
    command: Command, machine: Path, here: Callable[..., Result]
) -> None:
    command.wfile(WORK)
    command.write(".hpcmake/blocks.77", f"{WHOLE}\n")
    assert here().status == 0
    assert called(machine)[0] == f"boot-block --block {WHOLE} --free"
    assert not command.exists(".hpcmake/blocks.77")


@pytest.mark.parametrize("before", [":", "boot-block >/dev/null"], ids=["not booted", "booted before"])
def test_on_an_emulated_mira(command: Command, before: str) -> None:
    command.wfile("""
        target all: "out{i}" for i in range(4)
        rule work:
            output: "out{i}"
            nodes: 128
            ranks: 2
            run: {launch} sh -c 'echo $OMP_NUM_THREADS >> {output}'
    """)
    script = f"{before}; {sys.executable} -m hpcmake --here --quiet && get-bootable-blocks $COBALT_PARTNAME > left"
    result = command.real("testbed", "mira", "--nodes", "512", "--", "sh", "-c", script)
    assert result.status == 0, result
    assert [command.text(f"out{number}") for number in range(4)] == ["1\n1\n"] * 4
    assert command.lines("left") == (["MIR-00000-0000F-512"] if before == ":" else [])


def test_a_rule_that_shares_nodes_is_refused(command: Command, machine: Path) -> None:
    command.wfile("""
        rule work:
            output: "out"
            run: echo > {output}
    """)
    result = command.say("--here", env=job(machine))
    assert result.status == 2
    assert "error[E508]: rule `work` shares nodes, and the nodes of mira run one program and no shell" in result.err
