"""Tasks of rules with `site: local`: they run where the campaign is driven, as soon as what they need is there.

Owns which they are.  Knows nothing of how a task is run.
"""

from __future__ import annotations

import socket

from hpcmake.app.books import Books
from hpcmake.app.drive import Drive
from hpcmake.app.forecasting import site_names
from hpcmake.app.queue.leaving_out import blocked_by
from hpcmake.app.strays import mark_of_campaign
from hpcmake.app.venue import ThisMachine
from hpcmake.engine import DONE, Engine
from hpcmake.planner.attempts import Attempts
from hpcmake.tasks.states import is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.queue.owners import Task
    from hpcmake.app.queue.step import QueueRun
    from hpcmake.journal import JournalWriter
    from hpcmake.lease import Lease
    from hpcmake.planner.plan import Plan


def find_ready(queue: QueueRun) -> list[Task]:
    """Return the tasks of such rules whose inputs are all there, or are made by others of them."""
    if all(site_names(table) is None for table in queue.plan.graph.tables):
        return []
    local: list[Task] = []
    others: list[Task] = list(queue.failed())
    for table in queue.plan.graph.tables:
        names = site_names(table)
        is_local = names is not None and queue.site.name not in names
        if is_local or names is None or "local" not in names or queue.site.name in names:
            rows = [(table.rule.number, row) for row, state in enumerate(table.state) if is_stale(state)]
            (local if is_local else others).extend(rows)
    if not local:
        return []
    blocked = blocked_by(queue.plan, others)
    failed = set(queue.failed())
    return [task for task in local if task not in blocked and task not in failed]


class _Some(Engine):
    """An engine for some tasks of a plan only."""

    def __init__(self, plan: Plan, tasks: list[Task], queue: QueueRun, attempts: Attempts) -> None:
        self._tasks = tasks
        super().__init__(
            plan,
            expected=lambda _rule: 1.0,
            retries=lambda table, row: queue.retries((table.rule.number, row)),
            priority=lambda table, row: attempts.resources(table, row, 1)[1].get("priority", 0),
            at_once=lambda table: attempts.resources(table, 0, 1)[1].get("at_once"),
            keep_going=queue.arguments.flag("keep_going"),
        )

    def _rows_to_run(self) -> list[Task]:
        return self._tasks


def run_local_tasks(queue: QueueRun, writer: JournalWriter, lease: Lease) -> None:
    """Run the tasks that can be run here now, to their end.  Raises Trouble."""
    tasks = find_ready(queue)
    if not tasks:
        return
    venue = ThisMachine(None, mark_of_campaign)
    plan = queue.plan
    attempts = Attempts(
        plan, site="local", launch=venue.launch, most_cores=venue.most_cores, most_memory=venue.most_memory
    )
    engine = _Some(plan, tasks, queue, attempts)
    drive = Drive(
        plan,
        engine,
        attempts,
        venue.runner,
        disk=queue.opened.disk,
        books=Books(plan, writer, queue.opened.disk, host=socket.gethostname(), looked=queue.opened.looked),
        voice=queue.voice,
        lease=lease,
        cores=venue.cores,
        latency=queue.arguments.number("latency") or 0.0,
        keep_temp=True,
        wants=venue.wants,
    )
    drive.run()
    writer.flush()
    for task in engine.failed:
        failed = (engine.rule[task], engine.row[task])
        queue.failures[failed] = queue.retries(failed) + 1
    done: dict[str, int] = {}
    for task, state in enumerate(engine.state):
        if state == DONE:
            rule = engine.table(task).rule.name
            done[rule] = done.get(rule, 0) + 1
    queue.note_local(done)
