"""From a plan to classes: which tasks are alike, which wait for which, and what they are expected to take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns import Campaign

from hpcmake.app.limits import check_limits
from hpcmake.app.machine import Machine
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.gathering import gather_plan
from hpcmake.tasks.estimates import ASSUMED, NONE_GIVEN

if TYPE_CHECKING:
    from hpcmake.model import Resources
    from hpcmake.planner.classes import TaskClass
    from hpcmake.planner.gathering import Gathered
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan

CAMPAIGN = """\
target all: "all", "runs/{m}/4" for m in 1..3

rule tool:
    output: "tool"
    run: touch {output}

rule cut:
    input: "src/{x}", order "tool"
    output: "cut/{x}"
    cores: 2 if x == "a" else 4
    memory: 1GiB * attempt
    retries: 2
    time: 10m
    run: cp {input[0]} {output}

rule join:
    input: "cut/{x}" for each "src/{x}"
    output: "all"
    priority: 5
    run: cat {input} > {output}

rule leg:
    let before = int(k) - 1
    input: "runs/{m}/{before}" if before > 0 else "tool"
    output: "runs/{m}/{k}"
    nodes: 8
    time: 1h
    run: {launch} cp {input} {output}
"""


def gathered(plan: Plan, *, without: str = "") -> Gathered:
    attempts = Attempts(plan, site="theta", launch=lambda _resources: ["aprun"])
    tables = [table for table in plan.graph.tables if table.rule.name != without]
    return gather_plan(plan, attempts, tables, retries=1, longest=7200.0)


def by_rule(found: Gathered) -> dict[str, list[TaskClass]]:
    rules: dict[str, list[TaskClass]] = {}
    for each in found.classes:
        rules.setdefault(each.rule, []).append(each)
    return rules


def campaign() -> Campaign:
    return Campaign(CAMPAIGN, ["src/a", "src/b", "src/c"])


def test_tasks_that_take_the_same_are_one_class_with_all_attempts() -> None:
    found = gathered(campaign().plan())
    few, many = by_rule(found)["cut"]
    assert [found.name(number) for number in (*few.members, *many.members)] == ["cut[x=a]", "cut[x=b]", "cut[x=c]"]
    assert (few.resources.cores, many.resources.cores) == (2, 4)
    assert [each.memory for each in (many.resources, *many.retries)] == [2**30, 2**31, 3 * 2**30]
    assert by_rule(found)["join"][0].priority == 5
    assert len(by_rule(found)["join"][0].retries) == 1


def test_every_task_that_must_run_is_one_member() -> None:
    made = campaign()
    plan = made.plan()
    found = gathered(plan)
    names = sorted(found.name(number) for each in found.classes for number in each.members)
    assert names == sorted(table.name(row) for table, row in plan.stale_in_order())


def test_what_is_up_to_date_is_in_no_class() -> None:
    made = campaign()
    made.run()
    assert gathered(made.plan()).classes == []
    made.tree.touch("src/b")
    found = gathered(made.plan())
    assert [found.name(number) for each in found.classes for number in each.members] == ["cut[x=b]", "join"]


def test_all_wait_for_what_all_take_and_each_for_its_share_of_the_rest() -> None:
    rules = by_rule(gathered(campaign().plan()))
    (tool,), (join,) = rules["tool"], rules["join"]
    assert all(each.needs == (tool.stage,) and not each.follows for each in rules["cut"])
    assert join.needs == (rules["cut"][0].stage,)
    legs = sorted(rules["leg"], key=lambda each: each.stage)
    assert [each.count for each in legs] == [3, 3, 3, 3]
    for before, each in zip(legs, legs[1:], strict=False):
        assert before.stage in each.follows
        assert tool.stage in {*each.needs, *each.follows}


def test_what_runs_elsewhere_in_between_still_makes_others_wait() -> None:
    rules = by_rule(gathered(campaign().plan(), without="cut"))
    assert rules["join"][0].needs == (rules["tool"][0].stage,)


def test_stages_are_numbered_in_their_order() -> None:
    for each in gathered(campaign().plan()).classes:
        assert all(stage < each.stage for stage in (*each.needs, *each.follows))


def test_time_is_an_estimate_until_runs_are_known() -> None:
    rules = by_rule(gathered(campaign().plan()))
    assert (rules["leg"][0].estimate.seconds, rules["leg"][0].estimate.basis) == (3600, ASSUMED)
    assert (rules["tool"][0].estimate.seconds, rules["tool"][0].estimate.basis) == (7200.0, NONE_GIVEN)


def test_what_a_task_takes_may_be_known_only_later() -> None:
    made = Campaign(
        """\
