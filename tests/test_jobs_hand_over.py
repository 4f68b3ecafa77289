"""The hand-over: whoever ends when, sleeps, or is killed, no work is forgotten, and none is submitted twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hand_over_worlds import INTEND, READ_LEASE, READ_STOP, SUBMIT, Broken, Rules, explore

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.holders import Holder, find_self
from hpcmake.jobs.hand_over import (
    DONE,
    HELD,
    LEFT,
    LOOK,
    LOOK_AGAIN,
    RELEASE,
    SKEW,
    STEP,
    STOPPED,
    TAKE,
    Desk,
    HandOver,
    Turn,
    advance,
    find_job,
    hand_over,
    render_seen,
)
from hpcmake.jobs.papers import OVER, Status
from hpcmake.lease import Lease, acquire, find_driver, try_acquire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# ---------------------------------------------------------------- all that can happen

# With no sleeper a lease is never lost, and without `stop` nobody reads it: those acts change nothing then.
BRIEF = (INTEND, SUBMIT)
STOPPABLE = (INTEND, READ_STOP, SUBMIT)


@pytest.mark.parametrize(
    ("rules", "worlds"),
    [
        pytest.param(Rules(2), 1500, id="two jobs, killed anywhere, stopped at any time"),
        pytest.param(Rules(2, bells=False), 1500, id="two jobs, on a file system that has no links"),
        pytest.param(Rules(3, acts=STOPPABLE), 40000, id="three jobs, killed anywhere, stopped at any time"),
        pytest.param(Rules(3, acts=BRIEF, stopped=False, bells=False), 9000, id="three jobs, no links"),
        pytest.param(Rules(2, driver=True), 30000, id="two jobs, and a driver that logs out or leaves"),
        pytest.param(
            Rules(3, driver=True, rounds=0, acts=BRIEF, stopped=False, bells=False, jobs_killed=False),
            9000,
            id="three jobs, and a driver that logs out",
        ),
        pytest.param(Rules(2, sleeps=2, stopped=False), 30000, id="two jobs, of which some sleep, and are taken over"),
        pytest.param(Rules(2, late=True), 10000, id="two jobs, where files are seen late"),
        pytest.param(
            Rules(2, late=True, driver=True, killed=False, stopped=False), 30000, id="a driver, and files seen late"
        ),
        pytest.param(Rules(2, late=True, sleeps=1, killed=False, stopped=False), 5000, id="sleepers, and seen late"),
    ],
)
def test_nothing_is_forgotten_or_submitted_twice_and_nobody_waits_for_ever(rules: Rules, worlds: int) -> None:
    """If nobody who was relied on is killed.  Who takes the lease after such a death makes up for it."""
    assert explore(rules) > worlds


@pytest.mark.parametrize("jobs", [2, 3])
def test_a_watcher_makes_up_for_whoever_was_killed(jobs: int) -> None:
    """Its own death is the only one that matters: it runs when all others have ended, in whatever way."""
    rules = Rules(jobs, watcher=True, acts=BRIEF, stopped=False)
    assert explore(rules) > 400 * jobs


def test_without_a_watcher_a_death_may_leave_work() -> None:
    """So the last test is about something."""
    rules = Rules(2, acts=BRIEF, stopped=False)
    with pytest.raises(Broken) as caught:
        explore(rules._replace(forgives=False))
    assert caught.value.law == "work was left unsubmitted"


# ---------------------------------------------------------------- other orders, which seem as good


def leave_when_released(turn: Turn, doors: HandOver) -> Turn:
    """Do not look again."""
    after = advance(turn, doors)
    return after.replace(at=LEFT) if after.at == LOOK_AGAIN else after


def look_again_before_release(turn: Turn, doors: HandOver) -> Turn:
    if turn.at == STEP:
        return turn.replace(at=LOOK_AGAIN) if doors.step() else turn
    if turn.at == LOOK_AGAIN:
        return Turn(STEP, now) if (now := doors.statuses()) != turn.seen else turn.replace(at=RELEASE)
    after = advance(turn, doors)
    return after.replace(at=LEFT) if after.at == LOOK_AGAIN else after


def release_before_look(turn: Turn, doors: HandOver) -> Turn:
    """Compare with what was seen after the lease was released."""
    if turn.at == RELEASE and turn.why == DONE:
        doors.release()
        return Turn(LOOK_AGAIN, doors.statuses())
    return advance(turn, doors)


def look_after_step(turn: Turn, doors: HandOver) -> Turn:
    """Compare with what is so when all is submitted."""
    if turn.at == STEP:
        return Turn(RELEASE, doors.statuses()) if doors.step() else turn
    return advance(turn, doors)


@pytest.mark.parametrize(
    "order", [leave_when_released, look_again_before_release, release_before_look, look_after_step]
)
def test_another_order_forgets_work(order: Callable[[Turn, HandOver], Turn]) -> None:
    with pytest.raises(Broken) as caught:
        explore(Rules(2, killed=False, stopped=False, bells=False, advance=order))
    assert caught.value.law == "work was left unsubmitted"


def test_a_job_that_waits_where_it_stands_goes_round_for_ever() -> None:
    def insist(turn: Turn, doors: HandOver) -> Turn:
        after = advance(turn, doors)
        return Turn(TAKE) if after.why == HELD else after

    with pytest.raises(Broken) as caught:
        explore(Rules(2, killed=False, stopped=False, bells=False, advance=insist))
    assert caught.value.law == "it goes round for ever"


SLEEPERS = Rules(2, sleeps=1, killed=False, stopped=False)


@pytest.mark.parametrize(
    "acts",
    [(INTEND, SUBMIT), (READ_LEASE, INTEND, SUBMIT)],
    ids=["the lease is not read again", "the lease is read before the intent is written"],
)
def test_one_that_slept_submits_twice_unless_it_reads_the_lease_between_intent_and_submission(
    acts: tuple[int, ...],
) -> None:
    assert explore(SLEEPERS._replace(acts=(INTEND, READ_LEASE, SUBMIT)))
    with pytest.raises(Broken) as caught:
        explore(SLEEPERS._replace(acts=acts))
    assert caught.value.law == "a piece was submitted twice"


def test_one_that_slept_must_not_make_void_what_its_successor_intends() -> None:
    with pytest.raises(Broken) as caught:
        explore(SLEEPERS._replace(spares=False))
    assert caught.value.law == "work was left unsubmitted"


def test_stop_is_read_before_each_submission() -> None:
    rules = Rules(2, killed=False)
    with pytest.raises(Broken) as caught:
        explore(rules._replace(acts=(INTEND, READ_LEASE, SUBMIT), strict_stop=True))
    assert caught.value.law == "something was submitted after `stop` was written, and could have been read"
    assert explore(rules._replace(strict_stop=True))


LATE = Rules(2, late=True, killed=False, stopped=False)


def test_where_files_are_seen_late_the_order_is_not_enough_without_the_bell() -> None:
    with pytest.raises(Broken) as caught:
        explore(LATE._replace(bells=False))
    assert caught.value.law == "work was left unsubmitted"


def test_nor_is_the_bell_without_some_patience() -> None:
    with pytest.raises(Broken):
        explore(LATE._replace(settles=False))


# ---------------------------------------------------------------- on the disk

ELSEWHERE = Holder("nid00012", 4711, start="99", machine="m", boot="b", job="123", since="2026-01-02 03:04:05")


class FakeClock:
    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return 1000.0 + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Campaign:
    """A campaign whose work can be done by one step, and what happens in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.stopped = False
        self.steps: list[list[bool]] = []
        self.meanwhile: list[Callable[[], object]] = []

    def desk(self, **changes: Any) -> Desk:
        desk = Desk(
            str(self.folder),
            job="77",
            statuses=lambda: tuple(self.said),
            step=self.step,
            is_stopped=lambda: self.stopped,
            **changes,
        )
        desk.clock = FakeClock()
        return desk

    def step(self, lease: Lease, may_submit: Callable[[], bool]) -> None:
        assert lease.mine()
        answers = [may_submit()]
        if self.meanwhile:
            self.meanwhile.pop(0)()
            answers.append(may_submit())
        self.steps.append(answers)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign(tmp_path)


