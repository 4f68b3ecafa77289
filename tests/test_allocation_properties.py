"""Laws of the runner of an allocation, over simulated nodes, launches and time: whatever fails, nothing is lost."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from simulation import Machine, simulate, task, wide

from hpcmake.model import Attempt, Cut, Ended, Event
from hpcmake.runners.allocation import AllocationRunner
from hpcmake.runners.orders import Rules


def finish(machine: Machine, runner: AllocationRunner, attempts: list[Attempt]) -> dict[int, list[Event]]:
    """Run until each attempt has ended; one that was cut with its node is handed out anew, as the engine does."""
    ends: dict[int, list[Event]] = {attempt.id: [] for attempt in attempts}
    original = {attempt.id: attempt.id for attempt in attempts}
    by_id = {attempt.id: attempt for attempt in attempts}
    open_ids = set(ends)
    fresh = max(ends, default=0)
    runner.more(attempts)
    while open_ids:
        for event in runner.events(None):
            if isinstance(event, Ended | Cut):
                assert event.id in open_ids, f"{event} has ended before"
                open_ids.remove(event.id)
                first = original[event.id]
                ends[first].append(event)
                if isinstance(event, Cut) and event.why in {"node", "launcher"}:
                    fresh += 1
                    original[fresh] = first
                    by_id[fresh] = by_id[event.id].replace(id=fresh)
                    open_ids.add(fresh)
                    runner.more([by_id[fresh]])
    check_alone(machine, original)
    return ends


def check_alone(machine: Machine, original: dict[int, int]) -> None:
    """Nothing runs twice at once, whoever was thought to be dead."""
    spans: dict[int, list[tuple[float, float]]] = {}
    for id_, begin, end in machine.spans:
        spans.setdefault(original[id_], []).append((begin, end))
    for task_, each in spans.items():
        each.sort()
        for (_, end), (begin, _) in pairwise(each):
            assert begin >= end, f"task {task_} ran twice at once: {each}"


tasks = st.lists(
    st.tuples(st.floats(0.01, 200), st.integers(1, 4), st.booleans(), st.sampled_from([0, 0, 0, 1, 2, 3])),
    min_size=1,
    max_size=40,
)
rules = st.builds(
    Rules,
    at_once=st.sampled_from([None, 1, 2, 5]),
    pause=st.sampled_from([0.0, 0.1]),
    shares=st.booleans(),
    together=st.booleans(),
    crowds=st.booleans(),
    lead=st.sampled_from([0.05, 1.0]),
)


def made(rows: list[tuple[float, int, bool, int]], *, most: int) -> list[Attempt]:
    return [
        wide(number, seconds, min(nodes, most), known=known)
        if nodes
        else task(number, seconds, cores=cores, known=known)
        for number, (seconds, cores, known, nodes) in enumerate(rows, 1)
    ]


@given(rows=tasks, rules=rules, nodes=st.integers(1, 5), drops=st.sampled_from([0.0, 0.0, 0.2]))
def test_each_attempt_runs_once_whatever_the_carrier_drops(
    rows: list[tuple[float, int, bool, int]], rules: Rules, nodes: int, drops: float
) -> None:
    machine = Machine(drops=drops)
    attempts = made(rows, most=nodes)
    ends = finish(machine, simulate(machine, nodes, rules=rules), attempts)
    for attempt in attempts:
        (end,) = ends[attempt.id]
        assert isinstance(end, Ended)
        assert (end.status, end.why) == (0, "exit")
        assert len(machine.began[attempt.id]) == 1
    if not rules.shares:
        assert machine.most_on_node <= 1
    if rules.at_once is not None:
        assert machine.most_launches <= rules.at_once
    assert all(later - earlier >= rules.pause - 1e-9 for earlier, later in pairwise(machine.launch_times))


@given(rows=tasks, rules=rules, nodes=st.integers(1, 5), left=st.floats(1, 300))
def test_nothing_runs_behind_the_end(
    rows: list[tuple[float, int, bool, int]], rules: Rules, nodes: int, left: float
) -> None:
    machine = Machine()
    attempts = made(rows, most=nodes)
    ends = finish(machine, simulate(machine, nodes, rules=rules, left=left), attempts)
    for attempt in attempts:
        (end,) = ends[attempt.id]
        if isinstance(end, Cut):
            assert end.why == "deadline"
        elif attempt.expected is not None:
            assert machine.began[attempt.id][0] + attempt.expected <= left + machine.start_up + 1


@given(
    rows=tasks,
    rules=rules,
    nodes=st.integers(2, 5),
    faults=st.lists(
        st.tuples(st.floats(0.1, 300), st.sampled_from(["kill", "hang", "launch"]), st.integers(0, 4)), max_size=2
    ),
    failing=st.integers(0, 3),
)
@settings(max_examples=200)
def test_what_nodes_and_launchers_do_costs_no_attempt(
    rows: list[tuple[float, int, bool, int]],
    rules: Rules,
    nodes: int,
    faults: list[tuple[float, str, int]],
    failing: int,
) -> None:
    machine = Machine(failing=failing)
    attempts = made([row for row in rows if not row[3]] or [(1.0, 1, True, 0)], most=nodes)
    struck = set()
    for when, kind, which in faults:
        name = f"n{which % nodes}"
        if kind == "kill":
            struck.add(name)
            machine.at(when, lambda name=name: machine.kill_node(name))  # type: ignore[misc]
        elif kind == "hang":
            struck.add(name)
            machine.at(when, lambda name=name: machine.hang_node(name))  # type: ignore[misc]
        else:
            machine.at(
                when,
                lambda: machine.kill_launch(machine.launches[-1]) if machine.launches else None,
            )
    runner = simulate(machine, nodes, rules=rules)
    ends = finish(machine, runner, attempts)
    if len(struck) < nodes:
        for attempt in attempts:
            end = ends[attempt.id][-1]
            assert isinstance(end, Ended) or runner._closed, (attempt, ends[attempt.id])