target all: "out/{x}" for x in 1..3

rule measure:
    output: "size.json"
    run: touch {output}

rule use:
    output: "out/{x}"
    cores: json("size.json")
    run: touch {output}
"""
    )
    plan = made.plan()
    assert [each.rule for each in gathered(plan).classes] == ["measure"]
    assert plan.unknown() == [("measure", "use")]


def test_where_times_follow_the_size_of_inputs_so_does_the_estimate() -> None:
    made = Campaign(
        """\
target all: "out/{x}" for each "src/{x}"

rule sort:
    input: "src/{x}"
    output: "out/{x}"
    time: 1h
    run: sort {input} > {output}
"""
    )
    for number in range(1, 31):
        made.tree.write(f"src/{number:02}", "x" * 100 * number)
    made.run()
    made.tree.write("src/new small", "x" * 500)
    made.tree.write("src/new large", "x" * 2500)
    plan = made.plan()
    for ledger in plan.history.ledgers_of("sort"):
        for row, key in enumerate(ledger.keys):
            ledger.wall[row] = int(key.removeprefix("out/")) * 10.0  # a second for ten bytes
    found = gathered(plan)
    expected = {found.name(number): each.estimate for each in found.classes for number in each.members}
    assert abs(expected["sort[x=new small]"].seconds - 50) < 5
    assert abs(expected["sort[x=new large]"].seconds - 250) < 20
    assert {each.basis for each in expected.values()} == {"measured"}


BY_INPUTS = """\
target all: "sum/{x}" for x in ["a", "b", "c", "d"]

rule sum:
    input: "src/{x}", "src/all"
    output: "sum/{x}"
    cores: 2 if input[0] == "src/a" else 4
    memory: 1MiB * attempt if x == "d" else 2 * size(input[0]) + 1MiB
    run: sum {input[0]} > {output}
"""


def test_resources_that_follow_inputs_are_read_for_each_task() -> None:
    campaign = Campaign(BY_INPUTS, {"src/a": 9 * "a", "src/b": 9 * "b", "src/c": 5 * "c", "src/d": "d", "src/all": ""})
    found = {
        (each.resources.cores, each.resources.memory): len(each.members) for each in gathered(campaign.plan()).classes
    }
    assert found == {(2, 2**20 + 18): 1, (4, 2**20 + 18): 1, (4, 2**20 + 10): 1, (4, 2**20): 1}


def test_resources_are_read_once_for_tasks_that_take_the_same() -> None:
    """A million tasks whose memory grows with the attempt are checked, and packed, by a few evaluations."""
    reads = 0

    class Counted(Attempts):
        def resources(self, table: Table, row: int, number: int) -> tuple[Resources, dict[str, int]]:
            nonlocal reads
            reads += 1
            return super().resources(table, row, number)

    sources = [f"src/{x}" for x in ["a", *map(str, range(300))]]
    plan = Campaign(CAMPAIGN, sources).plan()
    attempts = Counted(plan, site="local", launch=lambda _resources: ["mpiexec"])
    check_limits(plan, attempts, Machine(cores=64, memory=2**40, gpus=0), retries=1)
    assert reads <= 301 * 3 + 10  # `cut` names its wildcard: once for each value and attempt
    reads = 0
    more = Campaign(CAMPAIGN.replace('2 if x == "a" else 4', "4"), sources).plan()
    attempts = Counted(more, site="local", launch=lambda _resources: ["mpiexec"])
    check_limits(more, attempts, Machine(cores=64, memory=2**40, gpus=0), retries=1)
    gather_plan(more, attempts, more.graph.tables, retries=1, longest=7200.0)
    assert reads <= 20
