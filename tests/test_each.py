"""Which rule makes a file, patterns and paths, and what `each` ranges over."""

from __future__ import annotations

import pytest
from campaigns import Campaign

from hpcmake.tasks.paths import natural_order, normalize
from hpcmake.tasks.patterns import Pattern, overlap

COPY = 'rule copy:\n    output: "{x}"\n    run: touch {output}\n'


def given(target: str, *files: str) -> list[str]:
    """Return what an `each` gives: the wildcards of the tasks of its target, in order."""
    campaign = Campaign(
        f'target all: {target}\n\nrule make:\n    output: "out/{{v}}"\n    run: touch {{output}}\n', files
    )
    plan = campaign.plan()
    return [plan.graph.files.paths[number].removeprefix("out/") for number in plan.roots]


def test_each_gives_sources_in_natural_order() -> None:
    assert given('"out/{i}" for each "in/{i}.dat"', "in/10.dat", "in/2.dat", "in/1.dat", "in/x.txt") == ["1", "2", "10"]


def test_names_that_begin_with_a_dot_are_hidden_unless_the_pattern_does() -> None:
    files = ("in/.a", "in/b", ".git/c")
    assert given('"out/{i}" for each "in/{i}"', *files) == ["b"]
    assert given('"out/{i}" for each "in/.{i}"', *files) == ["a"]


def test_a_trailing_slash_ranges_over_folders() -> None:
    files = ("runs/a/x", "runs/b/y", "runs/c")
    assert given('"out/{m}" for each "runs/{m}/"', *files) == ["a", "b"]
    assert given('"out/{m}" for each "runs/{m}"', *files) == ["c"]


def test_a_bound_wildcard_restricts_the_match() -> None:
    files = ("p/a", "p/b", "l/a/1", "l/a/2", "l/b/3", "l/c/4")
    assert given('"out/{p}-{i}" for each "p/{p}" for each "l/{p}/{i}"', *files) == ["a-1", "a-2", "b-3"]


def test_clauses_that_share_a_wildcard_are_joined_on_it() -> None:
    files = ("x/1.a", "x/2.a", "y/2.b", "y/3.b")
    assert given('"out/{i}" for each "x/{i}.a" for each "y/{i}.b"', *files) == ["2"]


def test_under_a_bound_wildcard_none_is_an_empty_list() -> None:
    assert given('"out/{p}-{i}" for each "p/{p}" for each "l/{p}_{i}"', "p/a", "p/b", "l/a_1") == ["a-1"]


def test_a_wildcard_that_stands_twice_matches_the_same_text() -> None:
    assert given('"out/{i}" for each "in/{i}/{i}.dat"', "in/a/a.dat", "in/a/b.dat") == ["a"]


def test_what_a_rule_makes_is_never_a_source_built_or_not() -> None:
    wfile = 'target all: "out/{i}" for each "{i}.dat"\n\nrule a:\n    output: "made{n}.dat"\n    run: a\n\nrule make:\n    output: "out/{v}"\n    run: x\n'
    assert Campaign(wfile, ["1.dat", "made2.dat"]).tasks() == ["make[v=1]"]


def test_what_the_journal_says_a_task_made_is_never_a_source() -> None:
    wfile = 'target all: "out/{i}" for each "in/{i}"\n\nrule make:\n    output: "out/{v}"\n    run: x\n'
    campaign = Campaign(wfile + '\nrule old:\n    output: "in/{z}.old"\n    run: old\n', ["in/1"])
    campaign.run("in/2.old")
    campaign.wfile = wfile
    assert campaign.tasks() == ["make[v=1]"]


def test_items_that_come_twice_count_once() -> None:
    wfile = 'target all: "o"\n\nrule o:\n    input: "in/{x}" for x in ["1", "2", "1"]\n    output: "o"\n    run: o\n'
    assert Campaign(wfile, ["in/1", "in/2"]).inputs("o") == ["in/1", "in/2"]


def test_a_constant_in_the_pattern_of_each_stands_for_its_value() -> None:
    assert given('"out/{i}" for folder in ["in"] for each "{folder}/{i}"', "in/1", "other/2") == ["1"]


def test_a_wildcard_that_is_narrowed_may_match_slashes() -> None:
    wfile = (
        'wildcard p: ".+"\ntarget all: "out/{p}" for each "in/{p}.c"\n\nrule make:\n    output: "out/{p}"\n    run: x\n'
    )
    assert Campaign(wfile, ["in/a.c", "in/b/c.c"]).tasks() == ["make[p=a]", "make[p=b/c]"]


# ---------------------------------------------------------------- which rule makes a file


