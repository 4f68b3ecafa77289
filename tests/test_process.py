"""Processes: short commands with a limit, and what a driver that was killed has left."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from hpcmake.runners.process import MARK, call, end_all_strays, end_strays, find_strays, spawn


def test_a_short_command_gives_its_status_and_what_it_wrote() -> None:
    assert call(["sh", "-c", "cat; echo wrong >&2; exit 3"], timeout=60, stdin=b"text") == (3, b"text", b"wrong\n")


def test_a_short_command_that_takes_too_long_is_killed_with_all_it_started() -> None:
    # the sleep holds the pipes: were it left, this would not return
    assert call(["sh", "-c", "echo began; sleep 1000 & sleep 1000"], timeout=0.2) == (None, b"began\n", b"")


def test_a_command_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        call(["no-such-program"], timeout=1)


def test_a_command_has_the_environment_and_the_folder_it_is_given(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "A": "b"}
    status, out, _ = call(["sh", "-c", "echo $A $HOME; pwd"], timeout=60, environment=environment, cwd=str(tmp_path))
    assert (status, out.decode()) == (0, f"b\n{tmp_path}\n")


def test_a_long_lived_child_has_pipes_and_a_session_of_its_own() -> None:
    child = spawn(["/bin/sh", "-c", "read word; echo $word; ps -o sid= -p $$"], environment=dict(os.environ), stderr=2)
    os.write(child.stdin, b"hello\n")
    with os.fdopen(os.dup(child.stdout)) as out:
        assert out.read().split() == ["hello", str(child.pid)]
    assert child.wait() == 0
    assert child.poll() == 0
    child.close()


def test_a_long_lived_child_can_be_killed() -> None:
    child = spawn(["/bin/sh", "-c", "sleep 1000"], environment=dict(os.environ), stderr=2)
    assert child.poll() is None
    child.kill()
    assert child.wait() == -signal.SIGKILL
    child.close()


def test_strays_are_found_by_their_mark_and_ended() -> None:
    mark = f"strays-{os.getpid()}"
    children = [
        subprocess.Popen(["sleep", "1000"], env={**os.environ, MARK: f"{mark}{rest}"}) for rest in (":1", ":2", "x:1")
    ]
    one, two, other = (child.pid for child in children)
    assert sorted(find_strays(mark + ":")) == sorted([one, two])
    assert find_strays(mark + ":1") == [one]
    assert end_strays([one]) == 1
    assert children[0].wait() == -signal.SIGKILL
    assert end_strays([one]) == 0
    assert end_all_strays(mark) == 2
    assert [child.wait() for child in children[1:]] == [-signal.SIGKILL] * 2
    assert find_strays(mark) == []
    assert other


def test_a_process_is_no_stray_of_what_it_runs_in() -> None:
    mark = f"nested-{os.getpid()}"
    code = f"from hpcmake.runners.process import find_strays; print(find_strays({mark!r}))"
    words = ["sh", "-c", '"$0" -c "$1"; true', os.sys.executable, code]  # type: ignore[attr-defined]
    environment = {**os.environ, MARK: mark + ":1"}
    assert subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout == "[]\n"
