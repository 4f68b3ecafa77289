"""What becomes of files: temp, protect, touch, folders, depfiles."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command import Command

# ---------------------------------------------------------------- temp

TEMP = """
target all: "c1", "c2"
rule t:
    input: "a"
    output: temp "t"
    run: echo t >> seen; cp {input} {output}
rule c:
    input: "t", "own{n}"
    output: "c{n}"
    run: echo c{n} >> seen; cat {input} > {output}
"""


def with_temp(command: Command) -> None:
    command.wfile(TEMP)
    command.sources("a", "own1", "own2")
    command.ok()
    command.remove("seen")


def test_a_temp_file_is_removed_when_nothing_wants_it_and_its_absence_makes_nothing_stale(command: Command) -> None:
    with_temp(command)
    assert not command.exists("t")
    assert command.text("c2") == "a\nown2\n"
    assert command.stale() == {}
    assert command.ok().ran == []


def test_it_is_removed_as_soon_as_the_last_that_wants_it_is_done(command: Command) -> None:
    command.wfile("""
        target all: "end"
        rule t:
            output: temp "t{n}"
            run: touch {output}
        rule c:
            input: "t{n}", "c{before}" if before > 0 else "start"
            let before = int(n) - 1
            output: "c{n}"
            run: ls t* > {output}
        rule end:
            input: "c5"
            output: "end"
            run: ls t* > {output} || touch {output}
    """)
    command.sources("start")
    command.ok(jobs=1)
    assert command.text("end") == ""
    assert "t1" not in command.text("c3")


def test_many_takers_of_a_group_of_temp_files(command: Command) -> None:
    command.wfile("""
        target all: "c{n}" for n in 1..5
        rule t:
            output: temp "t{n}"
            run: touch {output}
        rule c:
            input: ["t{i}" for i in 1..4]
            output: "c{n}"
            run: ls {input} > {output}
    """)
    result = command.ok()
    assert result.removed == ["t1", "t2", "t3", "t4"]
    assert command.ok().ran == []


def test_one_remade_counts_as_the_same_for_those_that_are_fresh(command: Command) -> None:
    with_temp(command)
    command.touch("own1")
    result = command.ok()
    assert command.lines("seen") == ["t", "c1"]
    assert result.removed == ["t"]
    assert command.stale() == {}


def test_a_change_of_its_input_makes_all_stale(command: Command) -> None:
    with_temp(command)
    command.touch("a")
    command.ok()
    assert sorted(command.lines("seen")) == ["c1", "c2", "t"]


def test_one_asked_for_by_name_is_made_and_kept(command: Command) -> None:
    with_temp(command)
    assert command.ok("t").ran == ["t"]
    assert command.exists("t")
    assert command.ok().ran == []
    assert command.ok("t").ran == []


def test_keep_temp_keeps_them(command: Command) -> None:
    command.wfile(TEMP)
    command.sources("a", "own1", "own2")
    assert command.ok("--keep-temp").removed == []
    assert command.exists("t")


def test_it_stays_while_what_wants_it_has_failed(command: Command) -> None:
    command.wfile("""
        target all: "c"
        rule t:
            output: temp "t"
            run: echo t >> seen; touch {output}
        rule c:
            input: "t"
            output: "c"
            run: test -e good && touch {output}
    """)
    assert command.run().status == 1
    assert command.exists("t")
    command.write("good")
    assert command.ok().removed == ["t"]
    assert command.lines("seen") == ["t"]


def test_it_is_removed_when_what_wants_it_is_given_up(command: Command) -> None:
    command.wfile("""
        target all: "end"
        rule t:
            output: temp "t"
            run: touch {output}
        rule c:
            input: "t"
            output: "c"
            run: false
        rule end:
            input: maybe "c"
            output: "end"
            run: touch {output}
    """)
    assert command.ok().removed == ["t"]
    assert command.ok().ran == []


def test_a_chain_of_temp_files_is_remade_as_far_as_is_needed(command: Command) -> None:
    command.wfile("""
        target all: "c", "d"
        rule t1:
            output: temp "t1"
            run: echo t1 >> seen; touch {output}
        rule t2:
            input: "t1"
            output: temp "t2"
            run: echo t2 >> seen; touch {output}
        rule c:
            input: "t2", "own"
            output: "c"
            run: echo c >> seen; touch {output}
        rule d:
            input: "t2"
            output: "d"
            run: echo d >> seen; touch {output}
    """)
    command.sources("own")
    command.ok()
    assert not command.exists("t1")
    assert not command.exists("t2")
    command.touch("own")
    command.remove("seen")
    command.ok()
    assert command.lines("seen") == ["t1", "t2", "c"]
    assert command.ok().ran == []


def test_a_temp_folder(command: Command) -> None:
    command.wfile("""
        target all: "c"
        rule t:
            output: temp "t/"
            run: mkdir t; touch t/x
        rule c:
            input: "t/"
            output: "c"
            run: ls {input} > {output}
    """)
    assert command.ok().removed == ["t/"]
    assert not command.exists("t")
    assert command.ok().ran == []


def test_temp_files_are_kept_while_something_unknown_may_want_them(command: Command) -> None:
    command.wfile("""
        target all: "c", ["d{n}" for n in lines("list")]
        rule t:
            output: temp "t"
            run: echo t >> seen; touch {output}
        rule c:
            input: "t"
            output: "c"
            run: touch {output}
        rule list:
            input: "c"
            output: "list"
            run: seq 2 > {output}
        rule d:
            input: "t"
            output: "d{n}"
            run: touch {output}
    """)
    result = command.ok()
    assert command.lines("seen") == ["t"]
    assert result.removed == ["t"]
    assert command.ok().ran == []


# ---------------------------------------------------------------- protect


def test_a_protected_output_is_read_only_and_lifted_for_a_rerun(command: Command) -> None:
    command.wfile("""
        param word = "one"
        rule x:
            output: protect "x"
            run: test ! -e {output} || test -w {output}; echo {word} > {output}
    """)
    command.ok()
    assert (command.root / "x").stat().st_mode & 0o222 == 0
    command.ok("-D", "word=two")
    assert command.text("x") == "two\n"
    assert (command.root / "x").stat().st_mode & 0o222 == 0


def test_it_is_protected_again_if_the_rerun_fails_before_it(command: Command) -> None:
    command.wfile("""
        param word = "one"
        rule x:
            output: protect "x"
            run: test {word} != bad; echo {word} > {output}
    """)
    command.ok()
    assert command.run("-D", "word=bad").status == 1
    assert command.text("x") == "one\n"
    assert (command.root / "x").stat().st_mode & 0o222 == 0


def test_all_of_a_protected_folder(command: Command) -> None:
    command.wfile("""
        rule x:
            output: protect "x/"
            run: mkdir x; touch x/a
    """)
    command.ok()
    assert (command.root / "x/a").stat().st_mode & 0o222 == 0
    assert command.ok().ran == []


# ---------------------------------------------------------------- touch


def test_a_marker_is_made_after_post(command: Command) -> None:
    command.wfile("""
        rule x:
            output: touch "done/x"
            run: test ! -e done/x; echo run >> seen
            post: test ! -e done/x; echo post >> seen
    """)
    command.ok()
    assert command.text("done/x") == ""
    assert command.lines("seen") == ["run", "post"]
    assert command.ok().ran == []
    command.remove("done/x")
    assert command.ok().ran == ["x"]


def test_a_rule_of_markers_needs_no_command(command: Command) -> None:
    command.wfile("""
        target all: "c"
        rule x:
            input: "a"
            output: touch "x"
        rule c:
            input: "x"
            output: "c"
            run: cp a c
    """)
    command.sources("a")
    assert command.ok().done == ["c", "x"]
    command.touch("a")
    assert command.ok().done == ["c", "x"]
    assert command.stale() == {}


def test_there_is_no_marker_if_another_output_is_missing(command: Command) -> None:
    command.wfile("""
        rule x:
            output: touch "x", "y"
            run: true
    """)
    assert command.run().status == 1
    assert not command.exists("x")
    assert not command.exists(".hpcmake/aside/x")


# ---------------------------------------------------------------- folders

FOLDER = """
target all: "count"
rule make:
    input: "a"
    output: "made/"
    run:
        mkdir -p made/deep
        cp a made/deep/x
        echo make >> seen
