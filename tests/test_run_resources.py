"""What runs at once and what first: cores, memory, gpus, limits, priorities, time, retries."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from command import is_gone

if TYPE_CHECKING:
    from command import Command, Result


def written(command: Command) -> list[str]:
    """The lines of the file `order`, in which tasks say that they have begun."""
    return command.lines("order")


def at_most_at_once(result: Result) -> int:
    """How many attempts of a run were begun and not ended, at most; by what was told in order."""
    running = most = 0
    for row in result.rows:
        running += {"began": 1, "done": -1, "failed": -1, "cut": -1}.get(row["kind"], 0)
        most = max(most, running)
    return most


def test_as_many_run_as_cores_allow(command: Command) -> None:
    command.fifo("to_a")
    command.fifo("to_b")
    command.wfile("""
        target all: "a", "b"
        rule x:
            output: "{n}"
            run:
                test {n} != a || { echo a > to_b; read line < to_a; }
                test {n} != b || { read line < to_b; echo b > to_a; }
                touch {output}
    """)
    command.ok(jobs=2)


@pytest.mark.parametrize("takes", ["cores: 2", "memory: more than a half", "gpus: 2"])
def test_what_does_not_fit_beside_another_waits(command: Command, takes: str) -> None:
    if takes.startswith("memory"):
        half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        takes = f"memory: {half // 2**20 + 1}MiB"
    command.wfile(f"""
        target all: "{{n}}" for n in 1..6
        rule x:
            output: "{{n}}"
            {takes}
            run: mkdir busy && rmdir busy && touch {{output}}
    """)
    assert at_most_at_once(command.ok(jobs=2, env={"CUDA_VISIBLE_DEVICES": "0,1"})) == 1


def test_tasks_that_fit_run_beside_many_that_do_not(command: Command) -> None:
    """Sixty tasks want the one gpu; the one that wants none goes beside the first of them."""
    command.fifo("go")
    command.wfile("""
        target all: "g{n}" for n in 1..60
        target more: "free"
        target both: all, more
        rule gpu:
            output: "g{n}"
            gpus: 1
            run:
                test {n} != 1 || read line < go
                touch {output}
        rule free:
            output: "free"
            run:
                echo go > go
                touch {output}
    """)
    command.ok("both", jobs=2, env={"CUDA_VISIBLE_DEVICES": "0"})


def test_more_cores_than_there_are_run_alone_and_are_told(command: Command) -> None:
    command.wfile("""
        target all: "big", "small1", "small2"
        rule big:
            output: "big"
            cores: 64
            run: mkdir busy && echo {cores} $OMP_NUM_THREADS > {output} && rmdir busy
        rule small:
            output: "small{n}"
            run: test ! -e busy && touch {output}
    """)
    result = command.ok(jobs=2)
    assert command.text("big") == "2 2\n"
    assert "big wants 64 cores: it runs alone, with 2" in result.notes


@pytest.mark.parametrize(("takes", "word"), [("memory: 900TiB", "memory"), ("gpus: 3", "gpus")])
def test_too_much_memory_or_too_many_gpus_is_an_error(command: Command, takes: str, word: str) -> None:
    command.wfile(f"""
        rule x:
            output: "x"
            {takes}
            run: touch {{output}}
    """)
    result = command.say(env={"CUDA_VISIBLE_DEVICES": "0,1"})
    assert result.status == 2
    assert word in result.err
    assert not command.exists("x")


def test_what_a_later_attempt_takes_must_fit_too(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            retries: 2
            gpus: attempt
            run: touch {output}
    """)
    result = command.say(env={"CUDA_VISIBLE_DEVICES": "0,1"})
    assert result.status == 2
    assert "x, attempt 3, wants 3 gpus" in result.err
    assert command.say("-q", env={"CUDA_VISIBLE_DEVICES": "0,1,2"}).status == 1


def test_resources_may_follow_the_size_of_inputs_made_in_this_run(command: Command) -> None:
    command.wfile("""
        rule first:
            output: "b"
            input: "a"
            memory: 2 * size(input) + 1KiB
            run: echo {memory} > {output}; head -c 100 /dev/zero | tr '\\0' x >> {output}
        rule second:
            input: "b"
            output: "c"
            memory: size(input) * 1000
            run: echo {memory} > {output}
        target all: "c"
    """)
    command.write("a", "0123456789")
    command.ok()
    assert command.lines("b")[0] == "1044"
    assert command.text("c") == "105000\n"


def test_what_turns_out_too_large_is_a_failure_of_that_task(command: Command) -> None:
    command.wfile("""
        target all: "c"
        rule first:
            output: "b"
            run: echo many bytes > {output}
        rule second:
            input: "b"
            output: "c"
            memory: size(input) * 1000000000000
            run: touch {output}
    """)
    result = command.run()
    assert result.status == 1
    assert "second wants 10 TiB of memory, and this machine has" in result.failed[0]["words"]


def test_what_becomes_known_later_must_fit_too(command: Command) -> None:
    command.wfile("""
        target all: "x{n}" for n in lines("list")
        rule list:
            output: "list"
            run: echo 5 > {output}
        rule x:
            output: "x{n}"
            gpus: int(n)
            run: touch {output}
    """)
    result = command.run(env={"CUDA_VISIBLE_DEVICES": "0,1"})
    assert result.status == 2
    assert "x[n=5] wants 5 gpus, and this machine has 2" in result.notes
    assert result.done == ["list"]


# ---------------------------------------------------------------- at_once, priority, the longest path