def put(folder: Path, generation: int, holder: Holder) -> None:
    (folder / f"lease.{generation}").write_text(json.dumps(holder.plain()))


def slept(desk: Desk) -> list[float]:
    assert isinstance(desk.clock, FakeClock)
    return desk.clock.slept


def test_a_job_that_ends_alone_plans_once_and_releases(campaign: Campaign) -> None:
    desk = campaign.desk(latency=10)
    assert hand_over(desk) == DONE
    assert campaign.steps == [[True]]
    assert find_driver(str(campaign.folder)) is None
    assert slept(desk) == []


def test_a_job_that_ends_meanwhile_is_seen_by_the_second_look(campaign: Campaign) -> None:
    campaign.meanwhile = [lambda: campaign.said.append("another")]
    assert hand_over(campaign.desk()) == DONE
    assert len(campaign.steps) == 2


def test_a_job_that_finds_a_living_one_leaves_and_is_seen(campaign: Campaign) -> None:
    other = Campaign(campaign.folder)
    campaign.meanwhile = [lambda: left.append(hand_over(other.desk()))]
    left: list[str] = []
    desk = campaign.desk(latency=10)
    assert hand_over(desk) == DONE
    assert left == [HELD]
    assert other.steps == []
    assert len(campaign.steps) == 2, "it was rung for, so it looks again"
    assert slept(desk) == [10], "after what was written is surely seen"


