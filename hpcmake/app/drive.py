"""The loop that runs a plan: it does what the engine decides.

Owns the order of doors: what is moved, started, stamped, recorded, and when.  Knows nothing of why a task is next.
"""

from __future__ import annotations

import time

from hpcmake.app.clearing import clear_away
from hpcmake.app.commands import began_row
from hpcmake.app.growth import Growth, count_waiting
from hpcmake.app.handed import Handed
from hpcmake.app.interrupts import Interrupts
from hpcmake.app.outcome import Outcome
from hpcmake.app.pace import Pace
from hpcmake.app.products import Products
from hpcmake.app.suspects import Suspects
from hpcmake.app.temps import Temps
from hpcmake.diagnostics import Trouble, render_all
from hpcmake.engine import FRESH_AFTER_ALL
from hpcmake.model import Began, Cut, Ended, Halted, Lost, Noted
from hpcmake.tasks.wait import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.app.books import Books
    from hpcmake.app.growth import Growing
    from hpcmake.disk import Disk
    from hpcmake.engine import Engine
    from hpcmake.lease import Lease
    from hpcmake.model import Attempt, Runner
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.plan import Plan
    from hpcmake.report import Voice

TICK = 0.25
"""Seconds between two looks at the clock while nothing happens."""

LOOK_AHEAD = 0.2
"""Seconds of work that is handed out beyond what runs, so that no core waits for the driver."""

MOST_AHEAD = 20_000
"""Attempts that are with the runner at most, while something is idle that none of them can use."""


