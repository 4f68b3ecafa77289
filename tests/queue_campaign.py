"""A campaign with jobs in a queue, written as hpcmake writes it, and a Slurm of scripts on PATH that shows them.

`Jobs.add` makes the folder of a job; what the scheduler shows of it is said apart, since the two may differ.
"""

from __future__ import annotations

import json
import os
import re
import time
from typing import TYPE_CHECKING

from hpcmake.jobs.folder import JobFolder
from hpcmake.jobs.papers import Intent, Receipt, Status
from hpcmake.jobs.pieces import write_piece

if TYPE_CHECKING:
    from collections.abc import Iterable

    from command import Command, Result

SITE = """\
name = "galaxy"
scheduler = "slurm"
launcher = "srun"
[node.cpu]
cores = 4
[[queue]]
name = "batch"
node = "cpu"
nodes = [1, 4]
longest = [[1, "2h"]]
limits = [{ what = "queued", most = 20, scope = "user" }]
"""

WFILE = """\
target all: "sum.txt"

rule make:
    output: "a/{n}.txt"
    time: 1m
    run: echo {n} > {output}

rule square:
    input: "a/{n}.txt"
    output: "b/{n}.txt"
    time: 1m
    run: cp {input} {output}

rule sum:
    input: "b/{n}.txt" for n in 1..4
    output: "sum.txt"
    time: 1m
    run: cat {input} > {output}
"""

ALL, QUEUE = "mine", "queue"
"""Files beside the campaign: what squeue shows of the user's jobs, and of all users' in a partition."""


