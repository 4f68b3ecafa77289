"""What has become of jobs: which source is believed before which, and what is never concluded."""

import calendar
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduler_answers import scheduler

from hpcmake.jobs.claims import Claim
from hpcmake.jobs.fates import Fate, Lost, Over, Queued, Running, Unclear, Waiting, ordinal, render_moment
from hpcmake.jobs.folder import JobFolder, Reading
from hpcmake.jobs.papers import OVER, Intent, Receipt, Status
from hpcmake.jobs.polling import Sight, look
from hpcmake.jobs.watch import LATE, Memory, Watch, judge, living, with_place
from hpcmake.runners.schedulers.jobs import (
    DEP_FAIL,
    ENDING,
    HELD,
    QUEUED,
    RUNNING,
    STARTING,
    STATES,
    STRANGE,
    SUSPENDED,
    WAITING,
    DoNotKnow,
    Ending,
    JobState,
)

KEY = "hm0a1b2-0001-x7"
NOON = calendar.timegm((2026, 11, 22, 12, 0, 0))
DOWN = DoNotKnow("server down")
INTENT, RECEIPT = Intent(KEY), Receipt(KEY, "12")
SUBMITTED = Reading(KEY, INTENT, RECEIPT)
CLAIMED = SUBMITTED.replace(claims=(Claim("12"),))
AT_WORK = CLAIMED.replace(status=Status(KEY, job="12", beat=7, began=float(NOON)))
DONE = CLAIMED.replace(status=Status(KEY, OVER, job="12", exit=75, why="deadline", left=4))


@pytest.fixture(autouse=True)
def _greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def state(word: str = QUEUED, **more: Any) -> JobState:
    return JobState("12", KEY, word, **more)


def settled(
    reading: Reading,
    shown: JobState | DoNotKnow | None,
    ending: Ending | None = None,
    memory: Memory | None = None,
    now: float = 0.0,
) -> Fate:
    return judge(reading, shown, ending, memory, now).fate


# ---------------------------------------------------------------- the order of sources


def test_a_folder_without_an_intent_was_never_submitted() -> None:
    assert settled(Reading(KEY), None) == Waiting(KEY)


def test_of_an_intent_without_an_answer_nobody_knows() -> None:
    assert settled(Reading(KEY, INTENT), None) == Unclear(KEY)
    assert settled(Reading(KEY, INTENT), None).is_living


def test_a_job_that_was_given_up_before_it_began_is_over() -> None:
    closed = Reading(KEY, INTENT, closed="its work was packed anew")
    over = settled(closed, None)
    assert over == Over(KEY, "", "its work was packed anew", why="withdrawn")
    assert settled(closed.replace(receipt=RECEIPT), state()) == over.replace(job="12")


def test_a_job_that_was_taken_back_since_it_could_not_start_never_started() -> None:
    closed = SUBMITTED.replace(closed="cannot start: PartitionConfig")
    assert settled(closed, state()) == Over(KEY, "12", "cannot start: PartitionConfig", why="start")


def test_a_job_that_says_that_it_is_over_is_over_whatever_its_scheduler_says() -> None:
    over = Over(KEY, "12", exit=75, why="deadline", told=True)
    for shown in (None, DOWN, state(RUNNING), state(ENDING)):
        assert settled(DONE, shown) == over
    assert settled(DONE, None, Ending("walltime")) == over


def test_a_job_that_its_scheduler_shows_is_what_it_shows() -> None:
    assert settled(SUBMITTED, state()) == Queued(KEY, "12", state=state())
    running = state(RUNNING, start=NOON + 60.0, left=600.0)
    assert settled(SUBMITTED, running) == Running(KEY, "12", state=running, since=NOON + 60.0, left=600.0)
    assert settled(AT_WORK, running) == Running(KEY, "12", state=running, since=float(NOON), left=600.0)


def test_the_job_that_has_claimed_the_key_is_the_one_that_counts() -> None:
    assert CLAIMED.replace(receipt=Receipt(KEY, "11")).job == "12"


def test_a_job_that_is_gone_is_over_as_its_scheduler_tells() -> None:
    assert settled(AT_WORK, None, Ending("walltime")) == Over(KEY, "12", why="walltime")
    assert settled(SUBMITTED, None, Ending("deleted", by="alice")) == Over(KEY, "12", "by alice", why="deleted")
    assert settled(AT_WORK, None, Ending("exit", 139)) == Over(KEY, "12", exit=139, why="exit")


