"""Campaigns that go through the queue of a real Slurm: their jobs wait for each other, and make what a local run makes."""

from __future__ import annotations

import re
import shutil
import signal
from typing import TYPE_CHECKING

from slurm.campaign import REPOSITORY, Slurm, traced
from slurm.queue import AT_ONCE, CHAIN, SHORT, WAIT, Queued, queued
from slurm.together import side_by_side
from test_examples import assert_results_are_of_these_matrices

if TYPE_CHECKING:
    from collections.abc import Callable

FAILING = CHAIN.replace(WAIT, f'{WAIT}; [ "{{i}}" != 3 ] || [ -e mended ]')
"""The chain, but of its first stage one task fails until it was mended."""


def dependencies(campaign: Queued) -> list[str]:
    """What each job waits for, in the order of their ids; an id is written as its place in that order."""
    rows = campaign.rows()
    places = {row["id"]: str(place) for place, row in enumerate(rows)}
    found = []
    for row in rows:
        text = row["dependency"].removesuffix("(null)")
        parts = (part.replace("(unfulfilled)", "").partition(":") for part in text.split(",") if part)
        found.append(",".join(sorted(f"{kind}:{places[job]}" for kind, _, job in parts)))
    return found


# ---------------------------------------------------------------- shapes of campaigns


@side_by_side()
def test_a_chain_waits_in_the_queue_and_each_job_goes_on_from_what_the_one_before_has_made(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-chain", CHAIN)
        driver = campaign.start(*SHORT)
        driver.until(lambda: len(campaign.rows()) == 3, "three jobs are in the queue")
        assert dependencies(campaign) == ["", "afterok:0", "afterok:1"]
        campaign.go()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)
        assert "9 tasks done" in driver.text


