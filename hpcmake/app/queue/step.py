"""One step of a campaign in the queue: look, settle, plan, pack, submit.

Owns the order of these, and what is kept from one step to the next.  Knows nothing of who drives, nor of how long is
waited between two steps: a driver in the foreground and a job that hands over take the same step.
"""

from __future__ import annotations

from hpcmake.app.queue.asking import hurry, make_submitter
from hpcmake.app.queue.board import Board, find_user
from hpcmake.app.queue.intake import Intake
from hpcmake.app.queue.keeping import TempFiles
from hpcmake.app.queue.leaving_out import blocked_by, left_out
from hpcmake.app.queue.outbox import Outbox, Outgoing
from hpcmake.app.queue.owners import Owners
from hpcmake.app.queue.packing import find_too_long, pack, seeds
from hpcmake.app.queue.posting import Posting
from hpcmake.app.queue.settling import Settling
from hpcmake.app.queue.telling import task_row, too_long_row
from hpcmake.jobs.watch import LATE
from hpcmake.lines import parse_records
from hpcmake.planner.attempts import Attempts
from hpcmake.planner.batch_rows import BatchRows
from hpcmake.runners.keys import parse_key
from hpcmake.runners.launchers import preview_launch
from hpcmake.runners.schedulers.jobs import DoNotKnow
from hpcmake.runners.schedulers.scheduler import find_scheduler
from hpcmake.tasks.states import FRESH, is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from hpcmake.app.forecasting import Forecast
    from hpcmake.app.opening import Opened
    from hpcmake.app.queue.charter import Charter
    from hpcmake.app.queue.intake import News
    from hpcmake.app.queue.owners import Task
    from hpcmake.jobs.policy import Wait
    from hpcmake.jobs.polling import Call
    from hpcmake.jobs.recall import Poison
    from hpcmake.lease import Lease
    from hpcmake.planner.plan import Plan
    from hpcmake.planner.rows import Table
    from hpcmake.report import Voice
    from hpcmake.site import Site


