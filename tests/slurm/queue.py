"""Campaigns that go through the queue of the cluster: who drives them, and what must hold of them at the end.

`Queued` is a campaign with a partition of its own, so that no other test takes its places; `Driver` is an `hpcmake`
that was started where users log in.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil

from hpcmake.lines import parse_records
from slurm.campaign import OVER, Campaign, traced
from slurm.cluster import until
from slurm.driver import LONGEST, Driver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from slurm.campaign import Slurm

SITE = """\
name = "tests"
scheduler = "slurm"
launcher = "srun"
python = "{python}"
poll = "2s"
latency = "1s"
mtime_grain = "0.001s"
margin = "5s"
[node.any]
cores = {cores}
memory = "64GB"
scratch = "/dev/shm"
[launch]
carrier = "mailbox"
"""
QUEUE = """\
[[queue]]
name = "{name}"
node = "any"
nodes = [1, {widest}]
shortest = "1m"
longest = [[1, "{longest}"]]
limits = [{{ what = "queued", most = {places}, scope = "user" }}]
"""
AT_ONCE = threading.Semaphore(8)
"""So many campaigns are driven at once: each polls, and all share two cores."""
SIGNS = ("go", "mended")
"""Files for which tasks wait, or without which they fail."""
NOT_MADE = {".hpcmake", "trace", "tries", "Wfile", *SIGNS}
"""What a campaign leaves that tells how it was run, and not what was made; so does what begins with `lock`."""
WAIT = "until [ -e go ]; do sleep 0.1; done"
"""The commands of a task that waits until a test lets it go on."""


CHAIN = f"""
    target all: "end"
    rule first:
        output: "a/{{i}}"
        time: 2m
        run: {traced(WAIT)}; echo "{{i}}" >{{output}}
    rule second:
        input: "a/{{i}}"
        output: "b/{{i}}"
        time: 2m
        run: cat {{input}} {{input}} >{{output}}
    rule third:
        input: "b/{{i}}" for i in 1..4
        output: "end"
        time: 2m
        run: cat {{input}} >{{output}}
    """
"""Three stages of at most two minutes each: with SHORT no two of them fit one job."""
SHORT = ("--job-time", "4m")


@contextmanager
def own_cluster(slurm: Slurm, name: str, *, nodes: int = 4, partitions: int = 1, **more: Any) -> Iterator[Slurm]:
    """Yield a cluster that no other test has, so that its daemons may be ended."""
    folder = slurm.folder / name
    folder.mkdir()
    own = type(slurm)(folder, nodes=nodes, partitions=partitions, **more)
    try:
        yield own
    finally:
        own.close()


def queued(slurm: Slurm, name: str, wfile: str, **site: Any) -> Queued:
    """Return a new campaign with a partition of its own, `queues` of them; `@0` in the Wfile is the first one's name."""
    return Queued(slurm, slurm.campaign(name, wfile).root, **site)


def halves(slurm: Slurm, name: str) -> Queued:
    """Return a campaign of one job in which eight tasks wait, and eight others end at once."""
    return queued(
        slurm,
        name,
        f"""
        target all: "made/{{i}}" for i in 1..16
        rule make:
            output: "made/{{i}}"
            time: 2m
            run: {traced(f"[ {{i}} -gt 8 ] || {WAIT}")}; echo "{{i}}" >{{output}}
        """,
        cores=16,
    )


def until_half_is_done(campaign: Queued) -> None:
    driver = campaign.drivers[0]
    driver.until(lambda: len(campaign.successes()) == 8, "half of the tasks are recorded as done")
    begun = [line for line in campaign.lines("trace") if line.startswith("begin")]
    assert len(begun) == 16


