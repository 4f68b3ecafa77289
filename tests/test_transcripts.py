"""What the documentation shows on a terminal is what one sees: every `console` block is typed in, and compared.

The blocks of a document are played in order, in a folder that begins empty, or as a copy of what a comment
`<!-- play in examples -->` names; the folder `nothing` is an empty one.  A `wfile` block is written there as `Wfile`.

A command on an emulated login node is typed in with a faster queue, since nobody waits here for one.

A reader sees what was printed once, on one machine.  So a duration, a size and a number of cores stand for any, `…` for
anything in a line, and a line `...` for any lines; behind `<!-- play in examples, other numbers -->` every number does.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PIECE = re.compile(
    r"^```(?P<kind>wfile|console)\n(?P<text>.*?)^```$"
    r"|^<!-- play in (?P<folder>[^\s,]+)(?P<loosely>, other numbers)? -->$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(r"^\$ ((?:.*\\\n> )*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def read(path: str) -> str:
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def documents() -> list[str]:
    found = ["README.md"]
    for place, _, names in os.walk(os.path.join(ROOT, "docs")):
        found += [os.path.relpath(os.path.join(place, name), ROOT) for name in names if name.endswith(".md")]
    return sorted(path for path in found if "_build" not in path and "\n```console\n" in read(path))


LOGIN = re.compile(r"^hpcmake testbed \w+(?= -- )")
"""How a command on the login node of an emulated machine begins, where no speed is said."""


def type_in(command: str, folder: str) -> str:
    """What a shell prints that has this hpcmake, and this Python, on its path; no terminal, so no colour."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HPCMAKE_")}
    environment["PATH"] = os.path.dirname(sys.executable) + os.pathsep + environment["PATH"]
    done = subprocess.run(
        ["bash", "-c", LOGIN.sub(r"\g<0> --speed 60", command)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


DURATION = r"(?:\d+[dhm](?=\d))*\d+(?:\.\d+)?[dhms]"
SIZE = r"\d+(?:\.\d+)? (?:[KMGT]iB|B)"
VARIES = re.compile(
    rf"(?P<any>…)|(?<![\w.])(?:(?P<duration>{DURATION})|(?P<size>{SIZE}))(?!\w)|(?P<cores>\d+ cores?)\b"
)
LOOSE = re.compile(rf"(?P<any>…)|(?<![\w.])(?P<duration>{DURATION})(?!\w)|(?P<number>\d+)")
MEANS = {"any": ".*", "duration": DURATION, "size": SIZE, "cores": r"\d+ cores?", "number": r"\d+"}


def is_like(printed: str, shown: str, *, loosely: bool = False) -> bool:
    lines = ["(?:.*\n)*" if line == "...\n" else as_pattern(line, loosely=loosely) for line in shown.splitlines(True)]
    return re.fullmatch("".join(lines), printed) is not None


def as_pattern(line: str, *, loosely: bool) -> str:
    pieces = []
    end = 0
    for found in (LOOSE if loosely else VARIES).finditer(line):
        pieces += [re.escape(line[end : found.start()]), MEANS[found.lastgroup or "any"]]
        end = found.end()
    return "".join([*pieces, re.escape(line[end:])])


def test_what_is_like_what() -> None:
    assert is_like("a\nb\n", "a\nb\n")
    assert is_like("done in 3s (2 tasks)\n", "done in … (2 tasks)\n")
    assert is_like("a\nb\nc\n", "a\n...\nc\n")
    assert not is_like("a\nb\n", "a\n")
    assert not is_like("axb\n", "a.b\n")
    assert is_like("done in 1h30m (8 cores, 3.5 GiB): 2 tasks\n", "done in 0.2s (1 core, 512 MiB): 2 tasks\n")
    assert not is_like("2 tasks\n", "3 tasks\n")
    assert is_like("2 tasks in 4s\n", "3 tasks in 0.1s\n", loosely=True)
    assert not is_like("2 files\n", "3 tasks\n", loosely=True)


@pytest.mark.parametrize("path", documents())
def test_a_transcript_is_true(path: str, tmp_path: str) -> None:
    folder = os.path.join(tmp_path, "campaign")
    os.mkdir(folder)
    text = read(path)
    loosely = False
    for piece in PIECE.finditer(text):
        if piece["folder"]:
            loosely = piece["loosely"] is not None
            shutil.rmtree(folder)
            if piece["folder"] == "nothing":
                os.mkdir(folder)
                continue
            shutil.copytree(
                os.path.join(ROOT, piece["folder"]),
                folder,
                ignore=lambda place, names: [each for each in names if is_made(os.path.join(place, each))],
            )
        elif piece["kind"] != "console":
            with open(os.path.join(folder, "Wfile"), "w", encoding="utf-8") as file:
                file.write(piece["text"])
        else:
            line = text.count("\n", 0, piece.start()) + 2
            for command in COMMAND.finditer(piece["text"]):
                printed = type_in(command[1].replace("\\\n> ", "\\\n"), folder)
                assert is_like(printed, command[2], loosely=loosely), f"{path}:{line}: $ {command[1]}\n{printed}"


def is_made(path: str) -> bool:
    """Whether a file of an example is there only because the example was run."""
    return os.path.basename(path) in {".hpcmake", "__pycache__"} or path.endswith(
        (".npy", ".npz", ".part", "results.dat")
    )
