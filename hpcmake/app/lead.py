"""Leading a run: the lease, the books, the runner and the voice, from start to summary.

Owns what surrounds the loop.  Knows nothing of single attempts.
"""

from __future__ import annotations

import os
import socket
import sys
import time

from hpcmake.app.adoption import adopt, complete
from hpcmake.app.books import Books
from hpcmake.app.drive import Drive
from hpcmake.app.dryrun import count_states
from hpcmake.app.folding import fold
from hpcmake.app.leftovers import await_leftovers
from hpcmake.app.opening import Opened
from hpcmake.app.orphans import remove_orphans
from hpcmake.app.placing import check_here, check_words, run_command
from hpcmake.app.preparing import check_place, require_writable, tell_warnings
from hpcmake.app.queue.living_jobs import leave_the_queue
from hpcmake.app.strays import end_strays, mark_of_campaign
from hpcmake.app.venue import find_venue
from hpcmake.diagnostics import Diagnostic, Trouble, render_all
from hpcmake.engine import DONE, FRESH_AFTER_ALL, GAVE_UP, Engine
from hpcmake.journal import FOLDER
from hpcmake.lease import Lease, acquire
from hpcmake.options import LATER, VERBS
from hpcmake.planner.attempts import Attempts
from hpcmake.report import make_voice
from hpcmake.tasks.states import FRESH, GIVEN_UP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hpcmake.journal import JournalWriter
    from hpcmake.options import Arguments
    from hpcmake.planner.graph import Table
    from hpcmake.planner.plan import Plan
    from hpcmake.report import Voice


TERMINATED = 143
"""The exit status of a job that was told to end."""
GATHER = 0.5
"""Seconds of records that are written together in a job, whose file system pays for each write."""
WORK_LEFT = 75
"""The exit status of a job that ends before all of its work is done, and in which nothing has failed."""


def lead(arguments: Arguments) -> int:
    """Run a campaign; return the exit status.  Raises Trouble."""
    # mistakes are told before anything is written, and before anybody is waited for
    opened = Opened(arguments)
    if opened.held is not None:
        check_here(arguments)
    else:
        check_words(arguments, opened.site)
        if opened.is_at_site and not arguments.flag("touch"):
            from hpcmake.app.queue.lead import submit

            return submit(opened)
    plan = opened.plan()
    require_writable()
    job = opened.held.job if opened.held is not None else None
    tell = None if arguments.flag("quiet") else tell_wait
    with acquire(FOLDER, wait=arguments.number("wait"), tell=tell, job=job) as lease:
        leave_the_queue()
        voice = open_voice(arguments)
        try:
            if lease.unclean:
                end_strays(voice)
                if opened.site is None or opened.site.runs != "program":  # else nothing of ours runs on nodes
                    await_leftovers(lease, opened.held, mark_of_campaign(), voice, run_command)
            if lease.unclean or opened.journal.state() != opened.journal_state:
                # whoever held the lease before, or has left processes, may have changed files since they were looked at
                opened = Opened(without_folders(arguments))
                plan = opened.plan()
            return Lead(opened, lease, voice).run(plan)
        finally:
            voice.close()


def tell_wait(words: str) -> None:
    """Tell at once that there is something to wait for, and what."""
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


def without_folders(arguments: Arguments) -> Arguments:
    """Return arguments less `-C`, since its folders were entered."""
    arguments.values["entered"] = arguments.values.pop("directory", [])
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


