"""The emulated PBS answers the commands of the captures as the real one did, up to times."""

from pathlib import Path

import pytest
from pbs_bench import Bench, normalise, read_capture

CAPTURES = {
    "01-submit-run-finish.txt": 12,
    "02-submit-errors.txt": 17,
    "03-dependencies.txt": 4,
    "04-qdel-walltime-signals.txt": 5,
    "05-holds-maxrun.txt": 1,
}
"""Each with how many lines of shell it has."""

WAITS = {("01", 1): 5, ("01", 5): 20, ("03", 2): 60, ("04", 4): 30}
"""Where time passed between two lines that no command of them tells, in seconds."""

USERS = {("04", 2): "dave"}
"""Lines that somebody else typed."""

NUMBERS = {"01": 0, "02": 1, "03": 16, "04": 27, "05": 32}
"""The number of the first job that each submits: they were made one after the other."""


def test_all_of_the_captures_is_replayed() -> None:
    assert {name: len(read_capture(name)) for name in CAPTURES} == CAPTURES


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture(name: str, tmp_path: Path) -> None:
    """PBS fact 1.4: refusals end with the numbers of PBS errors modulo 256.

    PBS fact 1.7: without any job, qstat prints nothing.
    """
    home = tmp_path / "home"
    home.mkdir()
    bench = Bench(home)
    bench.queue._number = NUMBERS[name[:2]]
    for place, block in enumerate(read_capture(name)):
        bench.wait(WAITS.get((name[:2], place), 0))
        bench.user = USERS.get((name[:2], place), "carol")
        answer = bench.shell(block.line.replace("/var/tmp", f"{home}/.."))
        for seen, wanted in ((answer.out, block.answer.out), (answer.err, block.answer.err)):
            assert normalise(seen, str(home)).splitlines() == normalise(wanted, str(home)).splitlines(), block.line
        assert answer.status == block.answer.status, block.line
