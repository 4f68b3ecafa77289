"""What a job runs: its batch, on its nodes, into its own records; then it sees to it that the campaign goes on.

Owns a job's life from its claim to its exit status.  Knows nothing of Wfiles: a batch holds all that is run.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import traceback

from hpcmake.diagnostics import Diagnostic, Trouble, render_all
from hpcmake.jobs.folder import JobFolder
from hpcmake.jobs.hand_over import find_job
from hpcmake.jobs.papers import OVER, Status
from hpcmake.jobs.pieces import TornError, read_piece, read_records
from hpcmake.journal import FOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from hpcmake.app.drive import Drive
    from hpcmake.jobs.batch_plan import BatchPlan
    from hpcmake.model import Runner
    from hpcmake.runners.held import Held
    from hpcmake.site import Site

DONE, FAILED, UNUSABLE, BUG, WORK_LEFT, TERMINATED = 0, 1, 3, 70, 75, 143
"""The exit statuses of a job."""

BEAT = 15.0
"""Seconds between two signs of life in a job's status."""
GATHER = 0.5
MARGIN_SHARE = 0.8
"""Of the margin that the planner has kept free at a job's end: the rest is for what comes before its first task."""


def main(argv: Sequence[str]) -> int:
    """Run the job whose key is the first word; return the exit status of its script."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a file, and read while it grows
    if len(argv) == 2 and argv[0] == "--hand-over":  # noqa: PLR2004  # a word and a key
        from hpcmake.app.queue.hand_on import hand_on

        return hand_on(argv[1])
    if len(argv) == 2 and argv[0] == "--watch":  # noqa: PLR2004  # a word and a key
        return watch(argv[1])
    return run_job(argv[0])


def watch(key: str) -> int:
    """Do nothing but hand over: the jobs before this one have ended, perhaps all by a kill."""
    folder = JobFolder(f"{FOLDER}/jobs/{key}")
    job = find_job(os.environ) or ""
    if not folder.claim(job, _restarts()):
        return DONE
    papers = StatusPaper(
        folder, Status(key, job=job, restart=_restarts(), host=socket.gethostname(), began=time.time())
    )
    papers.write()
    _go_on(key)
    papers.end(DONE, "done")
    return DONE


def _status(key: str, job: str) -> Status:
    return Status(key, job=job, restart=_restarts(), host=socket.gethostname(), began=time.time())


def _restarts() -> int:
    return int(os.environ.get("SLURM_RESTART_COUNT") or 0)


def run_job(key: str) -> int:
    """Run the batch of a job, once; return the exit status of its script."""
    folder = JobFolder(f"{FOLDER}/jobs/{key}")
    job = find_job(os.environ) or ""
    try:
        if not folder.claim(job, _restarts()):
            sys.stdout.write(f"hpcmake: {key} is taken, or called off: nothing is run\n")
            return DONE
    except Trouble as trouble:
        sys.stderr.write(render_all(trouble.diagnostics))
        return UNUSABLE
    papers = StatusPaper(folder, _status(key, job))
    try:
        exit_status = _Job(folder, papers).run()
    except Trouble as trouble:
        sys.stderr.write(render_all(trouble.diagnostics))
        exit_status = UNUSABLE
        papers.end(UNUSABLE, "setup", text=trouble.diagnostics[0].message if trouble.diagnostics else "")
    except Exception:  # noqa: BLE001  # what a bug of ours leaves is told, and the campaign goes on
        traceback.print_exc()
        papers.end(BUG, "bug", text=traceback.format_exc(limit=-1).strip().splitlines()[-1])
        exit_status = BUG
    _go_on(key)
    return exit_status


def _go_on(key: str) -> None:
    """Let a process of its own plan again and submit what follows: the only part of a job that reads the Wfile."""
    from hpcmake.runners.process import call

    try:
        _, out, err = call([sys.executable, sys.path[0], "--hand-over", key], timeout=HAND_OVER)
    except OSError as error:
        sys.stderr.write(f"hpcmake: the campaign cannot be handed over: {error}\n")
        return
    sys.stdout.write(out.decode(errors="replace"))
    sys.stderr.write(err.decode(errors="replace"))


HAND_OVER = 900.0
"""Seconds that a hand-over may take."""


class StatusPaper:
    """The status of a job, which it writes itself: at once if it is something new, else now and then."""

    def __init__(self, folder: JobFolder, status: Status) -> None:
        self.folder = folder
        self.status = status
        self._written = 0.0

    def write(self, **changes: object) -> None:
        """Write the status with these changes.  Raises Trouble."""
        self.status = self.status.replace(beat=self.status.beat + 1, **changes)
        self.folder.write_status(self.status)
        self._written = time.monotonic()

    def tick(self, **changes: object) -> None:
        """Write the status if that was not done for a while.  Raises Trouble."""
        if time.monotonic() - self._written >= BEAT:
            self.write(**changes)

    def end(self, exit_status: int, why: str, *, text: str = "") -> None:
        """Write that the job is over."""
        try:
            self.write(state=OVER, exit=exit_status, why=why, text=text, ended=time.time(), wants=False, running=0)
        except Trouble as trouble:  # the claim without an end tells as much
            sys.stderr.write(render_all(trouble.diagnostics))


class _Job:
    """The job that we are."""

    def __init__(self, folder: JobFolder, papers: StatusPaper) -> None:
        self.folder = folder
        self.papers = papers
        self.intent = folder.read_intent()

    def run(self) -> int:
        """Run the batch; return the exit status.  Raises Trouble."""
        from hpcmake.disk import Disk
        from hpcmake.jobs.batch_plan import BatchPlan

        self.papers.write()
        plan = BatchPlan(Disk())
        rows = self._read(plan)
        site, held = self._place(plan)
        plan.know(read_records(self.folder.records), own=True)
        for path in self._parents():
            plan.know(read_records(path))
        drive = self._drive(plan, site, held, rows)
        self.papers.write(rows=rows, left=len(drive.engine.rule))
        nothing = not drive.engine.has_ready
        drive.run()
        return self._end(drive, nothing=nothing)

    def _read(self, plan: BatchPlan) -> int:
        """Read all pieces of the batch; return how many.  Raises Trouble."""
        paths = self.folder.pieces()
        try:
            for path in paths:
                plan.take(read_piece(path))
        except (TornError, OSError, KeyError, ValueError, TypeError, IndexError) as problem:
            message = f"the batch cannot be read: {problem}"
            raise Trouble(Diagnostic("E730", message, help="its tasks are packed anew"), exit_status=UNUSABLE) from None
        if not paths:
            message = f"there is no batch in {self.folder.path}"
            raise Trouble(Diagnostic("E730", message, help="its tasks are packed anew"), exit_status=UNUSABLE)
        return len(paths)

    def _place(self, plan: BatchPlan) -> tuple[Site, Held]:
        """Return the site, with what the job tells, and the nodes that we hold.  Raises Trouble."""
        from hpcmake.jobs.site_paper import parse_site
        from hpcmake.runners.held import find_held
        from hpcmake.runners.placed import complete_site
        from hpcmake.runners.process import call

        def run(argv: Sequence[str], seconds: float) -> tuple[int | None, bytes, bytes]:
            return call(argv, timeout=seconds)

        site = parse_site(plan.head["site"])
        held = find_held(os.environ, now=time.time(), run=run, scheduler=site.scheduler)
        if held is None:
            message = f"this is no job of {site.name}: nothing in the environment tells of one"
            help_ = f"the script {self.folder.script} is for the scheduler; `hpcmake --here` runs in any job"
            raise Trouble(Diagnostic("E817", message, help=help_), exit_status=UNUSABLE)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return complete_site(site, held, cores=cores, run=run), held

    def _parents(self) -> Iterator[str]:
        """Yield the records of the jobs that this one waits for, and of those that they wait for."""
        todo = list(self.intent.parents) if self.intent is not None else []
        seen: set[str] = set()
        while todo:
            key = todo.pop()
            if key in seen:
                continue
            seen.add(key)
            folder = JobFolder(f"{FOLDER}/jobs/{key}")
            yield folder.records
            intent = folder.read_intent()
            if intent is not None:
                todo += intent.parents

    def _drive(self, plan: BatchPlan, site: Site, held: Held, rows: int) -> Drive:
        from hpcmake.app.books import Books
        from hpcmake.app.drive import Drive
        from hpcmake.app.growing import MoreRows
        from hpcmake.app.venue import nodes_of
        from hpcmake.disk import Disk
        from hpcmake.engine import DONE as IS_DONE
        from hpcmake.engine import Engine
        from hpcmake.jobs.batch_attempts import BatchAttempts
        from hpcmake.journal import JournalWriter
        from hpcmake.report import make_voice

        head = plan.head
        venue = nodes_of(site, held, None, lambda: self.folder.key, self.folder.path)
        venue.margin_share = MARGIN_SHARE
        writer = JournalWriter(self.folder.records, is_new=False)
        writer.gather = GATHER
        likewise: Any = plan  # it answers what a run asks of a plan
        attempts: Any = BatchAttempts(plan)
        engine = Engine(
            likewise,
            expected=lambda rule: _median(plan.history.walls(rule)),
            retries=lambda table, row: attempts.resources(table, row, 1)[1].get("retries", 0),
            priority=lambda table, row: attempts.resources(table, row, 1)[1].get("priority", 0),
            at_once=attempts.most_at_once,
            keep_going=bool(head.get("keep_going")),
        )
        deaths: dict[str, int] = {}
        for task, row in enumerate(engine.row):
            table: Any = engine.table(task)
            engine.tries[task] = table.told(row, "tried", 0)
            if table.told(row, "deaths"):
                deaths[table.name(row)] = table.told(row, "deaths")
        voice = make_voice(
            json=False,
            quiet=False,
            verbose=False,
            stream_out=sys.stdout,
            stream_err=sys.stdout,
            is_terminal=False,
            color=False,
        )
        beats = _Beats(self.papers)
        growing = None
        if head.get("grows"):
            growing = MoreRows(
                plan,
                self.papers,
                read=rows,
                left=venue.left,
                spare=lambda: len(venue.spots) - len(drive.handed),
                is_empty=lambda: not drive.handed,
                done=lambda: engine.counts[IS_DONE],
            )
        drive = Drive(
            likewise,
            engine,
            attempts,
            lambda: _with_deaths(venue.runner(), deaths),
            disk=Disk(),
            books=Books(likewise, writer, Disk(), host=socket.gethostname(), content=bool(head.get("content"))),
            voice=voice,
            lease=beats,  # type: ignore[arg-type]  # it beats, and that is all that a loop asks of a lease
            cores=venue.cores,
            latency=float(head.get("latency") or 0.0),
            lag=venue.latency,
            keep_temp=True,  # who plans the whole campaign knows who else wants a `temp` file
            rerun=lambda handle: f"hpcmake {handle}".rstrip(),
            wants=venue.wants,
            growing=growing,
        )
        beats.drive = drive
        count = sum(table.count for table in plan.graph.tables if table not in plan.elsewhere)
        voice.tell({"kind": "start", **venue.start_row(), "stale": count, "fresh": 0, "unknown": 0, "rules": {}})
        return drive

    def _end(self, drive: Drive, *, nothing: bool) -> int:
        """Write the last status; return the exit status, by the table of what a job ends with."""
        from hpcmake.engine import DONE as IS_DONE

        engine = drive.engine
        plan: Any = drive.plan
        drive.books.writer.close()
        done = engine.counts[IS_DONE]
        others = {table.rule.number for table in plan.elsewhere}
        left = sum(1 for task in engine.left() if engine.rule[task] not in others)
        counts = {"done": done, "failed": len(engine.failed), "left": left}
        self.papers.status = self.papers.status.replace(**counts)
        exit_status, why = self._judge(drive, done, left, nothing=nothing)
        text = drive.halted.text if drive.halted is not None else ""
        self.papers.end(exit_status, why, text=text)
        drive.voice.tell(
            {
                "kind": "note",
                "text": f"job {self.papers.status.job} ends with {exit_status} ({why}): "
                f"{done} done, {len(engine.failed)} failed, {left} left",
            }
        )
        drive.voice.close()
        return exit_status

    def _judge(self, drive: Drive, done: int, left: int, *, nothing: bool) -> tuple[int, str]:
        engine, halted = drive.engine, drive.halted
        if drive.signals:
            return TERMINATED, "term"
        if halted is not None and halted.why == "launcher" and not done and not engine.failed:
            return UNUSABLE, "launcher"
        if drive.troubles:
            return UNUSABLE, "setup"
        has_failed = bool(engine.failed or engine.not_produced)
        if nothing and not done and not has_failed:
            return DONE, "nothing"
        why = "failed" if has_failed else halted.why if halted is not None else "deadline" if left else "done"
        if engine.keep_going and done:
            return DONE, why
        if has_failed:
            return FAILED, why
        return (WORK_LEFT if left else DONE), why


class _Beats:
    """Stands for the lease that a loop of a whole campaign keeps: of its own batch a job is the only runner."""

    unclean = False
    generation = 0

    def __init__(self, papers: StatusPaper) -> None:
        self.drive: Drive | None = None
        self._papers = papers

    def beat(self) -> None:
        """Write a sign of life now and then.  Raises Trouble."""
        drive = self.drive
        if drive is None:
            return
        from hpcmake.engine import DONE as IS_DONE

        engine = drive.engine
        self._papers.tick(done=engine.counts[IS_DONE], failed=len(engine.failed), running=len(drive.handed))


def _with_deaths(runner: Runner, deaths: Mapping[str, int]) -> Runner:
    """Return a runner that knows at how many deaths of nodes tasks were present in earlier jobs."""
    members = getattr(runner, "members", None)  # on Blue Gene/Q there are none
    if deaths and members is not None:
        members.faults.recall_deaths(deaths)
    return runner


def _median(walls: Sequence[float]) -> float:
    return sorted(walls)[len(walls) // 2] if walls else 1.0
