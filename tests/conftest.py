"""How all tests run: the profiles of hypothesis, and the fixtures that several files share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# no deadline: time on a shared machine says nothing about the code
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

pytest.register_assert_rewrite("command")

from command import Command  # noqa: E402


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """The command, in a new folder (see command.py)."""
    made = Command(tmp_path / "campaign")
    made.root.mkdir()
    yield made
    made.close()