def test_a_stopped_campaign_is_left_alone(campaign: Campaign) -> None:
    campaign.stopped = True
    assert hand_over(campaign.desk()) == STOPPED
    assert campaign.steps == []
    assert find_driver(str(campaign.folder)) is None


def test_after_stop_was_written_nothing_may_be_submitted(campaign: Campaign) -> None:
    campaign.meanwhile = [lambda: setattr(campaign, "stopped", True)]
    assert hand_over(campaign.desk()) == DONE
    assert campaign.steps == [[True, False]]


def test_one_that_slept_and_was_taken_over_may_not_submit(campaign: Campaign) -> None:
    campaign.meanwhile = [lambda: put(campaign.folder, 2, ELSEWHERE)]
    assert hand_over(campaign.desk()) == DONE
    assert campaign.steps == [[True, False]]
    driver = find_driver(str(campaign.folder))
    assert driver is not None
    assert driver.holder == ELSEWHERE


def test_a_driver_that_leaves_hands_over_what_was_left_to_it(campaign: Campaign) -> None:
    lease = acquire(str(campaign.folder))
    assert try_acquire(str(campaign.folder)) is None
    assert hand_over(campaign.desk(lease=lease), holding=True) == DONE
    assert len(campaign.steps) == 2
    assert not lease.holds()


def test_what_a_holder_elsewhere_wrote_at_last_is_waited_for(campaign: Campaign) -> None:
    put(campaign.folder, 1, ELSEWHERE.replace(released=True))
    desk = campaign.desk(latency=10)
    assert hand_over(desk) == DONE
    assert slept(desk) == [10]


def test_one_here_that_released_is_not_waited_for(campaign: Campaign) -> None:
    acquire(str(campaign.folder)).release()
    desk = campaign.desk(latency=10)
    assert hand_over(desk) == DONE
    assert slept(desk) == []


