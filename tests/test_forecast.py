"""The forecast of one job: what begins when, counted and not moved one by one."""

from __future__ import annotations

import pytest

from hpcmake.model import Resources
from hpcmake.planner.classes import TaskClass
from hpcmake.planner.forecast import forecast
from hpcmake.planner.stages import Progress
from hpcmake.planner.timeline import Allocation, Timeline, Wants
from hpcmake.site import Launch, NodeKind
from hpcmake.tasks.estimates import MEASURED, Estimate

KNL = NodeKind("knl", 64, 4, 192 * 10**9)


def tasks(rule: str, count: int, resources: Resources, seconds: float, **more: object) -> TaskClass:
    return TaskClass(rule, range(count), resources, Estimate(seconds, seconds, MEASURED, 9), **more)  # type: ignore[arg-type]


def run(classes: list[TaskClass], nodes: int, seconds: float = 1e6, launch: Launch | None = None) -> Timeline:
    allocation = Allocation(nodes, seconds, KNL, launch or Launch())
    return forecast(Wants(classes, KNL), allocation, Progress(len(classes)))


def begun(classes: list[TaskClass], timeline: Timeline) -> list[tuple[str, int, float]]:
    return [(classes[piece.kind].rule, piece.count, piece.start) for piece in timeline.pieces]


def test_a_million_equal_tasks_are_a_few_hundred_pieces() -> None:
    classes = [tasks("dock", 1_000_000, Resources(cores=4), 120)]
    timeline = run(classes, 512)
    assert sum(piece.count for piece in timeline.pieces) == 1_000_000
    assert len(timeline.pieces) < 300
    assert timeline.seconds == pytest.approx(-(-1_000_000 // (512 * 16)) * 120)


def test_what_waits_for_all_of_a_stage_begins_when_the_last_has_ended() -> None:
    classes = [tasks("dock", 3, Resources(cores=64), 100), tasks("score", 2, Resources(), 10, stage=1, needs=(0,))]
    assert begun(classes, run(classes, 2)) == [("dock", 2, 0), ("dock", 1, 100), ("score", 2, 200)]


def test_a_chain_goes_on_as_its_own_share_has_ended() -> None:
    classes = [
        tasks("leg", 2, Resources(nodes=1), 100),
        tasks("leg", 2, Resources(nodes=1), 100, stage=1, follows=(0,)),
    ]
    assert begun(classes, run(classes, 1)) == [("leg", 1, 0), ("leg", 1, 100), ("leg", 1, 200), ("leg", 1, 300)]


def test_nodes_drain_for_a_wide_task_that_has_become_ready() -> None:
    classes = [
        tasks("prepare", 1, Resources(nodes=1), 50),
        tasks("small", 40, Resources(cores=64), 100),
        tasks("wide", 1, Resources(nodes=4), 100, stage=1, needs=(0,), priority=1),
    ]
    classes[0] = classes[0].replace(stage=0)
    classes[1] = classes[1].replace(stage=2)
    timeline = run(classes, 4)
    assert ("wide", 1, 100) in begun(classes, timeline)


def test_nothing_begins_that_would_not_end() -> None:
    classes = [tasks("long", 5, Resources(nodes=1), 100), tasks("short", 5, Resources(nodes=1), 30)]
    timeline = run(classes, 1, seconds=340)
    assert begun(classes, timeline) == [("long", 1, 0), ("long", 1, 100), ("long", 1, 200), ("short", 1, 300)]


def test_launches_lie_a_pause_apart() -> None:
    timeline = run([tasks("mpi", 4, Resources(nodes=1), 10)], 4, launch=Launch(pause=1.0))
    assert [piece.start for piece in timeline.pieces] == [0, 1, 2, 3]
    assert (timeline.launches, timeline.ramp, timeline.waited) == (4, 3, 6)


def test_a_rule_runs_no_more_together_than_it_says() -> None:
    timeline = run([tasks("licensed", 6, Resources(cores=1), 10, at_once=2)], 4)
    assert [(piece.count, piece.start) for piece in timeline.pieces] == [(2, 0), (2, 10), (2, 20)]


def test_what_is_packed_already_is_not_run_again() -> None:
    classes = [tasks("dock", 10, Resources(cores=64), 100)]
    progress = Progress(1)
    progress.taken[0] = 7
    timeline = forecast(Wants(classes, KNL), Allocation(4, 1e6, KNL), progress)
    assert [(piece.first, piece.count) for piece in timeline.pieces] == [(7, 3)]


def test_a_stage_of_which_another_job_has_a_part_has_not_ended() -> None:
    classes = [tasks("dock", 10, Resources(cores=64), 100), tasks("score", 1, Resources(), 10, stage=1, needs=(0,))]
    progress = Progress(2)
    progress.taken[0] = 7
    assert {piece.kind for piece in forecast(Wants(classes, KNL), Allocation(4, 1e6, KNL), progress).pieces} == {0}
    progress.next_wave()
    assert {piece.kind for piece in forecast(Wants(classes, KNL), Allocation(4, 1e6, KNL), progress).pieces} == {0, 1}
