"""What commands see, and how strictly they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command import Command


def test_a_target_is_made_and_then_there_is_nothing_to_do(command: Command) -> None:
    command.wfile("""
        target all: "b"
        rule b:
            input: "a"
            output: "b"
            run: cp {input} {output}
    """)
    command.sources("a")
    assert command.ok().done == ["b"]
    assert command.text("b") == "a\n"
    assert command.ok().ran == []
    assert command.ok().summary["nothing_to_do"]


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("errexit", "false; true"),
        ("nounset", 'echo "$never_set"'),
        ("pipefail", "false | cat"),
        ("a command that is not there", "no-such-command-anywhere"),
        ("a signal", "kill -9 $$"),
    ],
)
def test_bash_is_strict(command: Command, what: str, line: str) -> None:
    command.wfile(f"""
        rule x:
            output: "x"
            run:
                {line}
                touch {{output}}
    """)
    assert command.run().status == 1
    assert not command.exists("x")


def test_stdin_is_empty(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            run:
                cat > {output}
                readlink /proc/self/fd/0 >> {output}
    """)
    command.ok()
    assert command.text("x") == "/dev/null\n"


def test_run_may_name_another_interpreter(command: Command) -> None:
    command.wfile("""
        rule x:
            input: a = "it's.txt"
            output: "x"
            run python3:
                import sys
                names = [{input}, {a}, {cores}]
                with open({output}, "w") as file:
                    print(names, len(sys.argv), file=file)
    """)
    command.sources("it's.txt")
    command.ok()
    assert command.text("x") == '["it\'s.txt", "it\'s.txt", 1] 1\n'


def test_an_interpreter_may_have_words_and_is_not_made_strict(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            run sh -u:
                false
                echo $0-$# > {output}
    """)
    command.ok()
    assert command.text("x").endswith("-0\n")


def test_commands_see_their_names(command: Command) -> None:
    command.wfile("""
        target all: "out/p/7.txt"
        rule x:
            input: first = "a.txt", rest = ["b.txt", "c.txt"]
            output: "out/{w}/{n}.txt", side = "out/{w}/{n}.side"
            cores: 2
            memory: 3MiB
            time: 2m
            log: "logs/{w}-{n}.log"
            run:
                echo {input} + {first} + {rest} + {input[1]} > {output[0]}
                echo {w} {wildcards.n} {n:03} >> {output[0]}
                echo {cores} {memory} {memory.MiB} {gpus} {time} {time.minutes} {attempt} {rule} {site} >> {output[0]}
                echo {log} {side} > {side}
    """)
    command.sources("a.txt", "b.txt", "c.txt")
    command.ok()
    assert command.lines("out/p/7.txt") == [
        "a.txt b.txt c.txt + a.txt + b.txt c.txt + b.txt",
        "p 7 007",
        "2 3145728 3 0 120 2 1 x local",
    ]
    assert command.text("out/p/7.side") == "logs/p-7.log out/p/7.side\n"


def test_braces_of_the_shell_stay_as_they_are(command: Command) -> None:
    command.wfile(r"""
        rule x:
            input: "a"
            output: "x"
            run:
                HERE=here
                awk '{print $1}' {input} > {output}
                echo {1..3} {a,b} ${HERE} {{x}} { print } >> {output}
    """)
    command.write("a", "one two\n")
    command.ok()
    assert command.lines("x") == ["one", "1 2 3 a b here {x} { print }"]


@pytest.mark.parametrize(
    "name", ["a b", "it's", 'q"q', "n\nl", "ü", "-n", "$HOME", "`id`", "*", "a;b", "~", "\\", "{x}", "#"]
)
@pytest.mark.parametrize(
    "line",
    [
        "cat {input} > {output}",
        'cat "{input}" > "{output}"',
        "cat '{input}' > '{output}'",
        "cat < {input} | cat > {output}",
    ],
)
def test_any_file_name_is_safe_anywhere(command: Command, name: str, line: str) -> None:
    command.wfile(f"""
        target all: "made/{{n}}.out" for each "in/{{n}}.txt"
        rule x:
            input: "in/{{n}}.txt"
            output: "made/{{n}}.out"
            run: {line}
    """)
    command.write(f"in/{name}.txt", "content\n")
    command.ok()
    assert command.text(f"made/{name}.out") == "content\n"
    assert command.ok().ran == []


def test_a_leading_dash_is_no_option_of_ours(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "-x"
            run: echo made > ./-x
    """)
    command.ok("--", "-x")
    assert command.text("-x") == "made\n"


