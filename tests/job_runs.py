"""Jobs without a scheduler: a batch is written as it is submitted, and run in the environment of a job of Theta.

Nothing of a machine is there but an `aprun` that starts the program which it is given on this machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from command import Command, Result

from hpcmake.app.opening import Opened
from hpcmake.app.queue.outbox import Outbox, Outgoing
from hpcmake.jobs.folder import JobFolder
from hpcmake.jobs.programs import require_program
from hpcmake.lines import parse_records
from hpcmake.options import RUN, Arguments
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.batch_rows import BatchRows
from hpcmake.sites import read_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from hpcmake.jobs.papers import Status

APRUN = """\
#!/bin/bash
# an aprun as far as these tests need it: -L names the nodes, and each holds the program once; `faults` has a line for
# each launch that comes, which it is to end with if it is not empty
echo "$@" >> {root}/launches
nodes=
while [ $# -gt 0 ]; do
    case $1 in
        -L) nodes=$2; shift 2 ;;
        -n | -N | -d | -j | -cc | -e | -m) shift 2 ;;
        -b | -q) shift ;;
        *) break ;;
    esac
done
export NID=${{nodes%%[-,]*}}
if [ -s {root}/faults ]; then
    fault=$(head -n 1 {root}/faults)
    sed -i 1d {root}/faults
    if [ -n "$fault" ]; then echo "$fault" >&2; exit 1; fi
fi
exec "$@"
"""

SPY = """\
import atexit, json, os, sys

@atexit.register
def tell():
    found = {name: module for name, module in sys.modules.items() if name.startswith("hpcmake")}
    names = {name: getattr(module, "__file__", None) for name, module in found.items()}
    with open(os.environ["SPY"] + f".{os.getpid()}", "w") as file:
        json.dump({"argv": sys.argv, "modules": names}, file)
