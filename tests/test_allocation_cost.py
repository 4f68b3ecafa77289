"""What a runner of nodes does for each task that shares one: counted, and as much with many nodes as with few."""

import random
import sys
from collections import Counter
from types import FrameType
from typing import Any

import pytest
from simulation import Machine, simulate, task, wide

from hpcmake.model import Attempt, Ended
from hpcmake.runners.members import Members
from hpcmake.runners.orders import Rules
from hpcmake.runners.placement import Placement
from hpcmake.runners.vacancies import Vacancies
from hpcmake.runners.waiting import Waiting

CORES = 4
EACH = 4
"""Tasks for each core."""


def drive(nodes: int, attempts: list[Attempt], rules: Rules | None = None) -> int:
    """Run attempts as a driver does, who hands out as many as are asked for; return how often it turned."""
    machine = Machine()
    runner = simulate(machine, nodes, cores=CORES, rules=rules)
    left, turns = iter(attempts), 0
    open_ = len(attempts)
    while open_:
        turns += 1
        room = runner.wants()
        batch = [attempt for _, attempt in zip(range(room), left, strict=False)]
        if batch:
            runner.more(batch)
        open_ -= sum(isinstance(event, Ended) for event in runner.events(None))
    return turns


def minutes(nodes: int, *, cores: tuple[int, ...] = (1,), kinds: int = 1) -> list[Attempt]:
    """Return tasks of about a minute, whose length is known in so many steps."""
    chance = random.Random(1)
    steps = [chance.randrange(kinds) for _ in range(nodes * CORES * EACH)]
    return [
        task(number, 60.0 + 6 * step + chance.random(), cores=cores[number % len(cores)]).replace(
            expected=60.0 + 6 * step, ceiling=60.0 + 6 * step, tail=60.0 + 6 * step
        )
        for number, step in enumerate(steps, 1)
    ]


class Count:
    """Counts the calls of methods."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: Counter[str] = Counter()
        self._monkeypatch = monkeypatch

    def of(self, owner: type, name: str) -> None:
        method = getattr(owner, name)

        def counted(*args: Any, **named: Any) -> Any:
            self.calls[name] += 1
            return method(*args, **named)

        self._monkeypatch.setattr(owner, name, counted)


@pytest.mark.parametrize("nodes", [4, 32])
@pytest.mark.parametrize(("cores", "kinds"), [((1,), 1), ((1,), 8), ((1, 3, 2), 4)])
def test_a_task_costs_few_looks_picks_and_lines(
    monkeypatch: pytest.MonkeyPatch, nodes: int, cores: tuple[int, ...], kinds: int
) -> None:
    count = Count(monkeypatch)
    count.of(Placement, "_fill")
    count.of(Waiting, "pick")
    count.of(Vacancies, "notice")
    count.of(Members, "give")
    attempts = minutes(nodes, cores=cores, kinds=kinds)
    drive(nodes, attempts)
    each = {name: number / len(attempts) for name, number in count.calls.items()}
    assert each["_fill"] <= 1.1
    assert each["pick"] <= 3.5
    assert each["notice"] <= 1.5
    assert each["give"] <= 1


def calls_per_task(nodes: int, attempts: list[Attempt], rules: Rules | None = None) -> float:
    """Return how many Python functions of the runner are called for each task."""
    count = 0

    def watch(frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        if event == "call" and "/runners/" in frame.f_code.co_filename:
            count += 1

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        drive(nodes, attempts, rules)
    finally:
        sys.setprofile(before)
    return count / len(attempts)


def test_a_task_costs_as_much_on_many_nodes_as_on_few() -> None:
    few, many = (calls_per_task(nodes, minutes(nodes)) for nodes in (8, 128))
    assert few < 200
    assert many < 1.05 * few


def test_a_task_costs_as_much_over_one_launch_of_many_nodes() -> None:
    rules = Rules(together=True)
    few, many = (calls_per_task(nodes, minutes(nodes), rules) for nodes in (8, 128))
    assert few < 200
    assert many < 1.05 * few


def test_a_wide_task_that_waits_makes_others_cost_no_more() -> None:
    """It is next from the beginning, and its nodes are emptied for it."""

    def mixed(nodes: int) -> list[Attempt]:
        attempts = minutes(nodes)
        return [*attempts[: len(attempts) // 2], wide(len(attempts) + 1, 30.0, nodes), *attempts[len(attempts) // 2 :]]

    few, many = (calls_per_task(nodes, mixed(nodes)) for nodes in (8, 64))
    assert many < 1.5 * few
