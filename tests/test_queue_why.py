"""`why` where a campaign has jobs: which job has a task, what that waits for, or why the task is in none yet."""

import json

import pytest
from command import Command
from queue_campaign import Jobs, key_of, pending, running, stranger

from hpcmake.jobs.settled import Settled, add_settled
from hpcmake.lines import render_record


@pytest.fixture
def jobs(command: Command) -> Jobs:
    """A campaign in a queue."""
    return Jobs(command)


GOES_ON = "nobody drives now, and its jobs go on with it: `hpcmake --site ./site.toml` watches them"
STARTS = "nothing is running: `hpcmake --site ./site.toml` starts it"


def test_a_task_that_runs(jobs: Jobs) -> None:
    jobs.add(1, "12345", "make 1", "make 2", "square 1")
    jobs.start(1, "12345", running=2)
    jobs.show(running("12345", 1))
    assert jobs.lines("why", "a/1.txt") == [
        "make[n=1] must run: missing output a/1.txt",
        (
            "  it runs in job 12345, or is next there (2 of its tasks run at this moment): "
            "the job runs until HH:MM, since HH:MM"
        ),
        GOES_ON,
    ]
    assert jobs.lines("why", "b/1.txt")[:3] == [
        "square[n=1] must run: missing output b/1.txt",
        "  it waits for make[n=1]",
        "  it is in job 12345, which runs until HH:MM, and waits there for what it needs",
    ]


def test_a_job_that_waits_for_its_turn_and_its_parent(jobs: Jobs) -> None:
    jobs.add(1, "12345", "make 1")
    jobs.add(2, "12346", "square 1", parents=(1,))
    jobs.add(3, "12347", "make 2")
    jobs.start(1, "12345")
    jobs.show(
        running("12345", 1),
        pending("12346", 2, reason="Dependency", after="afterok:12345(unfulfilled)"),
        pending("12347", 3),
        strangers=(stranger("8", priority=90), stranger("9", priority=80)),
    )
    assert jobs.lines("why", "b/1.txt")[2] == "  it waits for job 12346, queued, its parent 12345 runs until HH:MM"
    assert jobs.lines("why", "a/2.txt")[1] == "  it waits for job 12347, 3rd in the queue"
    row = jobs.say("why", "b/1.txt", "--json").rows[0]["chain"][0]
    assert (row["state"], row["waits for"], row["job"]["job"]) == ("queued", ["make[n=1]"], "12346")
    assert (row["job"]["state"], row["job"]["parents"]) == ("waiting", ["12345"])