def test_an_end_with_zero_of_which_the_job_itself_says_nothing_is_no_good_end() -> None:
    """So ends a second job with a key that another one has."""
    assert not settled(SUBMITTED, None, Ending("exit", 0)).is_good
    assert settled(DONE.replace(status=Status(KEY, OVER, exit=0, why="done")), None).is_good


def test_a_job_that_is_gone_without_a_word_is_lost_after_a_while() -> None:
    """Cobalt facts 1.8 and 9.6: its log comes seconds late, and of a job that was killed no status ever does."""
    first = judge(AT_WORK, None, Ending("unknown"), None, 100.0)
    assert first.fate == Running(KEY, "12", "gone from the queue; its end is not told yet", since=float(NOON))
    later = judge(AT_WORK, None, None, first, 100.0 + LATE - 1)
    assert later.fate == first.fate
    assert judge(AT_WORK, None, Ending("walltime"), later, 129.5).fate == Over(KEY, "12", why="walltime")
    lost = judge(AT_WORK, None, Ending("unknown", text="ERROR: x"), later, 100.0 + LATE)
    assert lost.fate == Lost(KEY, "12", "ERROR: x")
    assert not lost.fate.is_living


def test_a_job_that_never_began_and_is_gone_is_lost_too() -> None:
    """PBS fact 1.5: a job vanishes from a routing queue whose limits fit no target."""
    first = judge(SUBMITTED, None, None, None, 0.0)
    assert first.fate == Queued(KEY, "12", "gone from the queue; its end is not told yet")
    assert judge(SUBMITTED, None, None, first, LATE).fate == Lost(KEY, "12")


def test_one_that_is_seen_again_begins_anew() -> None:
    gone = judge(SUBMITTED, None, None, None, 0.0)
    back = judge(SUBMITTED, state(), None, gone, 20.0)
    assert back == Memory(Queued(KEY, "12", state=state()))
    assert judge(SUBMITTED, None, None, back, 40.0).fate.is_living


# ---------------------------------------------------------------- what is never concluded


@pytest.mark.parametrize("former", [Queued(KEY, "12", state=state()), Running(KEY, "12"), Lost(KEY, "12")])
def test_where_the_scheduler_cannot_be_asked_a_job_keeps_its_fate(former: Fate) -> None:
    memory = Memory(former, (0, 7), 5.0)
    assert judge(AT_WORK, DOWN, None, memory, 1e6) == Memory(former, (0, 7), 5.0)


def test_where_nothing_was_known_before_the_folder_tells_what_is_presumed() -> None:
    assert settled(AT_WORK, DOWN) == Running(KEY, "12", "its scheduler cannot be asked", since=float(NOON))
    assert settled(SUBMITTED, DOWN) == Queued(KEY, "12", "its scheduler cannot be asked")


def test_a_job_whose_beat_moves_runs_whatever_its_scheduler_says() -> None:
    memory = judge(AT_WORK, None, Ending("unknown"), None, 0.0)
    on = AT_WORK.replace(status=AT_WORK.status and AT_WORK.status.replace(beat=8))
    for ending in (None, Ending("exit", 0)):
        beating = judge(on, None, ending, memory, 1000.0)
        assert beating.fate == Running(KEY, "12", "its scheduler does not show it, yet it beats", since=float(NOON))
    assert beating.gone_since is None
    assert isinstance(settled(on, state(), None, memory), Running)
    still = judge(on, None, None, beating, 1010.0)
    assert judge(on, None, None, still, 1010.0 + LATE).fate == Lost(KEY, "12")


SHOWN = st.one_of(st.none(), st.just(DOWN), st.sampled_from(STATES).map(state))
ENDINGS = st.sampled_from([None, Ending("unknown"), Ending("walltime"), Ending("exit", 0), Ending("exit", 1)])
READINGS = st.sampled_from([SUBMITTED, CLAIMED, AT_WORK])


@given(READINGS, st.lists(st.tuples(SHOWN, ENDINGS, st.floats(0, 60)), min_size=1, max_size=8))
def test_no_job_ends_but_by_its_own_word_or_after_it_was_gone(
    reading: Reading, seen: list[tuple[JobState | DoNotKnow | None, Ending | None, float]]
) -> None:
    memory: Memory | None = None
    now = 0.0
    for shown, ending, seconds in seen:
        now += seconds
        before = memory
        memory = judge(reading, shown, ending, memory, now)
        if isinstance(shown, DoNotKnow):
            assert memory.fate.is_living or (before is not None and memory.fate == before.fate)
        elif shown is not None:
            assert memory.fate.is_living
        elif isinstance(memory.fate, Over):
            assert ending is not None
            assert ending.how != "unknown"
        elif isinstance(memory.fate, Lost):
            assert memory.gone_since is not None
            assert now - memory.gone_since >= LATE
        assert isinstance(memory.fate, Queued | Running | Over | Lost)


