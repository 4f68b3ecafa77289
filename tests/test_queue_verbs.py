"""The verbs that look, where a campaign has jobs: `status`, `ls`, `why` and `log` from any machine."""

import json

import pytest
from command import Command
from queue_campaign import Jobs, key_of, pending, running, stranger

from hpcmake.app.queue.board import find_user
from hpcmake.jobs.settled import Settled, add_settled
from hpcmake.lines import render_record


@pytest.fixture
def jobs(command: Command) -> Jobs:
    """A campaign in a queue."""
    return Jobs(command)


@pytest.fixture
def three(jobs: Jobs) -> Jobs:
    """Of three jobs one runs, one is third in the queue, and one waits for both."""
    jobs.command.ok("a/1.txt", "b/1.txt", "a/2.txt")
    jobs.add(1, "12345", "make 1", "make 2", "square 1", "square 2")
    jobs.add(2, "12346", "make 3", "square 3", "make 4", "square 4")
    jobs.add(3, "12347", "sum", parents=(1, 2))
    jobs.start(1, "12345", done=3, running=1)
    jobs.show(
        running("12345", 1),
        pending("12346", 2),
        pending("12347", 3, reason="Dependency", after="afterok:12345(unfulfilled),afterok:12346(unfulfilled)"),
        strangers=(stranger("8", priority=90), stranger("9", priority=80), stranger("10", priority=1)),
    )
    return jobs


# ---------------------------------------------------------------- status


def test_status_at_a_glance(three: Jobs) -> None:
    assert three.lines("status") == [
        "RULE           DONE      RUNNING       QUEUED",
        "make              2            -            2",
        "square            1            1            2",
        "sum               -            -            1",
        (
            f"job 12345 ({key_of(1)}), 4 tasks on 2 nodes: running since HH:MM, "
            "3 of 4 tasks done, 1 running, until HH:MM"
        ),
        f"job 12346 ({key_of(2)}), 4 tasks on 2 nodes: queued as 12346, 3rd in the queue",
        f"job 12347 ({key_of(3)}), 1 task on 2 nodes: queued as 12347, waits for 12345 and 12346",
        "node-hours: 6 spent or reserved",
        (
            "nobody drives now: each job, when it ends, plans again and submits what follows; "
            "`hpcmake --site ./site.toml` watches it"
        ),
    ]
    calls = [line.replace(find_user(), "USER") for line in three.calls()]
    assert calls == ["squeue -h -r -t all -u USER", "squeue -h -r -t PENDING,RUNNING -p batch"]


def test_status_for_programs(three: Jobs) -> None:
    three.charter(budget=100.0, words=["all"])
    status, *rows = three.say("status", "--json").rows
    assert (status["kind"], status["node_hours"], status["budget"], status["driver"]) == ("status", 6.0, 100.0, None)
    assert status["rules"]["square"] == {"done": 1, "running": 1, "queued": 2}
    assert [(row["kind"], row["job"], row["key"], row["state"], row["place"]) for row in rows] == [
        ("job", "12345", key_of(1), "running", None),
        ("job", "12346", key_of(2), "queued", 3),
        ("job", "12347", key_of(3), "waiting", None),
    ]
    assert rows[2]["parents"] == ["12345", "12346"]
    assert (rows[0]["done"], rows[0]["running"], rows[0]["tasks"]) == (3, 1, 4)


def test_a_scheduler_that_does_not_answer(three: Jobs) -> None:
    """What the files tell is told all the same, and nothing is taken for gone."""
    three.fail("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    assert three.lines("status")[4:9] == [
        (
            f"job 12345 ({key_of(1)}), 4 tasks on 2 nodes: running since HH:MM, "
            "3 of 4 tasks done, 1 running, until HH:MM"
        ),
        f"job 12346 ({key_of(2)}), 4 tasks on 2 nodes: queued as 12346",
        f"job 12347 ({key_of(3)}), 1 task on 2 nodes: queued as 12347, waits for 12345 and 12346",
        (
            "the queue of galaxy cannot be asked: slurm_load_jobs error: Unable to contact slurm controller "
            "(connect failure); what is told of jobs is what their files say"
        ),
        "node-hours: 6 spent or reserved",
    ]


def test_a_machine_without_the_commands(three: Jobs) -> None:
    three.remove_commands()
    assert three.lines("status")[7] == (
        "the queue of galaxy cannot be asked: `sbatch`, `squeue`, `sacct`, `scancel`, `scontrol` "
        "are not on this machine; what is told of jobs is what their files say"
    )
    assert three.say("ls", "--where", "state = running", "--json").rows[0]["task"] == "square[n=2]"