class Jobs:
    """The jobs of a campaign, and its scheduler."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.place = command.root.parent / "scheduler"
        self.place.mkdir()
        (self.place / "bin").mkdir()
        self.has_commands = True
        self.show()
        here = self.place
        words = f'echo "${{0##*/}} $*" >> {here}/calls'
        shown = f'case " $* " in *" -p "*) cat {here}/{QUEUE} ;; *) cat {here}/{ALL} ;; esac'
        self.install("squeue", f"{words}\n{shown}")
        self.install("sacct", words)
        self.install("scontrol", words)
        self.install("sbatch", f"{words}\nexit 1")
        self.install("scancel", f'{words}\nfor job; do sed -i "/^$job|/d" {here}/{ALL}; done')
        command.write("site.toml", SITE)
        command.wfile(WFILE)

    def install(self, name: str, text: str) -> None:
        """Make a command of the scheduler."""
        path = self.place / "bin" / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def remove_commands(self) -> None:
        """Let this be a machine without the scheduler's commands."""
        self.has_commands = False

    def calls(self, name: str = "") -> list[str]:
        """Return the commands that were called, without the columns of squeue."""
        path = self.place / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [re.sub(r" -O \S+", "", line) for line in lines if line.startswith(name)]

    # ------------------------------------------------------------ what is shown

    def show(self, *rows: str, strangers: Iterable[str] = ()) -> None:
        """Let squeue show these jobs of ours, and those of strangers in the same partition."""
        (self.place / ALL).write_text("".join(f"{row}\n" for row in rows))
        (self.place / QUEUE).write_text("".join(f"{row}\n" for row in (*strangers, *rows)))

    def fail(self, text: str) -> None:
        """Let squeue not answer."""
        self.install("squeue", f"echo '{text}' >&2; exit 1")

    # ------------------------------------------------------------ what is written

    def charter(self, **more: object) -> None:
        """Write what the campaign was asked for."""
        values = {"site": "./site.toml", "submit": True, **more.pop("values", {})}  # type: ignore[dict-item]
        row = {"words": [], "values": values, "first": 0, "budget": None, **more}
        self.command.write(".hpcmake/run.json", json.dumps(row))

    def add(self, number: int, job: str, *tasks: str, parents: Iterable[int] = (), **more: object) -> JobFolder:
        """Write a job with tasks such as `make 1`; without an id it was about to be submitted."""
        if not self.command.exists(".hpcmake/run.json"):
            self.charter()
        folder = self.folder(number)
        folder.create()
        write_piece(folder.batch, self._batch(tasks))
        intent = {"nodes": 2, "charged": 2, "walltime": 3600.0, "expected": 600.0, "queue": "batch", **more}
        keys = tuple(key_of(parent) for parent in parents)
        folder.write_intent(
            Intent(folder.key, site="galaxy", tasks=len(tasks), parents=keys, generation=1, **intent)  # type: ignore[arg-type]
        )
        if job:
            folder.write_receipt(Receipt(folder.key, job))
        return folder

    def folder(self, number: int) -> JobFolder:
        """Return the folder of a job."""
        return JobFolder(f"{self.command.root}/.hpcmake/jobs/{key_of(number)}")

    def start(self, number: int, job: str, *, ago: float = 600.0, **more: object) -> None:
        """Let a job have begun, and say so."""
        folder = self.folder(number)
        assert folder.claim(job)
        folder.write_status(Status(folder.key, job=job, began=time.time() - ago, beat=1, **more))  # type: ignore[arg-type]

    def end(self, number: int, job: str, *, exit_status: int = 0, why: str = "done", ago: float = 600.0) -> None:
        """Let a job have ended, and say so."""
        if not self.folder(number).claims():
            self.start(number, job, ago=ago)
        folder, now = self.folder(number), time.time()
        status = Status(folder.key, "over", job, exit=exit_status, why=why, began=now - ago, ended=now)
        folder.write_status(status)

    @staticmethod
    def _batch(tasks: Iterable[str]) -> list[dict[str, object]]:
        paths: list[str] = []
        rules: dict[str, list[list[object]]] = {}
        for task in tasks:
            rule, _, n = task.partition(" ")
            paths.append({"make": f"a/{n}.txt", "square": f"b/{n}.txt", "sum": "sum.txt"}[rule])
            rules.setdefault(rule, []).append([[n] if n else [], [], [len(paths) - 1], 1])
        records: list[dict[str, object]] = [{"k": "batch", "v": 1}, {"k": "files", "paths": paths}]
        for at, (rule, rows) in enumerate(rules.items()):
            records += [
                {"k": "rule", "n": at, "name": rule, "wild": [] if rule == "sum" else ["n"], "c": ""},
                {"k": "tasks", "rule": at, "rows": rows},
            ]
        return records

    # ------------------------------------------------------------ the command

    def say(self, *arguments: str) -> Result:
        """Run the command where the scheduler is."""
        path = f"{self.place / 'bin'}:{os.environ['PATH']}" if self.has_commands else "/nowhere"
        return self.command.say(*arguments, env={"PATH": path})

    def lines(self, *arguments: str, status: int = 0) -> list[str]:
        """Return what a verb prints; times of day are HH:MM, and lines that were wrapped for a terminal whole again."""
        result = self.say(*arguments)
        assert result.status == status, result
        text = result.out + result.err
        if arguments[0] in {"status", "stop"}:
            assert max(map(len, text.splitlines()), default=0) <= 80
        return plain(text.replace("\n    ", " ")).splitlines()


def key_of(number: int) -> str:
    """Return the key of a job."""
    return f"hm0a1b2-{number:04d}-xy"


def plain(text: str) -> str:
    """Return text without what differs from day to day."""
    return re.sub(r"(?:\d{4}-\d\d-\d\d )?(?<!:)\b\d\d:\d\d\b(?!:)", "HH:MM", text)


def pending(job: str, number: int, *, reason: str = "Priority", after: str = "(null)", priority: int = 10) -> str:
    """Return a row of squeue of a job that waits."""
    row = f"{job}|PENDING|{reason}|2|1:00:00|1:00:00|N/A|{priority}|batch|normal|0|0|alice|{after}"
    return f"{row}|{key_of(number)}|"


def running(job: str, number: int, *, left: str = "50:00") -> str:
    """Return a row of squeue of a job that runs."""
    row = f"{job}|RUNNING|None|2|1:00:00|{left}|2026-11-22T17:52:38|10|batch|normal|0|0|alice|(null)"
    return f"{row}|{key_of(number)}|"


def stranger(job: str, *, priority: int) -> str:
    """Return a row of squeue of somebody else's job that waits."""
    return f"{job}|PENDING|Priority|9|1:00:00|1:00:00|N/A|{priority}|batch|normal|0|0|bob|(null)|other|"
