"""Campaigns through the queues of an emulated Theta and Polaris: whatever its jobs are, they make what a local run makes."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest
from emulated import DEBUG, FAN, LONGEST, SMALL, WAIT, Emulated, chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from command import Command

    Campaigns = Callable[..., Emulated]

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SITES = pytest.mark.parametrize("site", ["theta", "polaris"])


@pytest.fixture
def emulated(command: Command) -> Iterator[Campaigns]:
    """Make campaigns on emulated machines."""
    made: list[Emulated] = []
    signal.alarm(2 * LONGEST)  # later than that of the fixture: a chain of jobs takes its time where others compute

    def make(site: str, wfile: str, *words: str) -> Emulated:
        made.append(Emulated(command, site, wfile, *words))
        return made[-1]

    yield make
    for each in made:
        each.close()


@SITES
def test_what_fits_one_job_is_one(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, FAN)
    driver = campaign.run()
    assert "ended well (exit 0); 7 done, 0 failed" in driver.text
    assert "7 tasks done" in driver.text
    campaign.assert_it_ended_well(7, jobs=1)


@SITES
def test_a_chain(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain(WAIT))
    driver = campaign.start(*SMALL[site])
    driver.until(lambda: len(campaign.ids()) == 3, "three jobs are submitted")
    driver.until(lambda: len(campaign.lines("begun")) == 3, "the tasks of the first one run")
    told = campaign.run(verb="status")
    assert campaign.ids()[0] in told.text
    assert "7 of these tasks are in jobs" in campaign.run("-n").text
    campaign.go()
    assert driver.end() == 0, campaign
    campaign.assert_it_ended_well(7, jobs=3)


@SITES
def test_jobs_carry_a_campaign_on_to_its_end(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain())
    campaign.run("--detach", "--max-queued", "2", *SMALL[site])
    campaign.until((campaign.root / "end").exists, "all is made")
    campaign.until_over()
    campaign.assert_it_ended_well(7, jobs=3)


@SITES
@pytest.mark.parametrize("words", [(), ("--detach",)], ids=["driven", "detached"])
def test_a_number_of_tasks_that_is_known_only_later(emulated: Campaigns, site: str, words: tuple[str, ...]) -> None:
    """The example of the readme, in one allocation."""
    campaign = emulated(site, "")
    for name in ("Wfile", "parent.py", "eigen.py", "reduce.py"):
        shutil.copy(os.path.join(ROOT, "examples", name), campaign.root)
    campaign.run(*words)
    campaign.until((campaign.root / "results.dat").exists, "all is made")
    campaign.until_over()
    assert {task: count for task, count in campaign.successes().items() if count != 1} == {}, campaign
    watchers = 1 if words and site == "polaris" else 0
    assert f"{1 + watchers} job" in campaign.log_out(), campaign


@SITES
def test_a_queue_in_which_one_job_runs_at_a_time(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain())
    campaign.run(*DEBUG[site], "--job-nodes", "1", "--job-time", "30m")
    campaign.assert_it_ended_well(7, jobs=3)


# ---------------------------------------------------------------- failures


FAILING = chain("[ {i} != 2 ] || [ -e mended ];")


@SITES
def test_a_failure_ends_a_campaign_and_it_goes_on_when_it_is_mended(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, FAILING)
    driver = campaign.run(*SMALL[site], status=1)
    assert "FAILED first[i=2]" in driver.text
    assert "second[i=2]" not in campaign.successes()
    campaign.until_over()
    campaign.go("mended")
    campaign.run(*SMALL[site])
    campaign.assert_it_ended_well(7)


@SITES
def test_what_does_not_need_a_failure_is_done_under_k(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, FAILING)
    driver = campaign.run("-k", *SMALL[site], status=1)
    assert "FAILED first[i=2]" in driver.text
    assert sorted(campaign.successes()) == ["first[i=1]", "first[i=3]", "second[i=1]", "second[i=3]"], campaign
    campaign.until_over()
    campaign.go("mended")
    campaign.run(*SMALL[site])
    campaign.assert_it_ended_well(7)


@SITES
@pytest.mark.parametrize("fault", ["job-deleted:1@2", "job-lost:1@2"])
def test_a_job_that_is_deleted_or_lost(emulated: Campaigns, site: str, fault: str) -> None:
    """What it has not done is done by others, and what it has done stays."""
    campaign = emulated(site, chain(f"if [ {{i}} != 1 ]; then {WAIT} fi;"), "--fault", fault)
    driver = campaign.start(*SMALL[site])
    driver.until_told("packed anew")
    campaign.go()
    assert driver.end() == 0, campaign
    campaign.assert_it_ended_well(7)


@SITES
@pytest.mark.parametrize(
    "fault",
    ["qsub-refused:2@after:1", "qsub-hangs:1", "qsub-garbage:1@after:1", "queue-down:2s@0.5s"],
)
def test_a_scheduler_that_does_not_do_as_it_should(emulated: Campaigns, site: str, fault: str) -> None:
    campaign = emulated(site, chain(), "--fault", fault)
    campaign.run(*SMALL[site])
    campaign.assert_it_ended_well(7, jobs=3)


@SITES
def test_a_job_that_is_submitted_when_it_was_given_up(emulated: Campaigns, site: str) -> None:
    """It finds that its key is closed, and does nothing."""
    campaign = emulated(site, chain(WAIT), "--fault", "qsub-late:4s")
    driver = campaign.start(*SMALL[site])
    driver.until(lambda: len(campaign.ids()) == 3, "three other jobs are submitted")
    driver.until(lambda: len(campaign.lines("begun")) == 3, "the tasks of the first one run")
    outputs = campaign.root.glob
    campaign.until(
        lambda: any("nothing is run" in path.read_text() for path in outputs(".hpcmake/jobs/*/out")),
        "the late one comes",
    )
    campaign.go()
    assert driver.end() == 0, campaign
    campaign.until_over()
    campaign.assert_it_ended_well(7, jobs=4)


@SITES
def test_a_job_that_ends_at_its_walltime(emulated: Campaigns, site: str) -> None:
    """The shortest walltime of a queue, 30 or 5 minutes, lasts 6 seconds; what a job has not done is packed anew."""
    wfile = """
        target all: "made/{i}" for i in 1..6
        rule make:
            output: "made/{i}"
            at_once: 1
            time: 2s
            run: read -t 1 <>pause || :; echo {i} >{output}
        """
    campaign = emulated(site, wfile, "--hurry", {"theta": "300", "polaris": "50"}[site])
    with (campaign.root / "site.toml").open("a") as file:
        file.write('margin = "1s"\n')
    driver = campaign.run(*SMALL[site])
    assert "left, packed anew" in driver.text
    campaign.assert_it_ended_well(6)


# ---------------------------------------------------------------- who drives


@SITES
def test_a_driver_that_is_killed_is_followed_by_another(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain(WAIT))
    driver = campaign.start(*SMALL[site])
    driver.until(lambda: len(campaign.ids()) == 3, "three jobs are submitted")
    driver.send(signal.SIGKILL)
    driver.end()
    second = campaign.start(*SMALL[site])
    second.until_told("is there already")
    campaign.go()
    assert second.end() == 0, campaign
    campaign.assert_it_ended_well(7, jobs=3)


@SITES
def test_a_driver_that_dies_before_its_job_is_queued(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain())
    killed = campaign.start(*SMALL[site], path=campaign.instead_of("qsub", 'kill -KILL "$PPID"'))
    assert killed.end() == -signal.SIGKILL
    assert (campaign.queue(), campaign.ids()) == ([], [])
    driver = campaign.run(*SMALL[site])
    assert "was about to be submitted, and is not in the queue: its work is packed anew" in driver.text
    campaign.assert_it_ended_well(7, jobs=3)


@SITES
def test_a_driver_that_dies_before_it_has_written_down_that_its_job_is_queued(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain(WAIT))
    path = campaign.instead_of("qsub", '"$real" "$@" >/dev/null; kill -KILL "$PPID"')
    killed = campaign.start(*SMALL[site], path=path)
    assert killed.end() == -signal.SIGKILL
    assert (len(campaign.queue()), campaign.ids()) == (1, [])
    driver = campaign.start(*SMALL[site])
    driver.until(lambda: len(campaign.ids()) == 3, "it is found, and two more are submitted")
    campaign.go()
    assert driver.end() == 0, campaign
    campaign.assert_it_ended_well(7, jobs=3)


@SITES
def test_a_driver_that_dies_so_and_is_followed_when_its_job_has_ended(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain())
    path = campaign.instead_of("qsub", '"$real" "$@" >/dev/null; kill -KILL "$PPID"')
    campaign.start(*SMALL[site], path=path).end()
    campaign.until(lambda: len(campaign.successes()) >= 3, "the job has done what it has")
    campaign.until_over()
    campaign.run(*SMALL[site])
    campaign.assert_it_ended_well(7)


@SITES
def test_who_leaves_leaves_the_jobs_to_themselves(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain(WAIT))
    driver = campaign.start(*SMALL[site])
    driver.until(lambda: len(campaign.ids()) == 3, "three jobs are submitted")
    driver.send(signal.SIGINT)
    assert driver.end() == 130, campaign
    assert "3 jobs are in the queue still, and the campaign goes on by them" in driver.text
    campaign.go()
    campaign.until((campaign.root / "end").exists, "all is made")
    campaign.until_over()
    campaign.assert_it_ended_well(7, jobs=3)


@SITES
def test_stop_takes_back_what_waits_and_ends_what_runs(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain(WAIT))
    driver = campaign.start(*SMALL[site])
    driver.until(lambda: len(campaign.lines("begun")) == 3, "the tasks of the first job run")
    campaign.run(verb="stop")
    assert driver.end() == 1, campaign
    assert "the campaign was stopped by `hpcmake stop`" in driver.text
    campaign.until_over()
    assert campaign.successes() == {}
    campaign.go()
    campaign.run(*SMALL[site])
    campaign.assert_it_ended_well(7, jobs=6)


@SITES
def test_what_is_queued_for_commands_that_changed_is_taken_back(emulated: Campaigns, site: str) -> None:
    campaign = emulated(site, chain(WAIT))
    driver = campaign.start(*SMALL[site])
    driver.until(lambda: len(campaign.ids()) == 3, "three jobs are submitted")
    driver.until(lambda: len(campaign.lines("begun")) == 3, "the tasks of the first one run")
    driver.send(signal.SIGINT)
    assert driver.end() == 130, campaign
    wfile = campaign.root / "Wfile"
    wfile.write_text(
        wfile.read_text().replace("cat {input} {input} >{output}", "cat {input} {input} {input} >{output}")
    )
    _, second, third = campaign.ids()
    follower = campaign.start(*SMALL[site])
    follower.until(lambda: "is taken back" in follower.text, "what changed is taken back")
    campaign.go()
    assert follower.end() == 0, campaign
    assert f"job {second}" in follower.text
    assert "is taken back: `second` changed in the Wfile since it was submitted" in follower.text
    assert "`first`" not in follower.text  # which runs on, as it is in the Wfile still
    assert third not in campaign.queue()
    campaign.assert_it_ended_well(7)
