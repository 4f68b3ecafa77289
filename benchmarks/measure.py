"""Starts a command, waits for it, and says what it cost; runs several in turn and tabulates them.

Owns measuring and tables.  Knows nothing of what is measured.

Seconds of cpu are user and system time of the command and of all it has started and waited for.  Peak memory is that of
its largest process; it cannot read below that of this one, about 13 MiB.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(HERE)


@dataclass
class Run:
    """What one run has cost: seconds, seconds, MiB; and its exit status."""

    wall: float
    cpu: float
    memory: float
    status: int


@dataclass
class Tool:
    """A program that may be missing, and how it tells its version."""

    name: str
    argv: list[str]
    version: str


def find_tools():
    """Return the tools that are here by name; say which are not.

    `HPCMAKE`, `MAKE`, `NINJA` and `SNAKEMAKE` name others than those on the PATH.
    """
    found = {}
    for name in ("make", "ninja", "snakemake"):
        path = shutil.which(os.environ.get(name.upper(), name))
        if path is None:
            print(f"{name} is missing, and is not measured", file=sys.stderr)
        else:
            found[name] = Tool(name, [path], _version([path]))
    own = os.environ.get("HPCMAKE")
    argv = [own] if own else [sys.executable, "-m", "hpcmake"]
    os.environ["PYTHONPATH"] = CHECKOUT
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each start of Python compiles all anew
    found["hpcmake"] = Tool("hpcmake", argv, _version(argv))
    return found


def _version(argv):
    done = subprocess.run([*argv, "--version"], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).split("\n")[0].strip()


def run(argv, cwd=None, *, limit=600.0, stdout=os.devnull):
    """Run a command to its end, or kill it and all of its session after `limit` seconds."""
    descriptor = os.open(stdout, os.O_WRONLY | os.O_CREAT, 0o644)
    null = os.open(os.devnull, os.O_RDWR)
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.chdir(cwd or ".")
            for ours, theirs in ((null, 0), (descriptor, 1), (null, 2)):
                os.dup2(ours, theirs)
            os.execvp(argv[0], argv)
        finally:
            os._exit(127)
    os.close(descriptor)
    os.close(null)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, limit)
    _, status, used = os.wait4(pid, 0)
    wall = time.monotonic() - start
    signal.setitimer(signal.ITIMER_REAL, 0)
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))


def rounds(commands, cwd=None, *, times=5, budget=60.0, before=None, after=None):
    """Run each of {name: argv} in turn, round after round, so that what disturbs them disturbs all.

    A name that has used `budget` seconds is not run again.  `before(name)` and `after(name)` surround each run.
    Returns {name: [Run, …]}.
    """
    done = {name: [] for name in commands}
    for _ in range(times):
        for name, argv in commands.items():
            runs = done[name]
            if runs and sum(each.wall for each in runs) + runs[-1].wall > budget:
                continue
            if before:
                before(name)
            runs.append(run(argv, cwd))
            if after:
                after(name)
            last = runs[-1]
            print(
                f"    {name}: {last.wall:.3f} s, cpu {last.cpu:.3f} s, exit {last.status}", file=sys.stderr, flush=True
            )
            if last.status not in {0, 1}:
                sys.exit(f"{name} failed: exit {last.status}")
    return done


def median(runs, what):
    """Return the median of one column."""
    return statistics.median(getattr(each, what) for each in runs)


def table(done, rival, *, rate=0):
    """Return a table in Markdown: medians, and ratios of each to the rival's (of rates, where tasks are counted)."""
    speed = " tasks/s |" if rate else ""
    lines = [
        f"| | runs | wall s | cpu s | peak MiB |{speed} wall ÷ {rival} | cpu ÷ {rival} | memory ÷ {rival} |",
        "|---|---|---|---|---|---|---|---|" + ("---|" if rate else ""),
    ]
    for name, runs in done.items():
        wall, cpu, memory = (median(runs, what) for what in ("wall", "cpu", "memory"))
        row = f"| {name} | {len(runs)} | {_number(wall)} | {_number(cpu)} | {memory:.0f} |"
        if rate:
            row += f" {rate / wall:,.0f} |"
        for mine, what in ((wall, "wall"), (cpu, "cpu"), (memory, "memory")):
            row += f" {mine / median(done[rival], what):.2f} |" if done.get(rival) else " |"
        lines.append(row)
    return "\n".join(lines)


def _number(seconds):
    return f"{seconds:.3f}" if seconds < 1 else f"{seconds:.2f}" if seconds < 10 else f"{seconds:.1f}"


def machine(tools):
    """Return what was measured where, in one line."""
    versions = [
        tool.version if name in tool.version.lower() else f"{name} {tool.version}" for name, tool in tools.items()
    ]
    release = ".".join(platform.release().split(".")[:2])
    return (
        f"{os.cpu_count()} cores, {platform.system()} {release}, Python {platform.python_version()}; "
        f"{', '.join(versions)}; load {os.getloadavg()[0]:.1f}"
    )
