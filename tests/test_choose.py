"""What goes next to a free node: the wide before the narrow, the long before the short, and nothing that cannot end."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.choose import Free, Hold, Ready, Want, choose


def whole(nodes: int, seconds: float, priority: int = 0) -> Want:
    return Want(nodes, float(nodes), seconds, seconds, priority=priority)


def shared(cores: int, seconds: float, memory: int = 0, gpus: int = 0) -> Want:
    return Want(0, cores / 64, seconds, seconds, cores=cores, memory=memory, gpus=gpus)


def ready(*wants: Want) -> Ready:
    found = Ready(wants)
    for kind in range(len(wants)):
        found.add(kind)
    return found


def test_the_widest_that_fits_goes_first() -> None:
    tasks = ready(whole(1, 60), whole(8, 60), whole(4, 60))
    assert choose(tasks, Free(nodes=16), inf, horizon=1000) == 1
    assert choose(tasks, Free(nodes=7), inf, horizon=1000) == 2
    assert choose(tasks, Free(nodes=3), inf, horizon=1000) == 0


def test_among_equally_wide_ones_the_longest_goes_first() -> None:
    assert choose(ready(whole(1, 60), whole(1, 90), whole(1, 70)), Free(nodes=1), inf) == 1


def test_a_task_that_takes_more_than_half_of_what_is_left_goes_before_wider_ones() -> None:
    tasks = ready(whole(8, 60), whole(1, 600))
    assert choose(tasks, Free(nodes=16), inf, horizon=10_000) == 0
    assert choose(tasks, Free(nodes=16), inf, horizon=1000) == 1


def test_priority_goes_before_all() -> None:
    assert choose(ready(whole(8, 60), whole(1, 10, priority=1)), Free(nodes=16), inf) == 1


def test_nothing_starts_that_is_not_expected_to_end() -> None:
    tasks = ready(whole(4, 600), whole(1, 60))
    assert choose(tasks, Free(nodes=4), 100) == 1
    assert choose(tasks, Free(nodes=4), 30) is None


def test_what_is_free_on_a_node_is_counted_in_cores_memory_and_gpus() -> None:
    tasks = ready(shared(33, 60), shared(8, 60, memory=90), shared(4, 60, gpus=1), shared(2, 60), whole(1, 60))
    assert choose(tasks, Free(cores=64, memory=100, gpus=1), inf) == 0
    assert choose(tasks, Free(cores=31, memory=100, gpus=1), inf) == 1
    assert choose(tasks, Free(cores=31, memory=10, gpus=1), inf) == 2
    assert choose(tasks, Free(cores=31, memory=10), inf) == 3
    assert choose(tasks, Free(cores=1, memory=10), inf) is None


def test_nodes_kept_for_a_wide_task_are_lent_only_for_so_long() -> None:
    tasks = ready(whole(16, 60), whole(4, 600), whole(2, 50), whole(1, 500))
    assert choose(tasks, Free(nodes=8), inf, hold=Hold(after=100)) == 2
    tasks.take(2)
    assert choose(tasks, Free(nodes=8), inf, hold=Hold(after=100)) is None
    assert choose(tasks, Free(nodes=8), inf, hold=Hold(after=100, spare=1)) == 3


def test_a_closed_kind_waits() -> None:
    tasks = ready(whole(4, 60), whole(1, 60))
    tasks.close(0)
    assert choose(tasks, Free(nodes=8), inf) == 1
    tasks.open(0)
    assert choose(tasks, Free(nodes=8), inf) == 0


def test_a_kind_may_be_learnt_while_others_run() -> None:
    tasks = ready(whole(1, 60))
    assert choose(tasks, Free(nodes=8), inf) == 0
    kind = tasks.learn(whole(2, 60))
    tasks.add(kind)
    assert choose(tasks, Free(nodes=8), inf) == kind


def test_more_cannot_be_taken_than_is_ready() -> None:
    with pytest.raises(ValueError, match="kind 0 has 1 tasks, not 2"):
        ready(whole(1, 60)).take(0, 2)


WANTS = st.lists(
    st.builds(
        Want,
        nodes=st.integers(0, 8),
        size=st.floats(0.01, 8),
        tail=st.floats(1, 100),
        ceiling=st.floats(1, 100),
        cores=st.integers(1, 8),
        memory=st.integers(0, 8),
        gpus=st.integers(0, 2),
        priority=st.integers(0, 2),
    ),
    max_size=12,
)


@given(WANTS, st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2))), st.integers(0, 9), st.floats(0, 120))
def test_the_tree_finds_what_a_plain_search_finds(
    wants: list[Want], steps: list[tuple[int, int]], nodes: int, left: float
) -> None:
    tasks = Ready(wants)
    choose(tasks, Free(nodes=1), inf)
    for kind, what in steps:
        if kind < len(wants):
            if what == 0:
                tasks.add(kind)
            elif what == 1 and tasks.counts[kind]:
                tasks.take(kind)
            else:
                tasks.close(kind)
                tasks.open(kind)
    free = Free(nodes=nodes, cores=4, memory=4, gpus=1)
    fitting = [kind for kind in range(len(wants)) if tasks.counts[kind] and fits(wants[kind], free, left)]
    longest = min(
        fitting, key=lambda kind: (-wants[kind].priority, -wants[kind].tail, -wants[kind].size, kind), default=None
    )
    widest = min(
        fitting, key=lambda kind: (-wants[kind].priority, -wants[kind].size, -wants[kind].tail, kind), default=None
    )
    assert choose(tasks, free, left) == longest
    assert choose(tasks, free, left, horizon=inf) == widest


def fits(want: Want, free: Free, left: float) -> bool:
    if want.ceiling > left:
        return False
    if free.nodes:
        return max(want.nodes, 1) <= free.nodes
    return want.nodes == 0 and all(
        one <= other for one, other in ((want.cores, free.cores), (want.memory, free.memory), (want.gpus, free.gpus))
    )
