"""What follows from a failure: what still runs, what is kept, what is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command import Command


# ---------------------------------------------------------------- what still runs


def test_without_k_nothing_more_is_started(command: Command) -> None:
    command.wfile("""
        target all: "bad", ["good{n}" for n in 1..20]
        rule bad:
            output: "bad"
            priority: 1
            run: false
        rule good:
            output: "good{n}"
            run: touch {output}
    """)
    result = command.run(jobs=1)
    assert result.status == 1
    assert result.ran == ["bad"]
    assert result.summary["left"] == 20
    assert not command.exists("good1")


def test_without_k_nothing_is_begun_that_was_handed_out_ahead(command: Command) -> None:
    command.wfile("""
        target all: ["x{n}" for n in 1..50]
        rule x:
            output: "x{n}"
            run: test {n} != 20 && touch {output}
    """)
    result = command.run(jobs=1)
    assert result.status == 1
    assert len(result.ran) == 20
    assert len(result.done) == 19
    assert command.run("-k", jobs=1).summary["done"] == 30


@pytest.mark.parametrize("what", ["false", "true"])
def test_a_missing_output_starts_nothing_more_either(command: Command, what: str) -> None:
    command.wfile(f"""
        target all: ["x{{n}}" for n in 1..30]
        rule x:
            output: "x{{n}}"
            run: test {{n}} = 3 && {what} || touch {{output}}
    """)
    result = command.run(jobs=1)
    assert len(result.ran) == (3 if what == "true" else 30)


def test_without_k_what_runs_is_finished_with_its_retries(command: Command) -> None:
    command.fifo("failed")
    command.fifo("go")
    command.wfile("""
        target all: "bad", "slow", ["later{n}" for n in 1..5]
        rule bad:
            output: "bad"
            priority: 2
            run: read line < go; false
        rule slow:
            output: "slow"
            priority: 1
            retries: 2
            run:
                test {attempt} != 1 || echo go > go
                test {attempt} != 1 || read line < failed
                test {attempt} = 3
                touch {output}
        rule later:
            output: "later{n}"
            run: touch {output}
    """)
    running = command.start(jobs=2)
    running.until("failed", task="bad")
    (command.root / "failed").write_text("go\n")
    result = running.end()
    assert result.status == 1
    assert result.done == ["slow"]
    assert [row["task"] for row in result.failed] == ["bad", "slow", "slow"]


def test_with_k_all_that_does_not_depend_on_it_runs(command: Command) -> None:
    command.wfile("""
        target all: "c1", "c2", "c3"
        rule b:
            input: "a{n}"
            output: "b{n}"
            run: test {n} != 2 && cp {input} {output}
        rule c:
            input: "b{n}"
            output: "c{n}"
            run: cp {input} {output}
    """)
    command.sources("a1", "a2", "a3")
    result = command.run("-k", jobs=1)
    assert result.status == 1
    assert result.done == ["b[n=1]", "b[n=3]", "c[n=1]", "c[n=3]"]
    assert result.summary["failed"] == 1
    assert result.summary["left"] == 1
    assert command.stale() == {"b[n=2]": "failed before", "c[n=2]": "missing output"} or command.stale() == {
        "b[n=2]": "missing output",
        "c[n=2]": "missing output",
    }


# ---------------------------------------------------------------- what is kept


def test_outputs_of_a_failed_attempt_are_moved_aside(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "d/x", "d/y"
            run: echo half > d/x; false
    """)
    assert command.run().status == 1
    assert not command.exists("d/x")
    assert command.text(".hpcmake/aside/d/x") == "half\n"


def test_outputs_of_an_earlier_success_stay_where_an_attempt_has_not_touched_them(command: Command) -> None:
    command.wfile("""
        param fail = false
        rule x:
            output: "x", "y"
            run:
                echo {fail} > x
                test {fail} = false
                echo {fail} > y
    """)
    command.ok()
    assert command.run("-D", "fail=true").status == 1
    assert not command.exists("x")
    assert command.text("y") == "false\n"
    assert command.stale()["x"] in {"missing output", "failed before"}
    command.ok()
    assert command.text("x") == "false\n"


def test_a_failure_leaves_what_was_there_stale(command: Command) -> None:
    command.wfile("""
        rule x:
            input: "a"
            output: "x"
            run: grep -q good a; cp a x
    """)
    command.write("a", "good\n")
    command.ok()
    command.write("a", "evil\n")
    assert command.run().status == 1
    assert command.text("x") == "good\n"
    assert command.stale() == {"x": "failed before"}
    command.write("a", "good again\n")
    command.ok()
    assert command.text("x") == "good again\n"


def test_an_output_that_is_missing_after_a_success_is_a_failure(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x", "y"
            retries: 1
            run: touch x; test {attempt} = 1 || touch y
    """)
    result = command.ok()
    assert [row["why"] for row in result.failed] == ["missing output"]
    assert result.failed[0]["words"] == "the command succeeded, but y is not there"
    assert command.text(".hpcmake/aside/x") == ""


def test_an_output_may_take_as_long_as_the_latency(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            run: true
    """)
    running = command.start("--latency", "60s")
    running.until("began")
    command.write("x", "late\n")
    result = running.end()
    assert result.status == 0
    assert result.done == ["x"]


