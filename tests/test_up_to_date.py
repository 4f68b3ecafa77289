"""What is up to date, and why not: each reason, their order, and what makes nothing stale."""

from __future__ import annotations

import pytest
from campaigns import Campaign, find_task

CHAIN = """\
param level = 1
target all: "c"

rule b:
    input: "a"
    output: "b"
    run: convert --level {level} {input} > {output}

rule c:
    input: "b", order "tool"
    output: "c"
    run: finish {input} > {output}
"""


def chain(**more: str) -> Campaign:
    campaign = Campaign(CHAIN, {"a": "", "tool": "", **more})
    campaign.run()
    return campaign


def test_after_a_successful_run_nothing_is_stale() -> None:
    assert chain().stale() == {}


# ---------------------------------------------------------------- the reasons


def test_forced() -> None:
    assert chain().stale(always=True) == {"b": "forced (-B)", "c": "forced (-B)"}
    assert chain().stale(rules=["c"]) == {"c": "forced (-R c)"}


def test_missing_output() -> None:
    campaign = chain()
    campaign.tree.remove("c")
    assert campaign.stale() == {"c": "missing output c"}


def test_no_record() -> None:
    campaign = Campaign(CHAIN, ["a", "tool", "b", "c"])
    assert campaign.stale() == {"b": "no record", "c": "no record"}


def test_failed_before() -> None:
    campaign = chain()
    plan = campaign.plan()
    campaign.fail(plan, *find_task(plan, "b"), status=3)
    assert campaign.stale() == {"b": "failed before (exit 3)", "c": "input will be remade b"}


@pytest.mark.parametrize(
    ("why", "status", "words"),
    [
        ("exit", -9, "signal 9"),
        ("time", -15, "its time was up"),
        ("missing output", 0, "no output"),
        ("post", 1, "post"),
    ],
)
def test_failed_before_says_how(why: str, status: int, words: str) -> None:
    campaign = chain()
    campaign.take({"k": "fail", "t": "c", "a": 1, "rc": status, "why": why})
    assert campaign.stale() == {"c": f"failed before ({words})"}


def test_interrupted() -> None:
    campaign = chain()
    campaign.take({"k": "cut", "t": "c", "why": "stop"})
    assert campaign.stale() == {"c": "interrupted (stop)"}


def test_a_launch_without_an_end_is_an_interruption() -> None:
    campaign = chain()
    campaign.take({"k": "launch", "ts": ["c"], "n": "here"})
    assert campaign.stale()["c"].startswith("interrupted")


def test_command_changed() -> None:
    campaign = chain()
    campaign.wfile = CHAIN.replace("finish", "complete")
    assert campaign.stale() == {"c": "command changed (run)"}


def test_command_changed_by_a_value_put_in() -> None:
    campaign = chain()
    campaign.params = {"level": "2"}
    assert campaign.stale() == {"b": "command changed ({level}: 1 -> 2)", "c": "input will be remade b"}


def test_inputs_differ() -> None:
    campaign = chain(extra="")
    campaign.wfile = CHAIN.replace('input: "a"', 'input: "a", "extra"')
    assert campaign.stale()["b"] == "inputs differ extra (new)"
    campaign.run()
    campaign.wfile = CHAIN
    assert campaign.stale()["b"] == "inputs differ extra (no longer taken)"


def test_inputs_in_another_order_differ() -> None:
    campaign = chain(extra="")
    campaign.wfile = CHAIN.replace('input: "a"', 'input: "a", "extra"')
    campaign.run()
    campaign.wfile = CHAIN.replace('input: "a"', 'input: "extra", "a"')
    assert campaign.stale()["b"] == "inputs differ (in another order)"


def test_input_changed() -> None:
    campaign = chain()
    campaign.tree.touch("a")
    assert campaign.stale() == {"b": "input changed a", "c": "input will be remade b"}


def test_an_older_time_is_a_change_too() -> None:
    campaign = chain()
    campaign.tree.files["a"] = (b"", 1)
    assert campaign.stale()["b"] == "input changed a"


