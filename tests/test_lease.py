"""The lease: exactly one process drives; a dead one does not stand in the way; the second is told who it is."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fake_clock import FakeClock

from hpcmake.contents import NO_LINKS
from hpcmake.diagnostics import Trouble, render_all
from hpcmake.holders import Holder, find_self, find_start, is_alive, parse_holder
from hpcmake.lease import SILENT_AFTER, Held, acquire, find_holder

if TYPE_CHECKING:
    from pathlib import Path


def put(folder: Path, generation: int, holder: Holder) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"lease.{generation}").write_text(json.dumps(holder.plain()))


ELSEWHERE = Holder("nid00012", 4711, start="99", machine="m", boot="b", since="2026-01-02 03:04:05")


def ended_process() -> int:
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
    child.wait()
    return child.pid


# ---------------------------------------------------------------- taking and handing on


def test_the_first_one_gets_it_and_hands_it_on(tmp_path: Path) -> None:
    with acquire(str(tmp_path / ".hpcmake")) as first:
        assert (first.generation, first.unclean, first.mine()) == (1, False, True)
    second = acquire(str(tmp_path / ".hpcmake"))
    assert (second.generation, second.unclean, second.mine()) == (2, False, True)
    assert not first.mine()


def test_only_the_newest_file_is_left(tmp_path: Path) -> None:
    for _ in range(3):
        acquire(str(tmp_path)).release()
    assert os.listdir(tmp_path) == ["lease.3"]


def test_a_second_driver_is_told_who_holds_it_since_when_and_how_to_wait(tmp_path: Path) -> None:
    put(tmp_path, 4, find_self().replace(since="2026-01-02 03:04:05"))
    with pytest.raises(Held) as caught:
        acquire(str(tmp_path))
    assert render_all(caught.value.diagnostics) == (
        f"error[E720]: another hpcmake drives this campaign: pid {os.getpid()} on {os.uname().nodename}, "
        "since 2026-01-02 03:04:05\n"
        "  help: `hpcmake --wait` waits until it has ended; `hpcmake stop` ends it\n"
    )
    assert caught.value.exit_status == 2


def test_a_job_is_named_as_one(tmp_path: Path) -> None:
    held = acquire(str(tmp_path), job="123.theta")
    assert held.holder.words() == (
        f"pid {os.getpid()} on {os.uname().nodename} (job 123.theta), since {held.holder.since}"
    )


def test_waiting_ends_when_it_is_released(tmp_path: Path) -> None:
    first = acquire(str(tmp_path))
    clock = FakeClock(lambda: first.release() if clock.time > 1060 else None)
    second = acquire(str(tmp_path), wait=math.inf, clock=clock)
    assert (second.generation, second.unclean) == (2, False)
    assert 60 < clock.time - 1000 < 62


def test_waiting_ends_after_its_time(tmp_path: Path) -> None:
    acquire(str(tmp_path))
    clock = FakeClock()
    with pytest.raises(Held):
        acquire(str(tmp_path), wait=20, clock=clock)
    assert 20 <= clock.time - 1000 < 21


# ---------------------------------------------------------------- who is dead


def test_one_that_was_killed_here_is_replaced_at_once(tmp_path: Path) -> None:
    put(tmp_path, 7, find_self().replace(pid=ended_process()))
    clock = FakeClock()
    taken = acquire(str(tmp_path), clock=clock)
    assert (taken.generation, taken.unclean, clock.time) == (8, True, 1000)


def test_one_that_nobody_has_reaped_yet_is_dead(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[writing])
    os.close(writing)
    assert is_alive(find_self().replace(pid=child.pid, start=find_start(child.pid)), find_self())
    start = find_start(child.pid)
    child.kill()
    assert os.read(reading, 1) == b""  # its files are closed: it has ended
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_alive(find_self().replace(pid=child.pid, start=start), find_self()) is False
    child.communicate()
    os.close(reading)


def test_a_later_process_of_the_same_number_is_no_holder(tmp_path: Path) -> None:
    put(tmp_path, 1, find_self().replace(start="1"))
    assert acquire(str(tmp_path)).unclean


def test_one_from_before_this_machine_was_started_anew_is_dead() -> None:
    me = find_self().replace(machine="m", boot="now")
    assert is_alive(me.replace(boot="before"), me) is False


def test_one_on_another_machine_or_in_another_container_cannot_be_seen() -> None:
    me = find_self()
    assert is_alive(ELSEWHERE, me) is None
    assert is_alive(me.replace(space="pid:[1]"), me) is None


def test_one_elsewhere_is_alive_when_its_heartbeat_moves(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    clock = FakeClock(lambda: put(tmp_path, 1, ELSEWHERE.replace(counter=1)) if clock.time > 1007 else None)
    with pytest.raises(Held) as caught:
        acquire(str(tmp_path), clock=clock)
    assert render_all(caught.value.diagnostics) == (
        "error[E720]: another hpcmake drives this campaign: pid 4711 on nid00012, since 2026-01-02 03:04:05; "
        "its heartbeat moved while it was watched for 8 s\n"
        "  help: `hpcmake --wait` waits until it has ended; `hpcmake stop` ends it\n"
    )


def test_one_elsewhere_is_gone_when_its_heartbeat_stands(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    clock = FakeClock()
    taken = acquire(str(tmp_path), clock=clock)
    assert (taken.generation, taken.unclean) == (2, True)
    assert SILENT_AFTER <= clock.time - 1000 < SILENT_AFTER + 1


def test_one_elsewhere_that_dies_while_one_waits_is_replaced(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    beats = iter(range(1, 100))
    clock = FakeClock(lambda: put(tmp_path, 1, ELSEWHERE.replace(counter=next(beats))) if clock.time < 1040 else None)
    taken = acquire(str(tmp_path), wait=math.inf, clock=clock)
    assert taken.unclean
    assert 40 + SILENT_AFTER - 1 <= clock.time - 1000 < 42 + SILENT_AFTER


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": 1}', "\0" * 100])
def test_a_lease_that_cannot_be_read_is_watched_like_one_elsewhere(tmp_path: Path, text: str) -> None:
    (tmp_path / "lease.3").write_text(text)
    clock = FakeClock()
    assert acquire(str(tmp_path), clock=clock).generation == 4
    assert clock.time - 1000 >= SILENT_AFTER


def test_unknown_keys_are_ignored() -> None:
    assert parse_holder({**ELSEWHERE.plain(), "colour": "red"}) == ELSEWHERE


# ---------------------------------------------------------------- keeping it


def test_the_heartbeat_moves_every_few_seconds_and_not_more_often(tmp_path: Path) -> None:
    clock = FakeClock()
    held = acquire(str(tmp_path), clock=clock)
    seen = []
    for _ in range(12):
        clock.time += 1
        held.beat()
        seen.append(json.loads((tmp_path / "lease.1").read_text())["counter"])
    assert seen == [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]


def test_one_that_was_taken_over_says_so_at_its_next_heartbeat(tmp_path: Path) -> None:
    clock = FakeClock()
    slept = acquire(str(tmp_path), clock=clock)
    put(tmp_path, 2, ELSEWHERE)
    clock.time += 60
    assert not slept.mine()
    with pytest.raises(Trouble) as caught:
        slept.beat()
    assert render_all(caught.value.diagnostics) == (
        "error[E721]: another hpcmake has taken this campaign over: pid 4711 on nid00012, since 2026-01-02 03:04:05\n"
        "  help: this one was not heard for 30 s, and stops; see `hpcmake status`\n"
    )
    slept.release()
    assert find_holder(str(tmp_path)) == ELSEWHERE


def test_a_lease_that_somebody_removed_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    held = acquire(".hpcmake")
    os.unlink(".hpcmake/lease.1")
    with pytest.raises(Trouble) as caught:
        held.require_mine()
    assert render_all(caught.value.diagnostics) == (
        "error[E721]: the lease of this campaign is gone from `.hpcmake`\n"
        "  help: somebody has removed it, so another hpcmake may drive by now: run it again\n"
    )


def test_a_full_disk_does_not_stop_the_heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    held = acquire(str(tmp_path), clock=clock)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    clock.time += 60
    held.beat()
    assert parse_holder(json.loads((tmp_path / "lease.1").read_text())) == held.holder
    assert held.holder.counter == 1


def test_who_drives_is_found_by_status(tmp_path: Path) -> None:
    assert find_holder(str(tmp_path / "none")) is None
    held = acquire(str(tmp_path))
    assert find_holder(str(tmp_path)) == held.holder
    held.release()
    assert find_holder(str(tmp_path)) is None
    put(tmp_path, 9, find_self().replace(pid=ended_process()))
    assert find_holder(str(tmp_path)) is None


# ---------------------------------------------------------------- races


RACER = """
import os, sys
from hpcmake.lease import Held, acquire
os.write(1, b"r")
os.read(0, 1)
try:
    taken = acquire(sys.argv[1])