"""


def theta_job(number: int, nodes: int, left: float) -> dict[str, str]:
    """Return what Cobalt tells a job of Theta that has just begun, with seconds that are left to it."""
    now = time.time()
    return {
        "COBALT_JOBID": str(number),
        "COBALT_PARTNAME": f"3826-{3825 + nodes}" if nodes > 1 else "3826",
        "COBALT_PARTSIZE": str(nodes),
        "COBALT_STARTTIME": str(int(now)),
        "COBALT_ENDTIME": str(int(now + left)),
    }


class Box(Outbox):
    """Writes jobs that do not ask for more work: nobody drives here who could give them some."""

    def head(self, **more: object) -> dict[str, Any]:
        """Return the first record of a piece of a batch."""
        return {**super().head(**more), "grows": False}


class Site:
    """Theta, as far as its jobs see it, and a campaign there."""

    def __init__(self, command: Command, name: str = "theta") -> None:
        self.command = command
        self.root = command.root
        self.bin = self.root.parent / "bin"
        self.bin.mkdir()
        (self.bin / "aprun").write_text(APRUN.format(root=self.bin))
        (self.bin / "aprun").chmod(0o755)
        self.site = read_site(name, {}).replace(margin=0.0, latency=0.0, mtime_grain=0.0)
        self.number = 100

    # ------------------------------------------------------------ batches

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Stand in the campaign's folder for a while."""
        where = os.getcwd()
        os.chdir(self.root)
        try:
            yield
        finally:
            os.chdir(where)

    @contextlib.contextmanager
    def opened(self, *words: str, **values: Any) -> Iterator[tuple[Opened, BatchRows, Outbox]]:
        """Open the campaign as a driver does; `values` are options of its command line."""
        with self.inside():
            (self.root / ".hpcmake").mkdir(exist_ok=True)
            arguments = Arguments(RUN)
            arguments.words = list(words)
            arguments.values = dict(values)
            opened = Opened(arguments)
            plan = opened.plan()
            rows = BatchRows(
                plan,
                Attempts(plan, site=self.site.name, launch=lambda _: ()),
                retries=int(values.get("retries") or 0),
            )
            outbox = Box(
                self.site,
                keep_going=bool(values.get("keep_going")),
                latency=values.get("latency"),
                content=values.get("check") == "content",
                generation=1,
                live=1,
                user="me",
            )
            yield opened, rows, outbox

    def batch(
        self,
        *words: str,
        only: Callable[[str], bool] = lambda _: True,
        parents: tuple[JobFolder, ...] = (),
        **values: Any,
    ) -> JobFolder:
        """Write a job's folder as it is before it is submitted, with what must run; return it."""
        with self.opened(*words, **values) as (opened, rows, outbox):
            del opened
            tasks = tuple(task for task in rows.plan.stale_in_order() if only(task[0].name(task[1])))
            job = Outgoing("#0", "default", 2, 2, 3600.0, tasks)
            folder = outbox.write(job, rows)
            folder.write_intent(outbox.intent(folder, job, [each.key for each in parents], "ok", grows=False))
        return JobFolder(f"{self.root}/{folder.path}")

    def plan(self, *words: str) -> list[str]:
        """Return what a driver would still have to run."""
        with self.opened(*words) as (_, rows, _):
            return sorted(table.name(row) for table, row in rows.plan.stale_in_order())

    # ------------------------------------------------------------ jobs

    def env(self, number: int, nodes: int = 2, left: float = 3600) -> dict[str, str]:
        """Return the environment of a job."""
        path = self.command.environment()["PATH"]
        return {"PATH": f"{self.bin}:{path}", **theta_job(number, nodes, left)}

    def start(
        self,
        folder: JobFolder,
        *,
        number: int | None = None,
        left: float = 3600,
        nodes: int = 2,
        program: str = "",
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start a job, as its script would."""
        self.number += 1
        if not program:
            with self.inside():
                program = require_program(".hpcmake")
        more = {**self.env(self.number if number is None else number, nodes, left), **(env or {})}
        process = subprocess.Popen(
            [sys.executable, program, folder.key],
            cwd=self.root,
            env=self.command.environment({"PYTHONPATH": "", **more}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.command._started.append(process)
        return process

    def run(self, folder: JobFolder, **more: Any) -> Result:
        """Run a job to its end."""
        return ended(self.start(folder, **more))

    def run_on_testbed(self, folder: JobFolder, *words: str) -> Result:
        """Run the script of a job on the emulated machine."""
        with self.inside():
            return self.command.real("testbed", self.site.name, "--quiet", *words, "--", "bash", folder.script)

    def job(self, *words: str, **more: Any) -> tuple[Result, JobFolder]:
        """Write a batch of all that must run, and run it."""
        how = {name: more.pop(name) for name in ("left", "env", "number", "nodes") if name in more}
        folder = self.batch(*words, **more)
        return self.run(folder, **how), folder

    def spied(self, folder: JobFolder, **more: Any) -> dict[str, str]:
        """Run a job; return what its program has imported of ours, each with its file."""
        spy = self.root.parent / "spy"
        self.run(folder, env={**self.custom(SPY), "SPY": str(spy / "told")}, **more)
        told = [json.loads(path.read_text()) for path in spy.glob("told.*")]
        (found,) = [each["modules"] for each in told if each["argv"][1:] == [folder.key]]
        return dict(found)

    def custom(self, text: str) -> dict[str, str]:
        """Return an environment in which every Python begins with this text."""
        spy = self.root.parent / "spy"
        spy.mkdir()
        (spy / "sitecustomize.py").write_text(text)
        return {"PYTHONPATH": str(spy)}


def ended(process: subprocess.Popen[str]) -> Result:
    """Wait for the end of a job."""
    out, err = process.communicate(timeout=60)
    return Result(process.returncode, out, err)


def records_of(folder: JobFolder) -> list[dict[str, Any]]:
    """Return what a job has recorded; it is an error if any of it is damaged."""
    try:
        with open(folder.records, "rb") as file:
            records, damage = parse_records(file.read(), "records.jsonl")
    except FileNotFoundError:
        return []
    assert damage == []
    return records


def done(folder: JobFolder) -> list[str]:
    """Return the tasks that a job has recorded as done, in order."""
    return [record["t"] for record in records_of(folder) if record["k"] == "ok"]


def status_of(folder: JobFolder) -> Status:
    """Return what a job says of itself; it is an error if that is nothing."""
    status = folder.read_status()
    assert status is not None
    return status


def local_run(command: Command, other: Path) -> dict[str, str]:
    """Run the same campaign in another folder on this machine; return its files."""
    import shutil

    shutil.copytree(command.root, other, ignore=shutil.ignore_patterns(".hpcmake"))
    there = Command(other)
    there.run("-k", "--keep-temp")
    return there.files()