def test_another_size_at_the_same_time_is_a_change() -> None:
    campaign = chain()
    campaign.tree.write("a", "longer", same_time=True)
    assert campaign.stale()["b"] == "input changed a"


def test_an_output_that_was_changed_makes_those_that_take_it_stale() -> None:
    campaign = chain()
    campaign.tree.write("b", "by hand")
    assert campaign.stale() == {"c": "input changed b"}


def test_an_input_that_a_rule_makes_and_that_vanished_is_made_again() -> None:
    campaign = chain()
    campaign.tree.remove("b")
    assert campaign.stale() == {"b": "missing output b", "c": "input changed b (missing)"}


def test_the_first_reason_that_holds_is_told() -> None:
    """Each step adds a reason that stands further to the front."""
    campaign = chain(extra="")
    campaign.tree.touch("a")
    told = [campaign.stale()["c"]]
    campaign.tree.write("b", "by hand")
    told.append(campaign.stale()["c"])
    campaign.wfile = CHAIN.replace('"b", order', '"b", "extra", order')
    told.append(campaign.stale()["c"])
    campaign.wfile = campaign.wfile.replace("finish", "complete")
    told.append(campaign.stale()["c"])
    campaign.take({"k": "cut", "t": "c", "why": "stop"})
    told.append(campaign.stale()["c"])
    campaign.take({"k": "fail", "t": "c", "a": 1, "rc": 1, "why": "exit"})
    told.append(campaign.stale()["c"])
    campaign.tree.remove("c")
    told.append(campaign.stale()["c"])
    told.append(campaign.stale(always=True)["c"])
    assert [words.split(" (")[0] for words in told] == [
        "input will be remade b",
        "input changed b",
        "inputs differ extra",
        "command changed",
        "interrupted",
        "failed before",
        "missing output c",
        "forced",
    ]


# ---------------------------------------------------------------- what is compared of a command

SHAPES = """\
defaults:
    env:
        LANG = "C"
    setup: module load gcc

defaults on theta:
    env:
        OMP = 4
        LANG = "de"
    setup: module load cray

target all: "a"

rule a:
    output: "a"
    nodes: 2
    time: 1h
    retries: 1
    run: {launch} sim {nodes} {ranks} {attempt} {site} {time} {rule} > {output}
"""


def edited(wfile: str, *changes: tuple[str, str], site: str = "local") -> dict[str, str]:
    """Return what is stale after a run, and a change of the Wfile or of the site."""
    campaign = Campaign(wfile, ["s", "t"])
    campaign.run()
    for before, after in changes:
        assert before in campaign.wfile
        campaign.wfile = campaign.wfile.replace(before, after)
    campaign.site = site
    return campaign.stale()


@pytest.mark.parametrize(
    "change",
    [
        ("nodes: 2", "nodes: 4"),
        ("time: 1h", "time: 2h"),
        ("retries: 1", "retries: 5"),
        ("OMP = 4", "OMP = 8"),
        ("module load cray", "module load PrgEnv-gnu"),
        ("nodes: 2", 'nodes: 2\n    priority: 3\n    at_once: 1\n    log: "a.log"'),
        ("run: {launch}", "# a comment\n    run: {launch}"),
    ],
)  # fmt: skip
def test_another_shape_makes_nothing_stale(change: tuple[str, str]) -> None:
    assert edited(SHAPES, change) == {}


def test_another_machine_makes_nothing_stale() -> None:
    assert edited(SHAPES, site="theta") == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('LANG = "C"', 'LANG = "en"'), "LANG: C -> en"),
        (("module load gcc", "module load gcc/12"), "setup"),
        (("sim", "simulate"), "run"),
        (("run: {launch}", "run bash -x:\n        {launch}"), "run by"),
    ],
)
def test_a_command_is_its_text_interpreter_general_setup_and_env(change: tuple[str, str], words: str) -> None:
    assert edited(SHAPES, change) == {"a": f"command changed ({words})"}


def test_who_wants_nodes_compared_writes_a_let() -> None:
    wfile = 'target all: "a"\n\nrule a:\n    let n = 8\n    output: "a"\n    nodes: n\n    run: {launch} sim {n} > {output}\n'
    assert edited(wfile, ("let n = 8", "let n = 9")) == {"a": "command changed ({n}: 8 -> 9)"}