class Lead:
    """One run of a campaign, of one or several plans (an include that a rule makes comes first)."""

    def __init__(self, opened: Opened, lease: Lease, voice: Voice) -> None:
        self.opened = opened
        self.arguments = opened.arguments
        self.lease = lease
        self.voice = voice
        self.host = socket.gethostname()
        self.venue = find_venue(opened, mark_of_campaign)
        self.trace = None
        self.started = time.monotonic()
        path = self.arguments.text("trace")
        if path is not None:
            from hpcmake.report import Trace

            self.trace = Trace()
            self.voice = _Traced(voice, self.trace)
        self.trace_path = path
        self.done = 0
        """Tasks that were done for includes that rules make."""

    def run(self, plan: Plan) -> int:
        """Run a plan, and what follows from it; tell the summary and return the exit status."""
        writer = self.opened.journal.open_writer(self.lease.generation, self.opened.history.covers)
        if self.venue.job is not None:
            writer.gather = GATHER
        self.opened.journal.sweep(self.opened.history.covers)
        is_first = not plan.history.exists
        drive: Drive | None = None
        try:
            while True:
                tell_warnings(self.opened, plan)
                words = check_place(self.opened, plan, self.venue)
                books = self._books(plan, writer)
                if not plan.history.exists:
                    for each in (*self.opened.passed, plan):
                        adopt(each, self._books(each, writer))
                    complete(books)
                if self.arguments.flag("touch"):
                    from hpcmake.app.touch import touch

                    status = touch(plan, books, self.opened, self.voice)
                else:
                    status, drive = self._drive(plan, books, words)
                if not plan.campaign.generated or status != 0:
                    break
                # the include that a rule makes is up to date now: read all of it again
                if drive is not None:
                    self.done += drive.engine.counts[DONE]
                plan.history.exists = not is_first
                plan = self.opened.plan()
            if drive is not None:
                if status == 0:
                    remove_orphans(drive.plan, books, self.opened, self.voice)
                self._summary(drive, status)
        finally:
            writer.close()
            self._write_trace()
        self._fold(plan, writer)
        return status

    def _books(self, plan: Plan, writer: JournalWriter) -> Books:
        opened = self.opened
        return Books(plan, writer, opened.disk, host=self.host, content=opened.choices.content, looked=opened.looked)

    def _drive(self, plan: Plan, books: Books, words: list[str]) -> tuple[int, Drive]:
        arguments = self.arguments
        attempts = Attempts(
            plan,
            site=self.opened.site_name,
            launch=self.venue.launch,
            most_cores=self.venue.most_cores,
            most_memory=self.venue.most_memory,
        )
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
            self.venue.runner,
            disk=self.opened.disk,
            books=books,
            voice=self.voice,
            lease=self.lease,
            cores=self.venue.cores,
            latency=arguments.number("latency") or 0.0,
            lag=self.venue.latency,
            keep_temp=arguments.flag("keep_temp"),
            verbose=arguments.flag("verbose"),
            rerun=self._rerun,
            check=lambda rows: self.venue.check(plan, attempts, retries=default, rows=rows),
            wants=self.venue.wants,
        )
        stale, fresh, _ = count_states(plan)
        total = sum(sum(reasons.values()) for reasons in stale.values())
        if engine.rule:
            self.voice.tell(
                {
                    "kind": "start",
                    **self.venue.start_row(),
                    "stale": total,
                    "fresh": fresh,
                    "unknown": len(plan.unknown()),
                    "rules": {rule: sum(reasons.values()) for rule, reasons in stale.items()},
                    "expected": self._expected_end(plan, stale),
                }
            )
            for text in (*words, *self.venue.notes(plan)):
                self.voice.tell({"kind": "note", "text": text})
        drive.run()
        return self._status(drive), drive

    def _status(self, drive: Drive) -> int:
        if drive.signals:
            return TERMINATED if drive.interrupts.terminated and self.venue.job is not None else 130
        if drive.troubles:
            return max(trouble.exit_status for trouble in drive.troubles)
        engine = drive.engine
        if drive.halted is not None and drive.halted.why == "launcher":
            return 3
        if engine.failed or engine.not_produced:
            return 1
        if self.venue.job is not None and engine.left():
            return WORK_LEFT
        return 1 if engine.left() or drive.plan.has_unknown else 0

    def _rerun(self, handle: str) -> str:
        """Return what to type to run one task again: a file that it makes; all that was asked for if none is known."""
        from hpcmake.tasks.quoting import quote_word

        words = ["hpcmake"]
        for folder in self.arguments.texts("entered") or self.arguments.texts("directory"):
            words += ["-C", quote_word(folder)]
        if self.arguments.text("file"):
            words += ["-f", quote_word(str(self.arguments.text("file")))]
        for definition in self.arguments.texts("define"):
            words += ["-D", quote_word(definition)]
        handles = [handle] if handle else self.arguments.words
        if handles and (handles[0] in VERBS or handles[0] in LATER or handles[0].startswith("-")):
            words.append("--")
        return " ".join([*words, *map(quote_word, handles)])

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
        return max(total / self.venue.cores, longest) if total else None

    # ------------------------------------------------------------ the end

    def _summary(self, drive: Drive, status: int) -> None:
        engine = drive.engine
        left = engine.left()
        fresh = sum(table.state.count(FRESH) for table in drive.plan.graph.tables) - engine.counts[DONE]
        files = drive.plan.graph.files
        for number in engine.not_produced:
            table = drive.plan.graph.tables[files.rule[number]]
            message = f"{files.paths[number]} was asked for, and {table.name(files.row[number])} has not produced it"
            help_ = "see what it printed by `hpcmake log`, or range over what it produces: `each`"
            told = render_all([Diagnostic("E414", message, table.rule.produces_span, help=help_)])
            self.voice.tell({"kind": "warning", "text": told})
        done = self.done + engine.counts[DONE]
        self.voice.tell(
            {
                "kind": "summary",
                "done": done,
                "failed": len(engine.failed),
                "fresh": fresh,
                "given_up": sum(table.state.count(GIVEN_UP) for table in drive.plan.graph.tables),
                "cut": drive.outcome.cut,
                "left": len(left),
                "unknown": len(drive.plan.unknown()),
                "wall": round(time.monotonic() - self.started, 3),
                "exit": status,
                "nothing_to_do": not done
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

    def _fold(self, plan: Plan, writer: JournalWriter) -> None:
        try:
            fold(plan, self.opened.journal, writer, damaged=self.opened.is_damaged)
        except Trouble as trouble:
            # nothing is lost: the live records stay as they are
            self.voice.tell({"kind": "warning", "text": render_all(trouble.diagnostics)})


class _Traced:
    """A voice that also tells a trace."""

    def __init__(self, voice: Voice, trace: object) -> None:
        self.voice = voice
        self.trace = trace

    def tell(self, row: Mapping[str, object]) -> None:
        self.trace.tell(row)  # type: ignore[attr-defined]
        self.voice.tell(row)

    def tick(self) -> None:
        self.voice.tick()

    def close(self) -> None:
        self.voice.close()


def _expectations(plan: Plan) -> Callable[[str], float]:
    """Return what gives the seconds that a task of a rule is expected to take."""
    known: dict[str, float] = {}

    def expected(rule: str) -> float:
        import statistics

        if rule not in known:
            walls = plan.history.walls(rule)
            known[rule] = statistics.median(walls) if walls else 1.0
        return known[rule]

    return expected
