"""Campaigns in the queue of a real Slurm that refuses jobs, has forgotten them, or does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slurm.queue import AT_ONCE, CHAIN, SHORT, Queued, own_cluster, queued
from slurm.together import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable

    from slurm.campaign import Slurm
    from slurm.driver import Driver


@side_by_side("slurmdbd", "mariadbd")
def test_what_the_limits_of_a_quality_of_service_refuse_is_submitted_when_there_is_place(slurm: Slurm) -> None:
    with AT_ONCE, own_cluster(slurm, "queue-qos", accounting=True) as own:
        own.cluster.run("sacctmgr", "-iQ", "modify", "qos", "normal", "set", "MaxSubmitJobsPerUser=2")
        campaign = queued(own, "campaign", CHAIN)
        driver = campaign.start(*SHORT)
        driver.until_told("slurm takes no job now, which is tried again: sbatch: error: QOSMaxSubmitJobPerUserLimit")
        assert len(campaign.rows()) == 2
        campaign.go()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side("slurmdbd", "mariadbd")
def test_how_a_job_has_ended_that_slurm_has_forgotten_is_known_from_its_accounts(slurm: Slurm) -> None:
    with AT_ONCE, own_cluster(slurm, "queue-sacct", accounting=True, more="MinJobAge=2\n") as own:
        campaign = queued(own, "campaign", CHAIN)
        driver = campaign.start(*SHORT)
        driver.until(lambda: len(campaign.lines("trace")) == 4, "the tasks of the first job have begun")
        driver.freeze()
        own.cluster.run("scancel", "--signal=KILL", "--full", campaign.ids()[0])
        own.cluster.run("scancel", *campaign.ids())
        campaign.until(lambda: campaign.rows() == [], "Slurm has forgotten them")
        campaign.go()
        driver.thaw()
        assert driver.end() == 0, campaign.told()
        assert "4 left, packed anew" in driver.text
        assert "nobody knows how it ended" not in driver.text
        campaign.assert_it_ended_well(9, jobs=6)


@side_by_side()
def test_jobs_run_and_are_waited_for_while_the_controller_is_away(slurm: Slurm) -> None:
    with AT_ONCE, own_cluster(slurm, "queue-away") as own:
        campaign = queued(own, "campaign", CHAIN)
        driver = campaign.start(*SHORT)
        driver.until(lambda: len(campaign.lines("trace")) == 4, "the tasks of the first job have begun")
        own.cluster.stop_controller()
        campaign.go()
        driver.until_told("done first[i=4]")
        own.cluster.start_controller()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_controller_that_is_away_from_the_beginning_is_told_of_and_waited_for(slurm: Slurm) -> None:
    with AT_ONCE, own_cluster(slurm, "queue-away-first") as own:
        campaign = queued(own, "campaign", CHAIN)
        campaign.go()
        own.cluster.stop_controller()
        driver = campaign.start(*SHORT)
        driver.until_told("Unable to contact slurm controller", 90)
        own.cluster.start_controller()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)


def at_the_first_order(campaign: Queued, act: Callable[[], None]) -> Driver:
    """Start a driver, and do something when its first sbatch is about to begin."""
    folder = campaign.root.parent / "campaign.path"
    script = 'touch "$here/asked"; until [ -e "$here/go" ]; do sleep 0.1; done; exec "$real" "$@"'
    driver = campaign.start(*SHORT, path=campaign.on_path("sbatch", script))
    driver.until((folder / "asked").exists, "its first sbatch begins")
    act()
    (folder / "go").touch()
    return driver


@side_by_side()
def test_a_controller_that_goes_when_a_job_is_submitted(slurm: Slurm) -> None:
    with AT_ONCE, own_cluster(slurm, "queue-goes") as own:
        campaign = queued(own, "campaign", CHAIN)
        campaign.go()
        driver = at_the_first_order(campaign, own.cluster.stop_controller)
        driver.until_told("nobody knows whether it is queued", 90)
        own.cluster.start_controller()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9, jobs=3)


@side_by_side()
def test_a_controller_that_hangs_when_a_job_is_submitted_and_does_it_later(slurm: Slurm) -> None:
    with AT_ONCE, own_cluster(slurm, "queue-frozen") as own:
        campaign = queued(own, "campaign", CHAIN)
        campaign.go()
        driver = at_the_first_order(campaign, own.cluster.freeze_controller)
        driver.until_told("nobody knows whether it is queued", 90)
        own.cluster.thaw_controller()
        assert driver.end() == 0, campaign.told()
        campaign.assert_it_ended_well(9)


@side_by_side()
def test_a_controller_that_is_away_for_a_while_costs_a_detached_campaign_nothing(slurm: Slurm) -> None:
    with AT_ONCE, own_cluster(slurm, "queue-away-alone") as own:
        campaign = queued(own, "campaign", CHAIN, places=2)
        campaign.run("--detach", *SHORT)
        campaign.until(lambda: len(campaign.lines("trace")) == 4, "the tasks of the first job have begun")
        own.cluster.stop_controller()
        campaign.go()
        campaign.until(lambda: len(campaign.names("a/*")) == 4, "the first job has done its work")
        own.cluster.start_controller()
        campaign.until((campaign.root / "end").exists, "the last file is made")
        campaign.assert_it_ended_well(9, jobs=3)
