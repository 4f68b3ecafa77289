"""A campaign in the queue, without a machine: a Cobalt that takes all jobs and shows them running, and what jobs write.

Owns the answers of that Cobalt, and records of tasks that nobody has run.  Knows nothing of what is measured.
"""

from __future__ import annotations

import os
import time

import workloads

from hpcmake.app.opening import Opened
from hpcmake.app.queue.charter import make_charter, write_charter
from hpcmake.app.queue.step import QueueRun
from hpcmake.jobs.papers import Status
from hpcmake.journal import FOLDER
from hpcmake.lease import acquire
from hpcmake.lines import render_record
from hpcmake.options import parse_arguments
from hpcmake.tasks.states import is_stale

_COLUMNS = "JobID:State:Nodes:WallTime:TimeRemaining:StartTime:Queue:Score:Dependencies:User:JobName"
_WIDTH = 32

_SCRIPTS = {
    "qsub": """
read -r line < /proc/$PPID/stat
echo "$EPOCHREALTIME ${line##*) }" >> "$QUEUE_WORLD/qsub.calls"
echo 1000
""",
    "qstat": f"""
echo "$EPOCHREALTIME" >> "$QUEUE_WORLD/qstat.calls"
printf '%-{_WIDTH}s' {" ".join(_COLUMNS.split(":"))}
echo
printf '%{len(_COLUMNS.split(":")) * _WIDTH}s\\n' '' | tr ' ' '='
""",
    "qdel": "",
    "qrls": "",
    "qalter": "",
}


def write_commands(folder):
    """Write Cobalt's commands as scripts: qsub tells when it was called, and what its parent had used of the cpu."""
    os.makedirs(folder, exist_ok=True)
    for name, text in _SCRIPTS.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/bash\n{text}exit 0\n")
        os.chmod(path, 0o755)


def write_campaign(n, root):
    """Write docking of n tasks, of which each takes a quarter of a node for ten minutes."""
    workloads.write("docking", n, root)
    text = workloads.WFILE["docking"].replace("    output:", "    time: 10m\n    output:")
    text = text.replace('"ligands/{c}.mol"\n    time', '"ligands/{c}.mol"\n    cores: 16\n    time', 1)
    with open(os.path.join(root, "Wfile"), "w", encoding="utf-8") as file:
        file.write(text)


class RunningCobalt:
    """A Cobalt in this process: each job runs as soon as it is submitted."""

    def __init__(self):
        self.jobs = {}
        self.calls = []

    def call(self, argv, _seconds):
        """Answer a command, as `hpcmake.runners.process.call` does."""
        self.calls.append(argv[0])
        if argv[0] == "qsub":
            number = str(1000 + len(self.calls))
            options = dict(zip(argv, argv[1:], strict=False))
            self.jobs[number] = (options["-n"], options["--jobname"])
            return 0, f"{number}\n", ""
        if argv[0] == "qstat":
            return 0, self._table(), ""
        return 0, "", ""

    def _table(self):
        names = _COLUMNS.split(":")
        rows = [names]
        for number, (nodes, name) in self.jobs.items():
            cells = [number, "running", nodes, "03:00:00", "02:50:00", time.ctime(), "default", "50.0", "", "me", name]
            rows.append([cell or "-" for cell in cells])
        lines = ["".join(cell.ljust(_WIDTH) for cell in row) for row in rows]
        return "\n".join([lines[0], "=" * len(lines[0]), *lines[1:]]) + "\n"


class Silent:
    """A voice that tells nobody."""

    def tell(self, row):
        """Take note of an event."""

    def tick(self):
        """Take note of the time."""


class World:
    """A campaign that is driven in this process, in the current folder; its jobs do what they are told."""

    def __init__(self, *words):
        self.cobalt = RunningCobalt()
        opened = Opened(parse_arguments(["--site", "theta", "-A", "project", *words]))
        plan = opened.plan()
        self._lease = acquire(FOLDER, wait=0.0)
        self.lease = self._lease.__enter__()
        charter = make_charter(opened.arguments, "theta", first=0, budget=None, variables=opened.variables)
        write_charter(charter)
        writer = opened.journal.open_writer(self.lease.generation, opened.history.covers)
        self.run = QueueRun(
            opened,
            plan,
            charter,
            Silent(),
            call=self.cobalt.call,
            may_submit=lambda: True,
            lease=self.lease,
            live=int(writer.path.rsplit(".", 2)[-2]),
        )
        self._writer = writer

    def step(self):
        """Take one step."""
        self.run.look()
        self.run.pack()
        return self.run.submit()

    def close(self):
        """End driving."""
        self._writer.close()
        self._lease.__exit__(None, None, None)

    def start(self):
        """Let all jobs begin that are in the queue."""
        for key in self.run.board.living():
            folder = self.run.board.folders[key]
            job = self.run.board.readings[key].job
            if not folder.claims():
                folder.claim(job)
                folder.write_status(Status(key, job=job, beat=1, began=time.time()))

    def finish(self, key, count):
        """Let a job finish so many tasks that must still run, in the order of its batch."""
        plan = self.run.plan
        tables = plan.graph.tables
        paths, stamps = plan.graph.files.paths, plan.stamps
        done = 0
        with open(self.run.board.folders[key].records, "ab") as file:
            for rule, row in sorted(self.run.owners.tasks[key]):
                table = tables[rule]
                taken = [column[row] for column in table.inputs]
                is_ready = all(number >= 0 and stamps.present[number] for number in taken)
                if done == count or not is_ready or not is_stale(table.state[row]):
                    continue
                done += 1
                record = {
                    "k": "ok",
                    "t": table.name(row),
                    "c": plan.definition_of(table),
                    "a": 1,
                    "in": [[paths[number], stamps.mtimes[number], stamps.sizes[number]] for number in taken],
                    "out": [[paths[column[row]], time.time_ns(), 4] for column in table.outputs],
                    "w": 400.0 + done % 100,
                    "cpu": 6000.0,
                    "rss": 1 << 30,
                    "n": "nid00001",
                }
                file.write(render_record(record))
        if done != count:
            message = f"{key} has {done} tasks that could run, not {count}"
            raise ValueError(message)
        return done

    def end(self, key):
        """Let a job say that it is over, by its walltime."""
        folder = self.run.board.folders[key]
        job = self.run.board.readings[key].job
        folder.write_status(Status(key, "over", job, exit=1, why="deadline", beat=2, ended=time.time()))
        self.cobalt.jobs.pop(job, None)
