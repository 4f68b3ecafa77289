"""The packer: what no node and no walltime is asked to hold twice, and jobs that a user would have cut the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcmake.model import Resources
from hpcmake.planner.batches import Job
from hpcmake.planner.bundles import bundles, least_node_seconds
from hpcmake.planner.classes import Rows, RuleTraits, TaskClass, critical_path, gather, tails
from hpcmake.planner.costs import charged_in, costs_of
from hpcmake.planner.ends import find_ends
from hpcmake.planner.grounds import grounds_of, render_alternative
from hpcmake.planner.pack import Packing, Room, one_each, pack
from hpcmake.planner.queues import Wishes
from hpcmake.planner.timeline import Wants
from hpcmake.site import Charge, Launch, Limit, NodeKind, Queue, Site
from hpcmake.tasks.estimates import ASSUMED, MEASURED, NONE_GIVEN, Estimate, estimate

if TYPE_CHECKING:
    import random

HOUR = 3600
KNL = NodeKind("knl", 64, 4, 192 * 10**9)

THETA = Site(
    "theta",
    "cobalt",
    "aprun",
    margin=300,
    charge=Charge(minimum_nodes=128),
    nodes=(KNL,),
    launch=Launch(at_once=1000, per_node=1, pause=0.1, over_limit="mailbox"),
    queues=(
        Queue(
            "default",
            "knl",
            (128, 4100),
            ((128, 3 * HOUR), (256, 6 * HOUR), (384, 9 * HOUR), (640, 12 * HOUR), (802, 24 * HOUR)),
            shortest=1800,
            limits=(Limit("running", 10), Limit("queued", 20)),
        ),
        Queue("debug", "knl", (1, 8), ((1, HOUR),), limits=(Limit("running", 1),), purpose="trial"),
    ),
)

MIRA = Site(
    "mira",
    "cobalt",
    "runjob",
    runs="program",
    margin=300,
    smallest_block=512,
    nodes=(NodeKind("bgq", 16, 4, 16 * 10**9),),
    launch=Launch(at_once=64),
    queues=(
        Queue("prod-short", "bgq", (512, 4096), ((512, 6 * HOUR),), shortest=300, blocks=(512, 1024, 2048, 4096)),
        Queue("prod-capability", "bgq", (8192, 49152), ((8192, 24 * HOUR),), shortest=300, blocks=(8192, 49152)),
    ),
)


def assumed(seconds: float) -> Estimate:
    return estimate([], limit=seconds, longest=24 * HOUR)


def measured(seconds: float, ceiling: float | None = None) -> Estimate:
    return Estimate(seconds, ceiling or seconds, MEASURED, 100)


UNKNOWN = estimate([], limit=None, longest=24 * HOUR)


def on_nodes(nodes: int, seconds: float, count: int, rule: str = "mpi", stage: int = 0) -> TaskClass:
    return TaskClass(rule, range(count), Resources(nodes=nodes), assumed(seconds), stage=stage)


def docking(count: int, expected: Estimate) -> list[TaskClass]:
    dock = Resources(cores=4, memory=2 * 2**30, time=1200)
    return [
        TaskClass("dock", range(count), dock, expected, retries=(dock, dock)),
        TaskClass("score", range(count, count + 100), Resources(), assumed(600), stage=1, needs=(0,)),
        TaskClass("summary", range(count + 100, count + 101), Resources(), assumed(60), stage=2, needs=(1,)),
    ]


def shape(job: Job) -> tuple[str, int, float]:
    return job.shape.queue.name, job.nodes, job.walltime


# ---------------------------------------------------------------- which job


def test_two_tasks_too_long_for_a_small_job_run_side_by_side_in_a_larger_one() -> None:
    """128 nodes for 6 h fits no 128-node job of Theta, whose limit there is 3 h; 256 nodes may have 6 h."""
    packing = pack([on_nodes(128, 6 * HOUR, 2, "leg")], THETA, Wishes(nodes=512))
    (job,) = packing.jobs
    assert shape(job) == ("default", 256, 6 * HOUR)
    assert job.count == 2
    assert [piece.count for piece in job.timeline.pieces if piece.start < 1] in ([2], [1, 1])
    assert packing.reserved == 256 * 6
    grounds = {ground.about: ground.words() for ground in grounds_of(job, packing, THETA, Wishes(nodes=512))}
    assert grounds == {
        "nodes": "2 tasks of `leg` side by side: they take 6h, "
        "and in default only jobs of at least 256 nodes may last so long",
        "walltime": "the longest that default gives 256 nodes",
        "margin": "next to no margin: a `time` of 6h is all that such a job may have",
    }


def test_one_such_task_has_a_job_of_256_nodes_for_itself() -> None:
    (job,) = pack([on_nodes(128, 6 * HOUR, 1)], THETA, Wishes(nodes=512)).jobs
    assert shape(job) == ("default", 256, 6 * HOUR)


def test_short_tasks_go_to_the_smallest_job_if_larger_ones_cost_more() -> None:
    packing = pack(docking(100_000, measured(150, 240)), THETA, Wishes(nodes=512))
    (job,) = packing.jobs
    assert job.nodes == 128
    assert job.count == 100_101
    (faster,) = [other for other in packing.alternatives if other.how == "faster"]
    assert faster.end < packing.end
    assert faster.reserved > packing.reserved
    assert render_alternative(faster, packing).startswith("faster: ")


def test_among_equally_cheap_plans_the_one_that_ends_first_is_taken() -> None:
    legs = [
        TaskClass("leg", range(50), Resources(nodes=128), assumed(2 * HOUR), stage=k, follows=(k - 1,) if k else ())
        for k in range(10)
    ]
    packing = pack(legs, THETA, Wishes(nodes=512))
    assert packing.end < 2.1 * HOUR * 500 / 4
    assert packing.reserved < 1.1 * 500 * 128 * 2 + 512


def test_the_user_may_say_the_shape() -> None:
    wishes = Wishes(nodes=512, job_nodes=256, job_time=2 * HOUR)
    packing = pack(docking(100_000, measured(150, 240)), THETA, wishes)
    assert {job.nodes for job in packing.jobs} == {256}
    assert max(job.walltime for job in packing.jobs) <= 2 * HOUR
    grounds = grounds_of(packing.jobs[0], packing, THETA, wishes)
    assert grounds[0].words() == "asked for by --job-nodes"


def test_a_first_job_without_estimates_is_small_and_the_rest_waits_for_what_it_measures() -> None:
    packing = pack(docking(100_000, UNKNOWN), THETA, Wishes(nodes=512))
    (job,) = packing.jobs
    assert job.probe
    assert shape(job) == ("default", 128, HOUR)
    assert packing.classes[packing.later[0].kind].rule == "dock"
    assert packing.later[0].first == job.count
    assert sum(portion.stop - portion.first for portion in packing.later) == 100_101 - job.count
    words = grounds_of(job, packing, THETA, Wishes(nodes=512))[0].words()
    assert words == "small: how long `dock` takes is not known, and this job measures it"


def test_few_tasks_without_estimates_need_no_probe() -> None:
    packing = pack([TaskClass("plot", range(3), Resources(), UNKNOWN)], THETA, Wishes(nodes=512))
    (job,) = packing.jobs
    assert not job.probe
    assert packing.later == ()


def test_stragglers_go_where_there_is_room_and_get_no_job_of_their_own() -> None:
    room = Room("12345", nodes=256, seconds=HOUR, node=KNL)
    packing = pack([TaskClass("dock", range(3), Resources(), assumed(600))], THETA, Wishes(nodes=512), rooms=[room])
    assert packing.jobs == ()
    assert [(topped.room.name, topped.portions[0].stop) for topped in packing.topped] == [("12345", 3)]


def test_what_follows_work_in_a_running_job_names_it() -> None:
    room = Room("12345", nodes=128, seconds=700, node=KNL)
    prepare, main = on_nodes(128, 600, 1, "prepare"), on_nodes(128, HOUR, 1, "main", stage=1).replace(needs=(0,))
    packing = pack([prepare, main], THETA, Wishes(nodes=512), rooms=[room])
    (job,) = packing.jobs
    assert job.after == (-1,)
    assert "needs what job 12345 will make" in [each.words() for each in grounds_of(job, packing, THETA, Wishes())]


def test_a_narrow_end_has_a_small_job_of_its_own_where_that_is_cheaper() -> None:
    wide = on_nodes(2048, 3 * HOUR, 1, "simulate")
    narrow = TaskClass("analyse", range(1), Resources(), assumed(2 * HOUR), stage=1, needs=(0,))
    packing = pack([wide, narrow], THETA, Wishes(nodes=2048))
    assert [job.nodes for job in packing.jobs] == [2048, 128]
    assert packing.jobs[1].after == (0,)


LOOSE = THETA.replace(
    charge=Charge(),
    queues=(Queue("any", "knl", (1, 4100), ((1, 3 * HOUR),), limits=(Limit("running", 10), Limit("queued", 20))),),
)


def behind_a_head(count: int, head: float, each: float = 600) -> list[TaskClass]:
    """Tasks that all wait for a first one."""
    return [
        TaskClass("version", range(1), Resources(), assumed(head)),
        TaskClass("dock", range(1, count + 1), Resources(), assumed(each), stage=1, needs=(0,)),
    ]


@pytest.mark.parametrize("count", [20_000, 100_000, 1_000_000])
@pytest.mark.parametrize(
    ("site", "wishes"), [(LOOSE, Wishes(nodes=512)), (THETA, Wishes(nodes=512, job_nodes=128)), (THETA, Wishes(512))]
)
def test_a_short_task_for_which_all_others_wait_neither_doubles_the_end_nor_the_cost(
    site: Site, wishes: Wishes, count: int
) -> None:
    """The plan is held against that of the same work without it."""
    without = pack([behind_a_head(count, 60)[1].replace(stage=0, needs=())], site, wishes)
    packing = pack(behind_a_head(count, 60), site, wishes)
    assert sum(job.count for job in packing.jobs) == count + 1
    smallest = (site.charge.minimum_nodes or 1) * max(site.queues[0].shortest, 300) / HOUR
    assert packing.reserved <= 1.1 * without.reserved + smallest
    if smallest < 0.05 * without.reserved:  # a job for it alone is within what a sooner end may cost
        assert packing.end <= 1.15 * without.end + 60


def test_what_all_others_wait_for_has_a_short_job_so_that_the_others_run_side_by_side() -> None:
    wishes = Wishes(nodes=512, job_nodes=128)
    packing = pack(behind_a_head(1_000_000, 60), THETA, wishes)
    first, *others = packing.jobs
    assert (shape(first), first.opens) == (("default", 128, 1800), ("version",))
    assert [job.after for job in others] == [(0,)] * len(others)
    assert [job.wave for job in others[:4]] == [1, 1, 1, 1]
    assert [job.begins for job in others[:4]] == [60] * 4
    words = [ground.words() for ground in grounds_of(first, packing, THETA, wishes) if ground.kind == "opens"]
    assert words == ["`version` alone: other jobs wait for it, and begin when this short one ends"]


def test_a_head_stays_with_the_rest_where_a_job_of_its_own_costs_too_much() -> None:
    packing = pack(behind_a_head(100_000, 60), THETA, Wishes(nodes=512))
    (job,) = packing.jobs
    assert (job.nodes, job.opens) == (128, ())
    assert packing.reserved < 1.1 * 100_000 / 6 / 64 + 64


def test_a_short_first_job_is_filled_for_as_long_as_it_is_paid_anyway() -> None:
    """Half an hour of 128 nodes is more than a sooner end may cost here; so the others begin a little later."""
    wishes = Wishes(nodes=512, job_nodes=128)
    packing = pack(behind_a_head(250_000, 60), THETA, wishes)
    first = packing.jobs[0]
    assert (first.opens, first.walltime, first.count) == (("version",), 1800, 1 + 2 * 128 * 64)
    assert {job.begins for job in packing.jobs[1:]} == {first.timeline.seconds}
    words = [ground.words() for ground in grounds_of(first, packing, THETA, wishes) if ground.kind == "opens"]
    assert words == ["`version` with what fits beside it: other jobs wait for it, and begin when this short one ends"]


def test_ends_are_what_most_of_the_work_waits_for_and_what_waits_for_it() -> None:
    narrow, wide = Resources(), Resources(nodes=64)
    classes = [
        TaskClass("fetch", range(1), narrow, assumed(60)),
        TaskClass("unpack", range(1), narrow, assumed(60), stage=1, needs=(0,)),
        TaskClass("aside", range(1), narrow, assumed(60), stage=2),
        TaskClass("run", range(100), wide, assumed(3600), stage=3, needs=(1,)),
        TaskClass("between", range(1), narrow, assumed(60), stage=4, needs=(3,)),
        TaskClass("again", range(100), wide, assumed(3600), stage=5, follows=(4,)),
        TaskClass("plot", range(1), narrow, assumed(60), stage=6, needs=(5,)),
    ]
    ends = find_ends(Wants(classes, KNL), [each.count for each in classes])
    assert [classes[kind].rule for kind in sorted(ends.head)] == ["fetch", "unpack"]
    assert [classes[kind].rule for kind in sorted(ends.tail)] == ["plot"]
    left = [each.count for each in classes]
    left[0] = left[1] = 0
    assert find_ends(Wants(classes, KNL), left).head == frozenset()


def test_a_narrow_end_of_many_jobs_is_in_one_small_job() -> None:
    tail = TaskClass("table", range(1_000_001, 1_000_101), Resources(), assumed(900), stage=2, needs=(1,))
    packing = pack([*behind_a_head(1_000_000, 60), tail], LOOSE, Wishes(nodes=512))
    last = packing.jobs[-1]
    assert last.count == 100
    assert last.nodes <= 2
    assert last.timeline.seconds == pytest.approx(900, abs=1)


def test_other_plans_that_are_told_of_can_be_asked_for() -> None:
    classes = docking(100_000, measured(150, 240))
    packing = pack(classes, THETA, Wishes(nodes=512))
    (faster,) = packing.alternatives
    assert f"(--job-nodes {faster.shape.given})" in render_alternative(faster, packing)
    asked = pack(classes, THETA, Wishes(nodes=512, job_nodes=faster.shape.given))
    assert (asked.reserved, asked.end) == (
        pytest.approx(faster.reserved, rel=0.02),
        pytest.approx(faster.end, rel=0.02),
    )


def test_a_trial_runs_one_task_of_each_rule_in_the_smallest_job() -> None:
    classes = one_each(docking(100_000, assumed(1200)))
    packing = pack(classes, THETA, Wishes(nodes=512), purpose="trial")
    assert {job.shape.queue.name for job in packing.jobs} == {"debug"}
    assert sum(job.count for job in packing.jobs) == 3


def test_a_block_is_given_whole_and_holds_one_task_per_smallest_block() -> None:
    packing = pack([on_nodes(100, 2 * HOUR, 8)], MIRA, Wishes(nodes=4096))
    assert sum(job.count for job in packing.jobs) == 8
    for job in packing.jobs:
        assert job.nodes in {512, 1024, 2048, 4096}
        assert all(piece.nodes % 512 == 0 for piece in job.timeline.pieces)
        assert peak(job) <= job.nodes


def test_more_launches_than_the_pause_allows_are_told() -> None:
    packing = pack(
        [TaskClass("quick", range(200_000), Resources(nodes=1), measured(20))],
        THETA,
        Wishes(nodes=1024, job_nodes=1024),
    )
    bound = max(job.launch_bound for job in packing.jobs)
    assert bound > 0.1
    job = max(packing.jobs, key=lambda each: each.launch_bound)
    words = [each.words() for each in grounds_of(job, packing, THETA, Wishes()) if each.about == "launches"]
    assert words == [f"launch-bound: nodes wait {bound:.0%} of the time for the pause of 0.1s between launches"]


def test_no_more_launches_at_once_than_the_launcher_allows() -> None:
    site = THETA.replace(launch=Launch(at_once=100, per_node=1))
    packing = pack([TaskClass("quick", range(2_000), Resources(nodes=1), measured(600))], site, Wishes(nodes=512))
    assert all(peak(job) <= 100 for job in packing.jobs)


# ---------------------------------------------------------------- what nothing takes


def test_what_no_queue_takes_is_told_with_the_bands() -> None:
    classes = [
        on_nodes(128, 30 * HOUR, 2, "leg"),
        TaskClass("wide", range(2), Resources(cores=68), assumed(900)),
        TaskClass("fat", range(1), Resources(memory=200 * 10**9), assumed(900)),
        on_nodes(600, 900, 2, "many"),
        TaskClass("grows", range(1), Resources(cores=8), assumed(900), retries=(Resources(cores=80),)),
        TaskClass("lost", range(1), Resources(), assumed(900), queue="nowhere"),
        TaskClass("fine", range(1), Resources(), assumed(900)),
        TaskClass("later", range(1), Resources(), assumed(900), stage=1, needs=(0,)),
    ]
    packing = pack(classes, THETA, Wishes(nodes=512))
    assert {refused.words() for refused in packing.refused} == {
        (
            "`leg` takes 1d6h on 128 nodes and no queue gives that: default: 128 to 255 nodes 3h, 256 to 383 nodes 6h, "
            "384 to 639 nodes 9h, 640 to 801 nodes 12h, 802 to 4100 nodes 1d"
        ),
        "`wide` wants 68 cores, and the largest node of theta has 64",
        "`fat` wants 186.26 GiB of memory, and the largest node of theta has 178.81 GiB",
        "`many` wants 600 nodes, and a job may have 512 at most",
        "`grows` (attempt 2) wants 80 cores, and the largest node of theta has 64",
        "`lost` asks for a queue that theta does not have",
    }
    assert [packing.classes[kind].rule for kind in packing.blocked] == ["later"]
    assert [packing.classes[portion.kind].rule for job in packing.jobs for portion in job.portions] == ["fine"]


def test_nodes_that_cannot_fork_take_no_task_that_shares_one() -> None:
    packing = pack([on_nodes(512, HOUR, 1), TaskClass("plot", range(4), Resources(), assumed(60))], MIRA)
    (refused,) = packing.refused
    assert refused.words() == "`plot` shares a node, and the nodes of mira cannot start a second program"
    assert refused.help() == "give `plot` `nodes` or `ranks`, or run it elsewhere: `site: local`"


# ---------------------------------------------------------------- costs


def test_node_hours_expected_reserved_and_at_most() -> None:
    packing = pack([on_nodes(128, HOUR, 4).replace(retries=(Resources(nodes=256),))], THETA, Wishes(nodes=512))
    costs = costs_of(packing)
    assert costs.expected == pytest.approx(4 * 128, rel=0.01)
    assert costs.expected <= costs.reserved <= 1.2 * costs.expected
    assert costs.at_most == pytest.approx(costs.reserved + 4 * 256)
    (rule,) = costs.rules
    assert (rule.rule, rule.count, rule.basis) == ("mpi", 4, "assumed from `time`")


def test_a_job_smaller_than_the_least_that_is_charged_is_charged_for_that() -> None:
    site = THETA.replace(queues=(Queue("any", "knl", (1, 512), ((1, 3 * HOUR),)),))
    packing = pack([on_nodes(2, HOUR - 300, 1)], site, Wishes(nodes=512, job_nodes=2))
    (job,) = packing.jobs
    assert (job.nodes, job.shape.charged) == (2, 128)
    assert packing.reserved == 128


def test_a_queue_that_holds_few_jobs_is_filled_in_rounds() -> None:
    packing = pack([on_nodes(128, 2 * HOUR, 30)], THETA, Wishes(nodes=128, queued=2))
    costs = costs_of(packing)
    assert costs.rounds == -(-costs.jobs // 2)
    assert charged_in(10, "core-hours", KNL) == 640
    assert charged_in(10, "node-hours", KNL) == 10


# ---------------------------------------------------------------- bundles


def test_a_bundle_fills_a_node_with_what_fits_beside_each_other() -> None:
    classes = [
        TaskClass("big", range(2), Resources(cores=33), measured(100)),
        TaskClass("small", range(20), Resources(cores=7), measured(100)),
    ]
    found = bundles(Wants(classes, KNL), [2, 20], nodes=4)
    assert [each.words(classes, KNL) for each in found] == [
        "2 nodes with 1 big + 4 small (61 of 64 cores)",
        "1 node with 9 small (63 of 64 cores)",
        "1 node with 3 small (21 of 64 cores)",
    ]


def test_no_bundle_holds_more_memory_or_gpus_than_the_node() -> None:
    node = NodeKind("gpu", 64, 1, 100, 4)
    classes = [
        TaskClass("g", range(9), Resources(cores=1, gpus=1, memory=10), measured(9)),
        TaskClass("m", range(9), Resources(cores=1, memory=30), measured(9)),
    ]
    for each in bundles(Wants(classes, node), [9, 9], nodes=10):
        assert each.gpus <= 4
        assert each.memory <= 100


def test_the_bound_counts_what_cannot_lie_side_by_side() -> None:
    classes = [TaskClass("half", range(10), Resources(cores=33), measured(60))]
    assert least_node_seconds(classes, KNL) == 600


# ---------------------------------------------------------------- classes


def test_tasks_of_equal_shape_are_counted() -> None:
    classes = gather(
        Rows(rule=[0, 0, 1, 0], shape=[0, 0, 1, 0], estimate=[0, 0, 0, 0], stage=[0, 0, 1, 0]),
        rules=[RuleTraits("dock"), RuleTraits("score", priority=3)],
        shapes=[(Resources(cores=4),), (Resources(), Resources(cores=2))],
        estimates=[assumed(60)],
        needs={1: (0,)},
    )
    assert [(each.rule, list(each.members), each.needs, each.retries) for each in classes] == [
        ("dock", [0, 1, 3], (), ()),
        ("score", [2], (0,), (Resources(cores=2),)),
    ]


def test_lengths_of_one_step_of_five_percent_are_one_class() -> None:
    classes = gather(
        Rows(bytes(4), bytes(4), bytes(4), seconds=[100.0, 100.2, 200.0, 100.1]),
        rules=[RuleTraits("dock")],
        shapes=[(Resources(),)],
        estimates=[measured(100, 150)],
    )
    assert [len(each.members) for each in classes] == [3, 1]
    assert classes[1].estimate.seconds == pytest.approx(200, rel=0.03)
    assert classes[1].estimate.ceiling == pytest.approx(300, rel=0.03)


def test_the_critical_path_is_the_longest_chain() -> None:
    classes = docking(10, measured(150))
    assert tails(classes) == [150 + 600 + 60, 660, 60]
    assert critical_path(classes) == 810


def test_a_stage_cannot_need_itself() -> None:
    with pytest.raises(ValueError, match="stage 1 cannot need stage 1"):
        tails([TaskClass("a", range(1), Resources(), assumed(1), stage=1, needs=(1,))])


# ---------------------------------------------------------------- what always holds


def peak(job: Job) -> int:
    """The most nodes of whole-node pieces at a time."""
    steps = sorted(
        step for piece in job.timeline.pieces for step in ((piece.end - 1e-6, -piece.nodes), (piece.start, piece.nodes))
    )
    held = most = 0
    for _, change in steps:
        held += change
        most = max(most, held)
    return most


@st.composite
def campaigns(draw: st.DrawFn) -> list[TaskClass]:
    classes = []
    first = 0
    for stage in range(draw(st.integers(1, 3))):
        for _ in range(draw(st.integers(1, 3))):
            count = draw(st.integers(1, 80))
            whole = draw(st.booleans())
            resources = (
                Resources(nodes=draw(st.sampled_from([1, 2, 3, 64, 100, 128, 200])))
                if whole
                else Resources(
                    cores=draw(st.sampled_from([1, 4, 7, 33, 64])), memory=draw(st.sampled_from([0, 50 * 10**9]))
                )
            )
            seconds = draw(st.floats(1, 2 * HOUR))
            expected = draw(st.sampled_from([assumed(seconds), measured(seconds, seconds * 1.3)]))
            earlier = tuple(draw(st.sets(st.integers(0, stage - 1), max_size=2))) if stage else ()
            kind = draw(st.sampled_from(["needs", "follows"]))
            classes.append(
                TaskClass(
                    f"r{stage}",
                    range(first, first + count),
                    resources,
                    expected,
                    priority=draw(st.integers(0, 2)),
                    stage=stage,
                    at_once=draw(st.sampled_from([None, None, 5])),
                    **{kind: earlier},  # type: ignore[arg-type]
                )
            )
            first += count
    return classes


WISHES = st.builds(Wishes, nodes=st.sampled_from([128, 256, 512, 1000]))


@settings(max_examples=15, deadline=None)
@given(campaigns(), WISHES)
def test_every_task_is_in_exactly_one_job_and_nothing_passes_a_walltime(
    classes: list[TaskClass], wishes: Wishes
) -> None:
    packing = pack(classes, THETA, wishes)
    refused = {each.kind for each in packing.refused}
    blocked = set(packing.blocked)
    for kind, each in enumerate(packing.classes):
        spans = sorted(
            (portion.first, portion.stop) for job in packing.jobs for portion in job.portions if portion.kind == kind
        )
        if kind in refused:
            assert spans == []
            continue
        assert all(one[1] == other[0] for one, other in zip(spans, spans[1:], strict=False))
        if kind not in blocked:
            assert (spans[0][0], spans[-1][1]) == (0, each.count)
    for job in packing.jobs:
        end = job.walltime - job.shape.margin
        assert job.walltime <= job.shape.longest
        for piece in job.timeline.pieces:
            ceiling = job.shape.counted(packing.classes[piece.kind]).estimate.ceiling
            assert piece.start + ceiling <= end + 1e-3


@settings(max_examples=15, deadline=None)
@given(campaigns(), WISHES)
def test_no_node_holds_more_than_it_has(classes: list[TaskClass], wishes: Wishes) -> None:
    packing = pack(classes, THETA, wishes)
    for job in packing.jobs:
        steps = []
        for piece in job.timeline.pieces:
            resources = packing.classes[piece.kind].resources
            share = resources.nodes is None
            nodes = 0 if share else (resources.nodes or 0) * piece.count
            assert share or piece.nodes == nodes
            cores = resources.cores * piece.count if share else nodes * KNL.cores
            memory = resources.memory * piece.count if share else nodes * (KNL.memory or 0)
            steps += [(piece.end - 1e-6, -cores, -memory), (piece.start, cores, memory)]
        cores = memory = 0
        for _, more_cores, more_memory in sorted(steps):
            cores, memory = cores + more_cores, memory + more_memory
            assert cores <= job.nodes * KNL.cores
            assert memory <= job.nodes * (KNL.memory or 0)


@settings(max_examples=15, deadline=None)
@given(campaigns(), WISHES)
def test_nothing_begins_before_what_it_needs_has_ended(classes: list[TaskClass], wishes: Wishes) -> None:
    packing = pack(classes, THETA, wishes)
    classes = list(packing.classes)
    reach: dict[int, set[int]] = {}
    for job in packing.jobs:
        reach[job.number] = {job.number}.union(*(reach[number] for number in job.after))
    makers: dict[int, list[tuple[int, float]]] = {}
    for job in packing.jobs:
        for piece in job.timeline.pieces:
            makers.setdefault(classes[piece.kind].stage, []).append((job.number, piece.end))
    for job in packing.jobs:
        for piece in job.timeline.pieces:
            for stage in classes[piece.kind].needs:
                for number, end in makers[stage]:
                    if number == job.number:
                        assert end <= piece.start + 1e-6
                    else:
                        assert number in reach[job.number]
    for job in packing.jobs:
        assert all(number < job.number for number in job.after)


@settings(max_examples=15, deadline=None)
@given(campaigns(), WISHES, st.randoms(use_true_random=False))
def test_the_order_in_which_tasks_are_given_does_not_matter(
    classes: list[TaskClass], wishes: Wishes, draw: random.Random
) -> None:
    shuffled = list(classes)
    draw.shuffle(shuffled)
    one, other = pack(classes, THETA, wishes), pack(shuffled, THETA, wishes)
    assert one == other
    assert summary(one) == summary(other)


def summary(packing: Packing) -> list[tuple[object, ...]]:
    return [(shape(job), job.wave, job.count, round(job.timeline.seconds, 3)) for job in packing.jobs]


@settings(max_examples=10, deadline=None)
@given(campaigns(), WISHES)
def test_what_is_reserved_covers_the_work(classes: list[TaskClass], wishes: Wishes) -> None:
    packing = pack(classes, THETA, wishes)
    costs = costs_of(packing)
    work = sum(rule.expected for rule in costs.rules)
    if not packing.blocked:
        assert costs.expected + 1e-6 >= sum(job.timeline.busy for job in packing.jobs) / HOUR
        assert costs.reserved + 1e-6 >= costs.expected
        assert costs.at_most + 1e-6 >= costs.reserved
        assert work >= 0


def test_the_estimates_say_where_they_come_from() -> None:
    assert UNKNOWN.basis == NONE_GIVEN
    assert assumed(60).basis == ASSUMED
