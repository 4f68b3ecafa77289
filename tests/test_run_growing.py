"""Plans that grow while they run: produces, values that must be waited for, first, includes that rules make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command import Command

# ---------------------------------------------------------------- produces

MATRICES = """
target all: "results"
rule generate:
    input: "count"
    produces: "out{i}.npy"
    run: for i in $(seq $(cat count)); do echo $i > out$i.npy; done
rule eigen:
    input: "out{i}.npy"
    output: "eig{i}.npy"
    run: cp {input} {output}
rule reduce:
    input: "eig{i}.npy" for each "out{i}.npy"
    output: "results"
    run: cat {input} > {output}
"""


def test_what_is_produced_is_known_only_then(command: Command) -> None:
    command.wfile(MATRICES)
    command.write("count", "3")
    plan = command.plan()
    assert plan.reasons == {"generate": "no record"}
    assert {(row["after"], row["rule"]) for row in plan.kind("unknown")} == {
        ("generate", "eigen"),
        ("generate", "reduce"),
    }
    assert command.say("-q").status == 1
    result = command.ok()
    assert result.done == ["eigen[i=1]", "eigen[i=2]", "eigen[i=3]", "generate", "reduce"]
    assert command.text("results") == "1\n2\n3\n"
    assert command.stale() == {}
    assert command.say("-q").status == 0


def test_leftovers_are_not_taken_for_what_is_produced(command: Command) -> None:
    command.wfile(MATRICES)
    command.write("count", "2")
    command.write("out7.npy", "left over\n")
    command.ok()
    assert command.text("results") == "1\n2\n"
    assert command.text(".hpcmake/aside/out7.npy") == "left over\n"


def test_when_less_is_produced_what_was_made_of_it_is_removed_and_told(command: Command) -> None:
    command.wfile(MATRICES)
    command.write("count", "4")
    command.ok()
    command.write("count", "2")
    result = command.ok()
    assert result.removed == ["eig3.npy", "eig4.npy"]
    assert command.text("results") == "1\n2\n"
    assert not command.exists("out3.npy")
    assert command.exists("eig2.npy")
    assert command.ok().ran == []
    command.write("count", "3")
    assert "eigen[i=3]" in command.ok().done


def test_orphans_stay_until_a_run_has_succeeded(command: Command) -> None:
    command.wfile(MATRICES)
    command.write("count", "4")
    command.ok()
    command.write("count", "2")
    command.wfile(MATRICES.replace("cat {input} > {output}", "false"))
    assert command.run().status == 1
    assert command.exists("eig4.npy")
    command.wfile(MATRICES)
    assert command.ok().removed == ["eig3.npy", "eig4.npy"]


def test_without_its_record_the_task_is_run_though_its_files_are_there(command: Command) -> None:
    command.wfile(MATRICES)
    command.sources("out1.npy", "eig1.npy", "results")
    command.write("count", "1")
    assert "generate" in command.ok().done


def test_a_produced_file_that_vanished_is_produced_again(command: Command) -> None:
    command.wfile(MATRICES)
    command.write("count", "2")
    command.ok()
    command.remove("out1.npy")
    result = command.ok()
    assert "generate" in result.ran
    assert command.text("results") == "1\n2\n"


def test_a_produced_file_that_is_the_same_again_makes_nothing_stale_with_check_content(command: Command) -> None:
    command.wfile(MATRICES)
    command.write("count", "2")
    command.ok("--check", "content")
    command.touch("count")
    command.write("count", "2\n")
    assert command.ok("--check", "content").done == ["generate"]


def test_a_file_of_the_pattern_may_be_wanted_by_name(command: Command) -> None:
    command.wfile(MATRICES)
    command.write("count", "3")
    assert command.ok("eig2.npy").done == ["eigen[i=2]", "generate"]


@pytest.mark.parametrize("wanted", ["out9.npy", "eig9.npy"])
def test_if_it_is_not_produced_that_is_an_error(command: Command, wanted: str) -> None:
    command.wfile(MATRICES)
    command.write("count", "3")
    for _ in range(2):
        result = command.run(wanted)
        assert result.status == 1
        assert "out9.npy was asked for, and generate has not produced it" in result.notes
        assert "eigen[i=9]" not in result.ran


def test_a_group_may_hold_files_that_are_not_produced(command: Command) -> None:
    command.wfile("""
        target all: "sum"
        rule generate:
            produces: "p{i}"
            run: touch p1
        rule sum:
            input: ["p1", "p2"]
            output: "sum"
            run: cat {input} > {output}
    """)
    result = command.run()
    assert result.status == 1
    assert "p2 was asked for" in result.notes
    assert "sum" not in result.ran


SAMPLES = """
target all: "all.txt"
rule split:
    input: "in/{s}"
    produces: "parts/{s}/{i}.part"
    run: for i in $(cat {input}); do echo {s}$i > parts/{s}/$i.part; done
