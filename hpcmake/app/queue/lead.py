"""Driving a campaign through the queue in the foreground, or only as far as its jobs carry it on by themselves.

Owns the loop of steps, how long is waited between them, and the exit status.  Knows nothing of what a step does.
"""

from __future__ import annotations

import gc
import os
import time

from hpcmake.app.forecasting import make_forecast
from hpcmake.app.interrupts import Interrupts
from hpcmake.app.lead import open_voice, tell_wait, without_folders
from hpcmake.app.opening import Opened
from hpcmake.app.placing import run_command
from hpcmake.app.preparing import require_writable, tell_warnings
from hpcmake.app.queue.asking import asking, poll_of, require_commands
from hpcmake.app.queue.charter import begin_charter, write_charter
from hpcmake.app.queue.following import render_command
from hpcmake.app.queue.keeping import adopt_what_is_there, tidy_up
from hpcmake.app.queue.local_tasks import run_local_tasks
from hpcmake.app.queue.outlook import is_left_to_nobody, render_outlook
from hpcmake.app.queue.step import QueueRun
from hpcmake.app.refusing import check_needs
from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.jobs.fates import Queued, Running
from hpcmake.jobs.folder import list_folders
from hpcmake.jobs.hand_over import Desk, hand_over, render_seen
from hpcmake.jobs.marks import clear_stop, is_stopped
from hpcmake.jobs.programs import require_program
from hpcmake.journal import FOLDER
from hpcmake.lease import Held, acquire
from hpcmake.tasks.states import FRESH
from hpcmake.text import Source, Span
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from hpcmake.app.forecasting import Forecast
    from hpcmake.app.queue.charter import Charter
    from hpcmake.lease import Lease
    from hpcmake.planner.plan import Plan
    from hpcmake.report import Voice
    from hpcmake.site import Site

_COLLECT = (50_000, 20, 100)  # thresholds of Python's collector: looking at 10⁵ rows often costs more than making them
_GLANCE = 5.0
"""Seconds between two looks at what running jobs have recorded: these are a few small reads, and no query."""
_TICK = 0.25
_HANDING_OVER = 120.0
"""Seconds for which is waited, unasked, for a job that plans and submits at its end."""


def submit(opened: Opened) -> int:
    """Bring targets up to date by jobs in the queue; return the exit status.  Raises Trouble."""
    arguments, site = opened.arguments, opened.site
    assert site is not None  # noqa: S101  # who comes here has named one
    require_commands(site)
    project = arguments.text("project")
    check_needs(site if project is None else site.replace(project=project), os.environ)
    if arguments.flag("detach") and site.submit_from_jobs == "no":
        span = Span(Source("the command line", "--detach"), 0, len("--detach"))
        message = f"jobs of {site.name} cannot submit others, so a campaign does not go on by itself there"
        raise Trouble(Diagnostic("E816", message, span, help="leave `--detach` out, and let hpcmake run (in tmux?)"))
    gc.set_threshold(*_COLLECT)
    plan = opened.plan()
    forecast = _forecast(opened, plan, site)
    tell_warnings(opened, plan)
    require_writable()
    tell = None if arguments.flag("quiet") else tell_wait
    lease, interrupts = _acquire(arguments.number("wait"), tell, site), Interrupts()
    interrupts.stay()  # `stop` may ask a driver that is just leaving
    with lease, lease.kept():
        if opened.journal.state() != opened.journal_state:
            opened = Opened(without_folders(arguments))
            plan = opened.plan()
            forecast = _forecast(opened, plan, site)
        clear_stop(FOLDER)
        require_program(FOLDER)  # as it is now: an upgrade while this drives shall not touch its jobs
        charter = begin_charter(opened, site, forecast)
        voice = open_voice(arguments)
        try:
            return _Leading(opened, plan, lease, charter, voice).run(forecast, interrupts)
        finally:
            voice.close()


