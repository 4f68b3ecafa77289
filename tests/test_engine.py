"""The mind of the loop, without a loop: what is ready when, in which order, and what that costs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from campaigns import Campaign

from hpcmake import engine as engine_module
from hpcmake.engine import DONE, FRESH_AFTER_ALL, GAVE_UP, Engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpcmake.planner.plan import Plan

DOCKING = """
target all: "summary"
rule dock:
    input: "p/{p}", "l/{c}"
    output: "docked/{p}/{c}"
    run: x
rule score:
    input: "docked/{p}/{c}" for each "l/{c}"
    output: "scores/{p}"
    run: x
rule summary:
    input: "scores/{p}" for each "p/{p}"
    output: "summary"
    run: x
"""

CHAIN = """
target all: "x{LAST}"
rule x:
    let before = int(n) - 1
    input: "x{before}" if before > 0 else "start"
    output: "x{n}"
    run: x
"""


def engine_of(campaign: Campaign, plan: Plan | None = None, **more: Any) -> Engine:
    """The engine of a campaign; `retries`, `priority`, `at_once` and `expected` are by rule."""
    retries, priority, at_once = (more.pop(name, {}) for name in ("retries", "priority", "at_once"))
    expected = more.pop("expected", {})
    return Engine(
        plan if plan is not None else campaign.plan(),
        expected=lambda rule: expected.get(rule, 1.0),
        retries=lambda table, _row: retries.get(table.rule.name, 0),
        priority=lambda table, _row: priority.get(table.rule.name, 0),
        at_once=lambda table: at_once.get(table.rule.name),
        **more,
    )


def run(engine: Engine, most: int = 1) -> list[str]:
    """Let everything succeed; return the names of tasks in the order in which they were handed out."""
    names = []
    while engine.has_ready:
        for task in engine.next_tasks(most):
            names.append(engine.name(task))
            engine.on_done(task)
    return names


def docking(size: int) -> Campaign:
    return Campaign(DOCKING, [f"p/{n}" for n in range(size)] + [f"l/{n}" for n in range(size)])


def chain(length: int) -> Campaign:
    return Campaign(CHAIN.replace("{LAST}", str(length)), ["start"])


def all_to_all(size: int) -> Campaign:
    return Campaign(f"""
target all: "c{{n}}" for n in 1..{size}
rule p:
    output: "p{{n}}"
    run: x
rule c:
    input: "p{{i}}" for i in 1..{size}
    output: "c{{n}}"
    run: x
""")


def test_makers_come_before_takers() -> None:
    names = run(engine_of(docking(3)))
    assert len(names) == 13
    for taker in ("score[p=1]", "summary"):
        assert names.index("dock[p=1,c=2]") < names.index(taker)


def test_a_task_is_handed_out_once() -> None:
    engine = engine_of(docking(2))
    handed = engine.next_tasks(100)
    assert len(handed) == 4
    assert engine.next_tasks(100) == []
    assert not engine.has_ready
    assert not engine.is_over


def test_the_longest_expected_path_first() -> None:
    campaign = Campaign("""
target all: "a", "b", "c2"
rule a:
    output: "a"
    run: x
rule b:
    output: "b"
    run: x
rule c1:
    output: "c1"
    run: x
rule c2:
    input: "c1"
    output: "c2"
    run: x
""")
    assert run(engine_of(campaign))[0] == "c1"
    assert run(engine_of(campaign, expected={"b": 30.0, "a": 10.0}))[:2] == ["b", "a"]
    assert run(engine_of(campaign, expected={"c2": 40.0, "b": 30.0, "a": 10.0}))[:2] == ["c1", "c2"]


def test_paths_through_rules_that_need_each_other_are_told_by_task() -> None:
    campaign = Campaign("""
target all: "m1/r1.b", "m2/r5.b", "m3/r2.b"
rule a:
    let before = int(r) - 1
    input: "{m}/r{before}.b" if before > 0 else "start"
    output: "{m}/r{r}.a"
    run: x
rule b:
    input: "{m}/r{r}.a"
    output: "{m}/r{r}.b"
    run: x