def test_an_absolute_path_into_the_root_is_the_relative_one(command: Command) -> None:
    command.wfile(f"""
        target all: "{command.root}/b"
        rule b:
            input: "{command.root}/./a"
            output: "b"
            run: echo {{input}} > {{output}}
    """)
    command.sources("a")
    command.ok()
    assert command.text("b") == "a\n"
    assert command.ok(f"{command.root}/b").ran == []


def test_a_file_holds_the_items_where_there_are_many(command: Command) -> None:
    command.wfile("""
        target all: "all"
        rule all:
            input: each "in/{n}"
            output: "all"
            run: cp {input!file} {output}
    """)
    command.sources("in/10", "in/9", "in/with blank")
    command.ok()
    assert command.lines("all") == ["in/9", "in/10", "in/with blank"]
    assert list((command.root / ".hpcmake/lists").iterdir()) == []


def test_a_command_may_be_longer_than_the_system_takes_as_one_argument(command: Command) -> None:
    command.wfile("""
        let many = [str(n) for n in 1..40000]
        rule x:
            output: "x"
            run:
                cat > {output} <<END
                {many}
                END
    """)
    command.ok()
    assert len(command.text("x").split()) == 40000


# ---------------------------------------------------------------- workdir, log, folders


def test_run_starts_in_workdir_and_paths_are_relative_to_it(command: Command) -> None:
    command.wfile("""
        target all: "out/a.txt"
        rule x:
            input: "in/{n}.txt"
            output: "out/{n}.txt"
            workdir: "work/{n}"
            log: "logs/{n}.log"
            run:
                pwd > {output}
                echo {input} {output} {log} {workdir} >> {output}
                touch left-here
            post: echo {input} {output} {workdir} $(pwd) >> {output}
    """)
    command.sources("in/a.txt")
    command.ok()
    root = str(command.root)
    assert command.lines("out/a.txt") == [
        f"{root}/work/a",
        "../../in/a.txt ../../out/a.txt ../../logs/a.log .",
        f"in/a.txt out/a.txt work/a {root}",
    ]
    assert command.exists("work/a/left-here")


def test_parents_of_outputs_logs_and_produces_are_made_a_folder_output_is_not(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "deep/er/file", folder = "some/where/folder/"
            log: "other/log"
            run:
                test ! -e some/where/folder
                mkdir some/where/folder
                touch deep/er/file
    """)
    command.ok()
    assert command.ok().ran == []


def test_a_log_is_appended_to_and_kept(command: Command) -> None:
    command.wfile("""
        param word = "one"
        rule x:
            output: "x"
            log: "x.log"
            run:
                echo {word}
                test {word} != bad
                touch {output}
    """)
    command.ok()
    command.ok("-D", "word=two")
    assert command.run("-D", "word=bad").status == 1
    assert command.lines("x.log") == ["one", "two", "bad"]


# ---------------------------------------------------------------- environment


def test_env_is_added_and_threads_follow_cores(command: Command) -> None:
    command.wfile("""
        target all: "a", "b"
        rule a:
            output: "a"
            cores: 2
            env: COLOUR = "red and blue", PLACE = "x"
            run: echo "$COLOUR" $PLACE $OMP_NUM_THREADS $OUTER > a
        rule b:
            output: "b"
            env: OMP_NUM_THREADS = 7
            run: echo $OMP_NUM_THREADS > b
    """)
    command.ok(env={"OUTER": "outer", "OMP_NUM_THREADS": "5"})
    assert command.text("a") == "red and blue x 2 outer\n"
    assert command.text("b") == "7\n"


def test_env_may_depend_on_wildcards_and_defaults_merge_by_name(command: Command) -> None:
    command.wfile("""
        defaults:
            env: A = "general", B = "general", C = "general"
        defaults on local:
            env: B = "site", C = "site"
        target all: "x1"
        rule x:
            output: "x{n}"
            env: C = "rule", N = n
            run: echo $A $B $C $N > {output}
    """)
    command.ok()
    assert command.text("x1") == "general site rule 1\n"


def test_setup_comes_before_strict_mode_general_first(command: Command) -> None:
    command.wfile("""
        defaults:
            setup:
                false
                general=$never_set
                export WORD=general
        defaults on local:
            setup:
                export WORD="$WORD-site"
        target all: "a", "b"
        rule a:
            output: "a"
            workdir: "w"
            run: echo $WORD $(basename "$PWD") $- > {output}
        rule b:
            output: "b"
            run python3:
                import os
                open({output}, "w").write(os.environ["WORD"])
    """)
    command.ok()
    word, place, flags = command.text("a").split()
    assert (word, place) == ("general-site", "w")
    assert "e" in flags
    assert "u" in flags
    assert command.text("b") == "general-site"


def test_gpus_are_told_apart(command: Command) -> None:
    command.fifo("one")
    command.wfile("""
        target all: "a", "b", "c"
        rule gpu:
            output: "{n}"
            gpus: 2 if n == "c" else 1
            run:
                test {n} != a || read line < one
                test {n} != b || echo go > one
                echo $CUDA_VISIBLE_DEVICES $ROCR_VISIBLE_DEVICES {gpus} > {output}
    """)
    command.ok(env={"CUDA_VISIBLE_DEVICES": "3,5"})
    assert {command.text("a").split()[0], command.text("b").split()[0]} == {"3", "5"}
    assert command.text("c").split()[0] == "3,5"


# ---------------------------------------------------------------- post


def test_post_runs_after_run_and_its_failure_is_the_attempts(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            run: echo run >> {output}
            post:
                echo post >> {output}
                test -e good
    """)
    result = command.run()
    assert result.status == 1
    assert result.failed[0]["why"] == "post"
    assert not command.exists("x")
    command.write("good")
    command.ok()
    assert command.lines("x") == ["run", "post"]


