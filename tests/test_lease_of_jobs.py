"""The lease as jobs use it: a scheduler is asked, one that slept learns it, and nobody leaves work to who has left."""

from __future__ import annotations

import errno
import json
import os
import threading
from typing import TYPE_CHECKING

import pytest
from fake_clock import FakeClock

from hpcmake import lease as lease_module
from hpcmake.contents import NO_LINKS
from hpcmake.diagnostics import Trouble, render_all
from hpcmake.generations import hang_end, ring
from hpcmake.holders import Holder, find_self, parse_holder
from hpcmake.lease import ASK_EVERY, SILENT_AFTER, Held, Lease, acquire, find_driver, find_holder, try_acquire

if TYPE_CHECKING:
    from pathlib import Path

ELSEWHERE = Holder("nid00012", 4711, start="99", machine="m", boot="b", job="123", since="2026-01-02 03:04:05")


class Scheduler:
    """One that is asked for jobs."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, job: str) -> bool | None:
        self.asked.append(job)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def put(folder: Path, generation: int, holder: Holder) -> None:
    (folder / f"lease.{generation}").write_text(json.dumps(holder.plain()))


def read(folder: Path, generation: int) -> Holder:
    holder = parse_holder(json.loads((folder / f"lease.{generation}").read_text()))
    assert holder is not None
    return holder


def bells(folder: Path) -> list[str]:
    return sorted(
        f"{name} {os.readlink(folder / name).split()[0]}" for name in os.listdir(folder) if (folder / name).is_symlink()
    )


# ---------------------------------------------------------------- a holder that is a job


def test_one_whose_job_is_gone_is_replaced_at_once(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    clock = FakeClock()
    scheduler = Scheduler(False)
    taken = acquire(str(tmp_path), clock=clock, ask=scheduler)
    assert (taken.generation, taken.unclean, taken.former, clock.time) == (2, True, ELSEWHERE, 1000)
    assert scheduler.asked == ["123"]


@pytest.mark.parametrize("answer", [True, None])
def test_one_whose_job_is_there_may_be_dead_and_is_watched(tmp_path: Path, answer: bool | None) -> None:
    """Its node may have died a moment ago; and Cobalt shows a job as `killing` for five minutes."""
    put(tmp_path, 1, ELSEWHERE)
    clock = FakeClock()
    scheduler = Scheduler(answer)
    assert acquire(str(tmp_path), clock=clock, ask=scheduler).unclean
    assert SILENT_AFTER <= clock.time - 1000 < SILENT_AFTER + 1
    assert len(scheduler.asked) == 1 + SILENT_AFTER // ASK_EVERY


def test_one_whose_heartbeat_moves_lives_whether_its_job_is_known_or_not(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    clock = FakeClock(lambda: put(tmp_path, 1, ELSEWHERE.replace(counter=1)))
    with pytest.raises(Held):
        acquire(str(tmp_path), clock=clock, ask=Scheduler(None))


def test_one_whose_job_goes_while_it_is_watched_is_replaced_then(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    clock = FakeClock()
    acquire(str(tmp_path), clock=clock, ask=Scheduler(True, False))
    assert ASK_EVERY <= clock.time - 1000 < ASK_EVERY + 1


def test_each_holder_is_asked_for_as_it_comes(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    clock = FakeClock(lambda: put(tmp_path, 2, ELSEWHERE.replace(job="124")))
    scheduler = Scheduler(True, False)
    assert acquire(str(tmp_path), wait=60, clock=clock, ask=scheduler).generation == 3
    assert scheduler.asked == ["123", "124"]


def test_nobody_is_asked_for_who_is_seen(tmp_path: Path) -> None:
    put(tmp_path, 1, find_self().replace(job="123"))
    with pytest.raises(Held):
        acquire(str(tmp_path), clock=FakeClock(), ask=Scheduler(False))


def test_nor_for_who_is_no_job_or_was_in_our_own(tmp_path: Path) -> None:
    """Our own job is there, since we are in it; who held the lease before it was started anew is not."""
    for generation, holder in enumerate([ELSEWHERE.replace(job=None), ELSEWHERE], 1):
        put(tmp_path, 2 * generation, holder)
        clock = FakeClock()
        scheduler = Scheduler(False)
        acquire(str(tmp_path), clock=clock, job="123", ask=scheduler).release()
        assert clock.time - 1000 >= SILENT_AFTER
        assert scheduler.asked == []


# ---------------------------------------------------------------- who drives


def test_status_tells_who_drives(tmp_path: Path) -> None:
    me = find_self().replace(since="2026-01-02 03:04:05")
    put(tmp_path, 1, me)
    driver = find_driver(str(tmp_path))
    assert driver is not None
    assert driver.alive
    assert driver.words() == f"driven by pid {me.pid} on {me.host}, since 2026-01-02 03:04:05"


def test_of_a_job_elsewhere_its_scheduler_tells(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    driver = find_driver(str(tmp_path), ask=Scheduler(True))
    assert driver is not None
    assert driver.words() == "driven by job 123 on nid00012, since 2026-01-02 03:04:05"
    assert find_driver(str(tmp_path), ask=Scheduler(False)) is None
    assert find_holder(str(tmp_path), ask=Scheduler(False)) is None


@pytest.mark.parametrize("ask", [None, Scheduler(None)])
def test_what_nobody_knows_is_told_as_such(tmp_path: Path, ask: Scheduler | None) -> None:
    put(tmp_path, 1, ELSEWHERE)
    driver = find_driver(str(tmp_path), ask=ask)
    assert driver is not None
    assert driver.alive is None
    assert driver.words() == (
        "driven by job 123 on nid00012, since 2026-01-02 03:04:05; from here it cannot be seen whether it still does"
    )


def test_who_has_released_drives_no_more(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE.replace(released=True))
    assert find_driver(str(tmp_path)) is None
    assert find_driver(str(tmp_path / "none")) is None


# ---------------------------------------------------------------- before what cannot be undone


def test_a_holder_moves_its_heartbeat_when_it_looks_whether_it_still_is(tmp_path: Path) -> None:
    held = acquire(str(tmp_path), clock=FakeClock())
    assert held.holds()
    assert read(tmp_path, 1).counter == 1
    assert held.holds()
    assert read(tmp_path, 1) == held.holder


def test_one_that_was_taken_over_holds_nothing(tmp_path: Path) -> None:
    held = acquire(str(tmp_path), clock=FakeClock())
    put(tmp_path, 2, ELSEWHERE)
    assert not held.holds()
    assert read(tmp_path, 1).counter == 0


def test_one_that_was_taken_over_between_two_looks_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when what it has listed was old: after it has written it lists anew."""
    held = acquire(str(tmp_path), clock=FakeClock())
    replace = os.replace

    def late(source: str, target: str) -> None:
        put(tmp_path, 2, ELSEWHERE)
        replace(source, target)

    monkeypatch.setattr(os, "replace", late)
    assert not held.holds()