# ---------------------------------------------------------------- several starts of one job


def test_a_job_that_will_be_started_again_is_not_over() -> None:
    cut = CLAIMED.replace(status=Status(KEY, OVER, job="12", exit=143, why="term"))
    again = state(QUEUED, restarts=1)
    assert settled(cut, again) == Queued(KEY, "12", state=again)
    assert settled(cut, state(ENDING, restarts=0)) == Over(KEY, "12", exit=143, why="term", told=True)
    assert isinstance(settled(cut.replace(closed="settled"), again), Over)


def test_the_status_of_a_former_start_says_nothing_of_one_that_has_claimed_since() -> None:
    cut = DONE.replace(claims=(Claim("12", 0), Claim("12", 1)))
    assert settled(cut, state(RUNNING, restarts=1)) == Running(KEY, "12", state=state(RUNNING, restarts=1))


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("fate", "words"),
    [
        (Waiting(KEY), "not submitted"),
        (Unclear(KEY, text="qsub did not answer"), "nobody knows whether it is queued: qsub did not answer"),
        (Queued(KEY, "12"), "queued as 12"),
        (Queued(KEY, "12", state=state(), place=3), "queued as 12, 3rd in the queue"),
        (Queued(KEY, "12", state=state(start=NOON + 7500.0)), "queued as 12, expected to start at 14:05"),
        (Queued(KEY, "12", state=state(WAITING, waits_for=("10", "11"))), "queued as 12, waits for 10 and 11"),
        (Queued(KEY, "12", state=state(HELD, waits_for=("10",))), "queued as 12, waits for 10"),
        (Queued(KEY, "12", state=state(WAITING)), "queued as 12, waits for jobs before it"),
        (Queued(KEY, "12", state=state(HELD, reason="admin_hold")), "queued as 12, held: admin_hold"),
        (
            Queued(KEY, "12", state=state(DEP_FAIL)),
            "queued as 12, and will never start: a job before it did not end well",
        ),
        (
            Queued(KEY, "12", state=state(stuck=True, reason="Can Never Run: Not enough total nodes available")),
            "queued as 12, and cannot start: Can Never Run: Not enough total nodes available",
        ),
        (
            Queued(KEY, "12", state=state(STRANGE, reason="dreaming")),
            "queued as 12, in a state that nobody knows: dreaming",
        ),
        (Running(KEY, "12", state=state(RUNNING), since=NOON + 7500.0), "running since 14:05 as 12"),
        (Running(KEY, "12", state=state(STARTING)), "starting as 12"),
        (Running(KEY, "12", state=state(ENDING)), "ending as 12"),
        (Running(KEY, "12", state=state(SUSPENDED)), "suspended as 12"),
        (Running(KEY, "12", "its scheduler cannot be asked"), "running as 12: its scheduler cannot be asked"),
        (Over(KEY, "12", exit=0, why="done", told=True), "ended well (exit 0)"),
        (Over(KEY, "12", exit=1, why="failed", told=True), "a task failed (exit 1)"),
        (Over(KEY, "12", exit=75, why="deadline", told=True), "ended at its deadline, with work left"),
        (Over(KEY, "12", exit=0, why="nothing", told=True), "ended: nothing in it could start"),
        (Over(KEY, "12", exit=139, why="exit"), "killed by signal 11"),
        (Over(KEY, "12", why="walltime"), "ended at its walltime"),
        (Over(KEY, "12", "by alice", why="deleted"), "deleted by alice"),
        (Over(KEY, "12", why="deleted"), "deleted"),
        (Over(KEY, "12", why="node"), "lost a node"),
        (Over(KEY, "12", why="memory"), "killed for the memory that it took"),
        (Over(KEY, "12", why="parent"), "never ran: a job before it did not end well"),
        (Over(KEY, "12", why="start", text="BadConstraints"), "could not be started: BadConstraints"),
        (Over(KEY, "", "refused: no\nmore", why="withdrawn"), "given up before it began: refused: no"),
        (Lost(KEY, "12"), "gone as 12, and nobody knows how it ended"),
    ],
)
def test_a_fate_in_words(fate: Fate, words: str) -> None:
    assert fate.words(float(NOON)) == words


