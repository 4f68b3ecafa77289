"""Every mistake that shows when rules are resolved and planned: its whole message, with line, caret and mend.

The cases stand in plan_mistakes.txt: a title, the files that there are (`@ path content`), words on the command line
(`> word`), a Wfile, and behind a line of dashes what is told.
"""

from __future__ import annotations

import ast
import os

import pytest
from campaigns import Campaign

from hpcmake.codes import CODES
from hpcmake.diagnostics import Trouble

with open(os.path.join(os.path.dirname(__file__), "plan_mistakes.txt"), encoding="utf-8") as _file:
    CASES = dict(case.split("\n", 1) for case in _file.read().split("##### ")[1:])

WITHOUT_CASE = {
    "E303": "its value depends on the machine: below",
    "E222": "something must have run: below",
    "E413": "found when a depfile is read",
    "E414": "found when a task has run",
    "E503": "found when it is known where tasks run",
    "E506": "found when it is known where tasks run",
    "E507": "found when tasks are packed for a site: test_site_plans",
    "E508": "found when tasks are packed for a site: test_site_plans",
    "E509": "found when tasks are packed for a site: test_site_plans",
    "E510": "found when a batch is written: test_batch_rows",
}


def parse_case(text: str) -> tuple[str, dict[str, str], list[str], str]:
    """Return the Wfile of a case, the files, the targets, and what is told."""
    rest, told = text.split("-----\n", 1)
    lines = rest.splitlines(keepends=True)
    files: dict[str, str] = {}
    targets: list[str] = []
    while lines and lines[0].startswith(("@ ", "> ")):
        mark, word = lines.pop(0).rstrip("\n").split(" ", 1)
        if mark == ">":
            targets.append(word)
            continue
        path, _, content = word.partition(" ")
        files[path] = ast.literal_eval(content) if content else ""
    return "".join(lines), files, targets, told


@pytest.mark.parametrize("title", CASES)
def test_a_mistake_is_told_with_its_place_and_its_mend(title: str) -> None:
    wfile, files, targets, told = parse_case(CASES[title])
    campaign = Campaign(wfile, files)
    assert (campaign.trouble(*targets) or campaign.warnings(*targets)) == told


@pytest.mark.parametrize("title", CASES)
def test_every_mistake_offers_a_mend(title: str) -> None:
    wfile, files, targets, _ = parse_case(CASES[title])
    try:
        found = Campaign(wfile, files).plan(*targets).warnings()
    except Trouble as trouble:
        found = list(trouble.diagnostics)
    assert all(each.help and each.span and each.code in CODES for each in found)


def test_every_code_of_resolving_and_planning_has_a_case() -> None:
    told = "".join(CASES.values())
    of_plans = [code for code in CODES if code[1] in "2345"]
    assert [code for code in of_plans if f"[{code}]" not in told and code not in WITHOUT_CASE] == []


def test_a_generated_file_holds_rules_targets_and_prefer_only() -> None:
    campaign = Campaign(
        'target all: "a"\n\ninclude "more.wf"\n\nrule more:\n    output: "more.wf"\n    run: write-rules > {output}\n',
        ["a"],
    )
    campaign.content = lambda *_: "let x = 1\n"
    told = []
    try:
        campaign.run()
    except Trouble as trouble:
        told = [
            (each.code, each.span and each.span.place(), each.notes[0].span.place()) for each in trouble.diagnostics
        ]
    assert told == [("E222", "more.wf:1:1", "Wfile:3:9")]


def test_a_variable_that_is_not_set_is_told_with_the_form_of_a_default() -> None:
    told = Campaign('let a = env("NOPE")\ntarget all: "x"\n', ["x"]).trouble()
    assert told == (
        "error[E303]: the environment variable NOPE is not set\n"
        " --> Wfile:1:9\n"
        '1 | let a = env("NOPE")\n'
        "  |         ^^^^^^^^^^^\n"
        '  = help: set it, or give a default: `env("NOPE", "…")`\n'
    )


def test_a_mistake_in_one_rule_hides_none_in_the_next() -> None:
    rules = "".join(f'rule r{at}:\n    output: "o{at}"\n    cors: 1\n    run: touch {{outpt}}\n' for at in range(5))
    told = Campaign(rules).trouble()
    assert (told.count("E206"), told.count("E601")) == (5, 5)


def test_mistakes_of_values_are_told_for_the_first_tasks_only() -> None:
    wfile = 'target all: "{n}.txt" for n in range(100)\n\nrule make:\n    output: "{n}.txt"\n    cores: int(n) - 200\n    run: x\n'
    assert Campaign(wfile).trouble().count("error[E501]") == 3
