"""How long a task is expected to take: what was measured, else its `time`, else nothing is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.tasks.estimates import at_step, estimate, find_growth, needed, quantile, steps


def test_the_median_forecasts_and_the_95th_percentile_decides() -> None:
    found = estimate([60.0] * 10 + [120.0] * 290 + [240.0] * 12, limit=1200, longest=86400)
    assert (found.seconds, found.ceiling) == (120, 120)
    found = estimate([120.0] * 290 + [240.0] * 22, limit=1200, longest=86400)
    assert (found.seconds, found.ceiling) == (120, 240)
    assert found.words() == "measured: 312 runs, 2m, 95 % under 4m"


def test_time_is_the_estimate_while_few_runs_are_known() -> None:
    found = estimate([1, 1, 1, 1], limit=1200, longest=86400)
    assert (found.seconds, found.ceiling, found.words()) == (1200, 1200, "assumed from `time`")


def test_time_limits_what_was_measured() -> None:
    found = estimate([100, 200, 300, 400, 500, 600], limit=250, longest=86400)
    assert (found.seconds, found.ceiling) == (250, 250)


def test_without_either_the_longest_that_a_queue_gives_counts() -> None:
    found = estimate([], limit=None, longest=86400)
    assert (found.seconds, found.ceiling, found.words()) == (86400, 86400, "none given")


def test_a_task_that_was_cut_needs_twice_what_it_had() -> None:
    assert needed(100) == 100
    assert needed(100, cut_after=80) == 160


@given(st.lists(st.floats(0.1, 1e5), min_size=1))
def test_a_quantile_lies_among_the_numbers(walls: list[float]) -> None:
    ordered = sorted(walls)
    assert ordered[0] <= quantile(ordered, 0.5) <= quantile(ordered, 0.95) <= ordered[-1]


@given(st.floats(1e-3, 1e6))
def test_a_step_is_within_five_percent(seconds: float) -> None:
    (number,) = steps([seconds])
    assert at_step(number) == pytest.approx(seconds, rel=0.05)


def test_durations_that_follow_the_size_of_the_inputs() -> None:
    sizes = [1000.0 * k for k in range(1, 41)]
    growth = find_growth([0.002 * size**1.5 for size in sizes], sizes)
    assert growth is not None
    assert growth.power == pytest.approx(1.5)
    assert growth.at(100_000).seconds == pytest.approx(0.002 * 100_000**1.5)
    assert growth.at(100_000, limit=60).seconds == 60


def test_sizes_that_explain_nothing_are_left_out() -> None:
    assert find_growth([60.0, 90.0] * 20, [5.0, 5.0] * 20) is None
    assert find_growth([60.0] * 40, [float(k) for k in range(40)]) is None
    assert find_growth([60.0] * 10, [float(k) for k in range(10)]) is None
