"""Submitting: whatever the scheduler answers and whoever dies, no job is lost, and no batch is worked twice."""

import contextlib
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from job_queue import MOODS, QUEUE, SITE, DriverDied, MemoryQueue, PlainScheduler
from scheduler_answers import scheduler

from hpcmake.jobs.claims import Claim
from hpcmake.jobs.folder import JobFolder, list_folders, new_folder
from hpcmake.jobs.late_parents import Cancel, Keep, Release, after_submit
from hpcmake.jobs.papers import OVER, Intent, Receipt, Status
from hpcmake.jobs.submitting import Backoff, Later, NotQueued, Submitter, Unclear
from hpcmake.runners.schedulers.jobs import Changed, DoNotKnow, JobState, Refused, Submission, Submitted

KEY = "hm0a1b2-0001-x7"
INTENT = Intent(KEY, queue="q", nodes=2, charged=2, walltime=3600.0)
JOB = Submission("/c/job.sh", KEY, 2, 3600.0, "/c/out")


class Bench:
    """A submitter of one job on a queue in memory."""

    def __init__(self, path: Path, *moods: str, no: str | None = None) -> None:
        self.folder = JobFolder(f"{path}/jobs/{KEY}")
        self.folder.create()
        self.now = 0.0
        left = iter(moods)
        self.queue = MemoryQueue(lambda: next(left))
        self.submitter = Submitter(
            PlainScheduler(), SITE, user="me", call=self.queue.call, clock=lambda: self.now, guard=lambda: no
        )

    def submit(self) -> Submitted | Refused | Unclear | Later:
        return self.submitter.submit(self.folder, INTENT, JOB, QUEUE)

    def resolve(self, seconds: float = 30.0) -> Submitted | Unclear | NotQueued:
        self.now += seconds
        return self.submitter.resolve(self.folder, dict(self.queue.jobs))

    def submissions(self) -> int:
        return sum(1 for each in self.queue.calls if each[0] == "sub")


# ---------------------------------------------------------------- one submission


def test_a_job_that_is_taken_has_its_receipt(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "taken")
    assert bench.submit() == Submitted("1")
    assert bench.folder.read_intent() == INTENT
    assert bench.folder.read_receipt() == Receipt(KEY, "1")


def test_the_intent_is_on_the_disk_when_the_scheduler_hears_of_the_job(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "driver dies")
    with pytest.raises(DriverDied):
        bench.submit()
    assert bench.folder.read_intent() == INTENT
    assert bench.folder.read_receipt() is None


def test_a_driver_that_died_after_the_scheduler_took_the_job_has_left_it_to_be_found_by_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "taken, and the driver dies")
    with pytest.raises(DriverDied):
        bench.submit()
    assert bench.resolve() == Submitted("1")
    assert bench.folder.read_receipt() == Receipt(KEY, "1", said="it was found by its name")
    assert bench.submissions() == 1


def test_a_job_that_is_gone_already_is_found_by_its_claim(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "taken, and the driver dies")
    with pytest.raises(DriverDied):
        bench.submit()
    assert bench.folder.claim("1")
    bench.queue.end("1")
    assert bench.resolve() == Submitted("1")
    assert bench.folder.read_receipt() == Receipt(KEY, "1", said="it was found by its claim")


@pytest.mark.parametrize("mood", ["hangs and takes it", "garbage and takes it"])
def test_a_job_that_was_taken_without_a_word_of_it_is_found_at_once(tmp_path: Path, mood: str) -> None:
    bench = Bench(tmp_path, mood)
    assert bench.submit() == Submitted("1")
    assert [each[0] for each in bench.queue.calls] == ["sub", "poll"]