def test_a_pattern_without_wildcards_wins() -> None:
    wfile = 'target all: "a.o", "b.o"\n\nrule any:\n    output: "{n}.o"\n    run: x\n\nrule one:\n    output: "a.o"\n    run: y\n'
    assert Campaign(wfile).tasks() == ["any[n=b]", "one"]


def test_prefer_decides_directly_and_through_others() -> None:
    rules = "".join(f'\nrule {name}:\n    output: "{{{name}}}.o"\n    run: {name}\n' for name in "abc")
    assert Campaign(f'prefer c over b\nprefer b over a\nprefer c over a\ntarget all: "x.o"\n{rules}').tasks() == [
        "c[c=x]"
    ]
    assert Campaign(f'prefer b over a\nprefer c over b\ntarget all: "x.o"\n{rules}').tasks() == ["c[c=x]"]


def test_left_to_right_each_wildcard_takes_as_much_as_it_can() -> None:
    wfile = 'target all: "a-b-c.o"\n\nrule x:\n    output: "{m}-{n}.o"\n    run: x\n'
    assert Campaign(wfile).tasks() == ["x[m=a-b,n=c]"]


def test_a_wildcard_matches_no_slash_and_not_nothing() -> None:
    pattern = Pattern(("a/", ".o"), ("n",))
    assert [pattern.match(path) for path in ("a/b.o", "a/b/c.o", "a/.o")] == [("b",), None, None]


def test_a_constraint_narrows_everywhere_or_in_one_rule() -> None:
    rules = 'target all: "1.o", "x.o"\n\nrule digits:\n    wildcard n: "[0-9]+"\n    output: "{n}.o"\n    run: d\n\nrule letters:\n    wildcard n: "[a-z]+"\n    output: "{n}.o"\n    run: l\n'
    assert Campaign(rules).tasks() == ["digits[n=1]", "letters[n=x]"]


@pytest.mark.parametrize(
    ("one", "two", "shared"),
    [("a/{x}", "a/b", True), ("{x}.c", "a{y}.c", True), ("{x}/a", "b/{y}", True), ("{x}.c", "{y}.o", False), ("a{x}", "b{y}", False), ("{x}", "{x}/b", False)],
)  # fmt: skip
def test_whether_two_patterns_share_a_path(one: str, two: str, shared: bool) -> None:
    def pattern(text: str) -> Pattern:
        import re

        pieces = re.split(r"\{(\w+)\}", text)
        return Pattern(pieces[::2], pieces[1::2])

    assert overlap(pattern(one), pattern(two)) is shared
    assert overlap(pattern(two), pattern(one)) is shared


@pytest.mark.parametrize(
    ("path", "normal"),
    [("./a//b/../c", "a/c"), ("a/./b/", "a/b/"), ("/campaign/x", "x"), ("/campaign", "."), ("/campaignx", "/campaignx"), ("../a", "../a"), ("/a/../..", "/"), ("~/$x/*", "~/$x/*"), ("a/..", ".")],
)  # fmt: skip
def test_paths_are_normalised_by_text(path: str, normal: str) -> None:
    assert normalize(path, "/campaign") == normal


def test_a_path_written_otherwise_is_the_same_file() -> None:
    wfile = 'target all: "./o//x", "/campaign/o/x"\n\nrule make:\n    output: "./o/{n}"\n    run: x\n'
    assert Campaign(wfile).tasks() == ["make[n=x]"]


def test_two_comes_before_ten() -> None:
    assert natural_order(["a10", "a2", "b1", "a02"]) == ["a02", "a2", "a10", "b1"]
    assert natural_order(["r10", "r9", "r100"]) == ["r9", "r10", "r100"]


def test_a_very_long_chain_has_an_end() -> None:
    wfile = 'target all: "leg3000"\n\nrule leg:\n    let before = int(k) - 1\n    input: "leg{before}" if before > 0 else "init"\n    output: "leg{k}"\n    run: x\n'
    assert len(Campaign(wfile, ["init"]).stale()) == 3000


def test_the_first_target_is_the_default_and_else_the_first_rule() -> None:
    rule = 'rule a:\n    output: "x", "y"\n    run: x\n\nrule b:\n    output: "z"\n    run: z\n'
    assert Campaign(rule).tasks() == ["a"]
    assert Campaign('target t: "z"\ntarget u: "x"\n\n' + rule).tasks() == ["b"]


def test_a_target_may_name_targets_in_any_order() -> None:
    assert Campaign('target all: some, "z"\ntarget some: "y"\n', ["y", "z"]).plan().roots.keys() == {0, 1}
