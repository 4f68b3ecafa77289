"""`stop` where a campaign has jobs, and runs without jobs while there are some."""

import os
import textwrap

import pytest
from command import Command, is_gone
from queue_campaign import Jobs, key_of, pending, plain, running

from hpcmake.app import stopping
from hpcmake.app.queue import taking_back


@pytest.fixture
def jobs(command: Command, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """A campaign in a queue whose answers are not waited for."""
    monkeypatch.setattr(taking_back, "LOOKS", (0.0, 0.0))
    return Jobs(command)


@pytest.fixture
def three(jobs: Jobs) -> Jobs:
    """Of three jobs one runs, one is in the queue, and one waits for both."""
    jobs.add(1, "1", "make 1")
    jobs.add(2, "2", "make 2")
    jobs.add(3, "3", "square 1", "square 2", parents=(1, 2))
    jobs.start(1, "1")
    jobs.show(running("1", 1), pending("2", 2), pending("3", 3, reason="Dependency", after="afterok:1(unfulfilled)"))
    return jobs


# ---------------------------------------------------------------- stop


def test_jobs_are_taken_back_children_first(three: Jobs) -> None:
    assert three.lines("stop") == [
        "stopping: nothing more is submitted",
        f"job 1 ({key_of(1)}) was running: ended",
        f"job 2 ({key_of(2)}) was queued: taken back",
        f"job 3 ({key_of(3)}) was queued: taken back",
        "stopped; `hpcmake --site ./site.toml` goes on from here",
    ]
    assert three.calls("scancel") == ["scancel 3 2 1"]
    assert three.command.exists(".hpcmake/stop")
    assert [three.folder(number).closed() for number in (1, 2, 3)] == [None, "`hpcmake stop`", "`hpcmake stop`"]
    assert not three.folder(2).claim("2")  # should it start all the same
    assert three.lines("stop") == ["nothing is running, and no job is in the queue"]
    assert three.lines("status")[-1] == "it was stopped, and work is left: `hpcmake --site ./site.toml` goes on"


def test_the_mark_and_the_closed_keys_are_there_before_anything_is_cancelled(three: Jobs) -> None:
    root = three.command.root
    seen = f"ls {root}/.hpcmake/stop {root}/.hpcmake/jobs/{key_of(2)}/closed {root}/.hpcmake/jobs/{key_of(3)}/closed"
    three.install("scancel", f"{seen} > {root}/seen; for job; do sed -i /^$job/d {three.place}/mine; done")
    assert three.say("stop").status == 0
    assert len(three.command.lines("seen")) == 3


def test_for_programs(three: Jobs) -> None:
    rows = three.say("stop", "--json").kind("stop")
    assert [(row["job"], row["key"], row["was"], row["ended"]) for row in rows] == [
        ("1", key_of(1), "running", True),
        ("2", key_of(2), "queued", True),
        ("3", key_of(3), "queued", True),
    ]


def test_a_job_that_does_not_end(three: Jobs) -> None:
    """Its scheduler has taken the order, and shows it as before."""
    three.install("scancel", f"sed -i '/^[23]|/d' {three.place}/mine")
    assert three.lines("stop", status=1) == [
        "stopping: nothing more is submitted",
        f"job 1 ({key_of(1)}) was running, and could not be ended yet; it may take a while, and `hpcmake status` tells",
        f"job 2 ({key_of(2)}) was queued: taken back",
        f"job 3 ({key_of(3)}) was queued: taken back",
    ]


def test_a_job_that_may_not_be_ended(three: Jobs) -> None:
    three.install(
        "scancel",
        f"echo 'scancel: error: Kill job error on job id 1: Access/permission denied' >&2\n"
        f"sed -i '/^[23]|/d' {three.place}/mine\nexit 1",
    )
    lines = three.lines("stop", status=1)
    assert lines[1] == (f"job 1 ({key_of(1)}) was running, and could not be ended yet: Access/permission denied")


def test_jobs_that_are_ending(three: Jobs) -> None:
    """What has begun to end needs no further care, though it is shown for minutes."""
    three.install("scancel", f"sed -i '/^[23]|/d; s/RUNNING/COMPLETING/' {three.place}/mine")
    assert three.lines("stop")[1] == f"job 1 ({key_of(1)}) was running: it is ending"


def test_a_scheduler_that_does_not_answer(three: Jobs) -> None:
    """What waits will do no work; what runs goes on until it can be reached."""
    three.fail("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    error = "scancel: error: slurm_kill_job2() failed: Unable to contact slurm controller (connect failure)"
    three.install("scancel", f"echo '{error}' >&2; exit 1")
    lines = three.lines("stop", status=1)
    assert lines[0] == "stopping: nothing more is submitted"
    assert lines[1].startswith(f"job 1 ({key_of(1)}) was running, and could not be ended yet: ")
    assert lines[2].startswith(f"job 2 ({key_of(2)}) was queued: it will do no work, yet may be in the queue still: ")
    assert lines[4].startswith("the queue of galaxy cannot be asked: slurm_load_jobs error: Unable to contact")
    assert not three.folder(3).claim("3")


def test_a_scheduler_that_is_away_for_a_moment(three: Jobs) -> None:
    """The order is given again."""
    place = three.place
    three.install(
        "scancel",
        f'echo "scancel $*" >> {place}/calls\n'
        f"if [ ! -e {place}/once ]; then touch {place}/once; "
        "echo 'scancel: error: slurm_kill_job2() failed: Unable to contact slurm controller (connect failure)' >&2; "
        f"exit 1; fi\nfor job; do sed -i /^$job/d {place}/mine; done",
    )
    assert three.lines("stop")[-1] == "stopped; `hpcmake --site ./site.toml` goes on from here"
    assert three.calls("scancel") == ["scancel 3 2 1", "scancel 3 2 1"]


def test_a_job_that_nobody_has_found_in_the_queue(jobs: Jobs) -> None:
    """Its key is taken, so if it comes late it does nothing; if it is there by then, it is cancelled."""
    jobs.add(1, "", "make 1")
    assert jobs.lines("stop")[1:] == [
        f"job {key_of(1)} was about to be submitted: taken back",
        "stopped; `hpcmake --site ./site.toml` goes on from here",
    ]
    assert not jobs.folder(1).claim("7")


def test_a_job_that_was_submitted_twice(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    jobs.show(pending("1", 1), pending("2", 1))
    assert jobs.say("stop").status == 0
    assert jobs.calls("scancel") == ["scancel 1 2"]


def test_what_has_ended_is_left_alone(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    jobs.end(1, "1")
    assert jobs.lines("stop") == ["nothing is running, and no job is in the queue"]
    assert jobs.calls() == []


def test_a_driver_on_this_machine(three: Jobs) -> None:
    """It is told to end; here a run that submits nothing stands for it."""
    three.command.wfile('target all: "x"\nrule x:\n    output: "x"\n    run: echo $$ > pid; echo > ready; sleep 60')
    ready = three.command.fifo("ready")
    (three.command.root / ".hpcmake/jobs").rename(three.command.root / "jobs")
    driver = three.command.start()
    ready.read_text()
    (three.command.root / "jobs").rename(three.command.root / ".hpcmake/jobs")
    lines = three.lines("stop")
    assert lines[1].startswith(f"ending pid {driver.process.pid} on ")
    assert lines[-1] == "stopped; `hpcmake --site ./site.toml` goes on from here"
    assert driver.end().status == 130
    assert is_gone(three.command.text("pid"))


def test_a_driver_elsewhere_sees_the_mark(three: Jobs) -> None:
    three.command.write(".hpcmake/lease.1", '{"host": "login7", "pid": 77, "machine": "other"}')
    assert three.lines("stop")[1] == "pid 77 on login7 ends when it looks at the queue next; it submits nothing more"


def test_without_jobs_it_is_as_ever(command: Command) -> None:
    command.wfile('target all: "x"\nrule x:\n    output: "x"\n    run: touch x')
    command.ok()
    assert command.say("stop").err == "nothing is running\n"
    assert not command.exists(".hpcmake/stop")
    assert stopping.PATIENCE == 30.0


# ---------------------------------------------------------------- runs without jobs


def test_a_run_without_jobs_is_refused_while_there_are_some(three: Jobs) -> None:
    result = three.say("-j1")
    assert result.status == 2
    assert plain(result.err) == textwrap.dedent(
        """\
        error[E731]: jobs of this campaign are in the queue: 1, 2 and 3; run here, their tasks would be done twice
          help: job 1, which runs until HH:MM
                job 2, queued
                job 3, queued, its parents 1 runs until HH:MM, 2 is queued
                `hpcmake --site ./site.toml` watches them
                to go on without them, say `hpcmake stop` first, which takes all jobs back
        """
    )
    assert not three.command.exists("a/1.txt")


def test_nothing_is_removed_while_there_are_some(three: Jobs) -> None:
    result = three.say("clean", "--all")
    assert result.status == 2
    assert (
        "jobs of this campaign are in the queue: 1, 2 and 3; their tasks may need what would be removed" in result.err
    )


def test_after_stop_it_is_not(three: Jobs) -> None:
    assert three.say("stop").status == 0
    assert three.say("-j1", "b/1.txt").status == 0
    assert not three.command.exists(".hpcmake/run.json")  # the campaign is run here now
    assert three.lines("status")[1].split() == ["make", "1", "3"]


def test_jobs_that_are_over_are_no_hindrance(jobs: Jobs) -> None:
    """One has said so, one is gone from the queue, and one was never found in it."""
    jobs.add(1, "1", "make 1")
    jobs.end(1, "1", exit_status=1, why="failed")
    jobs.add(2, "2", "make 2")
    jobs.add(3, "", "make 3")
    assert jobs.say("-j1").status == 0
    assert not jobs.folder(3).claim("3")


def test_jobs_that_cannot_be_asked_for_are_one(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    jobs.remove_commands()
    err = jobs.say("-j1").err
    assert "a job of this campaign is in the queue: 1; run here, its tasks would be done twice" in err
    assert "the queue of galaxy cannot be asked: `sbatch`, `squeue`, `sacct`, `scancel`, `scontrol` are not on" in err


def test_a_dry_run_is_always_possible(three: Jobs) -> None:
    assert three.say("-n").status == 0
    assert os.listdir(three.folder(1).path)