class QueueRun:
    """A campaign in the queue, from one step to the next.

    `may_submit` is asked before each submission; `live` is the number of the live file of who drives.
    """

    def __init__(
        self,
        opened: Opened,
        plan: Plan,
        charter: Charter,
        voice: Voice,
        *,
        call: Call,
        may_submit: Callable[[], bool],
        lease: Lease,
        live: int,
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
        user = find_user()
        self.board = Board(scheduler, self.site.name, user, call, late=max(1.0, LATE * hurry(self.site)))
        self.submitter = make_submitter(scheduler, self.site, user, call, may_submit)
        self.outbox = Outbox(
            self.site,
            keep_going=self.arguments.flag("keep_going"),
            latency=self.arguments.number("latency"),
            content=opened.choices.content,
            generation=lease.generation,
            live=live,
            user=user,
        )
        self.planned: list[Outgoing] = []
        """Jobs that were packed, and have not gone out."""
        self.waits: tuple[Wait, ...] = ()
        """Why they have not."""
        self.poison: Poison | None = None
        """Why nothing more is submitted: jobs end here without having done anything."""
        self.refusal: str | None = None
        """What the scheduler has said that will never be otherwise."""
        self.is_outdated = False
        """Whether the plan is to be made anew: something has failed for good that others can do without."""
        self.leaving: tuple[str, ...] = ()
        """The key of the job that takes this step at its end, if it is one."""
        self.done = 0
        """Tasks that have succeeded since this process drives."""
        self.posting = Posting(self)
        self.settling = Settling(self)
        self._is_packed = False
        self._was_packed = False
        self._is_blind = False
        self.forecast: Forecast | None = None
        """How all of a plan was packed, that nothing has changed since; None if it is to be packed again."""
        self.open(opened, plan)

    # ------------------------------------------------------------ the plan

    def open(self, opened: Opened, plan: Plan) -> None:
        """Go by a plan that was made from the beginning, by what the disk says.  Raises Trouble."""
        self.opened = opened
        self.plan = plan
        self.forecast = None
        self.owners = Owners(self.plan)
        self.intake = Intake(self.plan, self.owners, opened.journal.seen)
        self.attempts = Attempts(
            self.plan, site=self.site.name, launch=lambda resources: preview_launch(self.site, resources)
        )
        self.failures: dict[Task, int] = {}
        """How often each task has failed in this run."""
        self.deaths: dict[Task, int] = {}
        """How many nodes have died under each task in this run."""
        for name, length in opened.journal.seen.items():
            if name.startswith("jobs/") and self.is_of_run(name.split("/")[1]):
                self._recall(name, length)
        self.temps = TempFiles(opened, self.plan, self.voice)
        tables = self.plan.graph.tables
        self.known = {table.rule.name: count for table in tables if (count := count_stale_of(table))}
        """How many tasks of each rule are known to have to run, those that have done so since counted too."""
        self._done: dict[str, int] = {}
        for key in self.board.living():
            self.owners.recall(self.board.folders[key])
        self._is_packed = False

    def is_of_run(self, key: str) -> bool:
        """Tell whether a job was submitted in this run, by whomever."""
        parsed = parse_key(key)
        return parsed is not None and parsed.sequence >= self.charter.first

    def _recall(self, name: str, length: int) -> None:
        """Recall what jobs of this run have done already: failures count, and what was forced is so no more."""
        choices, tables = self.opened.choices, self.plan.graph.tables
        forced = choices.always or choices.rules or choices.new
        for record in parse_records(self.opened.journal.read_live(name)[:length], name)[0]:
            kind = record.get("k")
            if kind == "fail":
                task = self.owners.find_by_name(record["t"])
                if task is not None:
                    self.failures[task] = self.failures.get(task, 0) + 1
            elif kind == "cut" and record.get("why") == "node":
                task = self.owners.find_by_name(record["t"])
                if task is not None:
                    self.deaths[task] = self.deaths.get(task, 0) + 1
            elif kind == "ok" and forced:
                task = self.owners.find(record["out"][0][0] if record["out"] else None, record["t"])
                if task is not None:
                    tables[task[0]].state[task[1]] = FRESH
                    self.plan.judge.note(tables[task[0]], task[1], FRESH)

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
        return sum(map(count_stale_of, self.plan.graph.tables))

    # ------------------------------------------------------------ looking

    def look(self) -> None:
        """Look at the queue and at the jobs, and take in what they have recorded.  Raises Trouble."""
        is_first = not self.board.polls
        refused = {each.key for each in self.posting.written.values()}
        self.board.look(refused)
        self._tell_sight()
        for words in self.board.resolve(self.submitter, refused):
            self.tell(words)
        if is_first:
            for key in self.board.living():
                self.owners.recall(self.board.folders[key])
            self.settling.take_back_outdated()
        self.take_in()
        if self.settling.settle():
            self._is_packed = False
        self.settling.take_back()

    def _tell_sight(self) -> None:
        """Tell once that the queue cannot be seen, and once that it can be again."""
        jobs = self.board.jobs
        if isinstance(jobs, DoNotKnow) and not self._is_blind:
            first = jobs.text.strip().splitlines()[0] if jobs.text.strip() else "no answer"
            self.tell(f"the queue cannot be seen ({first}); it is asked again, and nothing is concluded meanwhile")
        elif self._is_blind and not isinstance(jobs, DoNotKnow):
            self.tell("the queue is to be seen again")
        self._is_blind = isinstance(jobs, DoNotKnow)

    def take_in(self) -> None:
        """Take in what living jobs have recorded since.  Raises Trouble."""
        news: list[News] = []
        for key in sorted(self.board.living(), reverse=True):  # children first: what they rest on is then read, too
            news = self.intake.read(self.board.folders[key]) + news
        self.take(news)

    def take(self, news: list[News]) -> None:
        """Take what jobs have recorded into account.  Raises Trouble."""
        is_news = False
        for each in news:
            kind, task = each.record.get("k"), each.task
            if kind == "ok" and task is not None:
                is_news = True
                self.done += 1
                rule = self.plan.graph.tables[task[0]].rule.name
                self._done[rule] = self._done.get(rule, 0) + 1
                self.failures.pop(task, None)
                self.temps.on_done(task)
            elif kind == "fail" and task is not None:
                self.failures[task] = self.failures.get(task, 0) + 1
            elif kind == "cut" and task is not None and each.record.get("why") == "node":
                self.deaths[task] = self.deaths.get(task, 0) + 1
            elif kind == "gave up":
                self.is_outdated = True
            again = kind == "fail" and task is not None and self.failures[task] <= self.retries(task)
            row = task_row(each, again=again, **self._about(task)) if kind == "fail" else task_row(each, again=False)
            if row is not None:
                self.voice.tell(row)
        if is_news:
            self.plan_on()

    def _about(self, task: Task | None) -> dict[str, Any]:
        """Return what is told of a task that has failed: a file by which to name it, and its `time`."""
        if task is None:
            return {}
        table = self.plan.graph.tables[task[0]]
        handle = self.plan.graph.files.paths[table.outputs[0][task[1]]] if table.outputs else ""
        return {"handle": handle, "limit": self.attempts.resources(table, task[1], 1)[0].time}

    def plan_on(self) -> None:
        """Plan on, if something is unknown that may be known now.  Raises Trouble."""
        if self.plan.has_unknown:
            self.opened.disk.refresh()
            rows = self.plan.advance()
            self.temps.grow(rows)
            if any(rows.values()):
                self._is_packed = False
                self._tell_growth()

    def _tell_growth(self) -> None:
        """Tell which tasks have become known."""
        new: dict[str, int] = {}
        for table in self.plan.graph.tables:
            name, stale = table.rule.name, count_stale_of(table)
            more = stale + self._done.get(name, 0) - self.known.get(name, 0)
            if more > 0:
                new[name] = more
                self.known[name] = self.known.get(name, 0) + more
        if new:
            unknown = len(self.plan.unknown()) if self.plan.has_unknown else 0
            self.voice.tell({"kind": "planned", "rules": new, "stale": sum(new.values()), "unknown": unknown})

    def note_local(self, rules: Mapping[str, int]) -> None:
        """Take note that tasks have ended that no job had; by rule, how many have succeeded.  Raises Trouble."""
        for rule, count in rules.items():
            self.done += count
            self._done[rule] = self._done.get(rule, 0) + count
        self._is_packed = False
        self.plan_on()

    def wants_look(self) -> bool:
        """Tell whether a job has something to say for which the queue should be looked at before its time."""
        for key in self.board.living():
            folder = self.board.folders[key]
            status = folder.read_status()
            if status is not None and (status.is_over or (status.wants and len(folder.pieces()) <= status.rows)):
                return True
        return False

    # ------------------------------------------------------------ packing and submitting

    def pack(self) -> None:
        """Pack what no job has, if that has changed since, and give more to jobs that want it.

        Raises Trouble for what the site cannot run.
        """
        wanting = [key for key in self.board.living() if self._is_wanting(key)]
        if (self._is_packed or self._is_about_to_want()) and not wanting:
            return
        self._is_packed = True
        for job in self.planned:
            self.posting.forget(job.name)
        self.planned = []
        self._fail_what_fits_nowhere()
        if not self.is_stopping() and not (self._was_packed and self.arguments.flag("trial")):
            packed = pack(self, wanting)
            if packed.attempts is not None:
                self._was_packed = True
                self.attempts = packed.attempts
            self.planned = list(packed.jobs)
            for key, tasks in packed.topped:
                self._give_more(key, tasks)
                wanting.remove(key)
        for key in wanting:
            self._give_more(key, ())

    def _fail_what_fits_nowhere(self) -> None:
        """Give up tasks that a deadline has cut, and that no job is long enough for."""
        for task, cut_after, needed, longest in find_too_long(self):
            table = self.plan.graph.tables[task[0]]
            self.failures[task] = self.retries(task) + 1
            self.voice.tell(too_long_row(table.name(task[1]), table.rule.name, cut_after, needed, longest))

    def _is_about_to_want(self) -> bool:
        """Tell whether a job that runs has just done all that it had, and will ask for what has become known."""
        tables = self.plan.graph.tables
        for key in self.board.living():
            intent, status = self.board.intents.get(key), self.board.readings[key].status
            if intent is None or not intent.grows or status is None or status.is_over:
                continue
            if not any(is_stale(tables[rule].state[row]) for rule, row in self.owners.tasks.get(key, ())):
                return True
        return False

    def _is_wanting(self, key: str) -> bool:
        status = self.board.readings[key].status
        return (
            status is not None
            and status.wants
            and not status.is_over
            and len(self.board.folders[key].pieces()) <= status.rows
        )

    def _give_more(self, key: str, tasks: tuple[tuple[Table, int], ...]) -> None:
        """Give a running job more tasks, or tell it that there are none.  Raises Trouble."""
        folder = self.board.folders[key]
        self.outbox.write_more(folder, tasks, self.batch_rows())
        self.owners.give(key, [(table.rule.number, row) for table, row in tasks])
        if tasks:
            count = "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"
            self.tell(f"job {self.board.readings[key].job} ({key}) has time left: {count} more run there")

    def batch_rows(self) -> BatchRows:
        """Return what writes tasks into batches."""
        retries = int(self.arguments.number("retries") or 0)
        return BatchRows(self.plan, self.attempts, retries=retries, tried=self.failures, deaths=self.deaths)

    def submit(self) -> int:
        """Submit what may go out now; return how many jobs did.  Raises Trouble."""
        self.poison = self.poison or self.settling.find_poison()
        if self.poison is not None or self.is_stopping():
            self.waits = ()
            return 0
        count = self.posting.post() if self.planned else 0
        if not self.planned:
            self.waits = ()
        if self.charter.detached:
            count += self.posting.post_watchers()
        return count

    def count_done_here(self) -> int:
        """Return how many tasks of this plan have succeeded since it was made."""
        return sum(self._done.values())

    def count_packable(self) -> int:
        """Return how many tasks must run that are in no job, and that no failure keeps."""
        with left_out(self.plan, blocked_by(self.plan, seeds(self)), self.owners.of):
            return self.count_stale()

    def tell(self, words: str, **more: object) -> None:
        """Tell the user."""
        self.voice.tell({"kind": "note", "text": words, **more})


_STALE = bytes(map(is_stale, range(256)))


def count_stale_of(table: Table) -> int:
    """Return how many tasks of a rule must run."""
    return table.state.translate(_STALE).count(1)


"""By state, whether a task must run."""
