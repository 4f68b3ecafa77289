"""Jobs that are there already are filled first, and the dry run says with what."""

from __future__ import annotations

from campaigns import Campaign

from hpcmake.app.batch_rows import batch_rows, totals
from hpcmake.app.batch_words import render_forecast
from hpcmake.app.forecasting import Forecast, make_forecast
from hpcmake.options import parse_arguments
from hpcmake.planner.pack import Room
from hpcmake.sites import read_site

WFILE = """\
target all: "all"

rule cut:
    input: "src/{x}"
    output: "cut/{x}"
    time: 20m
    run: cp {input} {output}

rule join:
    input: "cut/{x}" for each "src/{x}"
    output: "all"
    time: 1h
    run: cat {input} > {output}
"""


def forecast(*rooms: Room) -> Forecast:
    plan = Campaign(WFILE, [f"src/{x}" for x in range(100)]).plan()
    return make_forecast(plan, read_site("theta", {}), parse_arguments(["-n", "-j", "512", "-A", "Us"]), rooms=rooms)


def room(nodes: int, seconds: float, name: str = "4711") -> Room:
    return Room(name, nodes, seconds, read_site("theta", {}).nodes[0])


def test_work_that_fits_into_a_job_that_is_there_needs_no_other() -> None:
    found = forecast(room(4, 3 * 3600))
    assert list(render_forecast(found, [])) == [
        "",
        "job 4711, which is there already, takes 101 tasks (100 of cut, 1 of join): 4",
        "nodes of it are free for 3h",
    ]
    assert totals(found)["rooms"] == [{"job": "4711", "nodes": 4, "seconds": 10800, "tasks": 101}]
    assert totals(found)["reserved"] == 0


def test_what_needs_the_work_of_such_a_job_comes_after_it_by_its_name() -> None:
    found = forecast(room(4, 1800))
    jobs = list(render_forecast(found, []))[2:8]
    assert jobs == [
        "  JOB  QUEUE    NODES  WALLTIME  TASKS  NODE-HOURS  BEGINS   AFTER",
        "  1    default    128  1h05m         1         139  at once  4711",
        "  1 job",
        "  job 4711, which is there already, takes 100 tasks (100 of cut): 4 nodes of it",
        "  are free for 30m",
        "  ends 1h after the first begins, waits in queues not counted",
    ]
    (job,) = [row for row in batch_rows(found) if row["kind"] == "job"]
    assert (job["after"], job["after_rooms"]) == ([], ["4711"])


def test_rooms_are_filled_in_their_order() -> None:
    found = forecast(room(1, 1800, "one"), room(1, 1800, "two"), room(1, 1800, "none"))
    assert [(each.room.name, each.count) for each in found.packing.topped] == [("one", 64), ("two", 36)]
