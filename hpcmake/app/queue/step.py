"""One step of a campaign in the queue: look, settle, plan, pack, submit.

Owns the order of these, and what is kept from one step to the next.  Knows nothing of who drives, nor of how long is
waited between two steps: a driver in the foreground and a job that hands over take the same step.
"""

from __future__ import annotations

import os
import time

from hpcmake.app.forecasting import make_forecast, site_names
from hpcmake.app.queue.board import Board, find_user
from hpcmake.app.queue.intake import Intake
from hpcmake.app.queue.leaving_out import blocked_by, left_out
from hpcmake.app.queue.outbox import Outbox, Outgoing
from hpcmake.app.queue.owners import Owners
from hpcmake.app.queue.posting import Posting
from hpcmake.jobs.recall import Ended as EndedJob
from hpcmake.jobs.recall import committed, find_poison, take_back
from hpcmake.jobs.submitting import Submitter
from hpcmake.lines import parse_records
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.batch_rows import BatchRows
from hpcmake.planner.grounds import grounds_of
from hpcmake.runners.keys import parse_key
from hpcmake.runners.schedulers.scheduler import find_scheduler
from hpcmake.tasks.states import is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hpcmake.app.forecasting import Forecast
    from hpcmake.app.opening import Opened
    from hpcmake.app.queue.charter import Charter
    from hpcmake.app.queue.intake import News
    from hpcmake.app.queue.owners import Task
    from hpcmake.jobs.fates import Fate
    from hpcmake.jobs.policy import Wait
    from hpcmake.jobs.polling import Call
    from hpcmake.jobs.recall import Poison
    from hpcmake.planner.batches import Job
    from hpcmake.planner.rows import Table
    from hpcmake.report import Voice
    from hpcmake.site import Site