def test_what_wildcards_and_unused_items_are_called_makes_nothing_stale() -> None:
    wfile = 'target all: "o/1"\n\nrule a:\n    input: x = "s"\n    output: "o/{n}"\n    run: cp s o/1\n'
    assert edited(wfile, ("{n}", "{m}"), ("x =", "y =")) == {}


def test_items_that_change_places_change_the_command() -> None:
    wfile = 'target all: "o"\n\nrule a:\n    input:\n        x = "s"\n        y = "t"\n    output: "o"\n    run: cp {x} {y} o\n'
    assert edited(wfile, ("x =", "z ="), ("y =", "x ="), ("z =", "y =")) == {"a": "command changed (items)"}


def test_a_rule_of_another_name_makes_nothing_stale() -> None:
    wfile = 'target all: "o"\n\nrule a:\n    output: "o"\n    run: touch o\n'
    assert edited(wfile, ("rule a", "rule b")) == {}


def test_a_value_by_task_makes_only_its_task_stale() -> None:
    wfile = 'target all: "o/{n}" for n in 1..3\n\nrule a:\n    let m = int(n) % 3\n    output: "o/{n}"\n    run: echo {m} > {output}\n'
    assert edited(wfile, ("int(n) % 3", "int(n) % 2")) == {
        "a[n=2]": "command changed (a value in it)",
        "a[n=3]": "command changed (a value in it)",
    }


def test_a_row_added_to_a_table_makes_nothing_else_stale() -> None:
    wfile = """\
let table_ = table("t.csv", key="id")
target all: "o/{row.id}" for row in table("t.csv")

rule a:
    let mass = table_[n].mass
    output: "o/{n}"
    run: echo {mass} > {output}
"""
    campaign = Campaign(wfile, {"t.csv": "id,mass\na,1\nb,2\n"})
    campaign.run()
    campaign.tree.write("t.csv", "id,mass\na,1\nc,3\nb,5\n")
    assert campaign.stale() == {"a[n=b]": "command changed (a value in it)", "a[n=c]": "missing output o/c"}


# ---------------------------------------------------------------- order, depfile, content


def test_the_change_of_an_order_input_makes_nothing_stale() -> None:
    campaign = chain()
    campaign.tree.touch("tool")
    assert campaign.stale() == {}


def test_an_order_input_must_exist() -> None:
    assert "there is no tool, and no rule makes it" in Campaign(CHAIN, ["a"]).trouble()


def test_an_order_input_is_made_first() -> None:
    wfile = CHAIN + '\nrule tool:\n    output: "tool"\n    run: make-tool > {output}\n'
    assert Campaign(wfile, ["a"]).run() in (["b", "tool", "c"], ["tool", "b", "c"])


def test_an_input_that_becomes_order_makes_nothing_stale() -> None:
    wfile = 'target all: "o"\n\nrule a:\n    input: "s"\n    output: "o"\n    run: touch o\n'
    assert edited(wfile, ('"s"', 'order "s"')) == {}


DEPFILE = 'target all: "o"\n\nrule cc:\n    input: "o.c"\n    output: "o"\n    depfile: "o.d"\n    run: cc -MF {depfile} {input} -o {output}\n'


def test_what_a_depfile_names_counts_as_input_from_then_on() -> None:
    campaign = Campaign(DEPFILE, ["o.c", "x.h", "y.h"])
    campaign.depends = {"cc": ["x.h"]}
    campaign.run()
    assert campaign.stale() == {}
    campaign.tree.touch("y.h")
    assert campaign.stale() == {}
    campaign.tree.touch("x.h")
    assert campaign.stale() == {"cc": "input changed x.h (named by the depfile)"}
    assert campaign.inputs("cc") == ["o.c"]


def test_what_a_depfile_names_and_has_vanished_makes_stale() -> None:
    campaign = Campaign(DEPFILE, ["o.c", "x.h"])
    campaign.depends = {"cc": ["x.h"]}
    campaign.run()
    campaign.tree.remove("x.h")
    assert campaign.stale() == {"cc": "input changed x.h (missing, and named by the depfile)"}


