"""Campaigns through the queue of an emulated machine: its login node, those who drive there, and what must hold at the end.

`Emulated` is a campaign in a folder, with a session of the testbed around it; `Driver` is an `hpcmake` that was started on
its login node.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

from slurm.cluster import until

from hpcmake.lines import parse_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from command import Command

HPCMAKE = [sys.executable, "-m", "hpcmake"]
SITES = {
    "theta": 'name = "theta"\nlatency = "1s"\nmtime_grain = "0.001s"\n',
    "polaris": ('name = "polaris"\nlatency = "1s"\nmtime_grain = "0.001s"\nproject = "P"\nfilesystems = ["home"]\n'),
}
SMALL = {
    "theta": ("--job-nodes", "128", "--job-time", "30m"),
    "polaris": ("--job-nodes", "10", "--job-time", "30m"),
}
"""Options by which no two stages of `CHAIN` fit one job."""

DEBUG = {"theta": ("--queue", "debug-cache-quad"), "polaris": ("--queue", "debug-scaling")}
"""Options that name a queue in which one job may run, or stand."""

SPEED = 300
LONGEST = 150
"""Seconds after which a test no longer waits."""

FAN = """
    target all: "sum.txt"
    rule part:
        output: "part/{n}"
        time: 1m
        run: echo {n} >{output}
    rule sum:
        input: "part/{n}" for n in 1..6
        output: "sum.txt"
        time: 1m
        run: cat {input} >{output}
    """
CHAIN = """
    target all: "end"
    rule first:
        output: "a/{i}"
        time: 20m
        run: {ahead} echo {i} >>trace; echo {i} >{output}
    rule second:
        input: "a/{i}"
        output: "b/{i}"
        time: 20m
        run: cat {input} {input} >{output}
    rule third:
        input: "b/{i}" for i in 1..3
        output: "end"
        time: 20m
        run: cat {input} >{output}
    """
"""Three stages of at most twenty minutes each; `{ahead}` is what the tasks of the first one do before."""

WAIT = "echo {i} >>begun; until [ -e go ]; do read -t 0.05 <>pause || :; done;"
"""The commands of a task that waits until a test lets it go on; `pause` is a fifo in which never anything is."""

NOT_MADE = {".hpcmake", "trace", "begun", "tries", "pause", "go", "mended", "Wfile", "site.toml"}


def chain(ahead: str = ":;") -> str:
    """Return the Wfile of a chain."""
    return CHAIN.replace("{ahead}", ahead)


class Emulated:
    """A campaign on the login node of an emulated machine; the session begins when somebody drives for the first time."""

    def __init__(self, command: Command, site: str, wfile: str, *words: str) -> None:
        self.root = command.root
        self.site = site
        self.words = words
        self.environment: dict[str, str] = {}
        self.drivers: list[Driver] = []
        self.clean = command.environment()
        self.session: subprocess.Popen[str] | None = None
        self.told = ""
        (self.root / "Wfile").write_text(textwrap.dedent(wfile))
        (self.root / "site.toml").write_text(SITES[site])
        os.mkfifo(self.root / "pause")

    # ------------------------------------------------------------ the machine

    def log_in(self) -> None:
        """Begin a session: its environment is that of all who drive here, and it ends with `log_out`."""
        words = ["--speed", str(SPEED), *self.words, "--", "bash", "-c", "env -0; exec cat >/dev/null"]
        self.session = subprocess.Popen(
            [*HPCMAKE, "testbed", "./site.toml", *words],
            cwd=self.root,
            env=self.clean,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.session.stdout is not None
        text = ""
        while "\0_=" not in text:  # the shell's last variable
            piece = os.read(self.session.stdout.fileno(), 1 << 16).decode()
            assert piece, self.session.communicate()[1]
            text += piece
        self.environment = dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)

    def log_out(self) -> str:
        """End the session with all jobs; return what it told."""
        if self.session is not None:
            self.told += self.session.communicate(timeout=LONGEST)[1]
            self.session = None
        return self.told

    def ask(self, *argv: str) -> str:
        """Run a command on the login node; return what it prints."""
        done = subprocess.run(argv, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout

    def queue(self) -> list[str]:
        """Return the ids of the jobs that are in the queue."""
        lines = self.ask("qstat").splitlines()
        return [line.split()[0].split(".")[0] for line in lines if line[:1].isdigit()]

    # ------------------------------------------------------------ who drives

    def start(self, *arguments: str, verb: str = "", path: str = "") -> Driver:
        """Start hpcmake on the login node; `path` is a folder whose programs are found first."""
        if self.session is None:
            self.log_in()
        sited = [verb] if verb else ["-j", "512", "--site", "./site.toml"]
        self.drivers.append(Driver(self, [*HPCMAKE, *sited, *arguments], path))
        return self.drivers[-1]

    def instead_of(self, name: str, script: str) -> str:
        """Return a folder with a program that stands before the scheduler's of that name, which is `$real` in it."""
        folder = self.root.parent / "path"
        folder.mkdir()
        program = folder / name
        program.write_text(f"#!/bin/bash\nreal=$(PATH=${{PATH#*:}} command -v {name})\n{script}\n")
        program.chmod(0o755)
        return str(folder)

    def run(self, *arguments: str, status: int = 0, verb: str = "") -> Driver:
        """Run hpcmake to its end, which must be this one."""
        driver = self.start(*arguments, verb=verb)
        assert driver.end() == status, self
        return driver

    def until(self, found: Callable[[], Any], what: str) -> None:
        """Wait for a condition."""
        try:
            until(found, what, LONGEST, pause=0.05)
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}\n{self}") from None

    def until_over(self) -> None:
        """Wait until no job is left that has anything to do."""
        self.until(lambda: not self.queue(), "the queue is empty")

    def go(self, name: str = "go") -> None:
        """Let the tasks go on that wait."""
        (self.root / name).touch()

    def lines(self, name: str) -> list[str]:
        """Return the lines of a file; none if there is none."""
        path = self.root / name
        return path.read_text().splitlines() if path.exists() else []

    # ------------------------------------------------------------ what there is

    def ids(self) -> list[str]:
        """Return the ids of jobs whose submission is known, in the order of their keys."""
        texts = (path.read_text() for path in sorted(self.root.glob(".hpcmake/jobs/*/id")))
        return [json.loads(text[text.index("{") :])["id"].split(".")[0] for text in texts]

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records of all jobs and drivers."""
        for path in sorted(self.root.glob(".hpcmake/**/*.jsonl")):
            if path.name.startswith(("records.", "journal.")):
                yield from parse_records(path.read_bytes(), path.name)[0]

    def successes(self) -> Counter[str]:
        """Return how often the success of each task was recorded."""
        return Counter(record["t"] for record in self.records() if record["k"] == "ok")

    def results(self, top: Any = None) -> dict[str, bytes]:
        """Return all that was made."""
        top = top or self.root
        paths = ((path, path.relative_to(top)) for path in sorted(top.rglob("*")) if path.is_file())
        return {str(name): path.read_bytes() for path, name in paths if name.parts[0] not in NOT_MADE}

    def made_here(self) -> dict[str, bytes]:
        """Return what a run on this machine makes of the same Wfile and sources."""
        local = self.root.parent / "local"
        sources = {"Wfile", "mended", *(path.name for path in self.root.glob("*.py"))}
        local.mkdir()
        for name in sources:
            if (self.root / name).exists():
                shutil.copy(self.root / name, local)
        for name in ("go", "mended"):
            (local / name).touch()
        done = subprocess.run([*HPCMAKE, "-j2"], cwd=local, env=self.clean, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.results(local)

    def assert_it_ended_well(self, tasks: int, *, jobs: int | None = None) -> None:
        """Hold what is there at the end against what must be; `jobs` are those that were submitted."""
        assert {task: count for task, count in self.successes().items() if count != 1} == {}, self
        assert len(self.successes()) == tasks, self
        assert self.results() == self.made_here(), self
        again = self.run()
        assert "nothing to do" in again.text, self
        told = self.log_out()
        if jobs is not None:
            assert f"{jobs} job{'s' if jobs != 1 else ''} submitted" in told, f"{self}\n{told}"

    def close(self) -> None:
        """End what is left."""
        for driver in self.drivers:
            driver.close()
        self.log_out()

    def __repr__(self) -> str:
        parts = [str(driver) for driver in self.drivers]
        for folder in sorted(self.root.glob(".hpcmake/jobs/*-*")):
            parts.append(f"--- {folder.name}: {' '.join(sorted(path.name for path in folder.iterdir()))}")
            for name in ("intent", "id", "status.json", "closed", "out", "err"):
                path = folder / name
                parts += [f"{name}: {path.read_text(errors='replace')[-1500:]}"] if path.exists() else []
        if self.session is not None:
            parts.append(self.ask("qstat"))
        return "\n".join(parts)


class Driver:
    """An hpcmake that was started on the login node."""

    def __init__(self, campaign: Emulated, words: list[str], path: str = "") -> None:
        self.campaign = campaign
        self.words = words
        self.path = campaign.root.parent / f"driver{len(campaign.drivers)}"
        around = dict(campaign.environment)
        around["PATH"] = f"{path}:{around['PATH']}" if path else around["PATH"]
        with self.path.open("w") as out:
            self.process = subprocess.Popen(
                words,
                cwd=campaign.root,
                env=around,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def text(self) -> str:
        """What it has written by now."""
        return self.path.read_text(errors="replace")

    def end(self) -> int:
        """Wait for its end; return its exit status."""
        self.campaign.until(lambda: self.process.poll() is not None, "the driver ends")
        return self.process.returncode

    def until(self, found: Callable[[], Any], what: str) -> None:
        """Wait for a condition; the driver must not end before."""

        def holds() -> Any:
            value = found()
            assert value or self.process.poll() is None, f"the driver has ended before {what}\n{self.campaign}"
            return value

        self.campaign.until(holds, what)

    def until_told(self, words: str) -> None:
        """Wait until it has written something."""
        self.until(lambda: words in self.text, f"it says “{words}”")

    def send(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __repr__(self) -> str:
        return f"--- {' '.join(self.words[3:])}: exit {self.process.poll()}\n{self.text}"