rule work:
    input: "parts/{s}/{i}.part"
    output: "done/{s}/{i}"
    run: cp {input} {output}
rule merge:
    input: "done/{s}/{i}" for each "parts/{s}/{i}.part"
    output: "merged/{s}"
    run: cat {input} > {output}
rule all:
    input: "merged/{s}" for each "in/{s}"
    output: "all.txt"
    run: cat {input} > {output}
"""


def test_a_closed_wildcard_identifies_the_task(command: Command) -> None:
    command.wfile(SAMPLES)
    command.write("in/x", "1 2")
    command.write("in/y", "1 7")
    result = command.ok()
    assert command.text("all.txt") == "x1\nx2\ny1\ny7\n"
    assert "split[s=x]" in result.done
    command.write("in/y", "7")
    result = command.ok()
    assert "split[s=x]" not in result.ran
    assert result.removed == ["done/y/1"]
    assert command.text("all.txt") == "x1\nx2\ny7\n"
    assert command.ok().ran == []


def test_tasks_that_produce_into_one_folder_are_told_apart(command: Command) -> None:
    command.wfile(
        SAMPLES.replace("parts/{s}/{i}.part", "parts/{s}-{i}.part").replace("parts/{s}/$i.part", "parts/{s}-$i.part")
    )
    command.write("in/x", "1 2")
    command.write("in/y", "1 7")
    command.ok()
    assert command.text("all.txt") == "x1\nx2\ny1\ny7\n"


def test_a_rule_may_produce_nothing(command: Command) -> None:
    command.wfile(MATRICES)
    command.write("count", "0")
    command.ok()
    assert command.text("results") == ""
    assert command.ok().ran == []


def test_what_another_rule_makes_is_not_produced_though_it_matches(command: Command) -> None:
    command.wfile("""
        target all: "list", "part-list"
        rule other:
            output: "part-list"
            run: echo other > {output}
        rule generate:
            input: "part-list"
            produces: "part-{i}"
            run: touch part-1 part-2
        rule list:
            input: each "part-{i}"
            output: "list"
            run: echo {input} > {output}
    """)
    command.ok(jobs=1)
    assert command.text("list") == "part-1 part-2\n"
    assert command.text("part-list") == "other\n"
    assert command.ok().ran == []


def test_folders_may_be_produced(command: Command) -> None:
    command.wfile("""
        target all: "list"
        rule generate:
            produces: "run{i}/"
            run: mkdir run1 run2; touch run1/x; touch run-file
        rule list:
            input: each "run{i}/"
            output: "list"
            run: echo {input} > {output}
    """)
    command.ok()
    assert command.text("list") == "run1/ run2/\n"
    command.write("run2/more")
    assert command.stale() == {"list": "input changed"}


def test_produced_files_of_a_failed_attempt_are_moved_aside(command: Command) -> None:
    command.wfile("""
        rule generate:
            produces: "p{i}"
            run: touch p1; false
    """)
    result = command.run()
    assert result.status == 1
    assert result.failed[0]["rerun"] == "hpcmake"
    assert not command.exists("p1")
    assert command.exists(".hpcmake/aside/p1")


def test_b_makes_all_once_with_what_becomes_known(command: Command) -> None:
    command.wfile(MATRICES)
    command.write("count", "2")
    command.ok()
    result = command.ok("-B")
    assert sorted(result.ran) == ["eigen[i=1]", "eigen[i=2]", "generate", "reduce"]
    assert command.ok().ran == []


# ---------------------------------------------------------------- values that must be waited for

TABLE = """
target all: "m/{row.name}" for row in table("list.csv")
rule list:
    input: "names"
    output: "list.csv"
    run: { echo name,size; cat names; } > {output}
rule make:
    let size = table("list.csv", key="name")[n].size
    output: "m/{n}"
    run: echo {n} {size} > {output}