rule count:
    input: "made/"
    output: "count"
    run:
        find {input} | wc -l > {output}
        echo count >> seen
"""


@pytest.mark.parametrize("change", ["deeper", "more", "less", "content", "renamed"])
def test_a_folder_covers_what_it_holds(command: Command, change: str) -> None:
    command.wfile(FOLDER)
    command.sources("a")
    command.ok()
    assert command.stale() == {}
    if change == "more":
        command.write("made/deep/er/y")
    elif change == "less":
        command.remove("made/deep/x")
    elif change == "renamed":
        os.rename(command.root / "made/deep/x", command.root / "made/deep/y")
    else:
        command.write("made/deep/x", "other\n" if change == "content" else "a\n")
    assert command.stale() == {"count": "input changed"}


def test_a_folder_may_be_wanted_without_its_slash(command: Command) -> None:
    command.wfile(FOLDER)
    command.sources("a")
    assert command.ok("made").ran == ["make"]


def test_a_folder_that_is_made_again_is_not_emptied(command: Command) -> None:
    command.wfile(FOLDER)
    command.sources("a")
    command.ok()
    command.write("made/mine")
    command.touch("a")
    command.ok()
    assert command.exists("made/mine")


def test_a_folder_of_a_failed_attempt_is_moved_aside(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x/"
            run: mkdir x; touch x/half; false
    """)
    assert command.run().status == 1
    assert not command.exists("x")
    assert command.exists(".hpcmake/aside/x/half")


