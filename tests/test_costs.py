"""What planning and running cost, counted: looks at the disk, edges, calls, lines, processes.  Never seconds."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from campaigns import Campaign

from hpcmake.app.opening import Opened
from hpcmake.options import parse_arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    from command import Command

DOCKING = """\
target all: "summary.txt"

rule dock:
    input: "proteins/{p}.pdb", "ligands/{c}.mol"
    output: "docked/{p}/{c}.out"
    run: cp {input[0]} {output}

rule score:
    input: "docked/{p}/{c}.out" for each "ligands/{c}.mol"
    output: "scores/{p}.csv"
    run: cp {input[0]} {output}

rule summary:
    input: "scores/{p}.csv" for each "proteins/{p}.pdb"
    output: "summary.txt"
    run: cp {input[0]} {output}
"""


def docking_sources(proteins: int, ligands: int) -> list[str]:
    return [f"proteins/p{p}.pdb" for p in range(proteins)] + [f"ligands/c{c}.mol" for c in range(ligands)]


def docking_outputs(proteins: int, ligands: int) -> list[str]:
    docked = [f"docked/p{p}/c{c}.out" for p in range(proteins) for c in range(ligands)]
    return [*docked, *(f"scores/p{p}.csv" for p in range(proteins)), "summary.txt"]


def calls_of(work: Callable[[], object], part: str = "hpcmake") -> int:
    """Return how many functions in Python are entered, of files below a folder of the repository."""
    lead = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), part) + os.sep
    count = 0

    def profile(frame: Any, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(lead)

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


# ---------------------------------------------------------------- looks at the disk


@pytest.mark.parametrize("state", ["nothing built", "all built", "one input touched"])
def test_a_plan_lists_a_folder_once_and_looks_at_a_file_once(state: str) -> None:
    campaign = Campaign(DOCKING, docking_sources(5, 6))
    if state != "nothing built":
        campaign.run()
    if state == "one input touched":
        campaign.tree.touch("proteins/p3.pdb")
    campaign.tree.listings.clear()
    campaign.tree.stats.clear()
    stale = campaign.stale()
    assert len(stale) == {"nothing built": 36, "all built": 0, "one input touched": 8}[state]
    assert set(campaign.tree.listings.values()) <= {1}
    assert set(campaign.tree.stats.values()) <= {1}
    assert len(campaign.tree.stats) <= 5 + 6 + 36


def docking_on_disk(command: Command, proteins: int, ligands: int) -> Callable[[], dict[str, int]]:
    """Make a campaign on the real disk; return what plans it and gives the counts."""
    command.wfile(DOCKING)
    command.sources(*docking_sources(proteins, ligands))

    def plan() -> dict[str, int]:
        where = os.getcwd()
        os.chdir(command.root)
        try:
            opened = Opened(parse_arguments(["-n"]))
            opened.plan()
        finally:
            os.chdir(where)
        return opened.disk.counts

    return plan


def test_on_a_disk_what_is_not_built_is_not_looked_at(command: Command) -> None:
    # the sources, and one look at the summary; the folders of sources, and those that would hold outputs
    assert docking_on_disk(command, 20, 100)() == {"stats": 120 + 1, "listings": 2 + 2}


def test_on_a_disk_each_file_is_looked_at_once(command: Command) -> None:
    plan = docking_on_disk(command, 20, 100)
    for path in docking_outputs(20, 100):
        command.write(path)
    assert command.run("-t").status == 0
    counts = plan()
    assert counts["stats"] <= 120 + len(docking_outputs(20, 100))
    assert counts["listings"] <= 2 + 20 + 2


# ---------------------------------------------------------------- edges


@pytest.mark.parametrize("many", [10, 40])
def test_all_to_all_costs_the_sum_and_not_the_product(many: int) -> None:
    wfile = """\
target all: "out/{i}" for each "in/{i}"
rule produce:
    input: "in/{i}"
    output: "made/{i}"
    run: cp {input} {output}
