"""A campaign through the queue of an emulated PBS, and what may go wrong there."""

import sys

import pytest
from command import Command, Result

WFILE = """
target all: "sum.txt"

rule part:
    output: "part/{n}.txt"
    time: 5m
    run: echo {n} > {output}

rule sum:
    input: "part/{n}.txt" for n in 1..6
    output: "sum.txt"
    time: 5m
    run: cat {input} > {output}
"""


def drive(command: Command, *faults: str) -> Result:
    """Run the campaign on a login node of Polaris."""
    command.wfile(WFILE)
    (command.root / "site.toml").write_text('name = "polaris"\nproject = "P"\nfilesystems = ["home"]\n')
    argv = ["env", "HPCMAKE_POLL=0.2", sys.executable, "-m", "hpcmake", "-j", "4", "--site", "./site.toml"]
    return command.real("testbed", "polaris", *(f"--fault={fault}" for fault in faults), "--quiet", "--", *argv)


def test_a_campaign(command: Command) -> None:
    result = drive(command)
    assert result.status == 0, result
    assert command.text("sum.txt") == "1\n2\n3\n4\n5\n6\n"
    assert "ended well (exit 0); 7 done, 0 failed" in result.out + result.err


@pytest.mark.parametrize("fault", ["job-deleted:1@0s", "qsub-garbage:1@0s"])
def test_a_campaign_where_something_goes_wrong(command: Command, fault: str) -> None:
    """An operator deletes the first job; an answer of qsub is rubbish."""
    result = drive(command, fault)
    assert result.status == 0, result
    assert command.text("sum.txt") == "1\n2\n3\n4\n5\n6\n"