def test_after_a_time_out_a_job_is_looked_for_twice_before_it_counts_as_not_queued(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "hangs", "taken")
    assert bench.submit() == Unclear(KEY, "sub did not answer", 30.0)
    assert bench.submit() == Unclear(KEY, "nobody knows yet whether it is queued", 30.0)
    assert bench.resolve(10.0) == Unclear(KEY, "it is not in the queue, and may come yet", 30.0)
    assert bench.resolve(20.0) == NotQueued(KEY)
    bench.now += 60
    assert bench.submit() == Submitted("1")
    assert bench.submissions() == 2


def test_what_the_scheduler_cannot_be_asked_is_no_look(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "hangs")
    bench.submit()
    bench.now = 1000.0
    for _ in range(5):
        down = bench.submitter.resolve(bench.folder, DoNotKnow("server down"))
        assert down == Unclear(KEY, "server down", 30.0)
    assert bench.resolve() == NotQueued(KEY)


def test_a_submission_that_succeeds_late_is_found_by_the_second_look(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "hangs and takes it later")
    assert isinstance(bench.submit(), Unclear)
    bench.queue.accept_late()
    assert bench.resolve() == Submitted("1")


def test_one_that_comes_after_it_was_given_up_does_no_work(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "hangs and takes it later")
    bench.submit()
    assert bench.resolve() == NotQueued(KEY)
    assert bench.submitter.withdraw(bench.folder, "its work was packed anew")
    bench.queue.accept_late()
    assert not bench.folder.claim("1")


def test_a_job_that_has_begun_cannot_be_given_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "hangs and takes it later")
    bench.submit()
    assert bench.resolve() == NotQueued(KEY)
    assert bench.folder.claim("1")
    assert not bench.submitter.withdraw(bench.folder, "its work was packed anew")


def test_of_a_key_that_is_queued_twice_the_one_that_waits_is_taken_back(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "hangs and takes it later", "taken")
    bench.submit()
    assert bench.resolve() == NotQueued(KEY)
    bench.now += 60
    assert bench.submit() == Submitted("1")
    bench.queue.accept_late()
    assert bench.folder.claim("2")
    assert bench.submitter.find_twice(bench.folder, dict(bench.queue.jobs)) == "2"
    assert bench.submitter.extras == ["1"]
    assert list(bench.queue.jobs) == ["2"]
    assert bench.folder.read_receipt() == Receipt(KEY, "2", said="it was found by its name")
    assert bench.submitter.find_twice(bench.folder, dict(bench.queue.jobs)) is None


def test_of_two_that_wait_under_one_key_the_first_is_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for job in ("10", "9", "11"):
        bench.queue.jobs[job] = JobState(job, KEY, "queued")
    assert bench.resolve() == Submitted("9")
    assert bench.queue.calls == [["cancel", "10", "11"]]


