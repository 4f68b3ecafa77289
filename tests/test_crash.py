"""A driver that is killed at each thing it does to the disk: the next one goes on, and nothing is lost or done twice.

Killed are the driver alone, and it with all it runs, in a campaign's first run and where everything is run again; what
must hold afterwards stands in crashes.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "crashes.py")


@pytest.mark.parametrize(("scenario", "killed"), [("first", "alone"), ("first", "all"), ("again", "either")])
def test_killed_at_any_point_the_next_run_goes_on(tmp_path: Path, scenario: str, killed: str) -> None:
    found = subprocess.run(
        [sys.executable, PROGRAM, str(tmp_path), scenario, killed], check=True, capture_output=True, text=True
    )
    *wrong, count = found.stdout.splitlines()
    assert wrong == []
    assert int(count.removesuffix(" points")) > 100