@side_by_side()
def test_a_chain_whose_rules_name_their_queues(slurm: Slurm) -> None:
    with AT_ONCE:
        wfile = CHAIN.replace('output: "a', 'queue: "@0"\n        output: "a')
        wfile = wfile.replace('output: "b', 'queue: "@1"\n        output: "b')
        wfile = wfile.replace('output: "end', 'queue: "@0"\n        output: "end')
        campaign = queued(slurm, "queue-named", wfile, queues=2)
        driver = campaign.start()
        driver.until(lambda: len(campaign.rows()) == 3, "three jobs are in the queue")
        assert dependencies(campaign) == ["", "afterok:0", "afterok:1"]
        campaign.go()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_diamond(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(
            slurm,
            "queue-diamond",
            f"""
            target all: "end"
            rule top:
                output: "top"
                queue: "@0"
                time: 2m
                run: {WAIT}; echo top >{{output}}
            rule left:
                input: "top"
                output: "left"
                queue: "@1"
                time: 2m
                run: echo left | cat {{input}} - >{{output}}
            rule right:
                input: "top"
                output: "right"
                queue: "@2"
                time: 2m
                run: echo right | cat {{input}} - >{{output}}
            rule end:
                input: "left", "right"
                output: "end"
                queue: "@0"
                time: 2m
                run: cat {{input}} >{{output}}
            """,
            queues=3,
        )
        driver = campaign.start()
        driver.until(lambda: len(campaign.rows()) == 4, "four jobs are in the queue")
        assert dependencies(campaign) == ["", "afterok:0", "afterok:0", "afterok:1,afterok:2"]
        campaign.go()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(4, jobs=4)


def matrices(slurm: Slurm, name: str) -> Queued:
    """Return the example whose number of tasks is known only when its first one has ended."""
    campaign = queued(slurm, name, "# copied below\n")
    shutil.copy(f"{REPOSITORY}/examples/Wfile", campaign.root)
    for program in ("parent.py", "eigen.py", "reduce.py"):
        shutil.copy(f"{REPOSITORY}/examples/{program}", campaign.root)
    return campaign


def assert_each_success_is_recorded_once(campaign: Queued) -> None:
    twice = {task: count for task, count in campaign.successes().items() if count != 1}
    assert twice == {}, campaign.told()


@side_by_side()
def test_a_plan_that_grows(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = matrices(slurm, "queue-grows")
        campaign.run()
        count = assert_results_are_of_these_matrices(campaign.root)
        assert_each_success_is_recorded_once(campaign)
        assert len(campaign.successes()) == count + 2, campaign.told()
        campaign.until_empty()
        assert "nothing to do" in campaign.run().text


@side_by_side()
def test_a_plan_that_grows_while_nobody_is_there(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = matrices(slurm, "queue-grows-alone")
        campaign.run("--detach")
        campaign.until(lambda: (campaign.root / "results.dat").exists() and not campaign.living(), "it is done")
        count = assert_results_are_of_these_matrices(campaign.root)
        assert_each_success_is_recorded_once(campaign)
        assert len(campaign.successes()) == count + 2, campaign.told()
        assert "nothing to do" in campaign.run().text


# ---------------------------------------------------------------- failures


@side_by_side()
def test_a_failure_takes_back_what_waits_and_the_next_call_goes_on(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-fails", FAILING)
        driver = campaign.start(*SHORT)
        driver.until(lambda: len(campaign.rows()) == 3, "three jobs are in the queue")
        campaign.go()
        assert driver.end() == 1, campaign.told()
        assert "FAILED first[i=3]: exit 1" in driver.text
        assert "a task has failed: 2 jobs that wait are taken back" in driver.text
        campaign.until_empty()
        assert [row["state"] for row in campaign.rows()] == ["FAILED", "CANCELLED", "CANCELLED"], campaign.told()
        assert {name.split("[")[0] for name in campaign.successes()} == {"first"}

        campaign.go(mended=True)
        again = campaign.run(*SHORT)
        assert "6 tasks done" in again.text
        campaign.assert_it_ended_well(9, jobs=6)


@side_by_side()
def test_with_keep_going_all_is_done_that_does_not_need_the_failure(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-keeps-going", FAILING)
        driver = campaign.start("-k", *SHORT)
        driver.until(lambda: len(campaign.rows()) == 3, "three jobs are in the queue")
        campaign.go()
        assert driver.end() == 1, campaign.told()
        campaign.until_empty()
        assert sorted(campaign.successes()) == sorted(
            [f"{rule}[i={i}]" for rule in ("first", "second") for i in (1, 2, 4)]
        ), campaign.told()
        assert "FAILED first[i=3]: exit 1" in driver.text

        campaign.go(mended=True)
        campaign.run("-k", *SHORT)
        campaign.assert_it_ended_well(9)


@side_by_side()
def test_retries_are_counted_over_jobs_and_a_deleted_job_spends_none(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(
            slurm,
            "queue-retries",
            f"""
            target all: "made"
            rule make:
                output: "made"
                retries: 1
                time: 2m
                run: echo "{{attempt}}" >>tries; [ {{attempt}} != 1 ]; {WAIT}; [ -e mended ]; echo made >{{output}}
            """,
        )
        driver = campaign.start()
        driver.until(lambda: campaign.lines("tries") == ["1", "2"], "the second attempt has begun")
        slurm.cluster.run("scancel", campaign.ids()[0])
        driver.until(lambda: campaign.lines("tries") == ["1", "2", "2"], "it has begun again, in another job")
        campaign.go()
        assert driver.end() == 1, campaign.told()
        assert campaign.lines("tries") == ["1", "2", "2"], campaign.told()
        assert [record["k"] for record in campaign.records() if record["k"] in {"ok", "fail"}] == ["fail", "fail"]
        assert len(campaign.ids()) == 2

        campaign.go(mended=True)
        campaign.run()
        campaign.assert_it_ended_well(1)


# ---------------------------------------------------------------- jobs that are ended


def two_on_one_node(slurm: Slurm, name: str) -> Queued:
    """Return a campaign of one job in which eight tasks wait, and eight others end at once."""
    return queued(
        slurm,
        name,
        f"""
        target all: "made/{{i}}" for i in 1..16
        rule make:
            output: "made/{{i}}"
            time: 2m
            run: {traced(f"[ {{i}} -gt 8 ] || {WAIT}")}; echo "{{i}}" >{{output}}
        """,
        cores=16,
    )


def until_half_is_done(campaign: Queued) -> None:
    driver = campaign.drivers[0]
    driver.until(lambda: len(campaign.successes()) == 8, "half of the tasks are recorded as done")
    begun = [line for line in campaign.lines("trace") if line.startswith("begin")]
    assert len(begun) == 16


@side_by_side()
def test_what_a_deleted_job_has_not_done_is_done_by_another(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = two_on_one_node(slurm, "queue-deleted")
        driver = campaign.start()
        until_half_is_done(campaign)
        slurm.cluster.run("scancel", campaign.ids()[0])
        driver.until(lambda: len(campaign.ids()) == 2, "another job is submitted")
        campaign.go()
        assert driver.end() == 0, campaign.told()
        assert "8 done, 0 failed, 8 left, packed anew" in driver.text
        campaign.assert_it_ended_well(16, jobs=2)


@side_by_side()
def test_what_a_job_has_not_done_that_slurm_has_killed_at_its_walltime_is_done_by_another(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = two_on_one_node(slurm, "queue-walltime")
        driver = campaign.start("--job-time", "3m")
        until_half_is_done(campaign)
        slurm.cluster.run(
            "scontrol", "update", f"JobId={campaign.ids()[0]}", "TimeLimit=1"
        )  # it has learned 3 at its start
        driver.until(lambda: len(campaign.ids()) == 2, "another job is submitted")
        campaign.go()
        assert driver.end() == 0, campaign.told()
        assert campaign.rows()[0]["state"] == "TIMEOUT", campaign.told()
        assert "told to end (exit 143); 8 done, 0 failed, 8 left, packed anew" in driver.text
        campaign.assert_it_ended_well(16, jobs=2)


@side_by_side()
def test_a_task_that_no_job_is_long_enough_for_has_failed(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(
            slurm,
            "queue-too-long",
            f"""
            target all: "made/{{i}}" for i in 1..2
            rule make:
                output: "made/{{i}}"
                run: {traced("until [ -e go ] || [ {i} = 2 ]; do sleep 0.1; done")}; echo "{{i}}" >{{output}}
            """,
            longest="2m",
        )
        driver = campaign.run("-k", status=1)
        assert len(campaign.ids()) == 1, campaign.told()
        assert "FAILED make[i=1]: " in driver.text
        assert re.search(r"3m[0-9]+s", driver.text), "so much it would have to be given: twice what it had"
        assert list(campaign.successes()) == ["make[i=2]"]


@side_by_side()
def test_what_a_job_has_not_done_whose_node_has_crashed_is_done_by_another(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = two_on_one_node(slurm, "queue-crash")
        driver = campaign.start()
        until_half_is_done(campaign)
        lost = campaign.running()[0]["where"]
        slurm.cluster.crash(lost)
        driver.until(lambda: len(campaign.ids()) == 2, "another job is submitted")
        slurm.cluster.boot(lost)
        assert campaign.rows()[0]["state"] == "NODE_FAIL", campaign.told()
        campaign.go()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(16, jobs=2)


@side_by_side()
def test_a_job_that_is_deleted_while_it_waits_is_submitted_anew_with_what_waits_for_it(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-deleted-waiting", CHAIN)
        driver = campaign.start(*SHORT)
        driver.until(lambda: len(campaign.rows()) == 3, "three jobs are in the queue")
        slurm.cluster.run("scancel", campaign.ids()[1])
        driver.until(lambda: len(campaign.ids()) == 5, "two more jobs are submitted")
        assert [row["state"] for row in campaign.rows()[1:3]] == ["CANCELLED", "CANCELLED"], campaign.told()
        campaign.go()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=5)


# ---------------------------------------------------------------- limits


def most_at_once(campaign: Queued, measure: Callable[[Queued], int] = lambda campaign: len(campaign.at_work())) -> int:
    """Wait for the end of the driver; return how many jobs were in the queue at once, as far as seen.

    One that has said that it is over is not counted: Slurm takes some seconds to take note.
    """
    driver = campaign.drivers[-1]
    most = 0

    def look() -> bool:
        nonlocal most
        most = max(most, measure(campaign))
        return driver.has_ended

    campaign.until(look, "the driver ends")
    return most


@side_by_side()
def test_no_more_jobs_are_in_the_queue_than_was_asked(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-one", CHAIN)
        campaign.go()
        driver = campaign.start("--max-queued", "1", *SHORT)
        assert most_at_once(campaign) == 1
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_jobs_of_others_take_the_places_of_a_queue(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-strangers", CHAIN, places=2)
        words = ["sbatch", "--parsable", "-p", campaign.queues[0], "-o", "/dev/null", "-H", "--wrap", "true"]
        stranger = slurm.cluster.run(*words).strip()
        driver = campaign.start(*SHORT)
        driver.until(lambda: len(campaign.living()) == 2, "one job is in the queue, beside that of somebody else")
        campaign.go()
        driver.until(lambda: len(campaign.rows()) == 3, "the next job has its place")
        slurm.cluster.run("scancel", stranger)
        assert most_at_once(campaign) <= 2
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_no_more_nodes_are_asked_for_than_was_said(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(
            slurm,
            "queue-nodes",
            f"""
            target all: "made/{{i}}" for i in 1..8
            rule make:
                output: "made/{{i}}"
                cores: 4
                time: 1m
                run: {traced("sleep 1")}; echo "{{i}}" >{{output}}
            """,
        )
        driver = campaign.start("-j", "2", "--job-time", "150s", "--job-nodes", "1")
        assert (
            most_at_once(
                campaign, lambda each: sum(int(row["nodes"]) for row in each.at_work() if row["state"] == "RUNNING")
            )
            <= 2
        )
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(8, jobs=4)


@side_by_side()
def test_what_a_budget_does_not_bear_is_not_submitted(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-budget", CHAIN)
        campaign.go()
        driver = campaign.run("--budget", "0.02", *SHORT, status=3)
        assert campaign.ids() == []
        assert "the budget of 0.02 node-hours is reached" in driver.text
        # each job reserves more than half of this, and is charged little of it in the end
        driver = campaign.start("--budget", "0.08", *SHORT)
        assert most_at_once(campaign) == 1
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)


# ---------------------------------------------------------------- who drives


@side_by_side()
def test_jobs_carry_a_campaign_on_to_its_end_by_themselves(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-detached", CHAIN, places=2)
        driver = campaign.run("--detach", *SHORT)
        assert "the campaign goes on by itself, in 2 jobs: " in driver.text
        campaign.go()
        campaign.until((campaign.root / "end").exists, "the last file is made")
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_in_a_queue_of_one_place_nobody_goes_on_and_that_is_told(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-detached-one", CHAIN, places=1)
        driver = campaign.run("--detach", *SHORT)
        assert "the campaign goes on by itself" not in driver.text
        campaign.go()
        campaign.until_empty()
        campaign.run(*SHORT)
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_detached_campaign_outlives_a_job_that_is_deleted(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = two_on_one_node(slurm, "queue-detached-deleted")
        driver = campaign.run("--detach")
        campaign.until(lambda: len(campaign.successes()) == 8, "half of the tasks are recorded as done")
        slurm.cluster.run("scancel", "--signal=KILL", "--full", campaign.ids()[0])
        campaign.go()
        campaign.until(lambda: len(campaign.names("made/*")) == 16, f"all is made\n{driver}")
        campaign.assert_it_ended_well(16)


@side_by_side()
def test_who_leaves_can_attach_again_and_is_told_how_far_it_is(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-attach", CHAIN)
        driver = campaign.start(*SHORT)
        driver.until(lambda: len(campaign.rows()) == 3, "three jobs are in the queue")
        driver.send(signal.SIGINT)
        assert driver.end() == 130, str(driver)
        assert "3 jobs are in the queue still, and the campaign goes on by them" in driver.text
        second = campaign.start(*SHORT)
        other = campaign.start(*SHORT)
        campaign.until(lambda: second.has_ended or other.has_ended, "one of two that drive at once gives up")
        gone, second = (second, other) if second.has_ended else (other, second)
        assert gone.end() == 2, str(gone)
        campaign.go()
        assert second.end() == 0, str(second)
        assert "done first[i=1]" in second.text
        assert "done third" in second.text
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_stop_takes_back_what_waits_and_ends_what_runs(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-stop", CHAIN)
        driver = campaign.run("--detach", *SHORT)
        campaign.until(campaign.running, f"the first job runs\n{driver}")
        campaign.until(lambda: len(campaign.lines("trace")) == 4, "its tasks have begun")
        campaign.run(verb="stop")
        campaign.until_empty()
        assert [row["state"] for row in campaign.rows()][1:] == ["CANCELLED", "CANCELLED"], campaign.told()
        assert campaign.successes() == {}
        campaign.go()
        campaign.run(*SHORT)
        campaign.assert_it_ended_well(9, jobs=6)


@side_by_side()
def test_stop_ends_who_drives_too(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-stop-driver", CHAIN)
        driver = campaign.start(*SHORT)
        driver.until(lambda: len(campaign.lines("trace")) == 4, "the tasks of the first job have begun")
        campaign.run(verb="stop")
        assert driver.end() == 1, str(driver)
        assert "the campaign was stopped by `hpcmake stop`" in driver.text
        campaign.until_empty()
        assert campaign.successes() == {}


# ---------------------------------------------------------------- between the order and its answer


@side_by_side()
def test_a_driver_that_dies_before_its_job_is_queued(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-dies-before", CHAIN)
        campaign.go()
        killed = campaign.start(*SHORT, path=campaign.on_path("sbatch", 'kill -KILL "$PPID"'))
        killed.end()
        assert (campaign.rows(), campaign.ids()) == ([], [])
        driver = campaign.run(*SHORT)
        assert "was about to be submitted, and is not in the queue: its work is packed anew" in driver.text
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_driver_that_dies_before_it_has_written_down_that_its_job_is_queued(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-dies-between", CHAIN)
        killed = campaign.start(*SHORT, path=campaign.on_path("sbatch", '"$real" "$@" >/dev/null; kill -KILL "$PPID"'))
        killed.end()
        assert (len(campaign.rows()), campaign.ids()) == (1, [])
        driver = campaign.start(*SHORT)
        driver.until(lambda: len(campaign.rows()) == 3, "three jobs are in the queue")
        campaign.go()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_driver_that_dies_so_and_comes_back_when_the_job_has_ended(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-dies-long", CHAIN)
        campaign.go()
        script = '"$real" "$@" >/dev/null; kill -KILL "$PPID"'
        campaign.start(*SHORT, path=campaign.on_path("sbatch", script)).end()
        campaign.until(campaign.rows, "the job is in the queue")
        campaign.until(lambda: len(campaign.names("b/*")) == 4 or not campaign.living(), "jobs have done what they can")
        campaign.run(*SHORT)
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_submission_that_hangs_and_succeeds_when_it_was_given_up(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-hangs", CHAIN)
        campaign.go()
        script = """
            setsid bash -c 'until [ -e "$0/late" ]; do sleep 0.2; done; "$@"' "$here" "$real" "$@" &
            exec sleep 1000
            """
        path = campaign.on_path("sbatch", script)
        driver = campaign.start(*SHORT, path=path)
        driver.until(lambda: len(campaign.rows()) == 3, "three other jobs are submitted")
        (campaign.root.parent / "queue-hangs.path/late").touch()
        assert driver.end() == 0, campaign.told()
        campaign.until(lambda: len(campaign.rows()) == 4, "the first one comes, too")
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_submission_that_hangs_and_succeeds(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-late", CHAIN)
        campaign.go()
        path = campaign.on_path("sbatch", '"$real" "$@" >/dev/null; exec sleep 1000')
        campaign.run(*SHORT, path=path)
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_submission_that_answers_what_nobody_understands(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-garbage", CHAIN)
        campaign.go()
        path = campaign.on_path(
            "sbatch", '"$real" "$@" >/dev/null; echo "%!?"; echo "Segmentation fault" >&2; exit 139'
        )
        campaign.run(*SHORT, path=path)
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_submission_that_succeeds_and_complains(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = queued(slurm, "queue-complains", CHAIN)
        campaign.go()
        script = 'echo "sbatch: warning: your project has little left" >&2; exec "$real" "$@"'
        driver = campaign.run(*SHORT, path=campaign.on_path("sbatch", script))
        assert "slurm says: sbatch: warning: your project has little left" in driver.text
        campaign.assert_it_ended_well(9, jobs=3)