class Queued(Campaign):
    """A campaign whose jobs wait in partitions that no other one has."""

    def __init__(
        self,
        slurm: Slurm,
        root: Path,
        *,
        queues: int = 1,
        cores: int = 4,
        widest: int = 4,
        longest: str = "10m",
        places: int = 20,
        more: str = "",
    ) -> None:
        super().__init__(slurm, root)
        self.queues = [slurm.partition() for _ in range(queues)]
        self.site = root.parent / f"{root.name}.toml"
        parts = [QUEUE.format(name=name, widest=widest, longest=longest, places=places) for name in self.queues]
        self.site.write_text(SITE.format(python=sys.executable, cores=cores) + "".join(parts) + more)
        self.wfile = self.root / "Wfile"
        self.wfile.write_text(re.sub("@([0-9])", lambda found: self.queues[int(found[1])], self.wfile.read_text()))
        self.drivers: list[Driver] = []

    def until(self, found: Callable[[], Any], what: str, seconds: float = LONGEST) -> None:
        """Wait for a condition."""
        try:
            until(found, f"{self.root.name}: {what}", seconds, pause=0.3)
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}\n{self.told()}") from None

    # ------------------------------------------------------------ driving

    def start(self, *arguments: str, path: str = "", verb: str = "", **variables: str) -> Driver:
        """Start hpcmake with the site of this campaign; `path` is a folder whose programs are found first."""
        name = f"{self.root.name}.driver{len(self.drivers)}"
        sited = [] if verb == "stop" else ["--site", str(self.site)]
        words = [sys.executable, "-m", "hpcmake", *([verb] if verb else []), "-C", str(self.root), *sited, *arguments]
        found = [path] if path else []
        search = os.pathsep.join([*found, os.path.dirname(sys.executable), self.slurm.cluster.environment["PATH"]])
        driver = Driver(self, self.root.parent / name, words, {"PATH": search, **variables})
        self.drivers.append(driver)
        return driver

    def run(self, *arguments: str, status: int = 0, path: str = "", verb: str = "", **variables: str) -> Driver:
        """Run hpcmake to its end, which must be this one."""
        driver = self.start(*arguments, path=path, verb=verb, **variables)
        assert driver.end() == status, str(driver)
        return driver

    def on_path(self, name: str, script: str) -> str:
        """Return a folder with a program that stands before the scheduler's of that name, for its first call.

        In the script `$real` is the scheduler's, and `$here` the folder.
        """
        folder = self.root.parent / f"{self.root.name}.path"
        folder.mkdir(exist_ok=True)
        program = folder / name
        head = f"#!/bin/bash\nreal=$(PATH=${{PATH#*:}} command -v {name})\nhere='{folder}'\n"
        program.write_text(f'{head}mkdir "$here/called" 2>/dev/null || exec "$real" "$@"\n{script}\n')
        program.chmod(0o755)
        return str(folder)

    # ------------------------------------------------------------ its jobs

    def keys(self) -> list[str]:
        """Return the keys of all jobs that have a folder."""
        return sorted(path.parent.name for path in self.root.glob(".hpcmake/jobs/*/job.sh"))

    def paper(self, key: str, name: str) -> dict[str, Any] | None:
        """Return the paper of a job: its `intent`, `id` or `status.json`."""
        path = self.root / ".hpcmake/jobs" / key / name
        if not path.exists():
            return None
        text = path.read_text()
        found: dict[str, Any] = json.loads(text[text.index("{") :])
        return found

    def ids(self) -> list[str]:
        """Return the ids of jobs that Slurm has taken, as their folders have it, in the order of their keys."""
        papers = (self.paper(key, "id") for key in self.keys())
        return [paper["id"] for paper in papers if paper is not None]

    def rows(self) -> list[dict[str, str]]:
        """Return what squeue shows of this campaign's jobs, those that have ended too, in the order of their ids."""
        columns = ("id", "name", "state", "reason", "dependency", "nodes", "where")
        words = ["squeue", "-h", "-t", "all", "-p", ",".join(self.queues), "-o", "%i|%j|%T|%r|%E|%D|%N"]
        lines = self.slurm.cluster.run(*words).splitlines()
        found = [dict(zip(columns, line.split("|"), strict=True)) for line in lines]
        return sorted(found, key=lambda row: int(row["id"]))

    def waiting(self) -> list[dict[str, str]]:
        """Return the rows of jobs that wait."""
        return [row for row in self.rows() if row["state"] == "PENDING"]

    def running(self) -> list[dict[str, str]]:
        """Return the rows of jobs that run."""
        return [row for row in self.rows() if row["state"] == "RUNNING"]

    def living(self) -> list[dict[str, str]]:
        """Return the rows of jobs that are in the queue still."""
        return [row for row in self.rows() if row["state"] not in OVER]

    def at_work(self) -> list[dict[str, str]]:
        """Return the rows of jobs that are in the queue and have not said that they are over."""
        return [row for row in self.living() if (self.paper(row["name"], "status.json") or {}).get("state") != "over"]

    def until_empty(self) -> None:
        """Wait until nothing of the campaign is in the queue."""
        self.until(lambda: not self.living(), "its queue is empty")

    def kill_runner(self) -> None:
        """Kill what runs a batch, without a word, and its job with it."""
        own = [each for each in psutil.process_iter() if self._runs_batch(each)]
        assert own, self.told()
        for each in own:
            each.kill()

    def _runs_batch(self, process: psutil.Process) -> bool:
        try:
            words = process.cmdline()
        except psutil.Error:
            return False
        return len(words) == 3 and words[1].startswith(f"{self.root}/.hpcmake/bin/")

    # ------------------------------------------------------------ what it has recorded and made

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records of all jobs and drivers."""
        for path in sorted(self.root.glob(".hpcmake/jobs/*/records.jsonl")):
            yield from parse_records(path.read_bytes(), path.name)[0]
        for path in sorted(self.root.glob(".hpcmake/journal.*.jsonl")):
            yield from parse_records(path.read_bytes(), path.name)[0]

    def successes(self) -> Counter[str]:
        """Return how often the success of each task was recorded."""
        return Counter(record["t"] for record in self.records() if record["k"] == "ok")

    def results(self, root: Path | None = None) -> dict[str, bytes]:
        """Return all that was made."""
        top = root or self.root
        found = {}
        for path in sorted(top.rglob("*")):
            name = str(path.relative_to(top))
            if path.is_file() and name.split("/", maxsplit=1)[0] not in NOT_MADE and not name.startswith("lock"):
                found[name] = path.read_bytes()
        return found

    def made_here(self, *arguments: str, status: int = 0) -> dict[str, bytes]:
        """Return what a run on this machine makes of the same Wfile and sources."""
        local = self.root.parent / f"{self.root.name}.local"
        local.mkdir()
        (local / "Wfile").write_text(self.wfile.read_text())
        for name in SIGNS:
            (local / name).touch()
        for name, content in self.sources.items():
            (local / name).write_bytes(content)
        words = [sys.executable, "-m", "hpcmake", "-C", str(local), *arguments]
        done = subprocess.run(words, env={**os.environ, "NAP": "0"}, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return self.results(local)

    sources: Mapping[str, bytes] = {}
    """Files beside the Wfile that a run needs, and that tests put there."""

    def go(self, *, mended: bool = False) -> None:
        """Let the tasks go on that wait; `mended`: and those succeed that fail without."""
        for name in SIGNS if mended else SIGNS[:1]:
            (self.root / name).touch()

    def put(self, **files: str) -> None:
        """Put sources into the campaign's folder."""
        self.sources = {name: text.encode() for name, text in files.items()}
        for name, content in self.sources.items():
            (self.root / name).write_bytes(content)

    def assert_it_ended_well(self, tasks: int, *, jobs: int | None = None) -> None:
        """Hold what is there at the end of a campaign against what must be."""
        self.until_empty()
        told = self.told()
        twice = {task: count for task, count in self.successes().items() if count != 1}
        assert twice == {}, f"each success is recorded once\n{told}"
        assert len(self.successes()) == tasks, told
        if jobs is not None:
            assert len(self.ids()) == jobs, told
        assert self.results() == self.made_here(), told
        self.assert_nothing_ran_twice_at_once()
        again = self.run()
        assert "nothing to do" in again.text, f"{again}\n{told}"

    def told(self) -> str:
        """Return what all drivers and jobs have written."""
        jobs = []
        for key in self.keys():
            folder = self.root / ".hpcmake/jobs" / key
            parts = [f"--- {key}: {sorted(path.name for path in folder.iterdir())}"]
            for name in ("intent", "id", "status.json", "closed", "out", "err"):
                path = folder / name
                text = path.read_text(errors="replace")[-1500:].rstrip() if path.exists() else ""
                parts += [f"{name}: {text}"] if text else []
            jobs.append("\n".join(parts))
        try:
            rows = "\n".join(map(str, self.rows()))
        except AssertionError as problem:  # the controller may be away
            rows = str(problem)
        return "\n".join([*map(str, self.drivers), *jobs, rows])