def test_a_place_has_its_ordinal() -> None:
    ordinals = [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 112, 123)]
    assert ordinals == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "123rd"]


def test_a_moment_of_another_day_has_its_date() -> None:
    assert render_moment(NOON, NOON + 3600) == "12:00"
    assert render_moment(NOON, NOON + 86400) == "2026-11-22 12:00"


def test_a_place_is_counted_among_the_jobs_of_all_users() -> None:
    queue = [
        JobState(f"{number}", "x", QUEUED, queue="default", score=score) for number, score in ((10, 5.0), (12, 3.0))
    ]
    fate = Queued(KEY, "12", state=state())
    assert with_place(fate, queue) == fate.replace(place=2)
    assert with_place(fate, []) == fate
    assert with_place(Lost(KEY, "12"), queue) == Lost(KEY, "12")


# ---------------------------------------------------------------- looking at the queue

HEAD = "JobID  State    JobName          \n==================================\n"


class Answers:
    """A scheduler's commands by what they are asked; what is not foreseen is a mistake."""

    def __init__(self, **answers: tuple[int | None, str, str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, argv: Sequence[str], _seconds: float) -> tuple[int | None, bytes, bytes]:
        words = " ".join(argv)
        self.asked.append(words)
        verb = argv[0] if argv[0] != "qstat" else "user" if "-u" in argv else f"job_{argv[-1]}"
        status, out, err = self.answers[verb]
        return status, out.encode(), err.encode()


def test_one_look_is_one_command_while_all_jobs_are_there() -> None:
    """Cobalt fact 9.5: one qstat for all jobs of the user."""
    answers = Answers(user=(0, HEAD + f"12     running  {KEY}\n13     queued   other\n", ""))
    sight = look(scheduler("cobalt"), "me", ["12"], answers)
    assert len(answers.asked) == 1
    assert sight.state("12") == JobState("12", KEY, RUNNING)
    assert sight.state("14") == DoNotKnow("the scheduler was not asked for it")


def test_a_job_that_is_absent_from_a_table_with_others_is_gone() -> None:
    answers = Answers(user=(0, HEAD + "13     queued   other\n", ""))
    sight = look(scheduler("cobalt"), "me", ["12"], answers)
    assert (sight.state("12"), sight.ending("12"), len(answers.asked)) == (None, None, 1)


def test_an_empty_table_of_cobalt_is_believed_of_no_job_before_it_was_asked_for_by_itself() -> None:
    """Cobalt fact 1.6: of a job that is gone, qstat says nothing and ends with 1.

    To Cobalt a user whom it does not know has no jobs: an empty table, exit 0.
    """
    there = (0, HEAD + f"13     running  {KEY}\n", "")
    answers = Answers(user=(0, HEAD, ""), job_12=(1, "", ""), job_13=there, job_14=(1, "", "component error: down\n"))
    sight = look(scheduler("cobalt"), "me", ["12", "13", "14"], answers)
    assert sight.state("12") is None
    assert sight.state("13") == JobState("13", KEY, RUNNING)
    assert isinstance(sight.state("14"), DoNotKnow)


def test_an_answer_that_is_none_tells_of_no_job() -> None:
    """Cobalt fact 1.7: while the server is down, the status is 1 as for unknown jobs, with words on stderr."""
    sight = look(scheduler("cobalt"), "me", ["12"], Answers(user=(1, "", "component error: no connection\n")))
    assert sight.state("12") == DoNotKnow("component error: no connection")
    assert sight.ending("12") is None


def test_a_command_that_cannot_be_started_tells_of_no_job() -> None:
    def missing(_argv: Sequence[str], _seconds: float) -> tuple[int | None, bytes, bytes]:
        raise FileNotFoundError(2, "No such file or directory")

    assert isinstance(look(scheduler("cobalt"), "me", ["12"], missing).state("12"), DoNotKnow)


ROW = "12|COMPLETED|None|2|1:00:00|0:00|N/A|10|batch|normal|0|0|me|(null)|hm0a1b2-0001-x7|\n"
SACCT = "JobID|State|ExitCode|Start|TimelimitRaw|NNodes|Partition|User|JobName\n"


def test_a_job_that_slurm_still_shows_as_ended_is_gone_with_its_end() -> None:
    sight = look(scheduler("slurm"), "me", ["12"], Answers(squeue=(0, ROW, "")))
    assert (sight.state("12"), sight.ending("12")) == (None, Ending("exit", 0))


def test_the_history_is_asked_once_for_all_that_are_gone() -> None:
    rows = SACCT + f"12|TIMEOUT|0:0|Unknown|60|2|batch|me|{KEY}\n"
    answers = Answers(squeue=(0, "", ""), sacct=(0, rows, ""))
    sight = look(scheduler("slurm"), "me", ["12", "13"], answers)
    assert len(answers.asked) == 2
    assert (sight.state("12"), sight.state("13")) == (None, None)
    assert (sight.ending("12"), sight.ending("13")) == (Ending("walltime"), None)


def test_a_history_that_lags_is_held_against_the_job_itself() -> None:
    rows = SACCT + f"12|RUNNING|0:0|Unknown|60|2|batch|me|{KEY}\n"
    gone = (1, "", "slurm_load_jobs error: Invalid job id specified\n")
    answers = iter([(0, "", ""), (0, rows, ""), gone])

    def call(_argv: Sequence[str], _seconds: float) -> tuple[int, str, str]:
        return next(answers)

    assert look(scheduler("slurm"), "me", ["12"], call).state("12") is None


def test_without_any_history_an_empty_answer_is_held_against_the_jobs_themselves() -> None:
    down = (1, "", "sacct: error: Problem talking to the database\n")
    gone = (1, "", "slurm_load_jobs error: Invalid job id specified\n")
    away = (1, "", "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n")
    answers = iter([(0, "", ""), down, gone, away])

    def call(_argv: Sequence[str], _seconds: float) -> tuple[int, str, str]:
        return next(answers)

    sight = look(scheduler("slurm"), "me", ["12", "13", "14"], call)
    assert sight.state("12") is None
    assert isinstance(sight.state("13"), DoNotKnow)
    assert isinstance(sight.state("14"), DoNotKnow)


def test_a_child_that_pbs_has_deleted_with_its_parent_never_ran() -> None:
    """PBS fact 1.1: it is finished without a status, and is no success.  PBS fact 1.3: the history tells of it."""
    told = {"job_state": "F", "substate": 92, "Hold_Types": "s", "depend": "afterok:18.pbs01@pbs01", "Job_Name": KEY}
    finished = json.dumps({"pbs_version": "23.06.06", "Jobs": {"19.pbs01": told}})
    answers = iter([(0, "", ""), (0, finished, "")])

    def call(_argv: Sequence[str], _seconds: float) -> tuple[int, str, str]:
        return next(answers)

    sight = look(scheduler("pbs"), "me", ["19.pbs01"], call)
    reading = Reading(KEY, INTENT, Receipt(KEY, "19.pbs01"))
    fate = settled(reading, sight.state("19.pbs01"), sight.ending("19.pbs01"))
    assert fate == Over(KEY, "19.pbs01", why="parent")
    assert not fate.is_good


def test_an_id_of_pbs_is_found_though_its_server_is_cut() -> None:
    jobs = {"349726": JobState("349726", KEY, RUNNING)}
    assert Sight(jobs).state("349726.polaris-pbs-01.hsn.cm.polaris.alcf.anl.gov") == jobs["349726"]


# ---------------------------------------------------------------- watching


def test_a_watch_reads_the_log_that_cobalt_keeps_of_a_job_that_is_gone(tmp_path: Path) -> None:
    folder = JobFolder(f"{tmp_path}/jobs/{KEY}")
    folder.create()
    folder.write_intent(INTENT)
    folder.write_receipt(RECEIPT)
    now = 0.0
    watch = Watch(lambda: now)
    gone = Sight({}, frozenset({"12"}))
    assert watch.settle([(folder, folder.read())], gone)[KEY].is_living
    Path(folder.cobaltlog).write_text(
        "Jobid: 12\n"
        "Sun Nov 22 11:44:33 2026 +0000 (UTC) Info: user delete requested with signal SIGTERM by user alice\n"
    )
    fates = watch.settle([(folder, folder.read())], gone)
    assert fates == {KEY: Over(KEY, "12", "by alice", why="deleted")}
    assert living(fates) == []


def test_a_watch_waits_by_its_own_clock(tmp_path: Path) -> None:
    folder = JobFolder(f"{tmp_path}/jobs/{KEY}")
    folder.create()
    folder.write_receipt(RECEIPT)
    clock = [0.0]
    watch = Watch(lambda: clock[0])
    gone = Sight({}, frozenset({"12"}))
    os.utime(folder.receipt, (0, 0))
    for clock[0], lost in ((1000.0, False), (1000.0 + LATE - 1, False), (1000.0 + LATE, True)):
        fate = watch.settle([(folder, folder.read())], gone)[KEY]
        assert isinstance(fate, Lost) == lost
