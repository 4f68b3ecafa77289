"""Ctrl-C once, twice and three times; the record is true afterwards."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from command import is_gone

if TYPE_CHECKING:
    from pathlib import Path

    from command import Command, Running

SLOW = """
target all: "a", "b", "later1", "later2", "later3", "later4", "later5"
rule slow:
    input: "in"
    output: "{n}"
    priority: 1
    run:
        trap 'echo asked >> asked; ASKED' TERM
        echo half > {output}
        echo $$ >> pids
        echo {n} > up
        while true; do read line < go && break; done
        echo whole > {output}
rule later:
    output: "later{n}"
    run: touch {output}
"""


def await_words(fifo: Path, count: int) -> None:
    """Read so many words from a fifo.  It is held open for both ways: else who writes second may find that nobody reads."""
    file = os.open(fifo, os.O_RDWR)
    seen = b""
    while len(seen.split()) < count or not seen.endswith(b"\n"):
        seen += os.read(file, 4096)
    os.close(file)


def begun(command: Command, asked: str = "exit 1", *arguments: str) -> Running:
    """Start a campaign and wait until both slow tasks stand at the fifo."""
    command.wfile(SLOW.replace("ASKED", asked).replace('"{n}"\n', '"{n}"\n    wildcard n: "[ab]"\n', 1))
    command.sources("in")
    up = command.fifo("up")
    command.fifo("go")
    running = command.start(*arguments, jobs=2)
    await_words(up, 2)
    for _ in range(2):  # and until it has heard of it
        running.until("began")
    return running


def let_go(command: Command) -> None:
    """Let both slow tasks go on."""
    # it stays open: what is in a fifo that nobody has open is lost
    os.write(os.open(command.root / "go", os.O_RDWR), b"go\ngo\n")


def assert_gone(command: Command) -> None:
    assert all(is_gone(pid) for pid in command.lines("pids"))


def test_once_lets_what_runs_finish_and_starts_nothing_more(command: Command) -> None:
    running = begun(command)
    running.interrupt()
    note = running.until("note")
    assert note["text"] == "stopping: nothing more is started, 2 tasks are still running; Ctrl-C again ends them"
    let_go(command)
    result = running.end()
    assert result.status == 130
    assert result.done == ["slow[n=a]", "slow[n=b]"]
    assert not command.exists("later1")
    assert command.text("a") == "whole\n"
    assert command.ok().done == [f"later[n={n}]" for n in range(1, 6)]


def test_twice_ends_what_runs(command: Command) -> None:
    running = begun(command)
    running.interrupt()
    running.until("note")
    running.interrupt()
    result = running.end()
    assert result.status == 130
    assert sorted(row["task"] for row in result.kind("cut")) == ["slow[n=a]", "slow[n=b]"]
    assert command.lines("asked") == ["asked", "asked"]
    assert not command.exists("a")
    assert command.text(".hpcmake/aside/a") == "half\n"
    assert_gone(command)
    assert command.stale()["slow[n=a]"] == "missing output"


def test_three_times_kills_it_at_once(command: Command) -> None:
    running = begun(command, asked="true")
    running.interrupt()
    running.until("note")
    running.interrupt()
    running.until("note")
    running.interrupt()
    result = running.end()
    assert result.status == 130
    assert not command.exists("a")
    assert_gone(command)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_what_runs(command: Command, number: int) -> None:
    running = begun(command)
    running.interrupt(number)
    result = running.end()
    assert result.status == 130
    assert len(result.kind("cut")) == 2
    assert_gone(command)


def test_an_interruption_spends_no_retries_and_is_the_reason_next_time(command: Command) -> None:
    running = begun(command)
    let_go(command)
    assert running.end().status == 0
    command.touch("in")
    running = begun_again(command)
    running.interrupt()
    running.until("note")
    running.interrupt()
    assert running.end().status == 130
    assert set(command.stale().values()) == {"missing output"}
    command.wfile(SLOW.replace("ASKED", "exit 1").replace('"{n}"\n', '"{n}"\n    wildcard n: "[ab]"\n', 1))


def begun_again(command: Command) -> Running:
    command.remove("up", "go", "pids")
    up = command.fifo("up")
    command.fifo("go")
    running = command.start(jobs=2)
    await_words(up, 2)
    for _ in range(2):
        running.until("began")
    return running


def test_a_task_that_had_not_touched_its_output_when_it_was_cut_is_stale(command: Command) -> None:
    command.wfile("""
        rule x:
            input: "a"
            output: "x"
            run:
                test ! -e again || { echo up > up; read line < go; }
                cp a x
    """)
    command.sources("a")
    command.ok()
    command.write("a", "new\n")
    command.write("again")
    up = command.fifo("up")
    command.fifo("go")
    running = command.start()
    up.read_text()
    running.until("began")
    running.interrupt()
    running.until("note")
    running.interrupt()
    assert running.end().status == 130
    assert command.text("x") == "a\n"
    assert command.stale() == {"x": "interrupted"}
    command.remove("again")
    command.ok()
    assert command.text("x") == "new\n"


def test_a_failure_while_it_stops_is_told(command: Command) -> None:
    running = begun(command, asked="exit 1")
    running.interrupt()
    running.until("note")
    for pid in command.lines("pids"):
        os.kill(int(pid), signal.SIGKILL)
    result = running.end()
    assert result.status == 130
    assert len(result.failed) == 2


def test_an_interrupt_before_anything_runs(command: Command) -> None:
    command.wfile('rule x:\n    output: "x"\n    run: touch x\n')
    command.write(".hpcmake/none")
    running = command.start()
    running.until("began")
    running.interrupt()
    assert running.end().status in {0, 130}
    assert command.ok().status == 0


def test_what_runs_is_finished_with_its_post(command: Command) -> None:
    command.wfile("""
        target all: "list", "later"
        rule x:
            output: "list"
            produces: "p{i}"
            priority: 1
            run:
                echo up > up
                read line < go
                touch p1 p2
            post: echo {produced} > {output}
        rule later:
            output: "later"
            run: touch {output}
    """)
    up = command.fifo("up")
    command.fifo("go")
    running = command.start(jobs=1)
    up.read_text()
    running.until("began")
    running.interrupt()
    running.until("note")
    (command.root / "go").write_text("go\n")
    result = running.end()
    assert result.status == 130
    assert result.done == ["x"]
    assert command.text("list") == "p1 p2\n"
    assert command.ok().done == ["later"]


def test_what_fails_meanwhile_is_not_tried_again(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            retries: 5
            run:
                echo up > up
                read line < go
                false
    """)
    up = command.fifo("up")
    command.fifo("go")
    running = command.start(jobs=1)
    up.read_text()
    running.until("began")
    running.interrupt()
    running.until("note")
    (command.root / "go").write_text("go\n")
    result = running.end()
    assert result.status == 130
    assert len(result.failed) == 1