def test_at_once_limits_a_rule_and_no_other(command: Command) -> None:
    command.wfile("""
        target all: "x{n}" for n in 1..8
        rule x:
            output: "x{n}"
            at_once: 1
            retries: 1
            run:
                mkdir busy
                rmdir busy
                test -e tried{n} || { touch tried{n}; false; }
                touch {output}
    """)
    result = command.ok(jobs=2)
    assert len(result.done) == 8
    assert len(result.failed) == 8
    assert at_most_at_once(result) == 1


def test_at_once_lets_others_run_meanwhile(command: Command) -> None:
    command.fifo("go")
    command.wfile("""
        target all: "x1", "x2", "x3", "other"
        rule x:
            output: "x{n}"
            at_once: 1
            run:
                test {n} != 1 || read line < go
                touch {output}
        rule other:
            output: "other"
            run: echo go > go; touch {output}
    """)
    command.ok(jobs=2)


def test_larger_priorities_run_earlier_also_if_they_become_ready_later(command: Command) -> None:
    command.wfile("""
        target all: ["low{n}" for n in 1..5], "high2", "middle"
        rule low:
            output: "low{n}"
            run: echo low >> order; touch {output}
        rule high:
            input: "start"
            output: "high{n}"
            priority: 10
            run: echo high >> order; touch {output}
        rule start:
            output: "start"
            priority: 7
            run: echo start >> order; touch {output}
        rule middle:
            output: "middle"
            priority: 5
            run: echo middle >> order; touch {output}
    """)
    command.ok(jobs=1)
    assert written(command) == ["start", "high", "middle", *["low"] * 5]


def test_the_longest_path_is_begun_first(command: Command) -> None:
    command.wfile("""
        target all: "short1", "short2", "c3"
        rule short:
            output: "short{n}"
            run: echo {output} >> order; touch {output}
        rule c1:
            output: "c1"
            run: echo {output} >> order; touch {output}
        rule c2:
            input: "c1"
            output: "c2"
            run: echo {output} >> order; touch {output}
        rule c3:
            input: "c2"
            output: "c3"
            run: echo {output} >> order; touch {output}
    """)
    command.ok(jobs=1)
    assert written(command)[0] == "c1"


def test_the_longest_chain_of_one_rule_is_begun_first(command: Command) -> None:
    command.wfile("""
        target all: "a/leg1", "b/leg9", "c/leg2"
        rule leg:
            let before = int(k) - 1
            input: "{m}/leg{before}" if before > 0 else "init"
            output: "{m}/leg{k}"
            run: echo {output} >> order; touch {output}
    """)
    command.sources("init")
    command.ok(jobs=1)
    assert written(command)[:3] == ["b/leg1", "c/leg1", "a/leg1"]


def test_what_took_long_in_earlier_runs_is_expected_to(command: Command) -> None:
    """Two rules, each of one task: the one that was slow the last time is begun first the next time."""
    command.wfile("""
        target all: "fast", "slow"
        rule fast:
            input: "a"
            output: "fast"
            run: echo {output} >> order; touch {output}
        rule slow:
            input: "a"
            output: "slow"
            run:
                echo {output} >> order
                for n in {1..3000}; do :; done; bash -c 'for n in {1..100000}; do :; done'
                touch {output}
    """)
    command.sources("a")
    command.ok(jobs=1)
    command.touch("a")
    command.remove("order")
    command.ok(jobs=1)
    assert written(command) == ["slow", "fast"]


# ---------------------------------------------------------------- time


def test_time_ends_the_whole_tree(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            time: 1s
            run:
                touch {output}
                (trap '' TERM; sleep 1000) &
                echo $! > child
                sleep 1000
    """)
    result = command.run()
    assert result.status == 1
    assert [row["why"] for row in result.failed] == ["time"]
    assert result.failed[0]["words"] == "ended by its time limit of 1s"
    assert not command.exists("x")
    assert is_gone(command.text("child"))


# ---------------------------------------------------------------- retries


def test_retries_are_spent_and_attempt_is_known_to_resources(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            retries: 2
            cores: attempt
            time: 10m * attempt
            run:
                echo {attempt} {cores} {time} >> seen
                test {attempt} = 3
                touch {output}
    """)
    result = command.ok(jobs=4)
    assert command.lines("seen") == ["1 1 600", "2 2 1200", "3 3 1800"]
    assert [row["again"] for row in result.failed] == [True, True]
    assert command.ok().ran == []  # another attempt's values make nothing stale


def test_retries_of_the_command_line_are_for_rules_that_say_nothing(command: Command) -> None:
    command.wfile("""
        target all: "a", "b"
        rule a:
            output: "a"
            run: echo a >> seen; false
        rule b:
            output: "b"
            retries: 0
            run: echo b >> seen; false
    """)
    assert command.run("--retries", "2", "-k").status == 1
    assert sorted(command.lines("seen")) == ["a", "a", "a", "b"]


def test_the_next_attempt_finds_nothing_of_the_one_before(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            retries: 1
            run:
                test ! -e {output}
                echo {attempt} > {output}
                test {attempt} = 2
    """)
    command.ok()
    assert command.text("x") == "2\n"
    assert command.text(".hpcmake/aside/x") == "1\n"


def test_a_rule_for_another_site_is_refused_here_before_anything_runs(command: Command) -> None:
    command.wfile("""
        target all: "a", "b"
        rule there:
            output: "a"
            site: theta
            run: touch {output}
        rule here:
            output: "b"
            site: local
            run: touch {output}
        """)
    result = command.say("-n")
    assert result.status == 2
    assert result.err == (
        "error[E506]: rule `there` may run on theta only, and this is this machine, `local`\n"
        " --> Wfile:5:11\n"
        "5 |     site: theta\n"
        "  |           ^^^^^\n"
        "  = help: add `local` to its `site`, or leave `site` out: jobs on other machines come with a later version\n"
    )
