"""Leading a run: the lease, the books, the runner and the voice, from start to summary.

Owns what surrounds the loop.  Knows nothing of single attempts.
"""

from __future__ import annotations

import os
import socket
import statistics
import sys
import time

from hpcmake.app.books import Books, fold
from hpcmake.app.drive import Drive
from hpcmake.app.dryrun import count_states
from hpcmake.app.machine import Machine, read_machine
from hpcmake.app.opening import FOLDER, SITE, Opened
from hpcmake.app.orphans import remove_orphans
from hpcmake.app.preparing import check_machine, require_writable, tell_warnings
from hpcmake.diagnostics import Trouble, render_all
from hpcmake.engine import DONE, FRESH_AFTER_ALL, GAVE_UP, Engine
from hpcmake.journal import JournalError
from hpcmake.lease import Lease, acquire
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.stale import FRESH
from hpcmake.report import make_voice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.model import Resources, Runner
    from hpcmake.options import Arguments
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan
    from hpcmake.report import Voice


def lead(arguments: Arguments) -> int:
    """Run a campaign; return the exit status.  Raises Trouble."""
    # mistakes are told before anything is written, and before anybody is waited for
    opened = Opened(arguments)
    plan = opened.plan()
    require_writable()
    with acquire(FOLDER, wait=arguments.number("wait")) as lease:
        voice = open_voice(arguments)
        try:
            if lease.unclean:
                end_strays(voice)
            if opened.journal.state() != opened.journal_state:
                # whoever held the lease before has run tasks since the journal was read
                opened = Opened(without_folders(arguments))
                plan = opened.plan()
            return Lead(opened, lease, voice).run(plan)
        finally:
            voice.close()


def without_folders(arguments: Arguments) -> Arguments:
    """Return arguments less `-C`, since its folders were entered."""
    arguments.values.pop("directory", None)
    return arguments


def open_voice(arguments: Arguments) -> Voice:
    """Return the voice that was asked for."""
    from hpcmake.terminal import has_color

    return make_voice(
        json=arguments.flag("json"),
        quiet=arguments.flag("quiet"),
        verbose=arguments.flag("verbose"),
        stream_out=sys.stdout,
        stream_err=sys.stderr,
        is_terminal=sys.stderr.isatty() and os.environ.get("TERM") != "dumb",
        color=has_color(sys.stderr),
    )


def mark_of_campaign() -> str:
    """Return what each process of this campaign bears in its environment, so that it is found if its driver dies."""
    path = f"{FOLDER}/mark"
    try:
        with open(path, encoding="ascii") as file:
            found = file.read().strip()
            if found:
                return found
    except OSError:
        pass
    mark = f"hm{os.urandom(5).hex()}"
    with open(path, "w", encoding="ascii") as file:
        file.write(mark + "\n")
    return mark


def end_strays(voice: Voice) -> None:
    """End the processes that a killed driver has left running."""
    from hpcmake.runners.process import end_all_strays

    count = end_all_strays(mark_of_campaign())
    if count:
        processes = "1 process" if count == 1 else f"{count} processes"
        voice.tell({"kind": "note", "text": f"the run before was killed, and had left {processes} running; ended"})


