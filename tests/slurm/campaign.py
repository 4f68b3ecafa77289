"""Campaigns on the cluster, and the jobs in which they run, as values that a test can ask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any

import psutil

from slurm.cluster import Cluster, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
OVER = {"COMPLETED", "FAILED", "TIMEOUT", "NODE_FAIL", "CANCELLED", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"}
LAUNCHERS = {"srun", "mpiexec.mpich", "mpiexec.hydra", "mpiexec.openmpi", "orterun"}
LONGEST = 600
"""Seconds after which a test no longer waits: not a measure, all cases share two cores."""

SITE = """\
name = "{name}"
scheduler = "slurm"
launcher = "{launcher}"
python = "{python}"
latency = "2s"
mtime_grain = "0.001s"
margin = "10s"
[node.any]
cores = {cores}
memory = "64GB"
scratch = "/dev/shm"
[launch]
carrier = "{carrier}"
{more}
"""

GENTLY = "renice -n 19 -p $$ >/dev/null\n"
# what a batch script does: once in place of itself, or again in the same job whenever the driver was killed
ONCE = "exec {command} >>out 2>>err\n"
AGAIN = 'status=137\nwhile [ "$status" = 137 ]; do\n{command} >>out 2>>err && status=0 || status=$?\necho "$status" >>ends\ndone\nexit "$status"\n'


class Slurm:
    """A cluster that is up, and a folder for what runs on it."""

    def __init__(self, folder: Path, *, nodes: int = 24, partitions: int = 60, **more: Any) -> None:
        self.folder = folder
        self.cluster = Cluster(nodes=nodes, partitions=partitions, **more)
        self._lock = threading.Lock()
        self._states: dict[str, str] = {}
        self._looked = 0.0
        self._programs: dict[str, Path] = {}
        self._given = 0

    def campaign(self, name: str, wfile: str = "") -> Campaign:
        """Return a new campaign in a folder of its own; the text of its Wfile may be indented as its test is."""
        root = self.folder / name
        root.mkdir()
        if wfile:
            (root / "Wfile").write_text(textwrap.dedent(wfile), encoding="utf-8")
        return Campaign(self, root)

    def partition(self) -> str:
        """Return a partition that nobody else is told of."""
        with self._lock:
            self._given += 1
            return self.cluster.partitions[self._given - 1]

    def ring(self, mpi: str) -> Path:
        """Return the program of ring.c, linked with `mpich` or `openmpi`."""
        with self._lock:
            if mpi not in self._programs:
                program = self.folder / f"ring.{mpi}"
                subprocess.run([f"mpicc.{mpi}", "-o", str(program), f"{HERE}/ring.c"], check=True)
                self._programs[mpi] = program
        return self._programs[mpi]

    def state(self, job: str) -> str:
        """Return the state of a job.  All who ask within a second are told from one look at the queue."""
        with self._lock:
            if time.monotonic() - self._looked > 1:
                lines = self.cluster.run("squeue", "-h", "-t", "all", "-o", "%i %T").splitlines()
                self._states = dict(line.split() for line in lines)
                self._looked = time.monotonic()
            return self._states.get(job, "PENDING")

    def close(self) -> None:
        """Take the cluster down."""
        self.cluster.close()


class Campaign:
    """A folder with a Wfile."""

    def __init__(self, slurm: Slurm, root: Path) -> None:
        self.slurm = slurm
        self.root = root

    def submit(
        self,
        *arguments: str,
        nodes: int,
        minutes: int = 15,
        launcher: str = "srun",
        carrier: str = "mailbox",
        more: str = "",
        cores: int = 64,
        gently: bool = False,
        again: bool = False,
    ) -> Job:
        """Submit a job of whole nodes in which `hpcmake --here` runs; `again`: once more when it has been killed.

        `launcher`, `carrier` and `more` are what the site says of launches, `cores` what it says of a node.
        `gently`: its tasks get what the others leave of this machine.
        """
        number = len(list(self.root.glob("job*")))
        folder = self.root / f"job{number}"
        folder.mkdir()
        site = folder / "tests.toml"
        site.write_text(
            SITE.format(name="tests", launcher=launcher, python=sys.executable, carrier=carrier, more=more, cores=cores)
        )
        words = [
            sys.executable,
            "-m",
            "hpcmake",
            "-C",
            str(self.root),
            "--json",
            "--here",
            "--site",
            str(site),
            *arguments,
        ]
        command = " ".join(f"'{word}'" for word in words)
        script = f'#!/bin/bash\nscontrol show hostnames "$SLURM_JOB_NODELIST" >nodes\n{GENTLY if gently else ""}{AGAIN if again else ONCE}'
        (folder / "job.sh").write_text(script.format(command=command))
        options = [f"--nodes={nodes}", f"--time={minutes}", "--exclusive", "--no-kill", "--no-requeue", "--parsable"]
        names = [f"--job-name={self.root.name}", "--output=slurm.out", "--error=slurm.err"]
        path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
        exported = f"--export=ALL,PATH={path},PYTHONPATH={REPOSITORY}"
        told = self.slurm.cluster.run("sbatch", *options, *names, exported, "job.sh", root=folder)
        return Job(self, told.strip(), folder)

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file; none if there is no such file."""
        whole = self.root / path
        return whole.read_text(encoding="utf-8").splitlines() if whole.exists() else []

    def names(self, pattern: str) -> list[str]:
        """Return the paths that match, sorted."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))

    def until(self, found: Callable[[], Any], what: str) -> None:
        """Wait for a condition."""
        until(found, f"{self.root.name}: {what}", LONGEST, pause=0.5)

    def assert_nothing_ran_twice_at_once(self) -> None:
        """Hold what tasks have written into `trace` (see `traced`), and what ranks have left, against the law."""
        assert [line for line in self.lines("trace") if line.startswith("twice")] == []
        assert self.names("**/*.twice") == []


def traced(body: str) -> str:
    """Return the commands of a task, which must have the wildcard `i`, that tell in the file `trace` of its beginning and end.

    It holds a lock while any process of it runs; if that is taken, the task runs twice at once, and says so.
    """
    return (
        'exec 9>>"lock.{i}"; flock --nonblock 9 || echo "twice {i}" >>trace; '
        'echo "begin {i} $(hostname)" >>trace; ' + body + '; echo "end {i} $(hostname)" >>trace; touch {output}'
    )


class Job:
    """A job of a campaign."""

    def __init__(self, campaign: Campaign, number: str, folder: Path) -> None:
        self.campaign = campaign
        self.slurm = campaign.slurm
        self.id = number
        self.folder = folder

    def text(self, name: str) -> str:
        """Return what a file of the job holds by now."""
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What hpcmake has told by now."""
        whole = self.text("out").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def told(self, kind: str, **more: object) -> list[dict[str, Any]]:
        """Return the rows of a kind that have these values."""
        rows = (row for row in self.rows if row["kind"] == kind)
        return [row for row in rows if all(row.get(key) == value for key, value in more.items())]

    @property
    def nodes(self) -> list[str]:
        """The names of its nodes."""
        return self.text("nodes").split()

    def until(self, found: Callable[[], Any], what: str) -> None:
        """Wait for a condition; the job must not end before."""

        def holds() -> Any:
            value = found()
            if not value:
                assert self.slurm.state(self.id) not in OVER, f"the job has ended before {what}\n{self}"
            return value

        try:
            self.campaign.until(holds, what)
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}\n{self}") from None

    def end(self) -> int:
        """Wait for its end, and return its exit code: what Slurm says of it."""
        try:
            self.campaign.until(lambda: self.slurm.state(self.id) in OVER, f"job {self.id} is over")
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}\n{self}") from None
        told = dict(
            word.split("=", 1)
            for word in self.slurm.cluster.run("scontrol", "show", "job", self.id).split()
            if "=" in word
        )
        return int(told["ExitCode"].split(":")[0])

    def ok(self) -> None:
        """Wait for its end, which must be a good one."""
        status = self.end()
        assert status == 0, str(self)

    # ------------------------------------------------------------ its processes, as numbers of this machine

    def driver(self) -> psutil.Process:
        """Return the process of hpcmake itself."""
        found = self._processes(lambda words: words[1:3] == ["-m", "hpcmake"])
        assert len(found) == 1, f"{found}\n{self}"
        return found[0]

    def launches(self) -> list[psutil.Process]:
        """Return the processes of its launchers, without those that these have started."""
        found = [each for each in self.driver().children(recursive=True) if each.name() in LAUNCHERS]
        return [each for each in found if each.parent() not in found]

    def _processes(self, wanted: Callable[[list[str]], bool]) -> list[psutil.Process]:
        found = []
        for each in psutil.process_iter():
            try:
                if wanted(each.cmdline()) and str(self.campaign.root) in each.cmdline():
                    found.append(each)
            except psutil.Error:
                continue
        return found

    def __str__(self) -> str:
        kept = [f"--- {name}\n{self.text(name)[-4000:]}" for name in ("out", "err", "slurm.out", "slurm.err", "ends")]
        return f"job {self.id} of {self.campaign.root}: {self.slurm.state(self.id)}\n" + "\n".join(kept)


def kill(*processes: psutil.Process) -> None:
    """End processes at once, those first that are named first."""
    for each in processes:
        os.kill(each.pid, signal.SIGKILL)