"""


def test_a_file_that_an_expression_reads_is_made_first(command: Command) -> None:
    command.wfile(TABLE)
    command.write("names", "a,1\nb,2\n")
    plan = command.plan()
    assert plan.reasons == {"list": "missing output"}
    assert plan.summary["unknown"] > 0
    assert command.ok().done == ["list", "make[n=a]", "make[n=b]"]
    assert command.text("m/b") == "b 2\n"
    assert command.ok().ran == []


def test_only_what_its_value_changes_is_stale(command: Command) -> None:
    command.wfile(TABLE)
    command.write("names", "a,1\nb,2\n")
    command.ok()
    command.write("names", "a,1\nc,3\nb,5\n")
    assert command.ok().done == ["list", "make[n=b]", "make[n=c]"]
    assert command.text("m/b") == "b 5\n"


def test_a_dry_run_after_a_change_says_what_will_tell(command: Command) -> None:
    command.wfile(TABLE)
    command.write("names", "a,1\n")
    command.ok()
    command.touch("names")
    assert command.stale() == {"list": "input changed"}
    assert command.say("-q").status == 1
    assert command.ok().done == ["list"]


def test_values_in_resources_and_env_are_waited_for(command: Command) -> None:
    command.wfile("""
        target all: "x"
        rule many:
            output: "many"
            run: echo 2 > {output}
        rule x:
            output: "x"
            cores: int(lines("many")[0])
            env: WORD = lines("many")[0]
            run: echo {cores} $WORD > {output}
    """)
    command.ok()
    assert command.text("x") == "2 2\n"


# ---------------------------------------------------------------- first

ROUNDS = """
param enough = 3
let last = first(r for r in 1..9 if json("r{r}.json").ok, default=9)
target all: "r{last}.model"
rule model:
    let before = int(r) - 1
    input: "r{before}.json" if before > 0 else "start"
    output: "r{r}.model"
    run: echo model {r} >> seen; touch {output}
rule judge:
    input: "r{r}.model"
    output: "r{r}.json"
    run:
        if test {r} -ge {enough}; then ok=true; else ok=false; fi
        echo "{\\"ok\\": $ok}" > {output}
"""


def test_rounds_go_on_until_the_condition_holds_and_nothing_later_is_made(command: Command) -> None:
    command.wfile(ROUNDS)
    command.sources("start")
    command.ok()
    assert command.lines("seen") == ["model 1", "model 2", "model 3"]
    assert not command.exists("r4.model")
    assert command.ok().ran == []


def test_rounds_that_never_end_well_take_the_default(command: Command) -> None:
    command.wfile(ROUNDS)
    command.sources("start")
    command.ok("-D", "enough=20")
    assert command.lines("seen") == [f"model {n}" for n in range(1, 10)]


def test_none_and_no_default_is_an_error(command: Command) -> None:
    command.wfile(ROUNDS.replace(", default=9", ""))
    command.sources("start")
    result = command.run("-D", "enough=20")
    assert result.status == 2
    assert "first" in result.notes + result.err + result.out


# ---------------------------------------------------------------- includes that rules make

INCLUDED = """
include "more.wf"
target all: "a", "b"
rule a:
    output: "a"
    run: touch a
rule write:
    input: "names"
    output: "more.wf"
    run:
        for name in $(cat names); do
            printf 'rule %s:\\n    output: "%s"\\n    run: echo %s > {{output}}\\n' $name $name $name
        done > {output}
"""


def test_an_include_that_a_rule_makes_is_made_before_all_else(command: Command) -> None:
    command.wfile(INCLUDED)
    command.write("names", "b")
    result = command.ok()
    assert result.ran[0] == "write"
    assert result.done == ["a", "b", "write"]
    assert result.summary["done"] == 3
    assert command.ok().ran == []
    assert command.say("-q").status == 0


def test_it_is_made_again_when_its_inputs_change(command: Command) -> None:
    command.wfile(INCLUDED.replace('"a", "b"', '"a", "b", "c"'))
    command.write("names", "b c")
    command.ok()
    command.write("names", "b c d")
    assert command.ok().done == ["write"]
    assert command.ok("d").done == ["d"]


def test_a_failure_to_make_it_ends_the_run(command: Command) -> None:
    command.wfile(INCLUDED)
    command.write("names", "b")
    command.wfile(INCLUDED.replace("done > {output}", "done > {output}; false"))
    result = command.run()
    assert result.status == 1
    assert result.ran == ["write"]