def test_one_whose_file_is_cleaned_up_as_it_writes_holds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = acquire(str(tmp_path), clock=FakeClock())

    def late(source: str, target: str) -> None:
        os.unlink(source)
        put(tmp_path, 2, ELSEWHERE)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(os, "replace", late)
    assert not held.holds()


def test_one_that_has_released_holds_nothing(tmp_path: Path) -> None:
    held = acquire(str(tmp_path))
    held.release()
    assert not held.holds()
    held.release()
    assert read(tmp_path, 1).released


def test_a_disk_that_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    held = acquire(".hpcmake")

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(Trouble) as caught:
        held.holds()
    assert render_all(caught.value.diagnostics) == (
        "error[E703]: cannot keep the lease in `.hpcmake`: input/output error\n"
        "  help: see what is there with `ls -ld .hpcmake`, and run hpcmake again\n"
    )


# ---------------------------------------------------------------- while a call takes long


def test_the_heartbeat_moves_while_a_call_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "BEAT_EVERY", 0.0005)
    held = acquire(str(tmp_path))
    moved = wait_for_beats(held)
    with held.kept():
        moved.wait(60)
        assert held.holds()
    counter = read(tmp_path, 1).counter
    assert counter >= 3
    held.release()
    assert read(tmp_path, 1) == held.holder.replace(counter=counter, released=True)


def test_it_stops_when_the_lease_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "BEAT_EVERY", 0.0005)
    held = acquire(str(tmp_path))
    moved = wait_for_beats(held)
    kept = held.kept()
    with kept:
        moved.wait(60)
        put(tmp_path, 2, ELSEWHERE)
        kept._thread.join(60)
        assert not kept._thread.is_alive()
    assert not held.holds()


def wait_for_beats(held: Lease) -> threading.Event:
    """Return what is set when the heartbeat has moved a few times."""
    moved = threading.Event()
    move = held._move

    def count() -> None:
        move()
        if held.holder.counter >= 3:
            moved.set()

    held._move = count  # type: ignore[method-assign]  # to see when
    return moved


# ---------------------------------------------------------------- the bell