def test_and_then_it_is_missing(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            run: true
    """)
    result = command.run("--latency", "1s")
    assert result.failed[0]["words"] == "the command succeeded, but x is not there, and did not appear within 1s"


# ---------------------------------------------------------------- what is told


def test_the_end_of_the_output_and_the_command_to_rerun_are_shown(command: Command) -> None:
    command.wfile("""
        param size = 3
        rule x:
            output: "out put/{n}"
            run:
                for i in {1..100}; do echo line $i; done
                echo to stderr >&2
                exit 7
    """)
    result = command.say("-D", "size=4", "out put/1")
    assert result.status == 1
    assert "x[n=1]" in result.err
    assert "exit 7" in result.err
    assert "line 100" in result.err
    assert "to stderr" in result.err
    assert "line 1\n" not in result.err
    assert "hpcmake -D size=4 'out put/1'" in result.err


def test_the_output_of_a_task_is_kept(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            run: echo said; touch x
    """)
    command.ok()
    assert command.real("log", "x").out.splitlines()[-1] == "said"


# ---------------------------------------------------------------- maybe


DOCK = """
target all: "summary"
rule dock:
    input: "ligands/{c}"
    output: "docked/{c}"
    retries: 1
    run: grep -q good {input} && cp {input} {output}
rule summary:
    input: maybe "docked/{c}" for each "ligands/{c}"
    output: "summary"
    run: echo {input} > {output}
"""


def ligands(command: Command, **contents: str) -> None:
    for name, text in contents.items():
        command.write(f"ligands/{name}", text + "\n")


def test_what_is_wanted_as_maybe_only_is_given_up(command: Command) -> None:
    command.wfile(DOCK)
    ligands(command, a="good", b="bad", c="good")
    result = command.ok()
    assert command.text("summary") == "docked/a docked/c\n"
    assert [row["task"] for row in result.failed] == ["dock[c=b]", "dock[c=b]"]
    assert [row["task"] for row in result.kind("gave up")] == ["dock[c=b]"]
    assert result.summary["given_up"] == 1


def test_what_is_given_up_is_not_tried_again_and_still_counted(command: Command) -> None:
    command.wfile(DOCK)
    ligands(command, a="good", b="bad")
    command.ok()
    result = command.ok()
    assert result.ran == []
    assert result.summary["given_up"] == 1
    assert result.summary["nothing_to_do"]
    assert command.say("-q").status == 0


def test_it_is_tried_when_its_input_has_changed_and_its_success_makes_consumers_stale(command: Command) -> None:
    command.wfile(DOCK)
    ligands(command, a="good", b="bad")
    command.ok()
    ligands(command, b="good")
    result = command.ok()
    assert result.done == ["dock[c=b]", "summary"]
    assert result.reasons["summary"] in {"inputs differ", "input will be remade"}
    assert command.text("summary") == "docked/a docked/b\n"


def test_what_fails_again_changes_nothing_for_who_did_without_it(command: Command) -> None:
    command.wfile(DOCK)
    ligands(command, a="good", b="bad")
    command.ok()
    assert command.say("docked/b").status == 1
    assert command.stale() == {}
    result = command.ok("-R", "dock")
    assert [row["task"] for row in result.failed] == ["dock[c=b]", "dock[c=b]"]
    assert "summary" not in result.ran or result.done == ["dock[c=a]", "summary"]


def test_it_is_tried_when_its_command_has_changed(command: Command) -> None:
    command.wfile(DOCK)
    ligands(command, a="good", b="bad")
    command.ok()
    command.wfile(DOCK.replace("grep -q good", "grep -q ."))
    assert "dock[c=b]" in command.ok().done


def test_it_is_tried_with_r(command: Command) -> None:
    command.wfile(DOCK)
    ligands(command, a="good", b="bad")
    command.ok()
    assert "dock[c=b]" in command.ok("-R", "dock").ran
    assert command.text("summary") == "docked/a\n"


def test_it_is_tried_when_wanted_otherwise_and_then_it_is_a_failure(command: Command) -> None:
    command.wfile(DOCK)
    ligands(command, a="good", b="bad")
    command.ok()
    result = command.run("docked/b")
    assert result.status == 1
    assert result.ran == ["dock[c=b]", "dock[c=b]"]
    assert command.ok().ran == []  # that was for good too


def test_what_needs_what_failed_is_given_up_with_it(command: Command) -> None:
    command.wfile("""
        target all: "summary"
        rule prepare:
            input: "in/{n}"
            output: "ready/{n}"
            run: grep -q good {input} && cp {input} {output}
        rule dock:
            input: "ready/{n}"
            output: "docked/{n}"
            run: cp {input} {output}
        rule summary:
            input: maybe "docked/{n}" for each "in/{n}"
            output: "summary"
            run: echo {input} > {output}
    """)
    command.write("in/1", "good")
    command.write("in/2", "bad")
    result = command.ok(jobs=1)
    assert command.text("summary") == "docked/1\n"
    assert result.summary["given_up"] == 2
    assert command.ok().ran == []
    command.write("in/2", "good")
    assert command.ok().done == ["dock[n=2]", "prepare[n=2]", "summary"]


def test_a_consumer_of_nothing_but_what_is_given_up_still_runs(command: Command) -> None:
    command.wfile("""
        target all: "summary"
        rule dock:
            output: "docked"
            run: false
        rule summary:
            input: maybe "docked"
            output: "summary"
            run: echo "[{input}]" > {output}
    """)
    command.ok()
    assert command.text("summary") == "[]\n"
    assert command.ok().ran == []


def test_a_failure_that_is_not_maybe_stops_the_run_as_ever(command: Command) -> None:
    command.wfile("""
        target all: "summary", "docked"
        rule dock:
            output: "docked"
            run: false
        rule summary:
            input: maybe "docked"
            output: "summary"
            run: touch {output}
    """)
    assert command.run().status == 1
    assert not command.exists("summary")
