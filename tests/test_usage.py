"""What is said to whom mistypes the command line: whole messages, each with an edit that would work."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from command import Command

CAMPAIGN = """\
param level = 3
param wait = 30s

target all: "all.txt"

rule sort:
    input: "names/{city}.txt"
    output: "sorted/{city}.txt"
    run: sort {input} > {output}

rule merge:
    input: "sorted/{city}.txt" for each "names/{city}.txt"
    output: "all.txt"
    run: sort -m {input} > {output}
"""


@pytest.fixture
def sorting(command: Command) -> Command:
    """Two tasks of `sort` and one of `merge`, nothing made yet."""
    command.wfile(CAMPAIGN)
    command.sources("names/rome.txt", "names/milan.txt")
    return command


SAID = """\
$ --dryrun
error[E804]: unknown option `--dryrun`
 --> the command line:1:1
1 | --dryrun
  | ^^^^^^^^
  = help: did you mean `--dry-run`?
$ -j
error[E803]: `-j` wants a value
 --> the command line:1:1
1 | -j
  | ^^
  = help: write `-j N`: how many cores to use at once; on a site nodes (default: all)
$ -jfour
error[E803]: `-j` is a whole number from 1, not `four`
 --> the command line:1:3
1 | -jfour
  |   ^^^^
  = help: write for example `-j 8`
$ --check contents
error[E803]: `--check` is one of mtime, content, not `contents`
 --> the command line:1:9
1 | --check contents
  |         ^^^^^^^^
  = help: did you mean `content`?
$ -D level
error[E803]: `-D level` gives no value
 --> the command line:1:4
1 | -D level
  |    ^^^^^
  = help: write `-D level=VALUE`
$ -D levle=4
error[E801]: there is no param `levle`
 --> -D:1:1
1 | levle
  | ^^^^^
  = help: did you mean `level`?
$ -D wait=5min
error[E802]: `5min` is no value for `wait`, whose default is a duration
 --> -D:1:6
1 | wait=5min
  |      ^^^^
  = help: unknown unit `min` in `5min`: a duration is written 90s, 30m, 2h, 1h30m or 1d
$ --submit
error[E815]: `--submit` is about jobs on a site, and no site is named
 --> the command line:1:1
1 | --submit
  | ^^^^^^^^
  = help: name one, `--site NAME` (`hpcmake sites` lists them), or leave `--submit` out
$ -n --site thete
error[E900]: there is no site `thete`
 --> the command line:1:8
1 | --site thete
  |        ^^^^^
  = help: did you mean `theta`?
  =       a site of your own goes into ~/.config/hpcmake/sites/thete.toml, or into sites/thete.toml
$ -n --site theta,mira
error[E814]: `theta,mira` names several sites, and a campaign goes to one site at a time
 --> the command line:1:8
1 | --site theta,mira
  |        ^^^^^^^^^^
  = help: name one, `--site theta`; several at once need a later version
$ -n --site theta --budget -3
error[E803]: `--budget` is a number of node-hours above 0, not `-3`
 --> the command line:1:26
1 | -n --site theta --budget -3
  |                          ^^
  = help: write for example `--budget 1000`
$ graph --keep-going
error[E806]: `--keep-going` does not go with `hpcmake graph`
 --> the command line:1:7
1 | graph --keep-going
  |       ^^^^^^^^^^^^
  = help: it goes with a run
$ -R srot
error[E807]: there is no rule `srot`
 --> the command line:1:4
1 | -R srot
  |    ^^^^
  = help: did you mean `sort`?
$ why
error[E808]: name a file or a task
 --> the command line:1:1
1 | why
  | ^^^
  = help: such as `hpcmake why results.dat`
$ clean
error[E808]: say what to remove: --temp, --stale or --all
 --> the command line:1:1
1 | clean
  | ^^^^^
  = help: `--stale` removes what no rule makes any more, `--all` all that rules made; -n shows it first
$ -C namse
error[E811]: there is no folder `namse`
 --> the command line:1:4
1 | -C namse
  |    ^^^^^
  = help: did you mean `names`?
$ why sort[city=roma]
error[E812]: `sort[city=roma]` is neither a file of this plan nor a task
 --> the command line:1:1
1 | sort[city=roma]
  | ^^^^^^^^^^^^^^^
  = help: did you mean `sort[city=rome]`?
$ al
error[E412]: no rule makes `al`, there is no such file, and no target has this name
 --> the command line:1:1
1 | al
  | ^^
  = help: did you mean `all`?
$ statsu all
error[E412]: no rule makes `statsu`, there is no such file, and no target has this name
 --> the command line:1:1
1 | statsu
  | ^^^^^^
  = help: did you mean the verb, `hpcmake status all`?
  =       targets are: all
$ sort
error[E412]: `sort` is a rule, and a target is a file or a name
 --> the command line:1:1
1 | sort
  | ^^^^
  = help: name a file that it makes, `sorted/{city}.txt`, or a target
  =       targets are: all
