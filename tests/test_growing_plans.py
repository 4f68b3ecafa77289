"""Plans that grow: `produces`, values to be waited for, `first`, includes that rules make; and what each costs."""

from __future__ import annotations

import pytest
from campaigns import Campaign, find_task, names_of

from hpcmake.planner.graph import Table
from hpcmake.planner.stale import FRESH

EIGEN = """\
target all: "results.dat"

rule generate:
    produces: "output{i}.npy"
    run: python parent.py

rule eigen:
    input: "output{i}.npy"
    output: "eigvals{i}.npy"
    run: python eigen.py {input} {output}

rule reduce:
    input: "eigvals{i}.npy" for each "output{i}.npy"
    output: "results.dat"
    run: python reduce.py {output} {input}
"""


def eigen(*made: str) -> Campaign:
    campaign = Campaign(EIGEN)
    campaign.makes["generate"] = made or ("output1.npy", "output10.npy", "output2.npy")
    return campaign


def test_before_it_has_run_it_is_told_what_is_unknown_and_which_task_will_tell() -> None:
    plan = eigen().plan()
    assert [table.name(row) for table, row in plan.stale_in_order()] == ["generate"]
    assert plan.unknown() == [("generate", "eigen"), ("generate", "reduce")]


def test_what_was_produced_is_ranged_over_in_natural_order() -> None:
    campaign = eigen()
    assert campaign.run() == ["generate", "eigen[i=1]", "eigen[i=2]", "eigen[i=10]", "reduce"]
    assert campaign.inputs("reduce") == ["eigvals1.npy", "eigvals2.npy", "eigvals10.npy"]
    assert campaign.stale() == {}


def test_leftovers_are_not_what_was_produced() -> None:
    campaign = eigen()
    campaign.tree.write("output7.npy")
    assert campaign.plan().unknown() == [("generate", "eigen"), ("generate", "reduce")]
    campaign.run()
    campaign.tree.write("output9.npy")
    assert campaign.stale() == {}


def test_a_produced_file_that_vanished_is_produced_again() -> None:
    campaign = eigen()
    campaign.run()
    campaign.tree.remove("output2.npy")
    assert campaign.stale() == {"generate": "missing output output2.npy"}
    assert campaign.run()[0] == "generate"


def test_a_produced_file_that_was_changed_makes_stale_what_takes_it() -> None:
    campaign = eigen()
    campaign.run()
    campaign.tree.touch("output2.npy")
    assert campaign.stale() == {
        "eigen[i=2]": "input changed output2.npy",
        "reduce": "input will be remade eigvals2.npy",
    }


def test_while_it_must_run_again_all_that_takes_its_files_is_unknown() -> None:
    campaign = eigen()
    campaign.run()
    plan = campaign.plan(rules=["generate"])
    assert [table.name(row) for table, row in plan.stale_in_order()] == ["generate"]
    assert plan.unknown() == [("generate", "eigen"), ("generate", "reduce")]


def test_fewer_files_make_inputs_differ() -> None:
    campaign = eigen()
    campaign.run()
    campaign.makes["generate"] = ["output1.npy"]
    assert campaign.run(rules=["generate"]) == ["generate", "eigen[i=1]", "reduce"]
    assert campaign.inputs("reduce") == ["eigvals1.npy"]


def test_a_file_of_the_pattern_may_be_wanted_by_name() -> None:
    campaign = eigen()
    assert campaign.run("eigvals2.npy") == ["generate", "eigen[i=2]"]
    assert campaign.stale("eigvals2.npy") == {}
    assert campaign.stale("eigvals2.npy", rules=["generate"]) == {
        "generate": "forced (-R generate)",
        "eigen[i=2]": "input will be remade output2.npy",
    }


CLOSED = """\
target all: "sum/{p}" for each "in/{p}"

rule split:
    input: "in/{p}"
    produces: "parts/{p}/{i}"
    run: split-it {input}

rule sum:
    input: each "parts/{p}/{i}"
    output: "sum/{p}"
    run: cat {input} > {output}
"""