class Drive:
    """Runs what an engine says with a runner, on the disk, into the books, and tells a voice."""

    def __init__(  # noqa: PLR0913  # all doors of a run
        self,
        plan: Plan,
        engine: Engine,
        attempts: Attempts,
        runner: Callable[[], Runner],
        *,
        disk: Disk,
        books: Books,
        voice: Voice,
        lease: Lease,
        cores: int,
        latency: float = 0.0,
        lag: float = 0.0,
        keep_temp: bool = False,
        verbose: bool = False,
        rerun: Callable[[str], str] = str,
        check: Callable[[dict[int, Sequence[int]]], list[str]] = lambda _rows: [],
        wants: Callable[[Runner], int] | None = None,
        growing: Growing | None = None,
    ) -> None:
        self.plan = plan
        self.engine = engine
        self.attempts = attempts
        self.disk = disk
        self.books = books
        self.voice = voice
        self.lease = lease
        self.cores = cores
        self.verbose = verbose
        self.rerun = rerun
        self._check = check
        """What checks that tasks which have become known fit this machine, and returns what the user is to be told."""
        self._wants = wants
        """What says how many attempts more a runner should be given; None: as many as this machine's cores need."""
        self._growing = growing
        """Where more work may come from while this runs; None: from nowhere."""
        self.pace = Pace(plan, engine, lag)
        self._suspects = Suspects()
        self.halted: Halted | None = None
        """Why the runner begins nothing more, if it does not."""
        self.products = Products(plan.graph)
        self.temps = Temps(self, keep=keep_temp)
        self._growth = Growth(engine)
        self.outcome = Outcome(self, latency=latency)
        self.handed: dict[int, Handed] = {}
        self.ids = 0
        self.interrupts = Interrupts()
        self.troubles: list[Trouble] = []
        self.post_done: set[int] = set()
        """Tasks whose run has succeeded and whose post failed: only post is repeated."""
        self.average = 0.05
        """Seconds that an attempt takes, of late."""
        self._make_runner = runner
        self._look_at_rules()
        self._runner: Runner | None = None

    def _look_at_rules(self) -> None:
        resources = [table.rule.resources for table in self.plan.graph.tables]
        self._has_priorities = any("priority" in each for each in resources)
        self._is_mixed = any(not each.keys().isdisjoint(("cores", "memory", "gpus")) for each in resources)

    @property
    def signals(self) -> int:
        """How often the user has asked to end."""
        return self.interrupts.count

    @property
    def has_runner(self) -> bool:
        """Whether the runner was started."""
        return self._runner is not None

    @property
    def runner(self) -> Runner:
        """The runner; it is started when the first task is handed out."""
        if self._runner is None:
            self._runner = self._make_runner()
        return self._runner

    # ------------------------------------------------------------ the loop

    def run(self) -> None:
        """Run until nothing runs and nothing can be started.  Raises Trouble if the disk or the journal fails."""
        with self.interrupts:
            try:
                self._loop()
            finally:
                if self._runner is not None:
                    self._runner.close()

    def _loop(self) -> None:
        if self.lease.unclean:
            self.temps.sweep_left()
        self._told_settled()
        while True:
            self.interrupts.heed(self)
            self._fill()
            if not self.handed and not self.outcome.awaited and (self.engine.is_over or self.signals):
                if self._growing is None or self.signals or self.engine.stopping or self._growing.is_over():
                    break
                time.sleep(TICK)
            if self._runner is not None and (self.handed or self.outcome.awaited):
                events = self._runner.events(TICK if not self.outcome.awaited else 0.05)
                self.products.forget()
                for event in events:
                    self._on_event(event)
                self.outcome.look_again()
                self._take_back()
            self._told_settled()
            if self._growing is not None and not self.engine.stopping:
                self._grow_by(self._growing.take(is_idle=not self.engine.has_ready))
            self._plan_on()
            self.voice.tick()
            self.books.writer.tick()
            self.lease.beat()

    # ------------------------------------------------------------ handing out

    def _room(self) -> int:
        """Return how many attempts more may be with the runner: what runs, and a little more.

        Where there are priorities it is no more than what can run, since a task that becomes ready could not overtake
        what is there already.  While something is idle, as with tasks that share one gpu, there is room for others.
        """
        if self._wants is not None:
            return self._wants(self.runner)
        ahead = max(2, min(int(LOOK_AHEAD * self.cores / max(self.average, 0.0005)), 512))
        room = self.cores + ahead * (not self._has_priorities) - len(self.handed)
        if room <= 0 and self._is_mixed and len(self.handed) < MOST_AHEAD:
            began = [handed.attempt for handed in self.handed.values() if handed.began]
            return 512 if sum(each.resources.cores for each in began if each) < self.cores else 0
        return room

    def _take_back(self) -> None:
        """Take back what has not begun, once nothing more is to be started; what is tried again goes on."""
        if self.engine.stopping and not self.signals:
            self.forget_unbegun()

    def forget_unbegun(self) -> None:
        """Take back what has not begun; what has may still need its post, or another try."""
        if self._runner is not None:
            self._runner.forget(
                id_
                for id_, handed in self.handed.items()
                if not handed.began and handed.number == 1 and handed.task not in self.post_done
            )

    def _fill(self) -> None:
        room = self._room()
        if room <= 0 or not self.engine.has_ready or self.signals:
            return
        tasks = self.engine.next_tasks(room)
        # what is about to be changed is announced first: killed from here on, an earlier success counts no more
        again = {task: name for task in tasks if (name := self._name_if_made_before(task)) is not None}
        reasons = {task: self.plan.judge.explain(self.engine.table(task), self.engine.row[task]) for task in again}
        trusted = {task for task, name in again.items() if name not in self.plan.history.others}
        if again:
            self.books.launch(list(again.values()))
        batch: list[Attempt] = []
        for task in tasks:
            table, row = self.engine.table(task), self.engine.row[task]
            try:
                handed = Handed(task, table, row, self.engine.tries[task] + 1, self.books.inputs(table, row))
                handed.is_trusted = task in trusted
                handed.reason = reasons.get(task)
                clear_away(self, handed)
                if table.rule.run is None and table.rule.post is None:
                    self.outcome.without_command(handed)
                    continue
                batch.append(self.attempt_of(handed))
            except (Trouble, Wait) as trouble:
                if (
                    isinstance(trouble, Trouble)
                    and trouble.diagnostics
                    and trouble.diagnostics[0].code.startswith("E7")
                ):
                    raise
                self.outcome.impossible(task, trouble)
        if batch:
            self.runner.more(batch)

    def _name_if_made_before(self, task: int) -> str | None:
        """Return the name of a task that has succeeded before, or was given up; None for another."""
        table, row = self.engine.table(task), self.engine.row[task]
        others = self.plan.history.others
        if self.plan.judge.past(table, row) is not None or (others and table.name(row) in others):
            return table.name(row)
        return None

    def attempt_of(self, handed: Handed, *, only_post: bool = False, produced: Sequence[str] | None = None) -> Attempt:
        """Make an attempt and note that it is out.  Raises Trouble."""
        self.ids += 1
        only_post = only_post or handed.task in self.post_done
        attempt = self.attempts.make(
            handed.table,
            handed.row,
            id=self.ids,
            number=handed.number,
            only_post=only_post,
            produced=produced,
            holds=self.engine.is_fatal(handed.task) and not self.outcome.latency,
        )
        if self._wants is not None:
            attempt = self.pace.told(handed, attempt, self.attempts)
        for path, items in self.attempts.lists:
            self.disk.replace(path, "".join(item + "\n" for item in items).encode("utf-8", "surrogateescape"))
            handed.lists.append(path)
        self.attempts.lists.clear()
        handed.attempt = attempt
        handed.only_post = only_post
        self.handed[self.ids] = handed
        return attempt

    def hand_out(self, attempt: Attempt) -> None:
        """Give one more attempt to the runner."""
        self.runner.more([attempt])

    # ------------------------------------------------------------ events

    def _on_event(self, event: object) -> None:
        if isinstance(event, Began):
            handed = self.handed.get(event.id)
            if handed is not None and not handed.began:
                handed.began = True
                self._tell_began(handed)
        elif isinstance(event, Ended):
            handed = self.handed.pop(event.id, None)
            if handed is not None:
                self.average += (event.wall - self.average) * 0.1
                if event.status == 0 and event.why == "exit":
                    self.pace.learn(handed.table.rule.name, event.wall)
                    for text in self._suspects.on_success(handed, event) if handed.avoid else ():
                        self.voice.tell({"kind": "note", "text": text})
                elif event.node:
                    handed.avoid = (*handed.avoid, event.node)
                self._drop_lists(handed)
                self.outcome.on_ended(handed, event)
                self._resume_after(handed, event)
        elif isinstance(event, Cut):
            if self.interrupts.terminated and event.why == "node":
                event = event.replace(why="term")  # who ends a job ends its launches too: no node has died of that
            handed = self.handed.pop(event.id, None)
            if handed is not None:
                self._drop_lists(handed)
                self.outcome.on_cut(handed, event)
        elif isinstance(event, Lost):
            self._on_lost(event)
        elif isinstance(event, Noted):
            self.voice.tell({"kind": "note", "text": event.text})
        elif isinstance(event, Halted):
            self.halted = event
            self.engine.stop()
            if event.text:
                self.voice.tell({"kind": "note", "text": event.text})

    def _resume_after(self, handed: Handed, ended: Ended) -> None:
        """Let the runner go on, if it has stopped to begin attempts since this one has failed."""
        attempt = handed.attempt
        failed = ended.status != 0 or ended.why != "exit" or None in ended.stamps
        if attempt is not None and attempt.id == ended.id and attempt.holds and failed and self._runner is not None:
            self._runner.resume()

    def _on_lost(self, event: Lost) -> None:
        """The process that runs tasks is gone: what it held was ended with it, and is run again by a new one."""
        if not self.interrupts.terminated:
            words = event.text or "no last words"
            text = f"what runs the tasks has died ({words}); it is started again"
            self.voice.tell({"kind": "note", "text": text})
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        for id_ in list(self.handed):
            self._on_event(Cut(id_, "node"))

    def _drop_lists(self, handed: Handed) -> None:
        for path in handed.lists:
            self.disk.remove(path)
        handed.lists.clear()

    def _tell_began(self, handed: Handed) -> None:
        reason = handed.reason or self.plan.judge.explain(handed.table, handed.row)
        self.voice.tell(began_row(handed, reason, with_command=self.verbose))

    # ------------------------------------------------------------ growing

    def _told_settled(self) -> None:
        for settled in self.engine.take_settled():
            table, row = self.engine.table(settled.task), self.engine.row[settled.task]
            kind = "fresh" if settled.fate == FRESH_AFTER_ALL else "gave up"
            self.voice.tell({"kind": kind, "task": table.name(row), "rule": table.rule.name})
            self.temps.on_settled(table, row)
            if settled.fate != FRESH_AFTER_ALL:
                self.outcome.write_given_up(table, row)

    def _plan_on(self) -> None:
        """Plan again when something has become known."""
        if not self.outcome.news or self.engine.stopping:
            return
        self.outcome.news = False
        self.disk.refresh()
        try:
            rows = self.plan.advance()
            for text in self._check(rows):
                self.voice.tell({"kind": "note", "text": text})
        except Trouble as trouble:
            self.troubles.append(trouble)
            self.engine.stop()
            self.voice.tell({"kind": "warning", "text": render_all(trouble.diagnostics)})
            return
        self.engine.grow(rows)
        self.temps.grow(rows)
        rules = self._growth.take(rows)
        self._told_settled()
        if rules:
            self.voice.tell(
                {
                    "kind": "planned",
                    "rules": rules,
                    "stale": sum(rules.values()),
                    "unknown": count_waiting(self.plan),
                }
            )

    def _grow_by(self, rows: dict[int, Sequence[int]]) -> None:
        """Take in work that somebody else has planned."""
        if rows:
            self._look_at_rules()
            self.outcome.look_at_rules()
            self.engine.grow(rows)
            self.temps.grow(rows)
            self._told_settled()

    def clock(self) -> float:
        """Return seconds of a clock that never goes back."""
        return time.monotonic()
