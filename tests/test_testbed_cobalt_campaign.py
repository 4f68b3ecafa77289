"""A campaign through the queue of an emulated Theta, and what may go wrong there."""

import sys

import pytest
from command import Command, Result

WFILE = """
target all: "sum.txt"

rule part:
    output: "part/{n}.txt"
    time: 5s
    run: echo {n} > {output}

rule sum:
    input: "part/{n}.txt" for n in 1..6
    output: "sum.txt"
    time: 5s
    run: cat {input} > {output}
"""

HERE = [sys.executable, "-m", "hpcmake", "-j", "512", "--site", "theta", "-A", "P"]
SUM = "1\n2\n3\n4\n5\n6\n"


def drive(command: Command, *words: str, options: tuple[str, ...] = ()) -> Result:
    """Run the campaign on a login node of Theta."""
    command.wfile(WFILE)
    return command.real("testbed", "theta", "--speed", "60", *words, "--", *HERE, *options)


def test_a_campaign(command: Command) -> None:
    result = drive(command)
    assert result.status == 0, result
    assert command.text("sum.txt") == SUM
    assert "ended well (exit 0); 7 done, 0 failed" in result.out + result.err


def test_a_campaign_that_goes_on_by_itself(command: Command) -> None:
    """The driver returns at once; the testbed waits for what the jobs do, and for what they submit."""
    result = drive(command, "--wait-for-jobs", options=("--detach",))
    assert result.status == 0, result
    assert command.text("sum.txt") == SUM
    assert "testbed: the session is over: " in result.err
    assert "left in the queue" not in result.err


@pytest.mark.parametrize("fault", ["job-deleted:1", "qsub-garbage:1", "queue-down:1s"])
def test_a_campaign_where_something_goes_wrong(command: Command, fault: str) -> None:
    """An operator deletes the first job; an answer of qsub is rubbish; the server is away at the beginning."""
    result = drive(command, "--fault", fault)
    assert result.status == 0, result
    assert command.text("sum.txt") == SUM