def test_who_finds_a_living_holder_does_not_wait_but_rings(tmp_path: Path) -> None:
    held = acquire(str(tmp_path))
    assert try_acquire(str(tmp_path)) is None
    assert try_acquire(str(tmp_path)) is None
    assert bells(tmp_path) == ["lease.1.1 rung", "lease.1.2 rung"]
    assert [held.release_unless_rung() for _ in range(4)] == [False, False, True, True]
    assert bells(tmp_path) == ["lease.1.1 rung", "lease.1.2 rung", "lease.1.3 end"]
    assert not held.holds()


def test_one_elsewhere_must_show_that_it_lives_before_work_is_left_to_it(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    clock = FakeClock(lambda: put(tmp_path, 1, ELSEWHERE.replace(counter=1)) if clock.time > 1004 else None)
    assert try_acquire(str(tmp_path), clock=clock, ask=Scheduler(True)) is None
    assert 4 < clock.time - 1000 < 6
    assert bells(tmp_path) == ["lease.1.1 rung"]


def test_a_dead_one_elsewhere_is_replaced(tmp_path: Path) -> None:
    put(tmp_path, 1, ELSEWHERE)
    clock = FakeClock()
    taken = try_acquire(str(tmp_path), clock=clock)
    assert taken is not None
    assert taken.unclean
    assert clock.time - 1000 >= SILENT_AFTER


def test_who_is_late_to_ring_takes_the_lease_though_it_is_shown_as_held(tmp_path: Path) -> None:
    """What is read may be some seconds old; who was first to hang a number is certain."""
    held = acquire(str(tmp_path))
    assert held.release_unless_rung()
    put(tmp_path, 1, held.holder.replace(released=False))
    taken = try_acquire(str(tmp_path))
    assert taken is not None
    assert (taken.generation, taken.unclean) == (2, False)
    assert bells(tmp_path) == [], "those of a lease that is over are cleaned up"


def test_who_rings_at_a_lease_that_is_over_and_cleaned_up_looks_again(tmp_path: Path) -> None:
    for _ in range(3):
        acquire(str(tmp_path)).release()
    assert not ring(str(tmp_path), 2)
    assert bells(tmp_path) == []
    assert ring(str(tmp_path), 3)


def test_one_that_was_taken_over_needs_no_bell(tmp_path: Path) -> None:
    held = acquire(str(tmp_path))
    put(tmp_path, 2, ELSEWHERE)
    assert held.release_unless_rung()
    assert bells(tmp_path) == []


@pytest.mark.parametrize("number", sorted({*NO_LINKS, errno.ENOSPC}))
def test_without_links_or_room_for_one_what_is_read_must_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "symlink", refuse)
    held = acquire(str(tmp_path))
    assert try_acquire(str(tmp_path)) is None
    assert held.release_unless_rung()
    assert try_acquire(str(tmp_path)) is not None


def test_a_link_that_was_made_though_the_answer_was_lost_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    symlink = os.symlink

    def twice(target: str, path: str) -> None:
        symlink(target, path)
        symlink(target, path)

    monkeypatch.setattr(os, "symlink", twice)
    held = acquire(str(tmp_path))
    assert ring(str(tmp_path), 1)
    assert [held.release_unless_rung(), held.release_unless_rung()] == [False, True]


def test_a_bell_that_is_cleaned_up_as_it_is_read_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acquire(str(tmp_path))
    assert ring(str(tmp_path), 1)

    def gone(_: str) -> str:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    monkeypatch.setattr(os, "readlink", gone)
    assert not ring(str(tmp_path), 1)


def test_a_disk_that_refuses_a_bell_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    acquire(".hpcmake")

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "symlink", refuse)
    with pytest.raises(Trouble) as caught:
        ring(".hpcmake", 1)
    assert render_all(caught.value.diagnostics) == (
        "error[E703]: cannot ring at the lease in `.hpcmake`: input/output error\n"
        "  help: see what is there with `ls -ld .hpcmake`, and run hpcmake again\n"
    )


def test_of_one_that_leaves_and_one_that_comes_exactly_one_learns_of_the_other(tmp_path: Path) -> None:
    for generation in range(1, 60):
        put(tmp_path, generation, ELSEWHERE)
        together = threading.Barrier(2)
        learnt: list[bool] = []

        def come(generation: int = generation, together: threading.Barrier = together) -> None:
            together.wait()
            learnt.append(not ring(str(tmp_path), generation))  # noqa: B023  # the thread ends in this turn

        guest = threading.Thread(target=come)
        guest.start()
        together.wait()
        learnt.append(not hang_end(str(tmp_path), generation, 1))
        guest.join()
        assert sorted(learnt) == [False, True]
