"""Kills a driver at each thing that it does to the disk, and lets the next one go on: a program of test_crash.py.

    python crashes.py FOLDER first|again alone|all|either

Each life is a fork of this process, in which everything is imported already: a point takes a third of a second.  What
is found wrong is printed, a line each; the last line says how many points there were.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING, Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import hpcmake.app.folding
import hpcmake.app.lead
import hpcmake.app.touch
import hpcmake.runners.local
from hpcmake.cli import main
from hpcmake.journal import JournalFolder
from hpcmake.planner.fold import parse_fold
from hpcmake.runners.process import end_strays, find_strays
from hpcmake.tasks.history import History

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpcmake.lines import Damage

WFILE = """\
target all: "all.txt"

rule split:
    input: "words.txt"
    produces: "part{i}.src"
    run: i=0; while read -r line; do i=$((i + 1)); echo "$line" > part$i.src; done < {input}

rule middle:
    input: "part{i}.src"
    output: temp "mid/{i}.tmp"
    run:
        exec 9> "lock.mid{i}"; flock -n 9 || echo overlap >> overlaps
        echo half > {output}; sleep 0.02; cat {input} >> {output}

rule end:
    input: "mid/{i}.tmp"
    output: "end/{i}.txt"
    run:
        exec 9> "lock.end{i}"; flock -n 9 || echo overlap >> overlaps
        echo half > {output}; sleep 0.01; cat {input} >> {output}

rule unsteady:
    input: "words.txt"
    output: protect "unsteady.txt"
    retries: 1
    run: echo half > {output}; test {attempt} -gt 1; cat {input} >> {output}

rule hopeless:
    input: "words.txt"
    output: "hopeless.txt"
    run: echo half > {output}; false

rule mark:
    input: "unsteady.txt"
    output: touch "mark"

rule all:
    input:
        "end/{i}.txt" for each "part{i}.src"
        order "mark"
        maybe "hopeless.txt"
    output: "all.txt"
    run: echo half > {output}; cat {input} >> {output}