def test_one_that_runs_under_a_key_is_kept_and_never_deleted(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.queue.jobs = {"1": JobState("1", KEY, "queued"), "2": JobState("2", KEY, "running")}
    assert bench.resolve() == Submitted("2")
    assert bench.queue.calls == [["cancel", "1"]]


def test_nothing_is_submitted_that_has_a_receipt_a_claim_or_an_intent_of_another_driver(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.folder.write_intent(INTENT)
    assert bench.submit() == Unclear(KEY, "nobody knows yet whether it is queued", 0.0)
    assert bench.folder.claim("12")
    assert bench.submit() == Submitted("12")
    assert bench.folder.read_receipt() == Receipt(KEY, "12", said="it was found by its claim")
    assert bench.submit() == Submitted("12")
    assert bench.queue.calls == []


def test_nothing_is_submitted_that_was_given_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.submitter.withdraw(bench.folder, "its work was packed anew")
    assert bench.submit() == Later("its work was packed anew", float("inf"))


# ---------------------------------------------------------------- refusals


def test_what_is_refused_for_now_is_not_queued_and_is_tried_again_at_the_pace_of_polls(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "again", "again", "taken")
    assert bench.submit() == Refused("again", "again")
    assert bench.submit() == Later("again", 60.0)
    assert bench.resolve(0.0) == NotQueued(KEY)
    bench.now = 60.0
    assert bench.submit() == Refused("again", "again")
    assert bench.submit() == Later("again", 120.0)
    bench.now = 120.0
    assert bench.submit() == Submitted("1")


def test_what_is_refused_for_ever_is_closed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "never")
    assert bench.submit() == Refused("never", "never")
    assert bench.folder.closed() == "refused: never"


def test_a_no_that_nobody_knows_is_tried_again_with_growing_pauses() -> None:
    backoff, pauses = Backoff(), []
    for _ in range(9):
        backoff = backoff.refused(Refused("unknown", "?"), 0.0, 60.0)
        pauses.append(backoff.not_before)
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert backoff.refused(Refused("again", "full"), 10.0, 60.0) == Backoff("full", 0, 70.0)


def test_a_command_that_is_not_there_has_submitted_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def missing(_argv: Sequence[str], _seconds: float) -> tuple[int | None, str, str]:
        raise FileNotFoundError(2, "No such file or directory")

    bench.submitter._call = missing
    assert bench.submit() == Refused("unknown", "sub cannot be started: no such file or directory")


def test_nothing_is_submitted_if_somebody_has_said_stop_at_the_last_moment(tmp_path: Path) -> None:
    bench = Bench(tmp_path, no="`hpcmake stop` was said")
    assert bench.submit() == Later("`hpcmake stop` was said", float("inf"))
    assert bench.submissions() == 0
    assert bench.folder.closed() == "`hpcmake stop` was said"


# ---------------------------------------------------------------- each scheduler

COBALT = "JobID  State   JobName          \n=================================\n12     queued  hm0a1b2-0001-x7  \n"
PBS = (
    "\npbs01: \n"
    "                                                                                                   Req'd  Req'd   Elap\n"
    "Job ID                         Username        Queue           Jobname         SessID   NDS  TSK   Memory Time  S Time\n"
    "------------------------------ --------------- --------------- --------------- -------- ---- ----- ------ ----- - -----\n"
    "12.pbs01                       me              workq           hm0a1b2-0001-x7       --     2     2    --  01:00 Q   --  \n"
)
SLURM = "12|PENDING|Priority|2|1:00:00|1:00:00|N/A|10|batch|normal|0|0|me|(null)|hm0a1b2-0001-x7|\n"


@pytest.mark.parametrize(
    ("name", "table", "job"), [("cobalt", COBALT, "12"), ("pbs", PBS, "12.pbs01"), ("slurm", SLURM, "12")]
)
@pytest.mark.parametrize("status", [None, 0])
def test_a_job_that_a_scheduler_took_without_telling_its_id_is_found(
    tmp_path: Path, name: str, table: str, job: str, status: int | None
) -> None:
    folder = JobFolder(f"{tmp_path}/jobs/{KEY}")
    folder.create()

    def call(argv: Sequence[str], _seconds: float) -> tuple[int | None, bytes, bytes]:
        return (status, b"", b"") if argv[0] in {"qsub", "sbatch"} else (0, table.encode(), b"")

    submitter = Submitter(scheduler(name), SITE, user="me", call=call)
    assert submitter.submit(folder, INTENT, JOB, None) == Submitted(job)
    assert folder.read_receipt() == Receipt(KEY, job, said="it was found by its name")


def test_cobalt_takes_a_job_whose_parent_is_gone_and_says_so(tmp_path: Path) -> None:
    """Cobalt fact 1.1: a warning on stderr, an id, and 0; the job would never start."""
    folder = JobFolder(f"{tmp_path}/jobs/{KEY}")
    folder.create()
    orders: list[list[str]] = []

    def call(argv: Sequence[str], _seconds: float) -> tuple[int | None, str, str]:
        orders.append(list(argv))
        if argv[0] == "qsub":
            return 0, "32\n", "WARNING: dependencies 31 do not match jobs currently in the queue\n"
        return 0, "   Removed dependencies from jobs: \n      32\n", ""

    submitter = Submitter(scheduler("cobalt"), SITE, user="me", call=call)
    taken = submitter.submit(folder, INTENT, JOB.replace(parents=("31",)), None)
    assert isinstance(taken, Submitted)
    assert taken.lost_parents == ("31",)
    order = after_submit(taken, ("31",), {"31": True})
    assert order == Release("32")
    submitter.amend(order)
    assert orders[-1] == ["qrls", "--dependencies", "32"]


# ---------------------------------------------------------------- parents that were gone


def test_where_the_queue_is_full_no_job_can_be_released_and_what_stays_is_taken_back(tmp_path: Path) -> None:
    """Cobalt fact 1.11: the check counts the job itself."""
    fault = "<Fault 1001: \"The limit of 2 jobs per user in the 'default' queue has been reached\\n\">\n"

    def call(_argv: Sequence[str], _seconds: float) -> tuple[int | None, str, str]:
        return 1, "", fault

    submitter = Submitter(scheduler("cobalt"), SITE, user="me", call=call)
    refused = "The limit of 2 jobs per user in the 'default' queue has been reached"
    assert submitter.amend(Release("32")) == Changed(refused=(("32", refused),))
    assert submitter.amend(Keep()) is None


def test_cobalt_is_silent_of_what_it_could_not_delete() -> None:
    """Cobalt fact 1.9: of an unknown id or another user's job, no output and 0."""

    def call(_argv: Sequence[str], _seconds: float) -> tuple[int | None, str, str]:
        return 0, "      Deleted Jobs\nJobID  User   \n==============\n20     me     \n", ""

    submitter = Submitter(scheduler("cobalt"), SITE, user="me", call=call)
    assert submitter.cancel(["21", "20"]) == Changed(("20",), ("21",))


def test_the_id_is_found_beside_whatever_else_cobalt_says(tmp_path: Path) -> None:
    """Cobalt fact 1.10: a line may go before it, and a message may follow it."""
    folder = JobFolder(f"{tmp_path}/jobs/{KEY}")
    folder.create()

    def call(_argv: Sequence[str], _seconds: float) -> tuple[int | None, str, str]:
        return 0, "Removing job dependencies\n32 held for review\n", 'Job routed to queue "debug".\n'

    submitter = Submitter(scheduler("cobalt"), SITE, user="me", call=call)
    assert isinstance(submitter.submit(folder, INTENT, JOB, None), Submitted)
    assert folder.read_receipt() == Receipt(KEY, "32", said='held for review\nJob routed to queue "debug".')


def test_jobs_are_deleted_in_the_order_that_was_given(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.submitter.amend(Cancel(("3", "2"))) == Changed(("3", "2"))
    assert bench.queue.calls == [["cancel", "3", "2"]]


def test_all_keys_that_are_queued_twice_are_found(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for job, name in (("1", KEY), ("2", KEY), ("3", "other"), ("4", "other"), ("5", "hm0a1b2-0002-x7")):
        bench.queue.jobs[job] = JobState(job, name, "queued")
    folders = {KEY: bench.folder, "hm0a1b2-0002-x7": bench.folder}
    assert bench.submitter.find_all_twice(folders, dict(bench.queue.jobs)) == {KEY: "1"}
    assert bench.submitter.find_all_twice(folders, dict(bench.queue.jobs)) == {}


def test_a_job_whose_lost_parents_ended_well_waits_for_the_others_only() -> None:
    taken = Submitted("9", lost_parents=("1", "2"))
    assert after_submit(taken, ("1", "2", "3"), {"1": True, "2": True}) == Release("9", ("3",))
    assert after_submit(taken, ("1", "2"), {"1": True, "2": True}) == Release("9")


def test_a_job_one_of_whose_lost_parents_did_not_end_well_is_deleted() -> None:
    assert after_submit(Submitted("9", lost_parents=("1", "2")), ("1", "2"), {"1": True, "2": False}) == Cancel(("9",))


def test_a_job_stays_as_it_is_while_nobody_knows_how_its_lost_parents_ended() -> None:
    assert after_submit(Submitted("9"), ("1",), {}) == Keep()
    assert after_submit(Submitted("9", lost_parents=("1", "2")), ("1", "2"), {"1": True}) == Keep(("2",))


# ---------------------------------------------------------------- the law


class Campaign:
    """One batch, drivers that come and go, jobs that start at any time; each claim that succeeds works the batch."""

    def __init__(self, root: str, choose: random.Random) -> None:
        self.root = root
        self.choose = choose
        self.now = 0.0
        self.calm = False
        self.queue = MemoryQueue(
            lambda: "taken" if self.calm else choose.choice(MOODS), lambda: self.calm or choose.random() < 0.7
        )
        self.worked: list[str] = []
        self.submitter = self.new_driver()

    def new_driver(self) -> Submitter:
        return Submitter(PlainScheduler(), SITE, user="me", call=self.queue.call, clock=lambda: self.now)

    def drive(self) -> None:
        """One step of a driver: look at the queue, settle the job, submit what nobody works."""
        jobs = PlainScheduler().parse_poll(*self.queue.call(["poll"], 60.0))
        free = True
        for folder in list_folders(self.root):
            reading = folder.read()
            if reading.intent is None or (reading.closed is not None and not reading.claims):
                continue
            free = False
            if reading.intent is not None and reading.receipt is None:
                found = self.submitter.resolve(folder, jobs)
                if isinstance(found, NotQueued):
                    if self.choose.random() < 0.5:
                        self.submitter.submit(folder, reading.intent, JOB.replace(name=folder.key), QUEUE)
                    else:
                        free = self.submitter.withdraw(folder, "packed anew")
            elif not isinstance(jobs, DoNotKnow):
                self.submitter.find_twice(folder, jobs)
        if free and self.submitter.later("q") is None:
            folder = new_folder(self.root)
            self.submitter.submit(folder, INTENT.replace(key=folder.key), JOB.replace(name=folder.key), QUEUE)

    def run_one(self) -> None:
        """Start a job that waits, or end one that runs."""
        if not self.queue.jobs:
            return
        job = self.queue.jobs[self.choose.choice(sorted(self.queue.jobs))]
        folder = JobFolder(f"{self.root}/jobs/{job.name}")
        if job.state == "queued":
            self.queue.start(job.id)
            if folder.claim(job.id):
                self.worked.append(job.id)
                folder.write_status(Status(job.name, OVER, job=job.id, exit=0))
        else:
            self.queue.end(job.id)

    def step(self) -> None:
        what = self.choose.random()
        if what < 0.4:
            self.now += self.choose.choice([5.0, 60.0])
            with contextlib.suppress(DriverDied):
                self.drive()
                return
            self.submitter = self.new_driver()
        elif what < 0.5:
            self.submitter = self.new_driver()
        elif what < 0.7:
            self.queue.accept_late()
        else:
            self.run_one()


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 40))
def test_whatever_happens_a_batch_is_worked_once(choose: random.Random, steps: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        campaign = Campaign(root, choose)
        for _ in range(steps):
            campaign.step()
            assert len(campaign.worked) <= 1
        campaign.calm = True
        for _ in range(200):
            if campaign.worked:
                break
            campaign.now += 60.0
            campaign.drive()
            campaign.run_one()
        assert len(campaign.worked) == 1  # nothing is lost
        campaign.queue.accept_late()
        for _ in range(200):
            campaign.run_one()
        assert len(campaign.worked) == 1  # nor done twice, by one that comes late
        claimed = [folder.claims() for folder in list_folders(root)]
        assert [each for each in claimed if each] == [(Claim(campaign.worked[0]),)]