class QueueRun:
    """A campaign in the queue, from one step to the next.

    `may_submit` is asked before each submission; `generation` is that of the live file of who drives.
    """

    def __init__(
        self,
        opened: Opened,
        charter: Charter,
        voice: Voice,
        *,
        call: Call,
        may_submit: Callable[[], bool],
        generation: int,
    ) -> None:
        assert opened.site is not None  # noqa: S101  # who submits has one
        scheduler = find_scheduler(opened.site.scheduler)
        assert scheduler is not None  # noqa: S101  # as above
        self.charter = charter
        self.voice = voice
        self.arguments = opened.arguments
        self.site: Site = opened.site
        if self.arguments.text("project") is not None:
            self.site = self.site.replace(project=self.arguments.text("project"))
        self.user = find_user()
        self.board = Board(scheduler, self.user, call)
        self.submitter = Submitter(
            scheduler,
            self.site,
            user=self.user,
            call=call,
            guard=lambda: None if may_submit() else "the campaign was stopped, or another drives it now",
        )
        self.outbox = Outbox(
            self.site,
            keep_going=self.arguments.flag("keep_going"),
            latency=self.arguments.number("latency"),
            generation=generation,
            user=self.user,
        )
        self.planned: list[Outgoing] = []
        self.waits: tuple[Wait, ...] = ()
        """Why planned jobs have not gone out."""
        self.poison: Poison | None = None
        self.ended: list[EndedJob] = []
        self.refusal: str | None = None
        """What the scheduler has said that will never be otherwise."""
        self._stuck: frozenset[str] = frozenset()
        self._told: set[str] = set()
        self._dirty = True
        self._tried_out = False
        self.is_outdated = False
        """Whether the plan is to be made anew: something has failed for good that others can do without."""
        self.posting = Posting(self)
        self.done = 0
        """Tasks that have succeeded since this process drives."""
        self.open(opened)

    # ------------------------------------------------------------ the plan

    def open(self, opened: Opened) -> None:
        """Plan from the beginning, by what the disk says."""
        self.opened = opened
        self.plan = opened.plan()
        self.owners = Owners(self.plan)
        self.intake = Intake(self.plan, self.owners, opened.journal.seen)
        self.attempts = Attempts(self.plan, site=self.site.name, launch=lambda _resources: ())
        self.failures: dict[Task, int] = {}
        """How often each task has failed in this run."""
        for name, length in opened.journal.seen.items():
            if name.startswith("jobs/") and self._is_of_run(name.split("/")[1]):
                self._count_failures(name, length)
        self._dirty = True

    def _is_of_run(self, key: str) -> bool:
        parsed = parse_key(key)
        return parsed is not None and parsed.sequence >= self.charter.first

    def _count_failures(self, name: str, length: int) -> None:
        for record in parse_records(self.opened.journal.read_live(name)[:length], name)[0]:
            if record.get("k") == "fail":
                task = self.owners.find_by_name(record["t"])
                if task is not None:
                    self.failures[task] = self.failures.get(task, 0) + 1

    def retries(self, task: Task) -> int:
        """Return how often a task is tried again."""
        table = self.plan.graph.tables[task[0]]
        default = int(self.arguments.number("retries") or 0)
        return self.attempts.resources(table, task[1], 1)[1].get("retries", default)

    def failed(self) -> list[Task]:
        """Return the tasks that have failed for good in this run, and still must run."""
        tables = self.plan.graph.tables
        return [
            task
            for task, count in self.failures.items()
            if is_stale(tables[task[0]].state[task[1]]) and count > self.retries(task)
        ]

    def is_stopping(self) -> bool:
        """Tell whether nothing more is to be started, since a task has failed and `-k` was not given."""
        return not self.arguments.flag("keep_going") and bool(self.failed())

    def count_stale(self) -> int:
        """Return how many tasks are known to have to run still."""
        return sum(sum(map(table.state.count, _STALE)) for table in self.plan.graph.tables)

    # ------------------------------------------------------------ looking

    def look(self) -> None:
        """Look at the queue and at the jobs, and take in what they have recorded.  Raises Trouble."""
        is_first = not self.board.polls
        self.board.look()
        for words in self.board.resolve(self.submitter):
            self.tell(words)
        if is_first:
            for key in self.board.living():
                self.owners.recall(self.board.folders[key])
        self.take_in()
        self._settle()
        self._take_back()

    def take_in(self) -> None:
        """Take in what living jobs have recorded since.  Raises Trouble."""
        news: list[News] = []
        for key in sorted(self.board.living(), reverse=True):  # children first: what they rest on is then read, too
            news = self.intake.read(self.board.folders[key]) + news
        self._take(news)

    def _take(self, news: list[News]) -> None:
        is_news = False
        for each in news:
            kind = each.record.get("k")
            if kind == "ok" and each.task is not None:
                is_news = True
                self.done += 1
                self.failures.pop(each.task, None)
            elif kind == "fail" and each.task is not None:
                self.failures[each.task] = self.failures.get(each.task, 0) + 1
            elif kind == "gave up":
                self.is_outdated = True
            self._tell_task(each)
        if is_news and self.plan.has_unknown:
            self._plan_on()

    def _plan_on(self) -> None:
        self.opened.disk.refresh()
        rows = self.plan.advance()
        if any(rows.values()):
            self._dirty = True

    def _tell_task(self, news: News) -> None:
        record = news.record
        name = record.get("t")
        if not isinstance(name, str):
            return
        row = {"task": name, "rule": name.partition("[")[0], "attempt": record.get("a", 1), "job": news.key}
        kind = record.get("k")
        if kind == "ok":
            outputs = [entry[0] for entry in record["out"]]
            wall = record.get("w", 0.0)
            self.voice.tell({"kind": "done", **row, "wall": wall, "cpu": record.get("cpu"), "outputs": outputs})
        elif kind == "fail":
            task = news.task
            again = task is not None and self.failures.get(task, 0) <= self.retries(task)
            log = record.get("log")
            self.voice.tell(
                {
                    "kind": "failed",
                    **row,
                    "status": record.get("rc", 1),
                    "why": record.get("why", ""),
                    "words": _failure_words(record.get("why", "exit"), record.get("rc", 1)),
                    "wall": record.get("w", 0.0),
                    "log": log[0] if log else None,
                    "tail": [],
                    "again": again,
                    "rerun": f"hpcmake log {name}",
                }
            )

    # ------------------------------------------------------------ what has become of jobs

    def _settle(self) -> None:
        """Settle the jobs of which nothing more will come: what they have not done is packed anew.  Raises Trouble."""
        board = self.board
        for key, fate in list(board.fates.items()):
            if key in board.settled or fate.is_living:
                continue
            folder, reading = board.folders[key], board.readings[key]
            claim = reading.claims[-1] if reading.claims else None
            if reading.closed is None and not folder.close(fate.words(time.time()), ended=claim):
                continue  # a new start of it has claimed it
            self._take(self.intake.read(folder))
            board.settled.add(key)
            tasks = self.owners.free(key)
            left = [task for task in tasks if is_stale(self.plan.graph.tables[task[0]].state[task[1]])]
            if self._is_of_run(key) or tasks:
                self._note_end(key, fate, len(left))
            self._dirty = self._dirty or bool(left) or bool(tasks)

    def _note_end(self, key: str, fate: Fate, left: int) -> None:
        intent = self.board.intents.get(key)
        records = self.intake.counts.get(key, 0)
        if not records and os.path.exists(self.board.folders[key].records):
            records = 1  # those that were read when the plan was made
        role = intent.role if intent is not None else "work"
        self.ended.append(EndedJob(key, fate, self.site.name, self.site.setup, records, role))
        if key in self._told or role != "work":
            return
        self._told.add(key)
        status = self.board.readings[key].status
        counts = f"{status.done} done, {status.failed} failed" if status is not None else ""
        rest = f"{left} left, packed anew" if left and not self.is_stopping() else f"{left} left" if left else ""
        words = ", ".join(filter(None, (counts, rest)))
        name = f"{fate.job} ({key})" if fate.job else key
        self.tell(f"job {name}: {fate.words(time.time())}{f'; {words}' if words else ''}", "job over", key=key)

    def _take_back(self) -> None:
        board = self.board
        fates = {key: fate for key, fate in board.fates.items() if key not in board.settled}
        found = take_back(fates, board.intents, board.jobs, stuck_before=self._stuck)
        self._stuck = found.stuck
        for words in found.told:
            if words not in self._told:
                self._told.add(words)
                self.tell(words)
        self.withdraw(found.keys, found.ids, "it could not start")

    def withdraw(self, keys: tuple[str, ...], ids: tuple[str, ...], why: str) -> None:
        """Let jobs that wait do no work, and take them out of the queue.  Raises Trouble."""
        for key in keys:
            self.board.folders[key].close(why)
        if ids:
            self.submitter.cancel(ids)

    def recall(self) -> None:
        """Find out again what living jobs have, since the plan was made anew.  Raises Trouble."""
        for key in self.board.living():
            self.owners.recall(self.board.folders[key])

    def note_change(self) -> None:
        """Take note that tasks have ended that no job had."""
        self._dirty = True
        if self.plan.has_unknown:
            self._plan_on()

    def wants_look(self) -> bool:
        """Tell whether a job says that it is over, so that the queue should be looked at before its time."""
        for key in self.board.living():
            status = self.board.folders[key].read_status()
            if status is not None and status.is_over:
                return True
        return False

    # ------------------------------------------------------------ packing

    def pack(self) -> None:
        """Pack what no job has, if that has changed since.  Raises Trouble for what the site cannot run."""
        if not self._dirty:
            return
        self._dirty = False
        for job in self.planned:
            self.posting.forget(job.name)
        self.planned = []
        if self.is_stopping() or (self._tried_out and self.arguments.flag("trial")):
            return
        out = blocked_by(self.plan, self.seeds()) | set(self.owners.of)
        with left_out(self.plan, out):
            if not self.count_stale():
                return
            forecast = make_forecast(self.plan, self.site, self.arguments)
            self._tried_out = True
            self.planned = [self._outgoing(forecast, job) for job in forecast.packing.jobs]
            self.attempts = forecast.attempts

    def seeds(self) -> list[Task]:
        """Return the tasks that cannot be in a job: they have failed, or run where the campaign is driven."""
        found = self.failed()
        for table in self.plan.graph.tables:
            names = site_names(table)
            if names is not None and self.site.name not in names:
                found += [(table.rule.number, row) for row in range(table.count) if is_stale(table.state[row])]
        return found

    def _outgoing(self, forecast: Forecast, job: Job) -> Outgoing:
        tasks = tuple(
            [
                forecast.gathered.task(forecast.packing.classes[part.kind].members[at])
                for part in job.portions
                for at in range(part.first, part.stop)
            ]
        )
        parents = {f"#{number}" for number in job.after if number >= 0}
        if self.owners.of:
            parents |= self._owners_of_inputs(tasks)
        grounds = grounds_of(job, forecast.packing, forecast.site, forecast.wishes)
        return Outgoing(
            f"#{job.number}",
            job.shape.queue.name,
            job.nodes,
            job.shape.charged,
            job.walltime,
            tasks,
            tuple(sorted(parents)),
            job.timeline.seconds,
            "; ".join(each.text for each in grounds),
        )

    def _owners_of_inputs(self, tasks: tuple[tuple[Table, int], ...]) -> set[str]:
        files, graph = self.plan.graph.files, self.plan.graph
        found: set[str] = set()
        entries = {column[row] for table, row in tasks for column in table.inputs}
        for entry in entries:
            for number in (entry,) if entry >= 0 else graph.group(entry):
                key = self.owners.of.get((files.rule[number], files.row[number]))
                if key is not None:
                    found.add(key)
        return found

    # ------------------------------------------------------------ submitting

    def submit(self) -> int:
        """Submit what may go out now; return how many jobs did.  Raises Trouble."""
        if self.poison is None:
            self.poison = find_poison(self.ended)
        if self.poison is not None or self.is_stopping() or not self.planned:
            self.waits = ()
            return 0
        rows = BatchRows(
            self.plan, self.attempts, retries=int(self.arguments.number("retries") or 0), tried=self.failures
        )
        return self.posting.post(rows)

    def spent(self) -> float:
        """Return the node-hours that jobs of this run have been charged, or may be."""
        board = self.board
        return committed(
            (board.intents[key], fate, board.readings[key].status)
            for key, fate in board.fates.items()
            if key in board.intents and self._is_of_run(key)
        )

    def tell(self, words: str, event: str = "note", **more: object) -> None:
        """Tell the user."""
        row: dict[str, object] = {"kind": "note", "text": words, **more}
        if event != "note":
            row["event"] = event
        self.voice.tell(row)


_STALE = tuple(state for state in range(256) if is_stale(state))


def _failure_words(why: str, status: int) -> str:
    if why == "time":
        return "ended by its time limit"
    if why == "missing output":
        return "the command succeeded, but an output is not there"
    words = f"ended by signal {-status}" if status < 0 else f"exit {status}"
    return f"`post`: {words}" if why == "post" else words
