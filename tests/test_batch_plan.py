"""A batch as a plan: over random campaigns a job decides as a driver would, and what it reads back is what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from batches import Batch, Race
from campaigns import Campaign
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import specs

from hpcmake.diagnostics import Trouble
from hpcmake.engine import GAVE_UP
from hpcmake.jobs.pieces import TornError, read_piece, read_records, write_piece
from hpcmake.jobs.site_paper import parse_site, render_site
from hpcmake.lines import render_record
from hpcmake.sites import find_sites, read_site

if TYPE_CHECKING:
    from pathlib import Path

    from reference import Spec

FILES = ("s/1", "s/2", "s/3", "cfg")
EDITS = st.lists(st.tuples(st.sampled_from(["touch", "remove", "level"]), st.integers(0, 30)), max_size=4)


def edited(campaign: Campaign, spec: Spec, edits: list[tuple[str, int]]) -> None:
    """Change files, and the Wfile."""
    for what, number in edits:
        if what == "level":
            campaign.wfile = spec._replace(level=number % 3).wfile()
            continue
        files = sorted(path for path in campaign.tree.files if what == "touch" or path[0] in "rq")
        if files:
            getattr(campaign.tree, what)(files[number % len(files)])


def failing(campaign: Campaign, numbers: set[int]) -> list[str]:
    """Return some tasks of a campaign."""
    names = campaign.tasks()
    return [name for at, name in enumerate(names) if at in numbers]


@settings(max_examples=60)
@given(specs(), EDITS, st.sets(st.integers(0, 12), max_size=2), st.sets(st.integers(0, 12), max_size=3), st.data())
def test_engines_over_a_plan_and_over_its_batch_decide_alike(
    spec: Spec, edits: list[tuple[str, int]], before: set[int], now: set[int], data: st.DataObject
) -> None:
    campaign = Campaign(spec.wfile(), FILES)
    if edits:
        campaign.run(fail=failing(campaign, before))
        edited(campaign, spec, edits)
    batch = Batch(campaign, retries=data.draw(st.integers(0, 1)))
    batch.check_attempts()
    for table, row in batch.tasks:
        assert batch.job.judge.explain(*batch.find(table.name(row))) == batch.plan.judge.explain(table, row)
    Race(batch).run(
        at_once=data.draw(st.integers(1, 4)),
        fail=failing(campaign, now),
        order=lambda count: data.draw(st.integers(0, count - 1)),
    )


@settings(max_examples=40)
@given(specs(), st.sets(st.integers(0, 12), max_size=2), st.data())
def test_work_that_is_split_among_jobs_ends_where_one_run_does(spec: Spec, fail: set[int], data: st.DataObject) -> None:
    """Each job runs what it can, its children read its records, and what is left is packed anew."""
    alone = Campaign(spec.wfile(), FILES)
    names = failing(alone, fail)
    alone.run(fail=names)
    split = Campaign(spec.wfile(), FILES)
    bad = set(names)
    has_gone_on = True
    while has_gone_on:
        every = [table.name(row) for table, row in split.plan().stale_in_order()]
        mine = set(data.draw(st.lists(st.sampled_from(every), unique=True))) if every else set()
        parent = Batch(split, only=mine.__contains__)
        child = Batch(split, only=lambda name, mine=mine: name not in mine)  # type: ignore[misc]
        first = len(split.records)
        work(parent, bad)
        child.job.know(split.records[first:])
        work(child, bad)
        has_gone_on = any(record["k"] == "ok" for record in split.records[first:])
    assert {path: text for path, (text, _) in split.tree.files.items()} == {
        path: text for path, (text, _) in alone.tree.files.items()
    }
    assert split.given_up() == alone.given_up()


def work(batch: Batch, fail: set[str]) -> None:
    """Run what a job can run of its batch, as with `-k`."""
    engine = batch.engine(batch.job, batch.job_attempts)
    likewise: Any = batch.job
    while engine.has_ready:
        for task in engine.next_tasks(3):
            if engine.name(task) in fail:
                engine.on_failure(task)
                batch.campaign.fail(likewise, engine.table(task), engine.row[task])
            else:
                succeed(batch, engine.name(task))
                engine.on_done(task)
        for settled in engine.take_settled():
            name = engine.name(settled.task)
            if settled.fate == GAVE_UP and name not in fail:  # with what it needs
                definition = batch.job.definition_of(batch.find(name)[0])
                batch.campaign.take({"k": "gave up", "t": name, "c": definition, "why": ""})


def succeed(batch: Batch, name: str) -> None:
    """Let a task of a job make its outputs, and record it."""
    table, row = batch.find(name)
    job: Any = batch.job
    likewise: Any = table
    before = len(batch.campaign.records)
    batch.campaign.succeed(job, likewise, row)
    job.history.take(batch.campaign.records[before:])
    for column in table.outputs:
        job.stamps.put(column[row], batch.campaign.tree._stamp(job.graph.files.paths[column[row]]))


# ---------------------------------------------------------------- pieces on the disk

RECORDS: list[dict[str, Any]] = [{"k": "batch", "v": 1}, {"k": "files", "paths": ["a b", "é", "\udcff"]}]


def test_a_piece_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = str(tmp_path / "batch.jsonl")
    write_piece(path, RECORDS)
    *records, end = read_piece(path)
    assert records == RECORDS
    assert end["k"] == "end"
    assert [each.name for each in tmp_path.iterdir()] == ["batch.jsonl"]


def test_a_piece_that_is_not_whole_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    write_piece(str(path), RECORDS)
    raw = path.read_bytes()
    for at in range(len(raw)):
        for changed in (raw[:at], raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]):
            path.write_bytes(changed)
            with pytest.raises(TornError):
                read_piece(str(path))


def test_a_piece_whose_records_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def records() -> Any:
        yield RECORDS[0]
        raise Trouble

    with pytest.raises(Trouble):
        write_piece(str(tmp_path / "batch.jsonl"), records())
    assert list(tmp_path.iterdir()) == []


def test_records_of_a_job_are_read_as_far_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    assert read_records(str(path)) == []
    line = render_record(RECORDS[1])
    path.write_bytes(render_record(RECORDS[0]) + line[:-10])
    assert read_records(str(path)) == RECORDS[:1]


# ---------------------------------------------------------------- the site in a batch


@pytest.mark.parametrize("name", sorted(find_sites({})))
def test_a_site_travels_with_a_batch(name: str) -> None:
    from json import dumps, loads

    site = read_site(name, {})
    assert parse_site(loads(dumps(render_site(site)))) == site


@pytest.mark.parametrize("plain", [None, 1, [], {}, {"~": "Site"}, {"~": "nothing"}, {"~": "Queue", "name": "q"}])
def test_what_is_no_site_is_refused(plain: object) -> None:
    with pytest.raises(ValueError, match="no site"):
        parse_site(plain)
