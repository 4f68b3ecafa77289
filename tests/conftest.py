"""How all tests run: the profiles of hypothesis, and the fixtures that several files share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# no deadline: time on a shared machine says nothing about the code
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

pytest.register_assert_rewrite("command", "slurm.campaign", "slurm.driver", "slurm.queue", "testbed")

from command import Command  # noqa: E402
from slurm.together import together  # noqa: E402, F401
from testbed import Beds  # noqa: E402

LONGEST = 60


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """The command, in a new folder (see command.py)."""
    made = Command(tmp_path / "campaign")
    made.root.mkdir()
    former = signal.signal(signal.SIGALRM, _end)
    signal.alarm(LONGEST)  # a test that waits for a task at a fifo would wait for ever if the task failed
    yield made
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)
    made.close()


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Beds]:
    """Makes emulated machines (see testbed.py)."""
    made = Beds(tmp_path)
    former = signal.signal(signal.SIGALRM, _end)
    signal.alarm(LONGEST)  # a test that waits for a rank would wait for ever if there were none
    yield made
    signal.alarm(0)
    signal.signal(signal.SIGALRM, former)
    made.close()


def _end(_number: int, _frame: object) -> None:
    problem = f"the test waits for something, {LONGEST} seconds by now"
    raise AssertionError(problem)