rule consume:
    input: "made/{j}" for each "in/{j}"
    output: "out/{i}"
    run: cat {input} > {output}
"""
    plan = Campaign(wfile, [f"in/{i}" for i in range(many)]).plan()
    entries = sum(len(column) for table in plan.graph.tables for column in table.inputs)
    members = sum(map(len, plan.graph.groups))
    assert (entries, members) == (2 * many, many)
    table = plan.graph.tables[1]
    assert len(list(plan.graph.inputs_of(table, 0))) == many


# ---------------------------------------------------------------- calls


@pytest.mark.parametrize("state", ["nothing built", "all built"])
def test_tasks_are_planned_by_rule_and_not_one_by_one(command: Command, state: str) -> None:
    def planned(proteins: int, ligands: int) -> int:
        plan = docking_on_disk(command, proteins, ligands)
        if state == "all built":
            for path in docking_outputs(proteins, ligands):
                command.write(path)
            assert command.run("-t").status == 0
        plan()  # what is compiled once is compiled now
        return calls_of(plan, "hpcmake/planner")

    few, many = planned(40, 30), planned(40, 60)
    assert few > 0
    assert many - few < 1200 / 4, "a ligand may cost some calls, but not a task of its own for each protein"


TOUCH = """\
target all: "out/{i}.dat" for i in 1..@N

rule touch:
    output: "out/{i}.dat"
    run: touch {output}
"""


def test_a_finished_task_costs_the_driver_few_calls(command: Command) -> None:
    def ran(many: int) -> int:
        command.wfile(TOUCH.replace("@N", str(many)))
        return calls_of(lambda: command.run("-B", "-j2"))

    ran(4)
    few, many = ran(50), ran(250)
    assert (many - few) / 200 < MOST_CALLS


MOST_CALLS = 280
"""They are 224 while this is written: a record, its line and its checksum, an attempt, and what is told."""


# ---------------------------------------------------------------- what is written and started


def test_a_task_costs_one_line_of_the_journal_and_no_file(command: Command) -> None:
    written = []
    for many in (20, 40):
        root = command.root / str(many)
        root.mkdir()
        (root / "Wfile").write_text(TOUCH.replace("@N", str(many)), encoding="utf-8")
        assert command.run("-C", str(many)).status == 0
        own = [path for path in (root / ".hpcmake").rglob("*") if path.is_file()]
        lines = Counter(
            line.split(b'"k":"', 1)[1].split(b'"', 1)[0].decode()
            for path in own
            for line in path.read_bytes().splitlines()
            if b'"k":"' in line
        )
        written.append((len(own), lines))
    (files, few), (files_of_more, many_lines) = written
    assert few["ok"] == 20
    assert many_lines["ok"] == 40
    assert files == files_of_more
    assert many_lines.total() - few.total() == 20


def test_a_command_that_needs_no_shell_gets_none_and_another_gets_one(command: Command) -> None:
    (command.root / "bin").mkdir()
    for name in ("bash", "sh", "touch"):
        path = command.root / "bin" / name
        path.write_text(f'#!/bin/sh\necho {name} >> started\nexec {real(name)} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    command.wfile("""\
        target all: "plain/{i}" for i in 1..5
        target more: "shell/{i}" for i in 1..5

        rule plain:
            output: "plain/{i}"
            run: touch {output}

        rule shell:
            output: "shell/{i}"
            run: echo {i} > {output}
        """)
    env = {"PATH": f"{command.root / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    assert command.say("all", env=env).status == 0
    assert Counter(command.lines("started")) == {"touch": 5}
    command.remove("started")
    assert command.say("more", env=env).status == 0
    assert Counter(command.lines("started")) == {"bash": 5}


def real(name: str) -> str:
    """Return where a program lies."""
    from shutil import which

    found = which(name)
    assert found is not None
    return found