except Held as held:
    os.write(1, b"l")
else:
    os.write(1, b"w")
os.read(0, 1)
"""


@pytest.mark.parametrize("before", ["nothing", "released", "dead"])
def test_of_many_that_race_exactly_one_wins(tmp_path: Path, before: str) -> None:
    folder = tmp_path / ".hpcmake"
    if before != "nothing":
        put(folder, 5, find_self().replace(pid=ended_process(), released=before == "released"))
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        for _ in range(6)
    ]
    pipes: list[tuple[Any, Any]] = [(each.stdin, each.stdout) for each in racers]
    assert [outcome.read(1) for _, outcome in pipes] == [b"r"] * 6
    for start, _ in pipes:
        start.write(b"g")
    # all live until every one has its answer, so that nobody wins since another has ended
    assert sorted(outcome.read(1) for _, outcome in pipes) == [b"l"] * 5 + [b"w"]
    for racer in racers:
        with racer:
            racer.communicate(b"e")
    assert len([name for name in os.listdir(folder) if name.startswith("lease.")]) == 1


def test_one_that_slept_while_others_came_and_went_does_not_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, 5, find_self().replace(released=True))
    link = os.link
    slept: list[str] = []

    def link_late(fresh: str, path: str) -> None:
        if not slept:
            slept.append(path)
            acquire(str(tmp_path)).release()
            acquire(str(tmp_path))
            with open(fresh, "w") as file:  # the others have cleaned up
                file.write("{}")
        link(fresh, path)

    monkeypatch.setattr(os, "link", link_late)
    with pytest.raises(Held):
        acquire(str(tmp_path))
    assert slept == [f"{tmp_path}/lease.6"]
    assert os.listdir(tmp_path) == ["lease.7"]


@pytest.mark.parametrize("number", sorted(NO_LINKS))
def test_a_file_system_without_hard_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    held = acquire(str(tmp_path))
    assert held.mine()
    with pytest.raises(Held):
        acquire(str(tmp_path))


def test_a_read_only_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "makedirs", refuse)
    with pytest.raises(Trouble) as caught:
        acquire(".hpcmake")
    assert render_all(caught.value.diagnostics) == (
        "error[E702]: cannot make the folder `.hpcmake`: read-only file system\n"
        "  help: copy the campaign to a folder that can be written, and run hpcmake there\n"
    )