class Lead:
    """One run of a campaign, of one or several plans (an include that a rule makes comes first)."""

    def __init__(self, opened: Opened, lease: Lease, voice: Voice) -> None:
        self.opened = opened
        self.arguments = opened.arguments
        self.lease = lease
        self.voice = voice
        self.host = socket.gethostname()
        jobs = self.arguments.number("jobs")
        self.machine: Machine = read_machine(int(jobs) if jobs is not None else None)
        self.trace = None
        self.started = time.monotonic()
        path = self.arguments.text("trace")
        if path is not None:
            from hpcmake.report import Trace

            self.trace = Trace()
            self.voice = _Traced(voice, self.trace)
        self.trace_path = path
        self.done = self.failed = self.fresh_after_all = self.given_up = 0

    def run(self, plan: Plan) -> int:
        """Run a plan, and what follows from it; tell the summary and return the exit status."""
        writer = self.opened.journal.open_writer(self.lease.generation, self.opened.history.covers)
        self.opened.journal.sweep(self.opened.history.covers)
        try:
            while True:
                tell_warnings(self.opened, plan)
                words = check_machine(self.opened, plan)
                books = Books(
                    plan,
                    writer,
                    self.opened.disk,
                    host=self.host,
                    content=self.opened.choices.content,
                    looked=self.opened.looked,
                )
                adopt(plan, books)
                if self.arguments.flag("touch"):
                    from hpcmake.app.touch import touch

                    return touch(plan, books, self.opened, self.voice)
                status, drive = self._drive(plan, books, words)
                if not plan.campaign.generated or status != 0:
                    break
                # the include that a rule makes is up to date now: read all of it again
                plan = self.opened.plan()
            if status == 0:
                status = self._after(drive, books)
            self._summary(drive, status)
        except JournalError as trouble:
            self.voice.tell({"kind": "warning", "text": render_all(trouble.diagnostics)})
            raise
        finally:
            writer.close()
            self._write_trace()
        self._fold(plan)
        return status

    def _drive(self, plan: Plan, books: Books, words: list[str]) -> tuple[int, Drive]:
        arguments = self.arguments
        attempts = Attempts(plan, site=SITE, launch=_launch, most_cores=self.machine.cores)
        default = int(arguments.number("retries") or 0)
        expected = _expectations(plan)

        def retries(table: Table, row: int) -> int:
            return attempts.resources(table, row, 1)[1].get("retries", default)

        def priority(table: Table, row: int) -> int:
            return attempts.resources(table, row, 1)[1].get("priority", 0) if "priority" in table.rule.resources else 0

        def at_once(table: Table) -> int | None:
            if "at_once" not in table.rule.resources:
                return None
            return attempts.resources(table, 0, 1)[1].get("at_once")

        engine = Engine(
            plan,
            expected=expected,
            retries=retries,
            priority=priority,
            at_once=at_once,
            keep_going=arguments.flag("keep_going"),
        )
        drive = Drive(
            plan,
            engine,
            attempts,
            self._runner,
            disk=self.opened.disk,
            books=books,
            voice=self.voice,
            lease=self.lease,
            cores=self.machine.cores,
            latency=arguments.number("latency") or 0.0,
            keep_temp=arguments.flag("keep_temp"),
            verbose=arguments.flag("verbose"),
            rerun=self._rerun,
        )
        stale, fresh, _ = count_states(plan)
        total = sum(sum(reasons.values()) for reasons in stale.values())
        if engine.rule:
            self.voice.tell(
                {
                    "kind": "start",
                    "where": "this machine",
                    "cores": self.machine.cores,
                    "memory": self.machine.memory,
                    "gpus": self.machine.gpus,
                    "stale": total,
                    "fresh": fresh,
                    "unknown": len(plan.unknown()),
                    "rules": {rule: sum(reasons.values()) for rule, reasons in stale.items()},
                    "expected": self._expected_end(plan, stale),
                }
            )
            for text in words:
                self.voice.tell({"kind": "note", "text": text})
            self._note_missing_launcher(plan)
        drive.run()
        return self._status(drive), drive

    def _status(self, drive: Drive) -> int:
        if drive.signals:
            return 130
        if drive.troubles:
            return max(trouble.exit_status for trouble in drive.troubles)
        engine = drive.engine
        self.not_produced = _not_produced(drive.plan)
        if engine.failed or self.not_produced:
            return 1
        return 1 if engine.left() or drive.plan.has_unknown else 0

    def _runner(self) -> Runner:
        from hpcmake.runners.local import LocalRunner

        return LocalRunner(
            root=".",
            logs=f"{FOLDER}/logs",
            mark=mark_of_campaign(),
            cores=self.machine.cores,
            memory=self.machine.memory,
            gpus=self.machine.gpus,
        )

    def _rerun(self, handle: str) -> str:
        """Return what to type to run one task again."""
        from hpcmake.planner.quoting import quote_word

        words = ["hpcmake"]
        if self.arguments.text("file"):
            words += ["-f", quote_word(str(self.arguments.text("file")))]
        for definition in self.arguments.texts("define"):
            words += ["-D", quote_word(definition)]
        return " ".join([*words, quote_word(handle) if not handle.startswith("-") else f"-- {quote_word(handle)}"])

    def _expected_end(self, plan: Plan, stale: dict[str, dict[str, int]]) -> float | None:
        """Return the seconds that the run is expected to take, None where nothing is known of some rule."""
        total = longest = 0.0
        for rule, reasons in stale.items():
            walls = plan.history.walls(rule)
            if not walls:
                return None
            mean = sum(walls) / len(walls)
            total += mean * sum(reasons.values())
            longest = max(longest, mean)
        return max(total / self.machine.cores, longest) if total else None

    def _note_missing_launcher(self, plan: Plan) -> None:
        if not any(table.rule.has_nodes and table.count for table in plan.graph.tables):
            return
        from hpcmake.runners.launchers import find_mpiexec

        if find_mpiexec() is None:
            text = "rules with nodes or ranks run under `mpiexec` here, and there is none on the PATH: install an MPI (MPICH, Open MPI)"
            self.voice.tell({"kind": "note", "text": text})

    # ------------------------------------------------------------ the end

    def _after(self, drive: Drive, books: Books) -> int:
        """Do what follows a success: remove what is orphaned."""
        remove_orphans(drive.plan, books, self.opened, self.voice)
        return 0

    def _summary(self, drive: Drive, status: int) -> None:
        engine = drive.engine
        left = engine.left()
        fresh = sum(table.state.count(FRESH) for table in drive.plan.graph.tables) - engine.counts[DONE]
        for path, task in getattr(self, "not_produced", []):
            self.voice.tell(
                {"kind": "warning", "text": f"error[E414]: {path} was asked for, and {task} has not produced it\n"}
            )
        self.voice.tell(
            {
                "kind": "summary",
                "done": engine.counts[DONE],
                "failed": len(engine.failed),
                "fresh": fresh,
                "given_up": engine.counts[GAVE_UP],
                "cut": drive.outcome.cut,
                "left": len(left),
                "unknown": len(drive.plan.unknown()),
                "wall": round(time.monotonic() - self.started, 3),
                "exit": status,
                "nothing_to_do": not engine.counts[DONE]
                and not engine.failed
                and not left
                and not engine.counts[GAVE_UP]
                and status == 0,
                "fresh_after_all": engine.counts[FRESH_AFTER_ALL],
                "keep_going": self.arguments.flag("keep_going"),
            }
        )

    def _write_trace(self) -> None:
        if self.trace is not None and self.trace_path is not None:
            self.opened.disk.replace(self.trace_path, self.trace.render().encode())

    def _fold(self, plan: Plan) -> None:
        try:
            fold(plan, self.opened.journal)
        except Trouble as trouble:
            # nothing is lost: the live records stay as they are
            self.voice.tell({"kind": "warning", "text": render_all(trouble.diagnostics)})