def test_with_check_content_a_file_that_holds_the_same_is_no_change() -> None:
    campaign = chain()
    versions = campaign.history.versions
    for number, path in enumerate(versions.paths):
        versions.hashes[number] = campaign.tree.digest(path)
    campaign.tree.touch("a")
    assert campaign.stale(content=True) == {}
    assert campaign.stale() != {}
    campaign.tree.write("a", "other")
    assert campaign.stale(content=True)["b"] == "input changed a"


# ---------------------------------------------------------------- no journal


def test_without_a_journal_makes_rule_is_used() -> None:
    campaign = Campaign(CHAIN, ["a", "tool", "b", "c"], journal=False)
    assert campaign.stale() == {}


def test_without_a_journal_an_output_older_than_an_input_is_stale() -> None:
    campaign = Campaign(CHAIN, ["b", "c", "a", "tool"], journal=False)
    assert campaign.stale() == {
        "b": "input changed a (it is newer, and there is no journal)",
        "c": "input will be remade b",
    }


def test_without_a_journal_what_produces_is_run() -> None:
    wfile = 'rule g:\n    produces: "o{i}"\n    run: g\n'
    assert Campaign(wfile, ["o1"], journal=False).stale() == {"g": "no record"}


# ---------------------------------------------------------------- the command line


def test_as_if_a_file_had_just_changed() -> None:
    assert chain().stale(new=["a"]) == {"b": "input changed a (-W)", "c": "input will be remade b"}
    assert chain().stale(new=["b"]) == {"c": "input changed b (-W)"}
    assert chain().stale(new=["tool"]) == {}


def test_as_if_a_file_had_not_changed_nor_was_made() -> None:
    campaign = chain()
    campaign.tree.touch("a")
    assert campaign.stale(old=["a"]) == {}
    assert campaign.stale(old=["b"]) == {}


def test_without_a_journal_both_count_too() -> None:
    campaign = Campaign(CHAIN, ["a", "tool", "b", "c"], journal=False)
    assert set(campaign.stale(new=["a"])) == {"b", "c"}
    campaign = Campaign(CHAIN, ["b", "c", "a", "tool"], journal=False)
    assert campaign.stale(old=["a"]) == {}


def test_a_rule_is_left_out_with_what_needs_it() -> None:
    campaign = Campaign(CHAIN, ["a", "tool"])
    assert campaign.stale(omit=["b"]) == {}
    assert set(campaign.stale(omit=["c"])) == {"b"}


def test_a_target_on_the_command_line_is_all_that_is_wanted() -> None:
    assert set(Campaign(CHAIN, ["a", "tool"]).stale("b")) == {"b"}
    assert set(Campaign(CHAIN, ["a", "tool"]).stale("./b")) == {"b"}
    assert set(Campaign(CHAIN, ["a", "tool"]).stale("/campaign/b")) == {"b"}


# ---------------------------------------------------------------- temp

TEMP = """\
target all: "c"

rule b:
    input: "a"
    output: temp "b", "kept"
    run: make-b

rule c:
    input: "b"
    output: "c"
    run: finish {input} > {output}
"""


def test_the_absence_of_a_temp_file_makes_nothing_stale() -> None:
    campaign = Campaign(TEMP, ["a"])
    campaign.run()
    campaign.tree.remove("b")
    assert campaign.stale() == {}


def test_a_temp_file_that_is_asked_for_by_name_is_made() -> None:
    campaign = Campaign(TEMP, ["a"])
    campaign.run()
    campaign.tree.remove("b")
    assert campaign.stale("b") == {"b": "missing output b (a temp file that is wanted again)"}


def test_a_temp_file_is_made_again_for_what_is_stale() -> None:
    campaign = Campaign(TEMP, ["a"])
    campaign.run()
    campaign.tree.remove("b", "c")
    assert campaign.stale() == {"b": "missing output b (a temp file that is wanted again)", "c": "missing output c"}


