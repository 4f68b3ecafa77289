"""The simulated year: every way does each task once, within the rules of the queue, and gives the same each time."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from hpcmake.sites.loader import read_site

BENCHMARKS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "benchmarks")
sys.path.append(BENCHMARKS)

year_campaign: Any = importlib.import_module("year_campaign")
year_hpcmake: Any = importlib.import_module("year_hpcmake")
year_picture: Any = importlib.import_module("year_picture")
year_queue: Any = importlib.import_module("year_queue")
year_ways: Any = importlib.import_module("year_ways")
theta_year: Any = importlib.import_module("theta_year")

HOUR = 3600
WAYS = list(theta_year.WAYS)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """All jobs that are submitted."""
    found: list[Any] = []
    submit = year_queue.Scheduler.submit

    def note(scheduler: Any, job: Any) -> Any:
        found.append(job)
        return submit(scheduler, job)

    monkeypatch.setattr(year_queue.Scheduler, "submit", note)
    return found


def most_at_once(jobs: list[Any], weight: Any, *, begin: str) -> int:
    changes = [(getattr(job, begin), 1, weight(job)) for job in jobs] + [(job.ended, 0, -weight(job)) for job in jobs]
    now = most = 0
    for _, _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most


@pytest.mark.parametrize("way", WAYS)
def test_a_way_does_each_task_once_and_its_jobs_keep_to_the_queue_of_theta(way: str, jobs: list[Any]) -> None:
    campaign = year_campaign.Campaign(3000, 5)
    score = theta_year.WAYS[way](campaign, 1.0)
    queue = read_site("theta", {}).find_queue("default")
    assert queue is not None
    assert score.tasks == campaign.count
    assert score.work == pytest.approx(campaign.work)
    assert score.charged >= score.work
    assert score.jobs == len(jobs)
    for job in jobs:
        assert 1800 <= job.walltime <= (queue.longest_for(job.nodes) or 0)
        assert job.started >= job.submitted
        assert job.ended - job.started <= job.walltime + 1e-6
    assert most_at_once(jobs, lambda _: 1, begin="started") <= 10
    assert most_at_once(jobs, lambda _: 1, begin="submitted") <= 20


@pytest.mark.parametrize("nodes", [512, 1280])
def test_no_more_nodes_are_held_at_once_than_were_asked_for(nodes: int, jobs: list[Any]) -> None:
    year_hpcmake.Driver(year_campaign.Campaign(10_000, 2), nodes).run()
    assert most_at_once(jobs, lambda job: job.nodes, begin="started") <= nodes


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_year(way: str) -> None:
    one, other = (theta_year.WAYS[way](year_campaign.Campaign(1000, 3), 1.0) for _ in range(2))
    assert (one.end, one.charged, one.jobs, one.by_hour) == (other.end, other.charged, other.jobs, other.by_hour)


def test_a_plan_is_made_for_a_job_that_is_to_be_submitted_and_not_for_each_task() -> None:
    driver = year_hpcmake.Driver(year_campaign.Campaign(10_000, 1), 512)
    score = driver.run()
    assert score.plans <= score.jobs < 12


def test_what_the_end_of_a_job_cuts_begins_again_only_where_twice_the_time_is_left() -> None:
    rule = year_campaign.RULES[3]
    measured = year_hpcmake.estimate([1000.0] * 10, limit=rule.limit, longest=86400.0)
    believed = {rule.name: (measured, None)}
    key = year_campaign.Key(rule, 8, 0)
    assert year_hpcmake.expectation(key, believed).ceiling == 1000
    assert year_hpcmake.expectation(key.replace(cut=1500.0), believed).ceiling == 3000
    assert year_hpcmake.expectation(key.replace(cut=6000.0), believed).ceiling == rule.limit


def test_rules_wait_for_all_or_for_their_share() -> None:
    campaign = year_campaign.Campaign(10_000, 1)
    rules = {rule.name: rule for rule in year_campaign.RULES}
    assert campaign.counts == {"dock": 9490, "rank": 1, "relax": 450, "md": 50, "table": 10}
    assert campaign.released(rules["dock"], 0) == 9490
    assert campaign.released(rules["rank"], 9489) == 0
    assert campaign.released(rules["rank"], 9490) == 1
    assert campaign.released(rules["md"], 225) == 25


def test_waits_are_shorter_for_small_and_short_jobs_and_for_those_of_802_nodes() -> None:
    wait = year_queue.median_wait
    assert wait(128, 1800) < wait(128, 3 * HOUR) < wait(256, 3 * HOUR)
    assert wait(640, 12 * HOUR) > wait(802, 12 * HOUR) == wait(802, 24 * HOUR)


def test_a_job_waits_for_its_parents_and_then_half_as_long() -> None:
    scheduler = year_queue.Scheduler(year_ways.random.Random(1), lambda _: 1000.0, lambda _: None)
    parent = scheduler.submit(year_queue.Job(128, HOUR, None))
    child = scheduler.submit(year_queue.Job(128, HOUR, None, [parent]))
    scheduler.run()
    assert parent.ended - parent.started == 1030
    assert child.started == pytest.approx(parent.ended + 60 + child.wait / 2)


def test_a_script_job_is_submitted_anew_on_working_mornings() -> None:
    day = 24 * HOUR
    assert year_ways.next_morning(3 * HOUR) == day
    assert year_ways.next_morning(4 * day + HOUR) == 7 * day  # from Friday to Monday


def test_the_picture_is_svg_with_a_line_and_words_for_each_way() -> None:
    text = year_picture.render_picture(
        [("one", "words of one", {0: 1.0, 40: 3.0}), ("other", "words", {900000: 4.0})], 4.0
    )
    tree = ET.fromstring(text)
    lines = [each for each in tree.iter() if each.get("class") == "line"]
    assert len(lines) == 4
    assert {"one", "words of one", "other"} <= {each.text for each in tree.iter()}