def _acquire(wait: float | None, tell: Callable[[str], None] | None, site: Site) -> Lease:
    """Take the lease; from a job that hands over just now, without being told to wait, since that is short.

    Raises Trouble.
    """
    try:
        return acquire(FOLDER, wait=wait, tell=tell, ask=asking(site))
    except Held as held:
        if wait is not None or held.holder.job is None:
            raise
    return acquire(FOLDER, wait=_HANDING_OVER, tell=tell, ask=asking(site))


def _forecast(opened: Opened, plan: Plan, site: Site) -> Forecast | None:
    """Return what is to be submitted, so that mistakes are told before anything is written.  Raises Trouble."""
    if not any(table.state.count(FRESH) != table.count for table in plan.graph.tables):
        return None
    return make_forecast(plan, site, opened.arguments)


class _Leading:
    def __init__(self, opened: Opened, plan: Plan, lease: Lease, charter: Charter, voice: Voice) -> None:
        self.opened = opened
        self.lease = lease
        self.charter = charter
        self.voice = voice
        self.arguments = opened.arguments
        self.started = time.monotonic()
        writer = opened.journal.open_writer(lease.generation, opened.history.covers)
        self.writer = writer
        self.queue = QueueRun(
            opened,
            plan,
            charter,
            voice,
            call=run_command,
            may_submit=lambda: lease.holds() and not is_stopped(FOLDER),
            lease=lease,
            live=int(writer.path.rsplit(".", 2)[-2]),
        )
        self.poll = poll_of(self.queue.site)
        self._standing = ""

    def run(self, forecast: Forecast | None, interrupts: Interrupts) -> int:
        """Drive until nothing is left, or as far as was asked; return the exit status.  Raises Trouble."""
        self._tell_start(forecast)
        self.queue.forecast = forecast
        try:
            adopt_what_is_there(self.queue, self.writer)
            status = self._loop(interrupts)
            if status == 0 and not self.queue.board.living() and not self.queue.count_stale():
                tidy_up(self.queue, self.writer, lambda: Opened(without_folders(self.arguments)))
        finally:
            self.writer.close()
        if not self.arguments.flag("detach") or status != 0 or not self.queue.board.living():
            self._summary(status)
        return status

    def _loop(self, interrupts: Interrupts) -> int:
        queue = self.queue
        is_first = True
        while True:
            queue.look()
            if is_first:
                self._tell_attached()
                is_first = False
            if queue.is_outdated or (queue.plan.campaign.generated and not queue.count_stale()):
                queue.is_outdated = False
                opened = Opened(without_folders(self.arguments))
                queue.open(opened, opened.plan())
            run_local_tasks(queue, self.writer, self.lease)
            queue.pack()
            queue.submit()
            status = self._verdict()
            if status is not None:
                write_charter(self.charter.replace(is_over=True))
                return status
            if self.arguments.flag("detach"):
                return self._leave()
            if self._wait(interrupts):
                return self._interrupted()

    def _verdict(self) -> int | None:
        """Return the exit status if nothing more is to be driven; None if there is."""
        queue = self.queue
        living = queue.board.living()
        if is_stopped(FOLDER):
            queue.tell("the campaign was stopped by `hpcmake stop`")
            return 1
        if queue.is_stopping() and living:
            self._take_queued_back()
        if living:
            return None
        if queue.poison is not None:
            self._show_poison()
            return 3
        if queue.refusal is not None:
            return 3
        if queue.is_stopping():
            return 1
        if queue.planned:
            spent = [each for each in queue.waits if each.kind == "budget"]
            if spent and all(each.kind in {"budget", "parent"} for each in queue.waits):
                queue.tell(f"the budget of {self.charter.budget:.6g} node-hours is reached: {spent[0].why}")
                return 3
            return None
        if queue.failed() or queue.plan.has_unknown or queue.count_stale() or queue.plan.campaign.generated:
            self._tell_left()
            return 1 if not self.arguments.flag("trial") or queue.failed() else 0
        return 0

    def _tell_left(self) -> None:
        """Tell of tasks that are in no job though nothing keeps them."""
        queue = self.queue
        left = queue.count_packable()
        if left and not self.arguments.flag("trial"):
            tasks = "1 task is" if left == 1 else f"{left} tasks are"
            queue.tell(f"{tasks} in no job: no queue takes what is left as it is; `hpcmake -n` shows how it is packed")

    def _take_queued_back(self) -> None:
        """Take back what waits: a task has failed, and nothing more is to be started."""
        from hpcmake.jobs.recall import order_to_stop

        board = self.queue.board
        waiting = {
            key: fate
            for key, fate in board.fates.items()
            if isinstance(fate, Queued) and key not in board.settled and board.readings[key].closed is None
        }
        if waiting:
            count = "1 job that waits is" if len(waiting) == 1 else f"{len(waiting)} jobs that wait are"
            self.queue.tell(f"a task has failed: {count} taken back; `-k` goes on with what does not need it")
            ids = order_to_stop(waiting, board.intents)
            self.queue.settling.withdraw(list(waiting), ids, ["a task has failed"] * len(waiting))

    def _show_poison(self) -> None:
        queue = self.queue
        assert queue.poison is not None  # noqa: S101  # the caller asked
        queue.tell(queue.poison.text)
        folder = queue.board.folders[queue.poison.keys[-1]]
        for path in (folder.err, folder.out):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    lines = file.read().rstrip("\n").splitlines()[-15:]
            except OSError:
                continue
            if lines:
                queue.tell("\n".join([f"{path} ends with:", *(f"    {line}" for line in lines)]))

    def _hand_over(self) -> None:
        """Leave the campaign to its jobs: after this, whoever of them ends plans and submits what follows."""
        queue = self.queue
        apart = frozenset(queue.board.settled)
        desk = Desk(
            FOLDER,
            job=None,
            statuses=lambda: seen_statuses(apart),
            step=lambda _lease, _may: self._one_more_step(),
            is_stopped=lambda: is_stopped(FOLDER),
            latency=queue.site.latency or 0.0,
            lease=self.lease,
        )
        hand_over(desk, holding=True)

    def _leave(self) -> int:
        queue = self.queue
        self._hand_over()
        living = queue.board.living()
        if not living:  # what was submitted has ended meanwhile
            return self._verdict() or 0
        jobs = [queue.board.readings[key].job for key in living]
        named = ", ".join(filter(None, jobs))
        if is_left_to_nobody(queue):
            queue.tell(f"job {named} is submitted; {render_outlook(queue)}")
            return 0
        text = f"the campaign goes on by itself, in {len(jobs)} job{'' if len(jobs) == 1 else 's'}: {named}"
        queue.tell(f"{text}; `hpcmake status` tells how it stands, `hpcmake stop` ends it")
        if self.charter.budget is not None and self.arguments.number("budget") is None:
            queue.tell(f"no more than {self.charter.budget:.6g} node-hours are spent without being asked (--budget)")
        return 0

    def _one_more_step(self) -> None:
        queue = self.queue
        queue.look()
        queue.pack()
        queue.submit()

    def _interrupted(self) -> int:
        if is_stopped(FOLDER):
            self.queue.tell("the campaign was stopped by `hpcmake stop`")
            return 1
        living = self.queue.board.living()
        if living:
            self._hand_over()
            count = "1 job is" if len(living) == 1 else f"{len(living)} jobs are"
            self.queue.tell(
                f"{count} in the queue still, and the campaign goes on by them; `{render_command(self.charter)}` "
                "watches it again, `hpcmake stop` ends it"
            )
        return 130

    def _wait(self, interrupts: Interrupts) -> bool:
        """Wait for the next look at the queue; tell whether the user has asked to leave."""
        end = time.monotonic() + self.poll
        self._tell_standing()
        glance = time.monotonic() + min(_GLANCE, self.poll)
        while (now := time.monotonic()) < end:
            if interrupts.count:
                return True
            if now >= glance:
                self.queue.take_in()
                self._tell_standing()
                glance = now + _GLANCE
                if self.queue.wants_look() or is_stopped(FOLDER):
                    return False
            self.voice.tick()
            self.lease.require_mine()
            time.sleep(min(_TICK, max(0.0, end - now)))
        return bool(interrupts.count)

    # ------------------------------------------------------------ telling

    def _tell_standing(self) -> None:
        """Tell how the jobs stand, for who watches."""
        board = self.queue.board
        running = [key for key in board.living() if isinstance(board.fates[key], Running)]
        queued = len(board.living()) - len(running)
        parts = [f"{queued} queued"] if queued else []
        if running:
            statuses = [status for key in running if (status := board.readings[key].status) is not None]
            tasks = sum(status.running for status in statuses)
            parts.append(f"{len(running)} running" + (f" with {tasks:,} tasks in hand" if tasks else ""))
        if self.queue.planned:
            parts.append(f"{len(self.queue.planned)} to be submitted")
        text = f"jobs: {', '.join(parts)}; the queue is asked each {render_duration(self.poll)}" if parts else ""
        if text != self._standing:
            self._standing = text
            self.voice.tell({"kind": "standing", "text": text})

    def _tell_attached(self) -> None:
        """Tell of the jobs that are there already: what they have is not submitted again."""
        board = self.queue.board
        for key in board.living():
            count = len(self.queue.owners.tasks.get(key, ()))
            tasks = "1 task" if count == 1 else f"{count} tasks"
            self.queue.tell(f"job {key} with {tasks} is there already: {board.fates[key].words(time.time())}")
        self.queue.settling.attached.update(board.living())

    def _tell_start(self, forecast: Forecast | None) -> None:
        queue = self.queue
        nodes = self.arguments.number("jobs") or queue.site.jobs
        where = f"{int(nodes)} nodes of {queue.site.name}" if nodes else queue.site.name
        rules = dict(queue.known)
        if not rules:
            return
        self.voice.tell(
            {
                "kind": "start",
                "where": where,
                "nodes": nodes,
                "site": queue.site.name,
                "stale": sum(rules.values()),
                "fresh": sum(table.state.count(FRESH) for table in queue.plan.graph.tables),
                "unknown": len(queue.plan.unknown()),
                "rules": rules,
                "expected": None,
            }
        )
        if forecast is not None and forecast.packing.jobs:
            count = len(forecast.packing.jobs)
            jobs = "1 job" if count == 1 else f"{count} jobs"
            end = render_duration(forecast.packing.end)
            queue.tell(f"{jobs}, {forecast.costs.reserved:.3g} node-hours reserved; {end} without waits in the queue")

    def _summary(self, status: int) -> None:
        queue = self.queue
        tables = queue.plan.graph.tables
        left = queue.count_stale() - len(queue.failed())
        self.voice.tell(
            {
                "kind": "summary",
                "done": queue.done,
                "failed": len(queue.failed()),
                "fresh": sum(table.state.count(FRESH) for table in tables) - queue.count_done_here(),
                "given_up": 0,
                "cut": 0,
                "left": max(0, left),
                "unknown": len(queue.plan.unknown()),
                "wall": round(time.monotonic() - self.started, 3),
                "exit": status,
                "nothing_to_do": status == 0 and not queue.done and not left,
                "fresh_after_all": 0,
                "keep_going": self.arguments.flag("keep_going"),
            }
        )


def seen_statuses(apart: Collection[str]) -> object:
    """Return what jobs say of themselves, as a hand-over compares it.

    `apart` are those that were settled before its first look, and must be the same at each.
    """
    statuses = (folder.read_status() for folder in list_folders(FOLDER) if folder.key not in apart)
    return render_seen(status for status in statuses if status is not None)