# ---------------------------------------------------------------- depfiles

DEPFILE = r"""
target all: "x.o"
rule compile:
    input: "{n}.c"
    output: "{n}.o"
    depfile: "{n}.d"
    run:
        echo run >> seen
        cat {input} > {output}
        { echo '{output}: {input} \'; echo '  one.h two\ blank.h sub/../three.h'; } > {depfile}
"""


def compiled(command: Command) -> None:
    command.wfile(DEPFILE)
    command.sources("x.c", "one.h", "two blank.h", "three.h")
    command.ok()
    assert command.stale() == {}


@pytest.mark.parametrize("header", ["one.h", "two blank.h", "three.h"])
def test_what_a_depfile_names_counts_as_input(command: Command, header: str) -> None:
    compiled(command)
    command.touch(header)
    assert command.stale() == {"compile[n=x]": "input changed"}
    command.ok()
    assert command.stale() == {}


def test_one_that_has_vanished_makes_the_task_stale(command: Command) -> None:
    compiled(command)
    command.remove("three.h")
    row = command.plan().kind("task")[0]
    assert row["reason"]["file"] == "three.h"
    command.ok()
    assert command.stale() == {}


def test_a_depfile_must_be_written(command: Command) -> None:
    command.wfile("""
        rule x:
            output: "x"
            depfile: "x.d"
            run: touch x
    """)
    result = command.run()
    assert result.status == 1
    assert "wrote no depfile x.d" in result.failed[0]["words"]


def test_one_that_a_rule_makes_must_be_listed_and_order_is_enough(command: Command) -> None:
    text = """
        target all: "x", "made.h"
        rule header:
            input: "a"
            output: "made.h"
            run: cp a made.h
        rule x:
            input: "x.c"ORDER
            output: "x"
            depfile: "x.d"
            run:
                echo x >> seen
                cp x.c x
                echo "x: x.c made.h" > x.d
    """
    command.sources("a", "x.c")
    command.wfile(text.replace("ORDER", ""))
    result = command.run()
    assert result.status == 1
    assert 'add `order "made.h"`' in result.failed[0]["words"]
    command.wfile(text.replace("ORDER", ', order "made.h"'))
    command.ok()
    assert command.stale() == {}
    command.touch("a")
    assert sorted(command.stale()) == ["header", "x"]
    assert command.ok().done == ["header", "x"]
    assert command.stale() == {}


def test_names_in_a_depfile_are_relative_to_workdir(command: Command) -> None:
    command.wfile("""
        rule x:
            input: "x.c"
            output: "x"
            workdir: "w"
            depfile: "x.d"
            run:
                cp {input} {output}
                echo "{output}: {input} ../one.h here.h" > {depfile}
    """)
    command.sources("x.c", "one.h", "w/here.h")
    command.ok()
    for header in ("one.h", "w/here.h"):
        command.touch(header)
        assert command.stale() == {"x": "input changed"}
        command.ok()


# ---------------------------------------------------------------- order


def test_an_order_input_must_exist_and_its_change_makes_nothing_stale(command: Command) -> None:
    command.wfile("""
        target all: "x"
        rule tool:
            input: "a"
            output: "tool"
            run: echo tool >> seen; cp a tool
        rule x:
            input: order "tool", "b"
            output: "x"
            run: echo x {input} >> seen; test -e tool; touch x
    """)
    command.sources("a", "b")
    command.ok()
    assert command.lines("seen") == ["tool", "x tool b"]
    command.touch("a")
    assert command.ok().ran == ["tool"]
    assert command.stale() == {}