def test_a_closed_wildcard_tells_the_tasks_apart() -> None:
    campaign = Campaign(CLOSED, ["in/a", "in/b"])
    campaign.makes = {"split[p=a]": ["parts/a/2", "parts/a/1"], "split[p=b]": []}
    assert sorted(campaign.run()) == ["split[p=a]", "split[p=b]", "sum[p=a]", "sum[p=b]"]
    assert campaign.inputs("sum[p=a]") == ["parts/a/1", "parts/a/2"]
    assert campaign.inputs("sum[p=b]") == []
    assert campaign.stale() == {}


def test_without_a_record_what_produces_is_run() -> None:
    campaign = Campaign(CLOSED, ["in/a", "parts/a/1"])
    assert campaign.stale() == {"split[p=a]": "no record"}


def test_names_of_open_wildcards_do_not_matter() -> None:
    campaign = Campaign(
        CLOSED.replace('each "parts/{p}/{i}"', '"parts/{p}/{part}" for each "parts/{p}/{part}"'), ["in/a"]
    )
    campaign.makes = {"split[p=a]": ["parts/a/1"]}
    assert campaign.run() == ["split[p=a]", "sum[p=a]"]


# ---------------------------------------------------------------- values to be waited for

LISTED = """\
let names = lines("names.txt")
target all: "out/{n}" for n in names

rule list:
    output: "names.txt"
    run: list-names > {output}

rule make:
    output: "out/{n}"
    run: touch {output}
"""


def listed(*names: str) -> Campaign:
    campaign = Campaign(LISTED)
    campaign.content = lambda _task, path, _inputs: "\n".join(names) if path == "names.txt" else path
    return campaign


def test_a_file_that_an_expression_reads_is_made_first() -> None:
    campaign = listed("b", "a")
    assert campaign.plan().unknown() == [("list", "all"), ("list", "make")]
    assert campaign.run() == ["list", "make[n=b]", "make[n=a]"]
    assert campaign.stale() == {}


def test_a_file_that_is_read_is_not_an_input() -> None:
    campaign = listed("a")
    campaign.run()
    campaign.content = lambda _task, path, _inputs: "a\nb" if path == "names.txt" else path
    assert campaign.run(rules=["list"]) == ["list", "make[n=b]"]


def test_a_leftover_is_not_read() -> None:
    campaign = listed("a")
    campaign.tree.write("names.txt", "left\nover\n")
    assert names_of(campaign.plan()) == ["list"]


def test_a_value_in_a_command_is_waited_for() -> None:
    wfile = 'target all: "b"\n\nrule a:\n    output: "a"\n    run: measure > {output}\n\nrule b:\n    let v = lines("a")[0]\n    output: "b"\n    run: use {v} > {output}\n'
    campaign = Campaign(wfile)
    assert campaign.stale() == {"a": "missing output a"}
    assert campaign.plan().unknown() == [("a", "b")]
    assert campaign.run() == ["a", "b"]
    campaign.tree.touch("a")
    assert campaign.stale() == {}


def test_what_a_condition_of_first_reads_is_made_before_it_is_tested_and_nothing_later_is() -> None:
    wfile = """\
let last = first(r for r in 1..20 if json("rounds/{r}/state.json").converged, default=20)
target all: "rounds/{last}/model.h5"

rule train:
    let before = int(r) - 1
    input: "rounds/{before}/state.json" if before > 0 else []
    output: "rounds/{r}/model.h5"
    run: train {output}

rule analyse:
    input: "rounds/{r}/model.h5"
    output: "rounds/{r}/state.json"
    run: analyse {input} > {output}
"""
    campaign = Campaign(wfile)
    campaign.content = lambda _task, path, _inputs: '{"converged": ' + ("true" if "/3/" in path else "false") + "}"
    assert campaign.run() == [f"{rule}[r={r}]" for r in (1, 2, 3) for rule in ("train", "analyse")]
    assert campaign.stale() == {}


def test_what_can_be_made_side_by_side_is_waited_for_together() -> None:
    wfile = 'target all: "o/{x}" for x in [lines("a")[0], lines("b")[0]]\n\nrule l:\n    output: "{f}"\n    run: l > {output}\n\nrule o:\n    output: "o/{x}"\n    run: o > {output}\n'
    assert sorted(Campaign(wfile).stale()) == ["l[f=a]", "l[f=b]"]


INCLUDED = """\
include "more.wf"
target all: "x"

rule more:
    output: "more.wf"
    run: write-rules > {output}
"""