class _Traced:
    """A voice that also tells a trace."""

    def __init__(self, voice: Voice, trace: object) -> None:
        self.voice = voice
        self.trace = trace

    def tell(self, row: dict[str, object]) -> None:
        self.trace.tell(row)  # type: ignore[attr-defined]
        self.voice.tell(row)

    def tick(self) -> None:
        self.voice.tick()

    def close(self) -> None:
        self.voice.close()


def _launch(resources: Resources) -> list[str]:
    from hpcmake.runners.launchers import mpiexec

    return mpiexec(resources)


def _expectations(plan: Plan) -> object:
    """Return what gives the seconds that a task of a rule is expected to take."""
    known: dict[str, float] = {}

    def expected(rule: str) -> float:
        if rule not in known:
            walls = plan.history.walls(rule)
            known[rule] = statistics.median(walls) if walls else 1.0
        return known[rule]

    return expected


def _not_produced(plan: Plan) -> list[tuple[str, str]]:
    """Return files of a `produces` that are wanted by name and that their finished task has not produced."""
    found = []
    files = plan.graph.files
    wanted = set(plan.roots)
    for table in plan.graph.tables:
        if any(t.rule.produces is not None for t in plan.graph.tables):
            for column in table.inputs:
                wanted.update(entry for entry in column if entry >= 0)
    for number in wanted:
        rule = files.rule[number]
        if rule < 0:
            continue
        table, row = plan.graph.tables[rule], files.row[number]
        if table.rule.produces is None or any(column[row] == number for column in table.outputs):
            continue
        made = plan.known_produced(rule, row)
        if made is not None and files.paths[number] not in made:
            found.append((files.paths[number], table.name(row)))
    return found


def adopt(plan: Plan, books: Books) -> None:
    """Without a journal, write down what make's rule found up to date."""
    if plan.history.exists:
        return
    fresh = [
        (table, row)
        for table in plan.graph.tables
        if table.outputs
        for row, state in enumerate(table.state)
        if state == FRESH
    ]
    for table, row in fresh:
        stamps = [plan.stamps.stamp(column[row]) or (-1, -1) for column in table.outputs]
        books.success(
            table, row, inputs=books.inputs(table, row), stamps=stamps, ended=None, attempt=0, extras={}, kind="adopted"
        )
