"""The command, run as a user would in a folder with a Wfile; and what it did, as values that a test can ask.

`Command.run` calls it inside this process, which takes a fifth of the time; `Command.start` starts the real one, for
signals and pipes.  Tests get one by the fixture `command`, in a new folder.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from hpcmake.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOREIGN = ("HPCMAKE", "PYTEST", "SLURM", "PBS", "COBALT", "PALS", "PMI")
"""What begins the names of variables that would tell the command of a place where it is not."""

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def is_gone(pid: str) -> bool:
    """Tell whether a process has ended."""
    try:
        with open(f"/proc/{pid.strip()}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Result:
    """What one call has come to: `status`, and the texts `out` and `err`."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines of `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]

    def kind(self, *kinds: str) -> list[dict[str, Any]]:
        """The rows of some kinds, in order."""
        return [row for row in self.rows if row.get("kind") in kinds]

    @property
    def ran(self) -> list[str]:
        """The names of the tasks that began, in order; one that was tried again comes again."""
        return [row["task"] for row in self.kind("began")]

    @property
    def done(self) -> list[str]:
        """The names of the tasks that succeeded, sorted."""
        return sorted(row["task"] for row in self.kind("done"))

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The rows of attempts that have failed."""
        return self.kind("failed")

    @property
    def removed(self) -> list[str]:
        """The files that were removed, sorted."""
        return sorted(row["file"] for row in self.kind("removed"))

    @property
    def notes(self) -> str:
        """All notes and warnings."""
        return "\n".join(row["text"] for row in self.kind("note", "warning"))

    @property
    def summary(self) -> dict[str, Any]:
        """The last row."""
        return self.kind("summary")[-1]

    @property
    def reasons(self) -> dict[str, str]:
        """Of a dry run or a run: why each task must run."""
        rows = self.kind("task", "began")
        return {row["task"]: row["reason"]["kind"] for row in rows if "reason" in row}

    def __repr__(self) -> str:
        return f"exit {self.status}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Running:
    """The real command while it runs.  What it tells with `--json` is read a row at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.rows: list[dict[str, Any]] = []

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """Send a signal to it alone, as a terminal would not: its tasks get none."""
        self.process.send_signal(number)

    def until(self, kind: str, **more: object) -> dict[str, Any]:
        """Read until a row of this kind with these values has come; it is an error if it does not."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.rows.append(json.loads(line))
            row = self.rows[-1]
            if row["kind"] == kind and all(row.get(key) == value for key, value in more.items()):
                return row
        problem = f"no {kind} {more} in {self.rows}\n{self.process.communicate()[1]}"
        raise AssertionError(problem)

    def end(self) -> Result:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=60)
        told = "".join(json.dumps(row) + "\n" for row in self.rows)
        return Result(self.process.returncode, told + out, err)


class Command:
    """A campaign in a folder, and the command to run in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = 1_000_000_000
        self._started: list[subprocess.Popen[str]] = []

    # ------------------------------------------------------------ files

    def wfile(self, text: str, name: str = "Wfile") -> None:
        """Write the Wfile; the text may be indented as its test is."""
        self.write(name, textwrap.dedent(text))

    def write(self, path: str, text: str = "") -> None:
        """Write a file, and make its folders; its time is later than that of all written here before."""
        whole = self.root / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, encoding="utf-8")
        self.touch(path)

    def sources(self, *paths: str) -> None:
        """Write files that hold their own name."""
        for path in paths:
            self.write(path, path + "\n")

    def touch(self, path: str) -> None:
        """Give a file a new time.  It lies in the past, so that what commands make is newer."""
        self.clock += 1
        os.utime(self.root / path, (self.clock, self.clock))

    def text(self, path: str) -> str:
        """Return what a file holds."""
        return (self.root / path).read_text(encoding="utf-8", errors="surrogateescape")

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file; none if there is no such file."""
        return self.text(path).splitlines() if self.exists(path) else []

    def exists(self, path: str) -> bool:
        """Tell whether something is there."""
        return os.path.lexists(self.root / path)

    def remove(self, *paths: str) -> None:
        """Remove files."""
        for path in paths:
            os.unlink(self.root / path)

    def files(self) -> dict[str, str]:
        """Return every file outside `.hpcmake` with what it holds."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if name != ".hpcmake")
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), self.root)
                found[path] = self.text(path)
        return found

    def fifo(self, name: str) -> Path:
        """Make a fifo, by which a task and the test wait for each other."""
        os.mkfifo(self.root / name)
        return self.root / name

    # ------------------------------------------------------------ the command

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of the command: `python` in it is the one that runs the tests."""
        path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return kept | {"PATH": path, "PYTHONPATH": REPOSITORY, **(more or {})}

    def say(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """Run the command with these words, and nothing else."""
        former, wanted, where = dict(os.environ), self.environment(env), os.getcwd()
        out, err, limit = io.StringIO(), io.StringIO(), sys.getrecursionlimit()
        os.environ.clear()
        os.environ.update(wanted)
        os.chdir(self.root)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = main(list(arguments))
        finally:
            sys.setrecursionlimit(limit)
            os.chdir(where)
            os.environ.clear()
            os.environ.update(former)
        return Result(status, out.getvalue(), err.getvalue())

    def run(self, *arguments: str, jobs: int = 2, env: Mapping[str, str] | None = None) -> Result:
        """Run with `--json`, on two cores."""
        return self.say("--json", "-j", str(jobs), *arguments, env=env)

    def ok(self, *arguments: str, jobs: int = 2, env: Mapping[str, str] | None = None) -> Result:
        """Run, and say that it went well."""
        result = self.run(*arguments, jobs=jobs, env=env)
        assert result.status == 0, result
        return result

    def plan(self, *arguments: str) -> Result:
        """Make a dry run with `--json`."""
        result = self.say("-n", "--json", *arguments)
        assert result.status == 0, result
        return result

    def stale(self, *arguments: str) -> dict[str, str]:
        """Return the tasks that must run, each with the kind of its reason."""
        return self.plan(*arguments).reasons

    def real(self, *arguments: str, env: Mapping[str, str] | None = None) -> Result:
        """Run the command with these words in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "hpcmake", *arguments],
            cwd=self.root,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, jobs: int = 2, env: Mapping[str, str] | None = None) -> Running:
        """Start the real command with `--json`."""
        process = subprocess.Popen(
            [sys.executable, "-m", "hpcmake", "--json", "-j", str(jobs), *arguments],
            cwd=self.root,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._started.append(process)
        return Running(process)

    def close(self) -> None:
        """End what a failed test has left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()