def test_an_include_that_a_rule_makes_is_made_before_all_else() -> None:
    campaign = Campaign(INCLUDED)
    campaign.content = lambda _task, path, _inputs: (
        'rule x:\n    output: "x"\n    run: touch x\n' if path == "more.wf" else path
    )
    assert campaign.stale() == {"more": "missing output more.wf"}
    assert campaign.plan().unknown() == [("more", "include more.wf")]
    assert campaign.run() == ["more", "x"]
    assert campaign.stale() == {}


def test_a_leftover_is_not_included() -> None:
    campaign = Campaign(INCLUDED, {"more.wf": "nonsense"})
    assert campaign.stale() == {"more": "no record"}


# ---------------------------------------------------------------- what it costs


def test_a_folder_is_listed_once_and_a_file_looked_at_once() -> None:
    wfile = 'target all: "c"\n\nrule a:\n    input: "in/{i}", "cfg"\n    output: "a/{i}"\n    run: a\n\nrule c:\n    input: "a/{i}" for each "in/{i}"\n    output: "c"\n    run: c\n'
    campaign = Campaign(wfile, [*(f"in/{i}" for i in range(50)), "cfg"])
    campaign.run()
    campaign.tree.stats.clear()
    campaign.tree.listings.clear()
    campaign.stale()
    assert set(campaign.tree.stats.values()) == {1}
    assert campaign.tree.listings == {"in": 1}


def test_sources_that_are_asked_for_by_name_are_looked_at_once() -> None:
    campaign = Campaign('target all: "a"\n', ["a", "b"])
    campaign.stale("a", "b")
    assert campaign.tree.stats == {"a": 1, "b": 1}


def test_a_header_of_many_depfiles_is_looked_at_once() -> None:
    wfile = 'target all: "o/{i}" for i in 1..20\n\nrule cc:\n    output: "o/{i}"\n    depfile: "d/{i}"\n    run: cc\n'
    campaign = Campaign(wfile, ["x.h"])
    campaign.depends = {f"cc[i={i}]": ["x.h"] for i in range(1, 21)}
    campaign.run()
    campaign.tree.stats.clear()
    campaign.stale()
    assert campaign.tree.stats["x.h"] == 1


def test_all_to_all_is_a_sum_and_not_a_product() -> None:
    wfile = 'target all: "b/{j}" for j in 1..100\n\nrule a:\n    output: "a/{i}"\n    run: a\n\nrule b:\n    input: "a/{i}" for i in 1..100\n    output: "b/{j}"\n    run: b\n'
    graph = Campaign(wfile).plan().graph
    assert (len(graph.files), sum(table.count for table in graph.tables)) == (200, 200)
    assert [len(group) for group in graph.groups] == [100]


WAITING = """\
target all: "sum"

rule gen:
    output: "g/{i}"
    run: gen > {output}

rule use:
    let v = lines("g/{i}")[0]
    input: "src/{v}"
    output: "u/{i}"
    run: use {input} > {output}

rule sum:
    input: "u/{i}" for i in 1..30
    output: "sum"
    run: cat {input} > {output}
"""


@pytest.mark.parametrize("backwards", [False, True])
def test_after_one_task_only_what_waited_for_it_is_planned_anew(backwards: bool) -> None:
    campaign = Campaign(WAITING, ["src/a"])
    plan = campaign.plan()
    gen, use = plan.graph.tables[:2]
    resumed: list[str] = []
    resume = plan.graph.resume

    def watched(table: Table, row: int) -> None:
        resumed.append(table.name(row))
        resume(table, row)

    plan.graph.resume = watched  # type: ignore[method-assign]
    for row in reversed(range(gen.count)) if backwards else range(gen.count):
        number = gen.outputs[0][row]
        path = plan.graph.files.paths[number]
        campaign.tree.write(path, "a")
        gen.state[row] = FRESH
        plan.judge.will[number] = 0
        plan.stamps.put(number, campaign.tree._stamp(path))
        waited = find_task(plan, f"use[i={gen.columns[0][row]}]")[1]
        assert plan.advance() == {use.rule.number: [waited]}
    assert len(resumed) == len(set(resumed)) == 30
    assert not plan.has_unknown
