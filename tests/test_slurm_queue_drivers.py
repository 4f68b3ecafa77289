"""Who drives a campaign through the queue of a real Slurm: comes, goes, dies between an order and its answer."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from slurm.queue import AT_ONCE, CHAIN, SHORT, halves, queued
from slurm.together import side_by_side

if TYPE_CHECKING:
    from slurm.campaign import Slurm


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
def test_a_detached_campaign_outlives_a_job_that_is_killed(slurm: Slurm) -> None:
    with AT_ONCE:
        campaign = halves(slurm, "queue-detached-killed")
        driver = campaign.run("--detach")
        campaign.until(lambda: len(campaign.successes()) == 8, f"half of the tasks are recorded as done\n{driver}")
        campaign.kill_runner()
        campaign.go()
        campaign.until(lambda: len(campaign.successes()) == 16, "all is done")
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
        # three for the chain, and one that would have gone on if all of them had been killed
        assert [row["state"] for row in campaign.rows()][1:] == ["CANCELLED"] * 3, campaign.told()
        assert campaign.successes() == {}
        campaign.go()
        campaign.run(*SHORT)
        campaign.assert_it_ended_well(9, jobs=7)


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