def test_a_temp_file_whose_input_changed_is_made_again_with_what_takes_it() -> None:
    campaign = Campaign(TEMP, ["a"])
    campaign.run()
    campaign.tree.remove("b")
    campaign.tree.touch("a")
    assert campaign.stale() == {"b": "input changed a", "c": "input will be remade b"}


def test_a_temp_file_remade_since_it_was_absent_counts_as_the_same() -> None:
    wfile = (
        TEMP.replace('target all: "c"', 'target all: "c", "d"')
        + '\nrule d:\n    input: "b"\n    output: "d"\n    run: also {input} > {output}\n'
    )
    campaign = Campaign(wfile, ["a"])
    campaign.run()
    before = campaign.tree._stamp("b")
    campaign.tree.remove("b", "d")
    assert set(campaign.stale()) == {"b", "d"}
    campaign.tree.write("b", "again")
    campaign.tree.write("d", "again")
    after = campaign.tree._stamp("b")
    assert before is not None
    assert after is not None
    kept = campaign.tree._stamp("kept")
    assert kept is not None
    plan = campaign.plan()
    taken = plan.stamps.stamp(plan.graph.want("a"))
    assert taken is not None
    b, d = (find_task(plan, name) for name in "bd")
    campaign.take(
        {"k": "ok", "t": "b", "c": plan.definition_of(b[0]), "in": [["a", *taken]],
         "out": [["b", *after], ["kept", *kept]], "as": {"b": list(before)}},
        {"k": "ok", "t": "d", "c": plan.definition_of(d[0]), "in": [["b", *before]], "out": [["d", 1, 1]]},
    )  # fmt: skip
    assert campaign.stale() == {}


# ---------------------------------------------------------------- maybe

MAYBE = """\
target all: "sum"

rule part:
    input: "in/{i}"
    output: "part/{i}"
    run: part {input} > {output}

rule more:
    input: "part/{i}"
    output: "more/{i}"
    run: more {input} > {output}

rule sum:
    input: maybe "more/{i}" for each "in/{i}"
    output: "sum"
    run: cat {input} > {output}
"""


def gave_up() -> Campaign:
    campaign = Campaign(MAYBE, ["in/1", "in/2", "in/3"])
    campaign.run(fail=["part[i=2]"])
    return campaign


def test_what_failed_for_good_and_was_wanted_as_maybe_is_given_up() -> None:
    campaign = gave_up()
    assert campaign.stale() == {}
    assert campaign.given_up() == ["part[i=2]", "more[i=2]"]
    assert campaign.tree.files.keys() >= {"sum", "more/1", "more/3"}


def test_what_is_given_up_is_left_out_of_the_inputs() -> None:
    plan = gave_up().plan()
    table, row = find_task(plan, "sum")
    assert plan.value_env(table, row)["input"] == ["more/1", "more/3"]


def test_it_is_tried_again_when_its_inputs_have_changed() -> None:
    campaign = gave_up()
    campaign.tree.touch("in/2")
    assert campaign.stale() == {
        "part[i=2]": "missing output part/2",
        "more[i=2]": "missing output more/2",
        "sum": "inputs differ more/2 (new)",
    }


def test_it_is_tried_again_when_its_command_has_changed() -> None:
    campaign = gave_up()
    campaign.wfile = MAYBE.replace("run: part", "run: part --robust")
    assert "part[i=2]" in campaign.stale()


def test_it_is_tried_again_when_its_rule_is_forced() -> None:
    assert "part[i=2]" in gave_up().stale(rules=["part"])


def test_it_is_tried_again_when_wanted_otherwise() -> None:
    assert gave_up().stale("more/2") == {"part[i=2]": "missing output part/2", "more[i=2]": "missing output more/2"}


def test_its_later_success_makes_those_that_take_it_stale() -> None:
    campaign = gave_up()
    campaign.run("more/2")
    assert campaign.stale() == {"sum": "inputs differ more/2 (new)"}


def test_a_failure_that_is_required_is_not_given_up() -> None:
    campaign = Campaign(MAYBE.replace('target all: "sum"', 'target all: "sum", "part/2"'), ["in/1", "in/2"])
    campaign.run(fail=["part[i=2]"])
    assert campaign.given_up() == []
    assert "part[i=2]" in campaign.stale()
