"""Campaigns that go through the queue of a real Slurm: their jobs wait for each other, and make what a local run makes."""

from __future__ import annotations

import shutil
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