def test_a_site_that_is_gone(three: Jobs) -> None:
    three.command.remove("site.toml")
    assert three.lines("status")[7] == (
        "the queue cannot be asked: no site is known as galaxy; what is told of jobs is what their files say"
    )


def test_all_is_done(jobs: Jobs) -> None:
    """No query is made for jobs that have said themselves that they are over."""
    jobs.command.ok()
    jobs.add(1, "1", "make 1")
    jobs.end(1, "1", ago=1800.0)
    assert jobs.lines("status")[-2:] == ["all is up to date", "node-hours: 1 spent or reserved"]
    assert jobs.calls() == []


def test_a_job_that_has_vanished_and_one_that_nobody_saw(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    jobs.add(2, "", "make 2")
    lines = jobs.lines("status")
    assert lines[:4] == [
        "RULE         QUEUED        STALE",
        "make              1            3",
        "square            -            4",
        "sum               -            1",
    ]
    assert lines[4:6] == [
        f"job 1 ({key_of(1)}), 1 task on 2 nodes: gone from the queue as 1; its end is not told yet",
        (
            f"job {key_of(2)}, 1 task on 2 nodes: nobody knows whether it is queued: "
            "it is not in the queue, and may come yet"
        ),
    ]


def test_a_job_that_was_submitted_though_nobody_wrote_down_its_id(jobs: Jobs) -> None:
    """It is found by its name, and nothing is written for that."""
    jobs.add(1, "", "make 1")
    jobs.show(pending("7", 1))
    assert jobs.say("status", "--json").rows[1]["job"] == "7"
    assert jobs.folder(1).read_receipt() is None


def test_when_all_that_is_left_runs_its_end_is_expected(jobs: Jobs) -> None:
    jobs.command.ok("b/1.txt", "b/2.txt", "b/3.txt", "b/4.txt")
    jobs.add(1, "1", "sum")
    jobs.start(1, "1", ago=60.0)
    jobs.show(running("1", 1))
    assert "expected to end at HH:MM" in jobs.lines("status")


def test_a_stopped_campaign(jobs: Jobs) -> None:
    jobs.charter(words=["all"], values={"keep_going": True, "jobs": 4.0, "job_time": 5400.0})
    jobs.add(1, "1", "make 1")
    jobs.end(1, "1", exit_status=143, why="term")
    jobs.command.write(".hpcmake/stop")
    assert jobs.lines("status")[-1] == (
        "it was stopped, and work is left: `hpcmake --site ./site.toml -j 4 --job-time 1h30m -k all` goes on"
    )


def test_only_one_job_goes_on_with_it(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    jobs.show(pending("1", 1))
    assert jobs.lines("status")[-1] == (
        "only job 1 goes on with it when it ends, and nobody if it is killed: `hpcmake --site ./site.toml` adds a watcher"
    )


def test_jobs_that_have_not_ended_well(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    jobs.add(2, "2", "make 2")
    jobs.add(3, "3", "make 3")
    jobs.end(1, "1", exit_status=3, why="setup")
    jobs.end(2, "2", exit_status=0)
    add_settled(f"{jobs.command.root}/.hpcmake", Settled(key_of(3), "3", why="walltime", site="galaxy"))
    assert jobs.lines("status")[4:6] == [
        (
            f"job 1 ({key_of(1)}): no task was tried: its setup, Python or launcher could not be used (exit 3); "
            f"its output: `.hpcmake/jobs/{key_of(1)}/out`, `err`"
        ),
        f"job 3 ({key_of(3)}): ended at its walltime; its output: `.hpcmake/jobs/{key_of(3)}/out`, `err`",
    ]


def test_a_job_that_was_refused(jobs: Jobs) -> None:
    folder = jobs.add(1, "", "make 1")
    assert folder.close("refused: sbatch: error: Invalid account")
    assert jobs.lines("status")[4] == f"job {key_of(1)}: refused: sbatch: error: Invalid account"
    assert jobs.lines("why", "a/1.txt")[1] == (
        "  it is in no job yet: the scheduler refused the last job for good: sbatch: error: Invalid account"
    )


def test_who_drives(three: Jobs) -> None:
    holder = {"host": "login7", "pid": 77, "machine": "other", "since": "2026-11-22 14:05:00"}
    three.command.write(".hpcmake/lease.1", json.dumps(holder))
    assert three.lines("status")[-1] == (
        "running: driven by pid 77 on login7, since 2026-11-22 14:05:00; from here it cannot be seen whether it still does"
    )


def test_a_job_that_drives_is_asked_for(jobs: Jobs) -> None:
    """Its work is done, and it hands over; once it is gone nobody drives."""
    jobs.add(1, "5", "make 1")
    jobs.end(1, "5")
    jobs.show(running("5", 1))
    holder = {"host": "node7", "pid": 77, "machine": "other", "job": "5", "since": "2026-11-22 14:05:00"}
    jobs.command.write(".hpcmake/lease.1", json.dumps(holder))
    assert jobs.lines("status")[-1] == "driven by job 5 on node7, since 2026-11-22 14:05:00"
    jobs.show()
    assert jobs.lines("status")[-1] == (
        "nobody goes on with it: no job of it is in the queue, and work is left; `hpcmake --site ./site.toml` goes on"
    )


# ---------------------------------------------------------------- ls


def test_tasks_in_jobs(three: Jobs) -> None:
    assert three.lines("ls", "--where", "state = queued and job = 12346") == [
        "STATE   TRIES  TIME  MEMORY  JOB    NODE  TASK         LOG",
        "queued  -      -     -       12346  -     make[n=3]",
        "queued  -      -     -       12346  -     make[n=4]",
        "queued  -      -     -       12346  -     square[n=3]",
        "queued  -      -     -       12346  -     square[n=4]",
    ]
    assert three.say("ls", "--where", f"job = {key_of(1)}", "--json").rows == [
        {
            "kind": "task",
            "task": "square[n=2]",
            "rule": "square",
            "wildcards": {"n": "2"},
            "state": "running",
            "reason": "in job 12345, which runs",
            "tries": None,
            "time": None,
            "memory": None,
            "node": "",
            "job": "12345",
            "log": None,
        }
    ]
    assert len(three.say("ls", "--where", "job != 12346", "--json").rows) == 5


def test_a_task_that_a_running_job_has_not_the_inputs_of_waits_there(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1", "square 1")
    jobs.start(1, "1")
    jobs.show(running("1", 1))
    rows = jobs.say("ls", "--where", "job = 1", "--json").rows
    assert [(row["task"], row["state"]) for row in rows] == [("make[n=1]", "running"), ("square[n=1]", "queued")]


def test_a_task_that_has_failed_in_a_running_job_does_not_run(jobs: Jobs) -> None:
    folder = jobs.add(1, "1", "make 1", "make 2")
    jobs.start(1, "1", failed=1)
    jobs.show(running("1", 1))
    record(folder.records, {"k": "fail", "t": "make[n=1]", "a": 1, "rc": 3, "why": "exit", "n": "node1"})
    rows = jobs.say("ls", "--where", "rule = make and n < 3", "--json").rows
    assert [(row["task"], row["state"]) for row in rows if row["state"] != "stale"] == [
        ("make[n=1]", "failed"),
        ("make[n=2]", "running"),
    ]
    jobs.command.wfile(jobs.command.text("Wfile").replace("    time: 1m\n", "    time: 1m\n    retries: 1\n"))
    assert jobs.say("ls", "--where", "task = 'make[n=1]'", "--json").rows[0]["state"] == "running"


# ---------------------------------------------------------------- log


def test_the_output_of_a_task_of_a_job_that_still_runs(jobs: Jobs) -> None:
    folder = jobs.add(1, "1", "make 1", "make 2")
    jobs.start(1, "1", failed=1)
    jobs.show(running("1", 1))
    path = f".hpcmake/jobs/{folder.key}/logs/node1.out"
    jobs.command.write(path, "of another\nno such file\nof a third\n")
    log = [path, len("of another\n"), len("no such file\n")]
    record(folder.records, {"k": "fail", "t": "make[n=1]", "a": 1, "rc": 3, "why": "exit", "n": "node1", "log": log})
    assert jobs.command.real("log", "a/1.txt").out == "no such file\n"
    assert jobs.say("ls", "--where", "state = failed", "--json").rows[0]["job"] == "1"
    assert jobs.lines("log", "a/2.txt") == ["make[n=2] has not been run yet: it is in job 1, which runs"]


# ---------------------------------------------------------------- what is asked for


def test_verbs_mean_what_the_jobs_were_asked_for(jobs: Jobs) -> None:
    """Also from a folder elsewhere; what the command line says goes before."""
    jobs.charter(words=["b/1.txt"])
    jobs.add(1, "1", "make 1", "square 1")
    jobs.show(pending("1", 1))
    assert [row["task"] for row in jobs.say("ls", "--json").rows] == ["make[n=1]", "square[n=1]"]
    assert [row["task"] for row in jobs.say("ls", "a/2.txt", "--json").rows] == ["make[n=2]"]
    jobs.command.write("elsewhere/empty")
    here = str(jobs.command.root)
    assert [row["state"] for row in jobs.say("ls", "-C", here, "--json").rows] == ["queued", "queued"]


def record(path: str, row: dict[str, object]) -> None:
    """Append a record to those of a job."""
    with open(path, "ab") as file:
        file.write(render_record(row))