def test_nor_is_what_was_written_long_ago(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    put(campaign.folder, 1, ELSEWHERE.replace(released=True))
    monkeypatch.setattr("hpcmake.lease.find_moved", lambda _, generation: 1000.0 if generation == 1 else 1011.0 + SKEW)
    desk = campaign.desk(latency=10)
    assert hand_over(desk) == DONE
    assert slept(desk) == []


def test_a_dead_job_is_not_waited_for_if_its_scheduler_says_so(campaign: Campaign) -> None:
    put(campaign.folder, 1, ELSEWHERE)
    desk = campaign.desk(ask=lambda job: job != "123")
    assert hand_over(desk) == DONE
    assert slept(desk) == []


def test_an_error_releases_the_lease(campaign: Campaign) -> None:
    def fail() -> None:
        raise Trouble(Diagnostic("E720", "the plan cannot be made"))

    campaign.meanwhile = [fail]
    with pytest.raises(Trouble):
        hand_over(campaign.desk())
    assert find_driver(str(campaign.folder)) is None


def test_a_desk_without_a_lease_holds_nothing(campaign: Campaign) -> None:
    desk = campaign.desk()
    assert not desk.holds()
    assert desk.release()
    put(campaign.folder, 1, find_self())
    assert not desk.take()
    assert not desk.holds()


# ---------------------------------------------------------------- what is looked at

RUNS = Status("hm00000-0001-aa", job="1", done=3, beat=7, rows=2)


def test_heartbeats_and_counts_are_no_reason_to_look_again() -> None:
    assert render_seen([RUNS]) == render_seen([RUNS.replace(beat=8, done=4, running=1, text="…")])


@pytest.mark.parametrize(
    "change", [{"state": OVER, "exit": 0}, {"state": OVER}, {"wants": True}, {"rows": 3}, {"restart": 1}]
)
def test_what_makes_a_difference_to_the_plan_is(change: dict[str, Any]) -> None:
    assert render_seen([RUNS]) != render_seen([RUNS.replace(**change)])


def test_the_order_in_which_jobs_are_listed_makes_no_difference() -> None:
    other = Status("hm00000-0002-bb", state=OVER, exit=None)
    ended = other.replace(key=RUNS.key, exit=75)
    assert render_seen([RUNS, other, ended]) == render_seen([ended, other, RUNS])


@pytest.mark.parametrize("name", ["COBALT_JOBID", "PBS_JOBID", "SLURM_JOB_ID"])
def test_a_job_knows_its_id_from_its_environment(name: str) -> None:
    assert find_job({"HOME": "x", name: "123"}) == "123"


def test_outside_of_jobs_there_is_none() -> None:
    assert find_job({"SLURM_JOB_ID": ""}) is None


def test_a_turn_that_has_left_stays_there() -> None:
    assert advance(Turn(LEFT), Desk("none", job=None, statuses=tuple, step=lambda *_: None, is_stopped=bool)).at == LEFT
    assert Turn(LOOK) != Turn(TAKE)


# ---------------------------------------------------------------- processes

JOB = """
import os, sys
from hpcmake.jobs.hand_over import Desk, hand_over
folder, name = sys.argv[1:]

def statuses():
    return sorted(each for each in os.listdir(folder) if each.startswith("status."))

def step(lease, may_submit):
    for each in statuses():
        path = f"{folder}/submitted.{each}"
        if not os.path.exists(path):
            assert may_submit()
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))

os.write(1, b"r")
os.read(0, 1)
open(f"{folder}/status.{name}", "x").close()
why = hand_over(Desk(folder, job=None, statuses=statuses, step=step, is_stopped=lambda: False))
os.write(1, why[:1].encode())
"""


def test_of_many_jobs_that_end_together_each_has_its_work_submitted_once(tmp_path: Path) -> None:
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", JOB, str(tmp_path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        for number in range(6)
    ]
    pipes: list[tuple[Any, Any]] = [(each.stdin, each.stdout) for each in jobs]
    assert [out.read(1) for _, out in pipes] == [b"r"] * 6
    for start, _ in pipes:
        start.write(b"g")
    whys = [each.communicate()[0] for each in jobs]
    assert {each.returncode for each in jobs} == {0}
    assert set(whys) <= {b"d", b"h"}
    assert sum(name.startswith("submitted.") for name in os.listdir(tmp_path)) == 6
    assert find_driver(str(tmp_path)) is None
