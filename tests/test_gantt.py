"""Who runs where and when as a picture: every bar has its place, none lies on another, and many are still readable."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.drawing.gantt import COLOURS, Bar, Chart, Frame, joined, render_gantt
from hpcmake.drawing.strips import Strip

if TYPE_CHECKING:
    from command import Command

SVG = "{http://www.w3.org/2000/svg}"

CAMPAIGN = """\
target all: "sum/{x}" for x in 1..40

rule one:
    output: "one/{x}/{k}"
    cores: 8
    time: 20m
    run: touch {output}

rule sum:
    input: "one/{x}/{k}" for k in 1..100
    output: "sum/{x}"
    nodes: 3
    time: 45m
    run: {launch} ./sum {output}
"""


@pytest.fixture
def campaign(command: Command) -> Command:
    """4000 tasks that share nodes, 40 on three nodes each."""
    command.wfile(CAMPAIGN)
    return command


def drawn(command: Command, *words: str) -> ET.Element:
    result = command.say("graph", "--batches", "--site", "polaris", *words)
    assert (result.status, result.err) == (0, "")
    return ET.fromstring(result.out)


def values(command: Command, *words: str) -> Any:
    result = command.say("graph", "--batches", "--site", "polaris", "--format", "json", *words)
    assert (result.status, result.err) == (0, "")
    return json.loads(result.out)


def test_the_picture_has_a_title_axes_jobs_bars_and_a_legend(campaign: Command) -> None:
    picture = drawn(campaign, "-j", "40")
    texts = ["".join(each.itertext()) for each in picture.iter(f"{SVG}text")]
    assert re.match(r"40 nodes of polaris: 4040 tasks in 2 jobs, \d+ node-hours reserved, 10h\d+m$", texts[0] or "")
    assert "nodes" in texts
    assert "one 4000" in texts
    assert "sum 40" in texts
    assert "held, not used" in texts
    kinds = [each.get("class") for each in picture.iter(f"{SVG}rect")]
    assert kinds.count("job") == 2
    assert kinds.count("r0") > 1
    assert kinds.count("r1") > 1


def test_as_values_every_task_is_in_a_piece_inside_its_job(campaign: Command) -> None:
    found = values(campaign, "-j", "30", "--job-nodes", "10", "--job-time", "2h")
    assert len(found["jobs"]) > 1
    jobs = {job["job"]: job for job in found["jobs"]}
    assert sum(piece["count"] for piece in found["pieces"]) == 4040
    for piece in found["pieces"]:
        job = jobs[piece["job"]]
        assert job["start"] <= piece["start"] < piece["end"] <= job["end"] + 1e-6
        assert job["low"] - 1e-6 <= piece["low"] < piece["high"] <= job["high"] + 1e-6
    assert max(job["high"] for job in found["jobs"]) == found["nodes"] <= 30
    no_overlap([(job["start"], job["end"], job["low"], job["high"]) for job in found["jobs"]])
    no_overlap([(each["start"], each["end"], each["low"], each["high"]) for each in found["pieces"]])


def no_overlap(boxes: list[tuple[float, float, float, float]]) -> None:
    for at, (start, end, low, high) in enumerate(boxes):
        for other in boxes[at + 1 :]:
            assert (
                end <= other[0] + 1e-6 or other[1] <= start + 1e-6 or high <= other[2] + 1e-6 or other[3] <= low + 1e-6
            )


def test_a_hundred_thousand_tasks_are_a_picture_and_not_a_novel(command: Command) -> None:
    command.wfile(CAMPAIGN.replace("1..40", "1..1000"))
    result = command.say("graph", "--batches", "--site", "polaris", "-j", "100", "--json")
    assert sum(piece["count"] for piece in json.loads(result.out)["pieces"]) == 101_000
    assert len(command.say("graph", "--batches", "--site", "polaris", "-j", "100").out) < 1_000_000


def test_only_pictures_and_values_are_drawn_of_batches(campaign: Command) -> None:
    result = campaign.say("graph", "--batches", "--site", "polaris", "--format", "dot")
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        "error[E808]: `--batches` draws nodes against time, which dot cannot\n"
        " --> the command line:1:1\n"
        "1 | --batches --format dot\n"
        "  | ^^^^^^^^^^^^^^^^^^^^^^\n"
        "  = help: `--format svg` is the picture, `--format json` its values\n"
    )


def test_batches_are_those_of_a_site(campaign: Command) -> None:
    result = campaign.say("graph", "--batches")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error[E808]: `--batches` draws the jobs of a site, and no site is named\n")


def test_where_nothing_is_to_run_the_picture_says_so() -> None:
    texts = [each.text for each in ET.fromstring(render_gantt(Chart("t", 0.0, (), ()))).iter(f"{SVG}text")]
    assert texts == ["t", "nothing to run"]


def test_names_are_text_and_not_markup() -> None:
    bar = Bar(1, "a<b>&", 3, 0.0, 60.0, 0.0, 1.0)
    frame = Frame(1, "job <1>", 0.0, 60.0, 90.0, 0.0, 1.0)
    picture = ET.fromstring(render_gantt(Chart("x & y", 1.0, (frame,), (bar,))))
    titles = [each.text for each in picture.iter(f"{SVG}title")]
    assert titles == ["3 tasks of a<b>&, job 1, 0s to 1m", "job <1>"]


def test_rules_beyond_the_colours_have_stripes() -> None:
    bars = tuple(Bar(1, f"rule{n}", 1, 0.0, 1.0, n, n + 1) for n in range(len(COLOURS) + 2))
    text = render_gantt(Chart("t", 20.0, (Frame(1, "job", 0.0, 1.0, 1.0, 0.0, 20.0),), bars))
    assert len(set(re.findall(r'<pattern id="(s\d+)"', text))) == 2
    assert len(set(re.findall(r"rect\.r\d+\{fill:([^;]+)", text))) == len(bars)


def test_bars_too_thin_to_be_seen_apart_are_one() -> None:
    bars = [Bar(1, "a", 2, n * 1.0, n + 1.0, 0.0, 4.0) for n in range(100)]
    (one,) = joined(bars, 5.0)
    assert (one.start, one.end, one.count) == (0.0, 100.0, 200)
    assert len(joined(bars, 0.5)) == 100


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 12)), max_size=40))
def test_room_is_given_out_once(steps: list[tuple[bool, int]]) -> None:
    strip = Strip(20.0)
    held: list[tuple[float, float]] = []
    for takes, amount in steps:
        if takes:
            parts = strip.take(float(amount))
            assert sum(high - low for low, high in parts) <= amount + 1e-6
            held += parts
        elif held:
            strip.give(*held.pop(amount % len(held)))
        edges = sorted([*held, *strip.free])
        assert edges[0][0] == 0.0
        assert edges[-1][1] == 20.0
        assert all(one[1] == other[0] for one, other in zip(edges, edges[1:], strict=False))