def test_only_post_is_repeated(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            retries: 3
            run: echo run >> {output}
            post:
                echo post >> {output}
                test $(grep -c post {output}) = 3
    """)
    result = command.ok()
    assert command.lines("x") == ["run", "post", "post", "post"]
    assert [row["attempt"] for row in result.failed] == [1, 2]


def test_post_sees_what_was_produced(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "list"
            produces: "part{i}.txt"
            run: touch part2.txt part10.txt part1.txt
            post: printf '%s\\n' {produced} > {output}
    """)
    command.ok()
    assert command.lines("list") == ["part1.txt", "part2.txt", "part10.txt"]


def test_post_alone_is_no_run(command: Command) -> None:
    command.wfile("""
        rule x:
            output: touch "x"
            post: echo post > note
    """)
    command.ok()
    assert command.text("x") == ""
    assert command.text("note") == "post\n"


# ---------------------------------------------------------------- launch


def test_launch_is_mpiexec_here(command: Command) -> None:
    command.write("bin/mpiexec", '#!/bin/sh\necho "mpiexec $*"\n')
    (command.root / "bin/mpiexec").chmod(0o755)
    command.wfile("""
        rule x:
            output: "x"
            nodes: 1
            ranks_per_node: 2
            launch_options: "--bind-to", "core"
            run:
                {launch} ./ocean > {output}
                echo {nodes} {ranks} >> {output}
    """)
    command.ok(env={"PATH": f"{command.root}/bin:/usr/bin:/bin"})
    assert command.lines("x") == ["mpiexec -n 2 --bind-to core ./ocean", "1 2"]


def test_ranks_alone_give_nodes(command: Command) -> None:
    command.write("bin/mpiexec", '#!/bin/sh\necho "mpiexec $*"\n')
    (command.root / "bin/mpiexec").chmod(0o755)
    command.wfile("""
        rule x:
            output: "x"
            ranks: 2
            run: echo $({launch} a) {nodes} {ranks} > {output}
    """)
    command.ok(env={"PATH": f"{command.root}/bin:/usr/bin:/bin"})
    assert command.text("x") == "mpiexec -n 2 a 2 2\n"


def test_it_is_told_that_there_is_no_mpiexec(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            ranks: 1
            run: {launch} true && touch {output}
    """)
    command.write("bin/nothing")
    for program in ("bash", "touch", "true"):
        (command.root / "bin" / program).symlink_to(f"/usr/bin/{program}")
    result = command.run(env={"PATH": f"{command.root}/bin"})
    assert result.status == 1
    assert "rules with nodes or ranks run under `mpiexec` here, and there is none on the PATH" in result.notes
    assert "mpiexec: command not found" in "\n".join(result.failed[0]["tail"])


def test_more_ranks_than_cores_is_an_error_that_names_the_testbed(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            ranks: 4
            run: {launch} touch {output}
    """)
    result = command.say("-j", "2")
    assert result.status == 2
    assert "testbed" in result.err