def test_a_chain_of_jobs(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    jobs.add(2, "2", "make 2", parents=(1,))
    jobs.add(3, "3", "square 1", parents=(1, 2))
    jobs.add(4, "4", "sum", parents=(3,))
    jobs.show(
        pending("1", 1),
        pending("2", 2, reason="Dependency", after="afterok:1(unfulfilled)"),
        pending("3", 3, reason="Dependency", after="afterok:1(unfulfilled),afterok:2(unfulfilled)"),
        pending("4", 4, reason="Dependency", after="afterok:3(unfulfilled)"),
    )
    assert jobs.lines("why", "sum.txt")[2] == (
        "  it waits for job 4, queued, its parent 3 is queued, whose parents 1 is 1st in the queue, 2 is queued"
    )


def test_many_parents_alike(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    for number in (2, 3, 4, 5):
        jobs.add(number, str(number), f"make {number - 1}", parents=(1,))
    jobs.add(6, "6", "sum", parents=(2, 3, 4, 5))
    jobs.start(1, "1")
    rows = [pending(str(number), number, reason="Dependency", after="afterok:1(unfulfilled)") for number in range(2, 7)]
    jobs.show(running("1", 1), *rows)
    assert jobs.lines("why", "sum.txt")[2] == (
        "  it waits for job 6, queued, its parents 2, 3 and 2 more are queued, 2's parent 1 runs until HH:MM"
    )


def test_what_it_needs_is_in_a_job_and_it_is_not(jobs: Jobs) -> None:
    """The campaign may use two nodes at once, and a job has these."""
    jobs.charter(values={"jobs": 2.0})
    jobs.add(1, "1", "make 1", "make 2", "make 3", "make 4", "square 2", "square 3", "square 4")
    jobs.show(pending("1", 1))
    assert jobs.lines("why", "b/1.txt") == [
        "square[n=1] must run: missing output b/1.txt",
        "  it waits for make[n=1]",
        "  what it needs is made in job 1, 1st in the queue",
        "  it is in no job yet, and nobody drives who would submit one",
        "nobody drives now, and its jobs go on with it: `hpcmake --site ./site.toml -j 2` watches them",
    ]


def test_more_nodes_than_may_be_used_at_once(jobs: Jobs) -> None:
    jobs.charter(words=["b/1.txt", "b/2.txt"], values={"jobs": 2.0})
    jobs.add(1, "1", "make 1", "square 1")
    jobs.show(pending("1", 1))
    chain = jobs.say("why", "a/2.txt", "--json").rows[0]["chain"]
    assert chain[0]["waits because"]["kind"] == "limit"
    assert chain[0]["waits because"]["why"].startswith("nodes: 2 of 2 are asked for by jobs that live, and it wants ")


def test_no_place_in_the_queue(jobs: Jobs) -> None:
    jobs.charter(values={"max_queued": 1.0})
    jobs.add(1, "1", "make 1")
    jobs.show(pending("1", 1))
    words = "  it is in no job yet: place: 1 of 1 of this campaign in the queue (--max-queued)"
    assert words in jobs.lines("why", "a/2.txt")
    jobs.charter(values={"max_queued": 1.0, "job_nodes": 1.0, "job_time": 120.0})
    assert words in jobs.lines("why", "sum.txt")  # whose job would be behind another one that waits for a place


def test_the_budget_is_spent(jobs: Jobs) -> None:
    jobs.charter(budget=2.0)
    jobs.add(1, "1", "make 1")
    jobs.show(pending("1", 1))
    wait = jobs.say("why", "a/2.txt", "--json").rows[0]["chain"][0]["waits because"]
    assert wait["kind"] == "budget"
    assert wait["why"].endswith("and 0 are left")


def test_a_parent_that_may_be_queued_or_not(jobs: Jobs) -> None:
    jobs.add(1, "", "make 1", "make 2", "make 3", "make 4")
    wait = jobs.say("why", "b/1.txt", "--json").rows[0]["chain"][0]["waits because"]
    assert wait == {"kind": "parent", "why": f"parent {key_of(1)} may be queued or not"}


def test_the_queue_cannot_be_seen(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    jobs.fail("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    wait = jobs.say("why", "a/2.txt", "--json").rows[0]["chain"][0]["waits because"]
    assert wait["kind"] == "queue"


def test_something_has_failed(jobs: Jobs) -> None:
    folder = jobs.add(1, "1", "make 1")
    record = {"k": "fail", "t": "make[n=1]", "a": 1, "rc": 3, "why": "exit", "n": "node1"}
    with open(folder.records, "ab") as file:
        file.write(render_record(record))
    jobs.end(1, "1", exit_status=1, why="failed")
    assert jobs.lines("why", "a/1.txt")[-2:] == [
        "  it is in no job yet: it has failed, and is not tried again in this run",
        STARTS,
    ]
    assert jobs.lines("why", "b/1.txt")[2] == "  it is in no job yet: something that it needs has failed"
    assert jobs.lines("why", "a/2.txt")[1] == (
        "  it is in no job yet: make[n=1] failed, and without `-k` nothing more is submitted"
    )
    jobs.charter(values={"keep_going": True})
    assert jobs.lines("why", "a/2.txt")[1] == "  it is in no job yet, and nobody drives who would submit one"


def test_a_stopped_campaign(jobs: Jobs) -> None:
    jobs.add(1, "1", "make 1")
    jobs.end(1, "1")
    jobs.command.write(".hpcmake/stop")
    assert jobs.lines("why", "a/2.txt")[1:] == [
        "  it is in no job yet: the campaign was stopped by `hpcmake stop`",
        "the campaign was stopped: `hpcmake --site ./site.toml` goes on with it",
    ]


def test_jobs_that_end_without_having_done_anything(jobs: Jobs) -> None:
    for number in (1, 2):
        jobs.add(number, str(number), "make 1")
        settled = Settled(key_of(number), str(number), 3, "setup", site="galaxy")
        add_settled(f"{jobs.command.root}/.hpcmake", settled)
    assert jobs.lines("why", "a/2.txt")[1] == (
        "  it is in no job yet: jobs 1 and 2 on galaxy ended without a record of any task, so nothing more is submitted"
    )


def test_a_rule_that_runs_where_the_campaign_is_driven(jobs: Jobs) -> None:
    jobs.command.wfile(
        jobs.command.text("Wfile").replace('{n}.txt"\n    time', '{n}.txt"\n    site: "local"\n    time', 1)
    )
    jobs.add(1, "1", "sum")
    jobs.show(pending("1", 1))
    assert (
        jobs.lines("why", "a/2.txt")[1] == "  it is in no job yet: it runs where the campaign is driven, and in no job"
    )
    assert jobs.lines("why", "b/2.txt")[2] == (
        "  it is in no job yet: something that it needs runs where the campaign is driven"
    )


def test_who_drives_submits_it(jobs: Jobs) -> None:
    holder = {"host": "login7", "pid": 77, "machine": "other", "since": "2026-11-22 14:05:00"}
    jobs.add(1, "1", "make 1")
    jobs.show(pending("1", 1))
    jobs.command.write(".hpcmake/lease.1", json.dumps(holder))
    assert jobs.lines("why", "a/2.txt")[1:] == [
        "  it is in no job yet: who drives submits it at the next look at the queue",
        "driven by pid 77 on login7, since 2026-11-22 14:05:00; from here it cannot be seen whether it still does",
    ]


def test_what_is_up_to_date(jobs: Jobs) -> None:
    jobs.command.ok("a/1.txt")
    jobs.add(1, "1", "make 1")
    jobs.show(pending("1", 1))
    assert jobs.lines("why", "a/1.txt")[0].startswith("make[n=1] is up to date: its command is as recorded")
