"""Tests that run side by side on one cluster, since most of what they do is to wait for Slurm.

A test is a function that takes a `Slurm`, decorated by `side_by_side`.  When the first of those that were selected is run,
all begin, each in a thread of its own; each test then waits for its own end.  They want one worker of
xdist (`-n 1`): each worker would begin all of them, on a cluster of its own.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from slurm.campaign import Slurm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Together:
    """The tests that were selected, all begun."""

    def __init__(self, slurm: Slurm, scenarios: list[Callable[[Slurm], None]]) -> None:
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(scenarios)))
        self._ends: dict[Callable[[Slurm], None], Future[None]] = {
            scenario: self._pool.submit(scenario, slurm) for scenario in scenarios
        }

    def end(self, scenario: Callable[[Slurm], None]) -> None:
        """Wait for the end of one; if it has failed, so does this."""
        self._ends[scenario].result()

    def close(self) -> None:
        """Wait for all."""
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def together(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Together]:
    """Begin all that were selected."""
    functions: list[Any] = [getattr(item, "function", None) for item in request.session.items]
    scenarios = [function.scenario for function in functions if hasattr(function, "scenario")]
    slurm = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        begun = Together(slurm, scenarios)
        yield begun
    finally:
        slurm.close()  # what still waits for it fails soon
        begun.close()


def side_by_side(*programs: str) -> Callable[[Callable[[Slurm], None]], Callable[[Together], None]]:
    """Make a test of a function that takes a `Slurm`, which needs some programs."""

    def make(scenario: Callable[[Slurm], None]) -> Callable[[Together], None]:
        def test(together: Together) -> None:
            together.end(scenario)

        test.__name__ = test.__qualname__ = scenario.__name__
        test.__module__ = scenario.__module__
        test.__doc__ = scenario.__doc__
        marked: Any = test
        marked.scenario = scenario
        for program in ("slurmctld", *programs):
            marked = pytest.mark.needs(program=program)(marked)
        return marked  # type: ignore[no-any-return]

    return make
