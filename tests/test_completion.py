"""Completion: the script for bash is tried in a bash that is typed into; the others are read by their shells."""

import os
import pty
import re
import select
import shutil
import subprocess

import pytest

from hpcmake.completion import SHELLS, render_completion
from hpcmake.options import OPTIONS, VERBS

TARGETS = ["all", "docked/1abc/a.sdf", "docked/1abc/b.sdf", "scores/x y.csv", "t=300.txt", "why not"]

# what stands for hpcmake: it names targets, and notes with what else it was asked for them
PROGRAM = """#!/bin/bash
for word; do last=$word; done
[ "$last" = --complete-targets ] || exit 1
printf '%s\\n' "$@" >asked
cat <<'END'
{}
END
""".format("\n".join(TARGETS))


@pytest.fixture
def folder(tmp_path: str) -> str:
    """A folder with a few files, that program, and the completion of bash."""
    place = str(tmp_path)
    for name, text in {
        "Wfile": "",
        "Wfile.old": "",
        "bin/hpcmake": PROGRAM,
        "completion.bash": render_completion("bash", OPTIONS, VERBS),
    }.items():
        path = os.path.join(place, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    os.chmod(os.path.join(place, "bin/hpcmake"), 0o755)
    os.makedirs(os.path.join(place, "runs"))
    return place


def complete(line: str, folder: str) -> list[str]:
    """Return what is offered for a line: bash's words, split as readline does, and what the function answers."""
    pieces = [piece for word in line.split(" ") for piece in re.split(r"([=:])", word) if piece or not word]
    script = (
        ". ./completion.bash; compopt() { :; }; "
        'COMP_LINE=$1; COMP_POINT=${#1}; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '_hpcmake hpcmake; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", line, *pieces],
        cwd=folder,
        env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines() if done.stdout != "\n" else []


# ---------------------------------------------------------------- bash


def test_the_first_word_is_a_verb_or_a_target(folder: str) -> None:
    assert complete("hpcmake ", folder) == [*VERBS, *TARGETS]
    assert complete("hpcmake wh", folder) == ["why", "why not"]
    assert complete("hpcmake -k s", folder) == ["status", "script", "stop", "sites", "scores/x y.csv"]


def test_further_words_are_targets(folder: str) -> None:
    assert complete("hpcmake all do", folder) == ["docked/1abc/a.sdf", "docked/1abc/b.sdf"]
    assert complete("hpcmake why docked/1abc/a", folder) == ["docked/1abc/a.sdf"]
    assert complete("hpcmake all wh", folder) == ["why not"]


def test_behind_two_dashes_nothing_is_a_verb_or_an_option(folder: str) -> None:
    assert complete("hpcmake -- w", folder) == ["why not"]
    assert complete("hpcmake -- --dry", folder) == []


def test_where_no_target_fits_there_are_files(folder: str) -> None:
    assert sorted(complete("hpcmake W", folder)) == ["Wfile", "Wfile.old"]


def test_options_are_those_of_the_verb(folder: str) -> None:
    assert complete("hpcmake --dr", folder) == ["--dry-run"]
    assert complete("hpcmake graph --form", folder) == ["--format"]
    assert complete("hpcmake --form", folder) == []
    assert complete("hpcmake why --retr", folder) == []


def test_values_of_options(folder: str) -> None:
    assert complete("hpcmake --check ", folder) == ["mtime", "content"]
    assert complete("hpcmake graph --format s", folder) == ["svg"]
    assert complete("hpcmake -C ru", folder) == ["runs"]
    assert complete("hpcmake -f Wfile.", folder) == ["Wfile.old"]
    assert complete("hpcmake --until al", folder) == ["all"]
    assert complete("hpcmake -j ", folder) == []
    assert complete("hpcmake -kj ", folder) == []
    assert complete("hpcmake -j 4 wh", folder) == ["why", "why not"]


def test_bash_breaks_words_at_signs_that_names_may_hold(folder: str) -> None:
    assert complete("hpcmake --check=c", folder) == ["content"]
    assert complete("hpcmake --check=", folder) == ["mtime", "content"]
    assert complete("hpcmake t=3", folder) == ["300.txt"]
    assert complete("hpcmake t=", folder) == ["300.txt"]


def test_the_verb_completion_takes_shells_and_fmt_takes_files(folder: str) -> None:
    assert complete("hpcmake completion ", folder) == list(SHELLS)
    assert complete("hpcmake fmt Wf", folder) == ["Wfile", "Wfile.old"]


def test_what_selects_the_wfile_is_passed_on(folder: str) -> None:
    complete("hpcmake -f Wfile.old -C ~/runs -k -D a=1 --file=x al", folder)
    with open(os.path.join(folder, "asked"), encoding="utf-8") as file:
        asked = file.read().split("\n")[:-1]
    assert asked == ["-f", "Wfile.old", "-C", f"{folder}/runs", "-D", "a=1", "--file=x", "--complete-targets"]


def test_a_bash_that_is_typed_into(folder: str) -> None:
    """Alt-* puts all that is offered on the line; bash itself quotes what it must."""
    typed = r"""
. ./completion.bash
hpcmake() { if [ "$1" = --complete-targets ]; then bin/hpcmake "$@"; else printf '<%s>' "$@"; printf '%s\n' END; fi; }
hpcmake why s{star}
hpcmake --check={star}
hpcmake wh{star}
hpcmake completion f{star}
exit
""".replace("{star}", "\x1b*")
    terminal, other_side = pty.openpty()
    bash = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        cwd=folder,
        env={**os.environ, "PS1": "", "TERM": "dumb", "INPUTRC": "/dev/null", "HISTFILE": "/dev/null"},
        stdin=other_side,
        stdout=other_side,
        stderr=other_side,
        start_new_session=True,
    )
    os.close(other_side)
    os.write(terminal, typed.encode())
    shown = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break  # how Linux tells that the other side has closed
        if not piece:
            break
        shown += piece
    os.close(terminal)
    bash.wait()
    assert re.findall(r"^((?:<.*>)+)END", shown.decode().replace("\r", ""), re.MULTILINE) == [
        "<why><scores/x y.csv>",
        "<--check=content><mtime>",
        "<why><why not>",
        "<completion><fish>",
    ]


# ---------------------------------------------------------------- all three


@pytest.mark.parametrize("shell", SHELLS)
def test_every_verb_and_option_is_there(shell: str) -> None:
    script = render_completion(shell, OPTIONS, VERBS)
    for verb in VERBS:
        assert re.search(rf"\b{verb}\b", script), verb
    for option in OPTIONS:
        for name in option.names:
            word = f"-{'l ' if name.startswith('--') else 's '}{name.lstrip('-')}" if shell == "fish" else name
            assert word in script, name
    assert not re.search(r"@[A-Z_]+@", script), "a hole that was not filled"


def test_no_script_for_a_shell_that_is_not_known() -> None:
    with pytest.raises(ValueError, match="tcsh"):
        render_completion("tcsh", OPTIONS, VERBS)


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shutil.which(shell)])
def test_a_shell_can_read_its_script(shell: str, tmp_path: str) -> None:
    path = os.path.join(tmp_path, "script")
    with open(path, "w", encoding="utf-8") as file:
        file.write(render_completion(shell, OPTIONS, VERBS))
    done = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_texts_are_quoted_for_zsh_and_fish() -> None:
    verbs = {"why": "what's [so]: and \\ why"}
    assert r"'why:what'\''s \[so\]\: and \\ why'" in render_completion("zsh", [], verbs)
    assert r"-d 'what\'s [so]: and \\ why'" in render_completion("fish", [], verbs)
