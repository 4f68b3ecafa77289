"""Two drivers in one folder, drivers that were killed, and who only looks while one runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hpcmake.app import folding
from hpcmake.holders import find_self
from hpcmake.journal import JournalFolder
from hpcmake.lease import acquire
from hpcmake.runners.process import find_strays

if TYPE_CHECKING:
    from pathlib import Path

    from command import Command, Running

WAITS = """
    target all: "b"
    rule a:
        input: "source"
        output: "a"
        run:
            echo half > {output}
            read -r line < go
            cat {input} >> {output}
    rule b:
        input: "a"
        output: "b"
        run: cp {input} {output}
"""


@pytest.fixture
def campaign(command: Command) -> Command:
    """Two tasks, of which the first writes half of its output, and then waits for a line in `go`."""
    command.wfile(WAITS)
    command.sources("source")
    command.fifo("go")
    return command


def begun(campaign: Command, *words: str) -> tuple[Running, int]:
    """Return a run whose first task waits, and the end of the fifo that lets it go on."""
    running = campaign.start(*words)
    running.until("began", task="a")
    return running, os.open(campaign.root / "go", os.O_WRONLY)


def let_go(go: int) -> None:
    os.write(go, b"go\n")
    os.close(go)


def mark(root: Path) -> str:
    return (root / ".hpcmake/mark").read_text().split()[0] + ":"


# ---------------------------------------------------------------- the second one


def test_the_second_is_told_who_since_when_and_how_to_wait(campaign: Command) -> None:
    running, go = begun(campaign)
    second = campaign.say()
    holder = f"pid {running.process.pid} on {os.uname().nodename}, since 20"
    assert (second.status, second.out) == (2, "")
    assert second.err.startswith(f"error[E720]: another hpcmake drives this campaign: {holder}")
    assert second.err.endswith("\n  help: `hpcmake --wait` waits until it has ended; `hpcmake stop` ends it\n")
    waited = campaign.say("--wait", "0.05s")
    assert waited.status == 2
    first, error, *_ = waited.err.splitlines()
    assert first.startswith(f"waiting until another hpcmake has ended: {holder}")
    assert error.startswith(f"error[E720]: another hpcmake drives this campaign: {holder}")
    assert error.endswith("; it has not ended within 0.05s")
    let_go(go)
    assert running.end().status == 0
    assert campaign.text("b") == "half\nsource\n"


def test_one_that_waits_says_so_at_once_and_goes_on(campaign: Command) -> None:
    running, go = begun(campaign)
    waiting = subprocess.Popen(
        [sys.executable, "-m", "hpcmake", "--wait"],
        cwd=campaign.root,
        env=campaign.environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("waiting until another hpcmake has ended: pid ")
    let_go(go)
    assert running.end().status == 0
    assert waiting.communicate()[1] == "nothing to do: 2 tasks are up to date\n"
    assert waiting.returncode == 0


def test_mistakes_are_told_before_anybody_is_waited_for(campaign: Command) -> None:
    running, go = begun(campaign)
    wrong = campaign.say("--wait", "no-such-target")
    assert wrong.status == 2
    assert "waiting" not in wrong.err
    let_go(go)
    running.end()


@pytest.mark.parametrize(
    "words", [["-n"], ["why", "b"], ["ls"], ["status"], ["graph"], ["log", "a"]], ids=lambda words: words[0]
)
def test_who_only_looks_is_not_stopped_and_sees_no_damage(campaign: Command, words: list[str]) -> None:
    campaign.wfile(WAITS.replace("cp {input} {output}", "cp {input} {output}; echo done"))
    running, go = begun(campaign)
    name = next(name for name in os.listdir(campaign.root / ".hpcmake") if name.endswith(".jsonl"))
    with open(campaign.root / ".hpcmake" / name, "ab") as file:
        file.write(b'01234567 {"k":"ok","t":"a')  # as if the driver was just about to write it
    looked = campaign.say(*words)
    assert looked.status == 0, looked
    assert "W71" not in looked.err
    let_go(go)
    running.end()


def test_a_fold_while_others_read_hides_nothing_from_them(campaign: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign.wfile(WAITS.replace("read -r line < go", ""))
    campaign.ok()
    monkeypatch.setattr(folding, "FOLD_FROM", 0)
    read_fold = JournalFolder.read_fold
    folded: list[int] = []

    def read_late(folder: JournalFolder) -> object:
        found = read_fold(folder)
        if not folded:  # between the folded file and the live ones, which are gone now
            folded.append(1)
            campaign.write("source", "new")
            campaign.ok()
        return found

    monkeypatch.setattr(JournalFolder, "read_fold", read_late)
    assert campaign.say("-n").out == "nothing to do: 2 tasks are up to date\n"
    assert [name for name in os.listdir(campaign.root / ".hpcmake") if "jsonl" in name] == []


# ---------------------------------------------------------------- the end of the first


def test_stop_ends_a_run_and_its_record_is_true(campaign: Command) -> None:
    running, go = begun(campaign)
    stopped = campaign.say("stop")
    assert stopped.status == 0
    assert stopped.err.startswith(f"ending pid {running.process.pid} on ")
    assert stopped.err.endswith("ended; the next `hpcmake` goes on from here\n")
    assert running.end().status == 130
    os.close(go)
    assert not campaign.exists("a")
    assert campaign.text(".hpcmake/aside/a") == "half\n"
    assert find_strays(mark(campaign.root)) == []
    assert campaign.stale() == {"a": "missing output", "b": "missing output"}
    campaign.wfile(WAITS.replace("read -r line < go", ""))
    assert campaign.ok().done == ["a", "b"]


def test_stop_where_nothing_runs_says_so(campaign: Command) -> None:
    stopped = campaign.say("stop")
    assert (stopped.status, stopped.err) == (0, "nothing is running\n")


def test_stop_of_one_elsewhere_says_where(campaign: Command) -> None:
    os.mkdir(campaign.root / ".hpcmake")
    held = acquire(str(campaign.root / ".hpcmake"))
    held._rewrite(find_self().replace(host="nid00012", pid=4711, since="2026-01-02 03:04:05"))
    stopped = campaign.say("stop")
    assert stopped.status == 2
    assert "the run is on another machine: pid 4711 on nid00012, since 2026-01-02 03:04:05" in stopped.err


def test_one_that_was_killed_is_replaced_and_what_it_ran_is_ended(campaign: Command) -> None:
    campaign.wfile(WAITS.replace("read -r line < go", "trap '' HUP TERM; setsid sh -c 'echo up > go; exec sleep 1000'"))
    running = campaign.start()
    running.until("began", task="a")
    with open(campaign.root / "go", encoding="ascii") as go:
        assert go.read() == "up\n"
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    campaign.wfile(WAITS.replace("read -r line < go", ""))
    result = campaign.ok()
    assert result.done == ["a", "b"]
    assert find_strays(mark(campaign.root)) == []
    assert campaign.text("b") == "half\nsource\n"


@pytest.mark.parametrize("words", [("-B",), ("-R", "a")])
def test_a_rerun_that_was_killed_halfway_counts_as_not_done(campaign: Command, words: tuple[str, ...]) -> None:
    campaign.wfile(WAITS.replace("read -r line < go", ""))
    campaign.ok()
    campaign.wfile(WAITS)
    campaign.say("-t")
    assert campaign.stale() == {}
    running, go = begun(campaign, *words)
    running.process.send_signal(signal.SIGKILL)
    running.process.wait()
    os.close(go)
    assert campaign.text("a") == "half\n"
    assert campaign.stale() == {"a": "interrupted", "b": "input changed"}
    running, go = begun(campaign)
    assert campaign.text(".hpcmake/aside/a") == "half\n"
    let_go(go)
    assert running.end().status == 0
    assert campaign.text("b") == "half\nsource\n"
    assert campaign.stale() == {}


def test_a_copy_of_a_campaign_leaves_the_original_alone(campaign: Command, tmp_path: Path) -> None:
    running, go = begun(campaign)
    copy = tmp_path / "copy"
    shutil.copytree(campaign.root, copy, ignore=shutil.ignore_patterns("go"), symlinks=True)
    # it looks as if its driver had been killed
    (name,) = [name for name in os.listdir(copy / ".hpcmake") if name.startswith("lease")]
    lease = copy / ".hpcmake" / name
    lease.write_text(lease.read_text().replace(f'"pid": {running.process.pid}', '"pid": 999999999'))
    (copy / "Wfile").write_text((campaign.root / "Wfile").read_text().replace("read -r line < go", ""))
    other = subprocess.run(
        [sys.executable, "-m", "hpcmake"], cwd=copy, env=campaign.environment(), capture_output=True, check=False
    )
    assert other.returncode == 0, other.stderr
    assert mark(copy) != mark(campaign.root)
    let_go(go)
    assert running.end().status == 0
    assert campaign.text("b") == "half\nsource\n"