""", ["start"])  # fmt: skip
    engine = engine_of(campaign)
    assert [engine.name(task) for task in engine.next_tasks(3)] == ["a[m=m2,r=1]", "a[m=m3,r=1]", "a[m=m1,r=1]"]


def test_priority_comes_before_the_length_of_paths() -> None:
    assert run(engine_of(docking(2), priority={"score": 5}))[:3] != ["score[p=0]"]
    names = run(engine_of(docking(2), priority={"score": 5}))
    assert names.index("score[p=0]") == 2


def test_at_once_and_retries_share_a_place() -> None:
    engine = engine_of(docking(2), at_once={"dock": 2}, retries={"dock": 1})
    first = engine.next_tasks(10)
    assert len(first) == 2
    assert engine.on_failure(first[0]) == "again"
    assert engine.next_tasks(10) == []
    engine.on_done(first[0])
    assert len(engine.next_tasks(10)) == 1
    assert engine.on_failure(first[1]) == "again"
    assert engine.on_failure(first[1]) == "failed"


def test_a_failure_stops_all() -> None:
    engine = engine_of(docking(2))
    task, *others = engine.next_tasks(2)
    assert engine.is_fatal(task)
    assert engine.on_failure(task) == "failed"
    assert not engine.has_ready
    assert not engine.is_over
    engine.on_done(others[0])
    assert engine.is_over


def test_with_k_all_that_does_not_depend_on_a_failure_runs() -> None:
    engine = engine_of(docking(2), keep_going=True)
    task = engine.next_tasks(1)[0]
    assert not engine.is_fatal(task)
    engine.on_failure(task)
    assert len(run(engine)) == 4
    assert sorted(map(engine.name, engine.left())) == ["score[p=0]", "summary"]


def test_what_was_cut_is_ready_again_or_left() -> None:
    engine = engine_of(docking(1))
    task = engine.next_tasks(1)[0]
    engine.on_cut(task, again=True)
    assert engine.next_tasks(1) == [task]
    engine.on_cut(task, again=False)
    assert engine.is_over
    assert len(engine.left()) == 3


def test_a_long_chain_is_settled_without_recursion() -> None:
    """Its first file is left untouched when it is made again: all that follows is fresh after all."""
    length = 3000
    text = CHAIN.replace("{LAST}", str(length)) + 'rule s:\n    input: "source"\n    output: "start"\n    run: x\n'
    campaign = Campaign(text, ["source"])
    plan = campaign.plan()
    for table, row in plan.stale_in_order():
        campaign.succeed(plan, table, row)
        for column in table.outputs:
            path = plan.graph.files.paths[column[row]]
            plan.stamps.put(column[row], campaign.tree._stamp(path))
    campaign.tree.touch("source")
    engine = engine_of(campaign)
    assert engine.counts[0] == length
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        assert run(engine) == ["s"]
    finally:
        sys.setrecursionlimit(limit)
    assert engine.counts[FRESH_AFTER_ALL] == length
    assert len(engine.take_settled()) == length


def test_what_needs_what_is_given_up_is_given_up_with_it() -> None:
    campaign = Campaign("""
target all: "sum"
rule a:
    output: "a"
    run: x
rule b:
    input: "a"
    output: "b"
    run: x
rule sum:
    input: maybe "b"
    output: "sum"
    run: x
""")
    engine = engine_of(campaign)
    task = engine.next_tasks(1)[0]
    assert not engine.is_fatal(task)
    assert engine.on_failure(task) == "gave up"
    assert engine.counts[GAVE_UP] == 2
    assert run(engine) == ["sum"]


# ---------------------------------------------------------------- costs


def steps_of(work: Callable[[], object]) -> int:
    """How many lines of the engine are executed."""
    count = 0
    file = engine_module.__file__

    def local(_frame: object, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def entered(frame: Any, _event: str, _argument: object) -> Any:
        return local if frame.f_code.co_filename == file else None

    former = sys.gettrace()
    sys.settrace(entered)
    try:
        work()
    finally:
        sys.settrace(former)
    return count


@pytest.mark.parametrize(
    ("make", "size", "edges"),
    [
        (docking, 12, lambda n: n * n * 3 + n * 2),
        (chain, 100, lambda n: n),
        (all_to_all, 60, lambda n: n * 3),
    ],
)
def test_building_and_completing_cost_as_much_as_there_are_edges(
    make: Callable[[int], Campaign], size: int, edges: Callable[[int], int]
) -> None:
    costs = []
    for n in (size, 2 * size):
        campaign = make(n)
        plan = campaign.plan()
        made: list[Engine] = []
        built = steps_of(lambda made=made, campaign=campaign, plan=plan: made.append(engine_of(campaign, plan)))  # type: ignore[misc]
        done = steps_of(lambda made=made: run(made[0], 64))  # type: ignore[misc]
        assert made[0].counts[DONE] == len(made[0].rule)
        costs.append((built, done))
    growth = edges(2 * size) / edges(size)
    assert costs[1][0] < costs[0][0] * growth * 1.1
    assert costs[1][1] < costs[0][1] * growth * 1.1