"""
CASES = dict(each.split("\n", 1) for each in SAID.split("$ ")[1:])


@pytest.mark.parametrize("typed", CASES)
def test_a_mistake_on_the_command_line_is_told_with_its_mend(sorting: Command, typed: str) -> None:
    result = sorting.say(*typed.split())
    assert (result.status, result.out, result.err) == (2, "", CASES[typed])
    assert not sorting.exists(".hpcmake")


@pytest.mark.parametrize(
    ("where", "mistake", "mend"),
    [
        ("state = faild", "there is no state `faild`", "did you mean `failed`?"),
        ("rule = srot", "there is no rule `srot`", "did you mean `sort`?"),
        ("ctiy = rome", "unknown field `ctiy`", "did you mean `city`?"),
        ("time > often", "`often` is no value for `time`", "a duration is written"),
        ("state", "a comparison is FIELD SIGN VALUE", "write for example"),
        ("(state = done", "a bracket is not closed", "write for example"),
        ("", "an empty condition", "write for example"),
    ],
)
def test_a_condition_that_is_none_is_told(sorting: Command, where: str, mistake: str, mend: str) -> None:
    result = sorting.say("ls", "--where", where)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"error[E813]: {mistake}\n --> --where:1:")
    assert mend in result.err


def test_tasks_are_chosen_by_what_is_known_of_them(sorting: Command) -> None:
    sorting.say("sorted/rome.txt")
    chosen = {
        "state = done": ["sort[city=rome]"],
        "city = milan or rule = merge": ["sort[city=milan]", "merge"],
        "not (state = done) and task ~ sort": ["sort[city=milan]"],
        "tries = 1 and time < 1h": ["sort[city=rome]"],
        "state = failed": [],
    }
    for where, tasks in chosen.items():
        found = [row["task"] for row in sorting.say("ls", "--json", "--where", where).rows]
        assert sorted(found) == sorted(tasks), where


def test_a_file_of_an_option_that_plays_no_part_is_told(sorting: Command) -> None:
    result = sorting.say("-n", "-W", "names/roma.txt")
    assert result.err == (
        "warning[W810]: no task of this plan reads or makes `names/roma.txt`\n"
        " --> the command line:1:4\n"
        "1 | -W names/roma.txt\n"
        "  |    ^^^^^^^^^^^^^^\n"
        "  = help: did you mean `names/rome.txt`?\n"
    )
    assert result.out.startswith("3 tasks to run")
    assert sorting.say("-n", "-W", "names/rome.txt").err == ""


def test_a_file_that_is_named_as_a_verb_is_reached_and_noted(command: Command) -> None:
    command.wfile("""\
        target all: "log"

        rule make:
            output: "log"
            run: echo made; false
        """)
    assert "warning[W809]: the file `log` is named as a verb" in command.say("check").err
    for words in (("--", "log"), ("./log",)):
        assert "to run just this task: hpcmake -- log\n" in command.say(*words).err
    assert command.real("log", "log").out == "made\n"


def test_what_to_type_again_holds_for_where_one_is(command: Command) -> None:
    command.write("sub/Wfile2", 'param n = 1\ntarget all: "a b"\n\nrule r:\n    output: "a b"\n    run: exit {n}\n')
    told = command.say("-C", "sub", "-f", "Wfile2", "-D", "n=3").err
    assert "to run just this task: hpcmake -C sub -f Wfile2 -D n=3 'a b'\n" in told


def test_cleaning_removes_what_rules_made_and_nothing_else(sorting: Command) -> None:
    sorting.say()
    sorting.sources("sorted/notes.md")
    would = sorting.say("clean", "--all", "-n").out.splitlines()
    removed = sorting.say("clean", "--all").out.splitlines()
    assert would == ["would " + line.replace("removed", "remove") for line in removed]
    assert set(sorting.files()) == {"Wfile", "names/milan.txt", "names/rome.txt", "sorted/notes.md"}
    assert sorting.say("clean", "--all").err == "there is nothing to remove\n"
    assert sorting.say("-n").out.startswith("3 tasks to run, 0 up to date\n")


def test_what_no_rule_makes_any_more_is_cleaned_as_stale(sorting: Command) -> None:
    sorting.say()
    sorting.wfile(CAMPAIGN.replace("all.txt", "both.txt"))
    assert sorting.say("clean", "--stale", "--json").rows == [{"kind": "removed", "file": "all.txt"}]


# ---------------------------------------------------------------- streams


def in_a_shell(command: Command, text: str) -> tuple[int, str]:
    """The status of a line of shell text, with `hpcmake` in it, and what it printed."""
    words = ["bash", "-c", f'hpcmake() {{ "{sys.executable}" -m hpcmake "$@"; }}; {text}']
    done = subprocess.run(
        words,
        cwd=command.root,
        env=command.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_full_disk_behind_the_output_is_no_fault_of_ours(sorting: Command) -> None:
    told = "hpcmake: cannot write its output: no space left on device\n"
    assert in_a_shell(sorting, "hpcmake -n > /dev/full") == (2, told)
    assert in_a_shell(sorting, "hpcmake ls > /dev/full") == (2, told)


def test_whoever_reads_our_output_may_stop(sorting: Command) -> None:
    assert in_a_shell(sorting, "hpcmake -n | head -n 1") == (0, "3 tasks to run, 0 up to date\n")


def test_no_file_of_ours_takes_the_place_of_a_stream_that_is_closed(sorting: Command) -> None:
    assert in_a_shell(sorting, "hpcmake <&- >&- 2>&-") == (0, "")
    assert sorting.text("all.txt") == "names/milan.txt\nnames/rome.txt\n"
    assert sorting.say("ls", "--where", "state = done", "--json").out.count("\n") == 3


def test_a_folder_that_is_gone_is_told(sorting: Command) -> None:
    status, told = in_a_shell(sorting, "mkdir gone; cd gone; rmdir ../gone; hpcmake -n")
    assert status == 2
    assert "error[E811]: the folder in which you are is gone" in told


def test_an_empty_target_is_told(sorting: Command) -> None:
    assert sorting.say("").err.startswith("error[E808]: a target is empty\n")