"""
WORDS = "one\ntwo\n"
TASKS = {
    *("split", "unsteady", "hopeless", "mark", "all"),
    *(f"{rule}[i={i}]" for rule in ("middle", "end") for i in (1, 2)),
}
IGNORED = (".hpcmake", "lock.", "overlaps")


def lay_out(folder: str) -> None:
    os.makedirs(folder)
    for name, text in (("Wfile", WFILE), ("words.txt", WORDS)):
        with open(f"{folder}/{name}", "w", encoding="ascii") as file:
            file.write(text)


# ---------------------------------------------------------------- one life


class Reaper:
    """Counts what is done to the disk and to pipes, and kills this process at one such point.

    A write is cut in half.  With `everyone`, all processes of the campaign die as well.
    """

    def __init__(self, point: int, *, everyone: bool) -> None:
        self.left = point
        self.everyone = everyone
        for name in ("write", "fsync", "replace", "rename", "link", "unlink", "mkdir", "chmod", "posix_spawn", "utime"):
            setattr(os, name, self.wrap(name, getattr(os, name)))
        opened = os.open

        def open_(path: str, flags: int, *more: Any, **named: Any) -> int:
            if flags & os.O_CREAT:
                self.count(lambda: None)
            return opened(path, flags, *more, **named)

        os.open = open_  # type: ignore[assignment]

    def wrap(self, name: str, former: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            half = (lambda: former(args[0], bytes(args[1])[: len(args[1]) // 2])) if name == "write" else lambda: None
            self.count(half)
            return former(*args, **named)

        return call

    def count(self, half: Callable[[], object]) -> None:
        self.left -= 1
        if self.left:
            return
        half()
        if self.everyone:
            with contextlib.suppress(OSError), open(".hpcmake/mark", encoding="ascii") as file:
                end_strays(find_strays(file.read().split()[0] + ":"))
        os.kill(os.getpid(), signal.SIGKILL)


def live(folder: str, *argv: str, point: int = 0, everyone: bool = False) -> tuple[int | None, list[dict[str, Any]]]:
    """Run the command in a process of its own; return its exit status (None if it was killed) and its rows."""
    told = f"{folder}.told"
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            os.chdir(folder)
            output = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            for number in (1, 2):
                os.dup2(output, number)
            if point:
                Reaper(point, everyone=everyone)
            status = main([*argv, "--json", "-j", "3"])
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    with open(told, encoding="utf-8") as file:
        text = file.read()
    rows = [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
    if os.WIFSIGNALED(ended):
        return None, rows
    if os.WEXITSTATUS(ended) != 0:
        rows.append({"kind": "text", "text": text})
    return os.WEXITSTATUS(ended), rows


# ---------------------------------------------------------------- what must hold


def read_files(folder: str) -> dict[str, bytes]:
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(IGNORED)]
        for name in names:
            path = os.path.relpath(os.path.join(place, name), folder)
            if not path.startswith(IGNORED):
                with open(os.path.join(folder, path), "rb") as file:
                    found[path] = file.read()
    return found


def read_journal(folder: str) -> tuple[History, set[str], list[Damage]]:
    """Return what the journal says, which tasks succeeded in the last life, and what is damaged."""
    journal = JournalFolder(f"{folder}/.hpcmake")
    raw = journal.read_fold()
    history = parse_fold(raw) if raw is not None else History()
    damage: list[Damage] = []
    done: set[str] = set()
    for block in journal.read_records(history.covers, damage):
        history.take(block)
        done.update(row["t"] for row in block if row["k"] == "ok")
    return history, done, damage


def look_at(folder: str, want: dict[str, bytes], *, is_first: bool, is_thorough: bool) -> list[str]:
    """Return what is wrong after a driver was killed and the next one has gone on; `is_thorough`: and the one after."""
    wrong: list[str] = []
    before, done, damage = read_journal(folder)
    wrong += [f"damage: {each}" for each in damage if not each.torn]
    # what has failed for good, and is wanted as `maybe` only, is not tried again
    given_up = {task for task, other in before.others.items() if other["k"] in {"fail", "gave up"} and "in" in other}
    unfinished = before.others.keys() - given_up
    status, rows = live(folder)
    if status != 0:
        wrong.append(f"the next run: {status}: {rows}")
    began = {row["task"] for row in rows if row["kind"] in {"began", "done"}}  # a marker is done without having begun
    again = (done - unfinished) & began
    if again:
        wrong.append(f"finished, and run again: {sorted(again)}")
    must = (TASKS - done - given_up) if is_first and not before.folded else unfinished
    if must - began:
        wrong.append(f"not finished, and not run: {sorted(must - began)}")
    found = read_files(folder)
    if found != want:
        differ = sorted(path for path in {*found, *want} if found.get(path) != want.get(path))
        wrong.append(f"files differ: {[(path, found.get(path)) for path in differ]}")
    if os.path.exists(f"{folder}/overlaps"):
        wrong.append("a task ran twice at once")
    if is_thorough:
        status, rows = live(folder)
        if status != 0 or not rows[-1]["nothing_to_do"]:
            wrong.append(f"not up to date in the end: {rows}")
    with open(f"{folder}/.hpcmake/mark", encoding="ascii") as file:
        left = find_strays(file.read().split()[0] + ":")
    if left:
        wrong.append(f"processes are left: {left}")
    return wrong


def sweep(top: str, scenario: str, who: str) -> None:
    hpcmake.app.folding.FOLD_FROM = 0
    lay_out(f"{top}/fresh")
    lay_out(f"{top}/warm")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.chdir(f"{top}/warm"):
        main(["--json"])  # whatever is imported late is imported now
    shutil.copytree(f"{top}/fresh", f"{top}/built")
    status, rows = live(f"{top}/built")
    if status != 0:
        print(f"the undisturbed run: {status}: {rows}")
        return
    want = read_files(f"{top}/built")
    start, argv = ("fresh", []) if scenario == "first" else ("built", ["-B"])
    point = 0
    while True:
        point += 1
        folder = f"{top}/{point}"
        shutil.copytree(f"{top}/{start}", folder)
        everyone = who == "all" or (who == "either" and point % 2 == 0)
        status, rows = live(folder, *argv, point=point, everyone=everyone)
        if status is not None:
            if status != 0:
                print(f"point {point}: undisturbed, and {status}: {rows}")
            break
        for each in look_at(folder, want, is_first=scenario == "first", is_thorough=point % 4 == 0):
            print(f"point {point}: {each}")
        shutil.rmtree(folder)
    print(f"{point - 1} points")


if __name__ == "__main__":
    sweep(os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3])
