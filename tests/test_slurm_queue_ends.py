"""Jobs in the queue of a real Slurm that are ended before their work is done: what is left of it is done by others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slurm.campaign import traced
from slurm.queue import AT_ONCE, CHAIN, SHORT, halves, queued, until_half_is_done
from slurm.together import side_by_side

if TYPE_CHECKING:
    from slurm.campaign import Slurm


@side_by_side()
def test_what_a_deleted_job_has_not_done_is_done_by_another(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = halves(slurm, "queue-deleted")
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
        campaign = halves(slurm, "queue-walltime")
        driver = campaign.start("--job-time", "3m")
        until_half_is_done(campaign)
        slurm.cluster.run(
            "scontrol", "update", f"JobId={campaign.ids()[0]}", "TimeLimit=1"
        )  # it has learned 3 at its start
        driver.until(lambda: len(campaign.ids()) == 2, "another job is submitted")
        campaign.go()
        assert driver.end() == 0, campaign.told()
        campaign.until_empty()
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
        campaign = halves(slurm, "queue-crash")
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
