"""What is run again and what is not: changes of commands, inputs and outputs; options about that; early cut-off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command import Command

CHAIN = """
target all: "c"
target more: "c", "d"
rule b:
    input: "a"
    output: "b"
    run: cp {input} {output}
rule c:
    input: "b"
    output: "c"
    run: cp {input} {output}
rule d:
    input: "b"
    output: "d"
    run: cp {input} {output}
"""


def chain(command: Command, *arguments: str, target: str = "more") -> None:
    command.wfile(CHAIN)
    command.sources("a")
    assert command.ok(target, *arguments).done == ["b", "c", "d"]


def test_a_change_goes_down_the_chain(command: Command) -> None:
    chain(command)
    command.write("a", "new\n")
    assert command.ok("more").done == ["b", "c", "d"]
    assert command.text("d") == "new\n"


# ---------------------------------------------------------------- early cut-off

KEEP = """
target all: "c", "d"
rule b:
    input: "a"
    output: "b"
    run: grep -o '[0-9]*' {input} > new || true; cmp -s new {output} || mv new {output}
rule c:
    input: "b"
    output: "c"
    run: cp {input} {output}
rule d:
    input: "c"
    output: "d"
    run: cp {input} {output}
"""


def test_an_output_that_is_left_untouched_makes_nothing_stale(command: Command) -> None:
    command.wfile(KEEP)
    command.write("a", "1 one\n")
    command.ok()
    command.write("a", "1 eins\n")
    assert command.stale() == {"b": "input changed", "c": "input will be remade", "d": "input will be remade"}
    result = command.ok()
    assert result.done == ["b"]
    assert [row["task"] for row in result.kind("fresh")] == ["c", "d"]
    assert result.summary["fresh"] == 2
    assert command.stale() == {}
    command.write("a", "2 two\n")
    assert command.ok().done == ["b", "c", "d"]


def test_the_same_content_does_too_with_check_content(command: Command) -> None:
    chain(command, "--check", "content")
    command.touch("a")
    assert command.stale("more", "--check", "content") == {}
    command.wfile(CHAIN.replace('"b"\n    run: cp', '"b"\n    run: cp -p'))
    assert command.ok("more", "--check", "content").done == ["b"]


def test_each_is_judged_by_its_own_record(command: Command) -> None:
    """`c` has taken the new `b` already, `d` has not."""
    chain(command)
    command.write("a", "new\n")
    assert command.ok("c").done == ["b", "c"]
    assert command.stale("more") == {"d": "input changed"}


def test_a_long_chain_is_cut_off(command: Command) -> None:
    command.wfile("""
        target all: "x40"
        rule x:
            let before = int(n) - 1
            input: "x{before}" if before > 0 else "start"
            output: "x{n}"
            run: cp {input} {output}
        rule start:
            input: "a"
            output: "start"
            run: test -e start || touch start
    """)
    command.sources("a")
    command.ok()
    command.touch("a")
    assert command.ok().done == ["start"]


# ---------------------------------------------------------------- what is compared


@pytest.mark.parametrize(
    ("before", "after", "stale"),
    [
        ("run: cp a b", "run: cp  a b", True),
        ("run: cp a b", "run: cp a b\n    post: true", True),
        ("run: cp a b", "run: cp a b\n    env: X = 1", True),
        ("run: cp a b", "run sh:\n        cp a b", True),
        ("run: cp a b", "run: cp a b\n    cores: 2", False),
        ("run: cp a b", "run: cp a b\n    memory: 1MiB\n    time: 1h\n    retries: 2\n    priority: 3", False),
        ("run: cp a b # {cores}", "run: cp a b # {cores}\n    cores: 2", False),
        ("run: cp a b\ndefaults:\n    setup: true", "run: cp a b\ndefaults:\n    setup: true 1", True),
        (
            "run: cp a b\ndefaults on local:\n    setup: true",
            "run: cp a b\ndefaults on local:\n    setup: true 1",
            False,
        ),
        ("run: cp a b\ndefaults on local:\n    env: X = 1", "run: cp a b\ndefaults on local:\n    env: X = 2", False),
        ("run: cp a b\ndefaults:\n    env: X = 1", "run: cp a b\ndefaults:\n    env: X = 2", True),
        ("let n = 1\n    run: cp a b # {n}", "let n = 2\n    run: cp a b # {n}", True),
        ("let n = 1\n    run: cp a b", "let n = 2\n    run: cp a b", False),
    ],
)
def test_the_command_is_compared_its_shape_is_not(command: Command, before: str, after: str, stale: bool) -> None:
    text = 'target all: "b"\nrule b:\n    input: "a"\n    output: "b"\n    '
    command.sources("a")
    command.wfile(text + before + "\n")
    command.ok()
    command.wfile(text + after + "\n")
    assert command.stale() == ({"b": "command changed"} if stale else {})


def test_the_set_and_the_order_of_inputs_count(command: Command) -> None:
    command.wfile('rule x:\n    input: "a", "b"\n    output: "x"\n    run: touch x\n')
    command.sources("a", "b", "c")
    command.ok()
    command.wfile('rule x:\n    input: "b", "a"\n    output: "x"\n    run: touch x\n')
    assert command.stale() == {"x": "inputs differ"}
    command.wfile('rule x:\n    input: "a", "b", "c"\n    output: "x"\n    run: touch x\n')
    assert command.stale() == {"x": "inputs differ"}


def test_a_params_value_counts_where_it_is_used(command: Command) -> None:
    command.wfile("""
        param size = 3
        target all: "x", "y"
        rule x:
            output: "x"
            run: echo {size} > x
        rule y:
            output: "y"
            run: echo y > y
    """)
    command.ok()
    assert command.ok("-D", "size=4").done == ["x"]
    assert command.text("x") == "4\n"


# ---------------------------------------------------------------- reasons


def test_reasons(command: Command) -> None:
    chain(command)
    assert command.stale("more", "-B") == dict.fromkeys("bcd", "forced")
    command.remove("d")
    command.wfile(CHAIN.replace("cp {input} {output}\nrule d", "cp -p {input} {output}\nrule d"))
    assert command.stale("more") == {"c": "command changed", "d": "missing output"}
    command.touch("a")
    assert command.stale("more") == {"b": "input changed", "c": "command changed", "d": "missing output"}


def test_a_file_changed_while_the_task_ran_makes_it_stale(command: Command) -> None:
    command.wfile("""
        rule x:
            input: "a"
            output: "x"
            run: cp a x; echo more >> a
    """)
    command.sources("a")
    command.ok()
    assert command.stale() == {"x": "input changed"}


def test_without_any_journal_makes_rule_is_used_once(command: Command) -> None:
    chain(command)
    import shutil

    shutil.rmtree(command.root / ".hpcmake")
    assert command.stale("more") == {}
    assert command.ok("more").ran == []
    command.wfile(CHAIN.replace("cp", "cp -p"))
    assert command.stale("more") == dict.fromkeys("bcd", "command changed")


# ---------------------------------------------------------------- options


def test_r_runs_a_rule_again(command: Command) -> None:
    chain(command)
    result = command.ok("more", "-R", "c")
    assert result.done == ["c"]
    assert result.reasons == {"c": "forced"}


def test_w_takes_a_file_as_changed_and_does_not_make_it(command: Command) -> None:
    chain(command)
    assert command.stale("more", "-W", "b") == {"c": "input changed", "d": "input changed"}
    assert command.ok("more", "-W", "b").done == ["c", "d"]
    assert command.stale("more") == {}


def test_o_takes_a_file_as_unchanged_and_does_not_make_it(command: Command) -> None:
    chain(command)
    command.touch("a")
    assert command.stale("more", "-o", "a") == {}
    assert command.stale("more", "-o", "b") == {}
    assert command.ok("more", "-o", "b").ran == []


def test_q_says_nothing(command: Command) -> None:
    command.wfile(CHAIN)
    command.sources("a")
    result = command.say("-q")
    assert (result.status, result.out, result.err) == (1, "", "")
    command.ok()
    result = command.say("-q")
    assert (result.status, result.out, result.err) == (0, "", "")
    assert command.say("-q", "d").status == 1


def test_q_says_no_to_a_file_that_was_not_produced(command: Command) -> None:
    command.wfile("""
        target all: "part1"
        rule split:
            produces: "part{i}"
            run: touch part1 part2
        """)
    command.ok()
    assert command.say("-q").status == 0
    assert command.say("-q", "part2").status == 0
    assert command.say("-q", "part3").status == 1
    assert command.say("part3").status == 1


def test_until_stops_there(command: Command) -> None:
    command.wfile(CHAIN)
    command.sources("a")
    assert command.ok("--until", "b").done == ["b"]


def test_omit_leaves_out_a_rule_with_what_needs_it(command: Command) -> None:
    command.wfile(CHAIN)
    command.sources("a")
    assert command.ok("more", "--omit", "c").done == ["b", "d"]
    assert command.ok("more", "--omit", "b").done == []


def test_t_records_what_is_there(command: Command) -> None:
    command.wfile(CHAIN)
    command.sources("a", "b", "c", "d")
    command.ok("more")
    command.write("a", "new\n")
    result = command.say("-t", "more")
    assert result.status == 0
    assert command.stale("more") == {}
    assert command.text("b") == "b\n"
    assert command.stale("more", "-R", "b") != {}


def test_t_lists_what_is_missing(command: Command) -> None:
    chain(command)
    command.remove("b")
    command.write("a", "new\n")
    result = command.say("-t", "more")
    assert result.status == 1
    assert "missing: b" in result.err
    assert "b" in command.stale("more")


def test_t_takes_what_matches_produces(command: Command) -> None:
    command.wfile("""
        target all: "all"
        rule parts:
            produces: "p{i}"
            run: touch p1 p2 p3
        rule all:
            input: each "p{i}"
            output: "all"
            run: cat {input} > {output}
    """)
    command.sources("p1", "p2", "all")
    assert command.say("-t").status == 0
    assert command.stale() == {}
    assert command.say("-q").status == 0
    command.write("p1", "changed\n")
    assert command.stale() == {"all": "input changed"}


def test_t_takes_what_a_depfile_names(command: Command) -> None:
    command.wfile("""
        rule x:
            input: "x.c"
            output: "x"
            depfile: "x.d"
            run: cp x.c x; echo "x: x.c x.h" > x.d
    """)
    command.sources("x.c", "x.h")
    command.ok()
    command.write("x.c", "new\n")
    assert command.say("-t").status == 0
    assert command.stale() == {}
    command.touch("x.h")
    assert command.stale() == {"x": "input changed"}


def test_a_dry_run_changes_nothing(command: Command) -> None:
    command.wfile(CHAIN)
    command.sources("a")
    command.plan("more")
    assert sorted(command.files()) == ["Wfile", "a"]
    assert not command.exists(".hpcmake")


def test_a_dry_run_tells_tasks_in_an_order_in_which_they_could_run(command: Command) -> None:
    command.wfile(CHAIN)
    command.sources("a")
    rows = command.plan("more").rows
    assert rows[0] == {
        "kind": "task",
        "task": "b",
        "rule": "b",
        "wildcards": {},
        "inputs": ["a"],
        "outputs": ["b"],
        "reason": {"kind": "missing output", "file": "b"},
    }
    assert rows[-1]["kind"] == "summary"
    assert (rows[-1]["stale"], rows[-1]["fresh"], rows[-1]["unknown"]) == (3, 0, 0)


def test_verbose_shows_commands(command: Command) -> None:
    command.wfile(CHAIN)
    command.sources("a")
    assert "cp a b" in command.say("-v", "b").err


def test_quiet_says_errors_only(command: Command) -> None:
    command.wfile(CHAIN)
    result = command.say("--quiet")
    assert result.status == 2
    assert "a" in result.err
    command.sources("a")
    result = command.say("--quiet")
    assert (result.status, result.out, result.err) == (0, "", "")


def test_a_trace_says_what_ran(command: Command) -> None:
    import json

    command.wfile(CHAIN)
    command.sources("a")
    command.ok("--trace", "out/trace.json")
    events = json.loads(command.text("out/trace.json"))
    events = events["traceEvents"] if isinstance(events, dict) else events
    assert {"b", "c"} <= {event["name"] for event in events}


def test_another_folder_and_another_wfile(command: Command) -> None:
    command.write("campaign/other.wf", CHAIN)
    command.write("campaign/a", "a\n")
    command.ok("-C", "campaign", "-f", "other.wf")
    assert command.text("campaign/c") == "a\n"
    assert command.exists("campaign/.hpcmake")
