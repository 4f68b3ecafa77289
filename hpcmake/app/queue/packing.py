"""Packing what no job has: into jobs to come, and into jobs that run and have nothing left to do.

Owns which tasks are packed, and what of a packing becomes a job.  Knows nothing of submitting.
"""

from __future__ import annotations

from itertools import repeat

from hpcmake.app.forecasting import make_forecast, site_names
from hpcmake.app.queue.leaving_out import blocked_by, left_out
from hpcmake.app.queue.outbox import Outgoing
from hpcmake.planner.grounds import grounds_of
from hpcmake.planner.pack import Room
from hpcmake.record import Record
from hpcmake.tasks.estimates import NONE_GIVEN, needed
from hpcmake.tasks.rows import UNSET
from hpcmake.tasks.states import is_stale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hpcmake.app.forecasting import Forecast
    from hpcmake.app.queue.owners import Task
    from hpcmake.app.queue.step import QueueRun
    from hpcmake.planner.attempts import Attempts
    from hpcmake.planner.batches import Job, Portion
    from hpcmake.planner.rows import Table


_LEAST = 60.0  # seconds that a job must have left to be given more


class Packed(Record):
    """What a packing has come to: jobs to come, and by key what jobs that run are given."""

    jobs: tuple[Outgoing, ...] = ()
    topped: tuple[tuple[str, tuple[tuple[Table, int], ...]], ...] = ()
    attempts: Attempts | None = None


def pack(run: QueueRun, wanting: Sequence[str]) -> Packed:
    """Return what is packed of what no living job has; `wanting` are running jobs that would take more.

    Raises Trouble for what the site cannot run.
    """
    blocked = blocked_by(run.plan, seeds(run))
    forecast, run.forecast = run.forecast, None
    if forecast is not None and not blocked and not run.owners.of and not wanting:
        return _packed(run, forecast)
    with left_out(run.plan, blocked, run.owners.of):
        if not run.count_stale():
            return Packed()
        return _packed(run, make_forecast(run.plan, run.site, run.arguments, rooms=list(_rooms(run, wanting))))


def _packed(run: QueueRun, forecast: Forecast) -> Packed:
    packing = forecast.packing
    rooms = {-1 - at: each.room.name for at, each in enumerate(packing.topped)}
    topped = tuple((each.room.name, _tasks(forecast, each.portions)) for each in packing.topped)
    return Packed(tuple(_outgoing(run, forecast, job, rooms) for job in packing.jobs), topped, forecast.attempts)


def find_too_long(run: QueueRun) -> Iterator[tuple[Task, float, float, float]]:
    """Yield tasks that a deadline has cut, and that no job is long enough for.

    With each come the seconds after which it was cut, those that it needs, and those that there are.
    """
    others = run.plan.history.others
    cut = [record for record in others.values() if record["k"] == "cut" and record.get("why") == "deadline"]
    if not cut:
        return
    queues = [queue for queue in run.site.queues if run.arguments.text("queue") in {None, queue.name}]
    longest = max((band.longest for queue in queues for band in queue.bands()), default=0.0)
    asked = run.arguments.number("job_time")
    usable = (longest if asked is None else min(longest, asked)) - (run.site.margin or 0.0)
    tables = run.plan.graph.tables
    for record in cut:
        task = run.owners.find_by_name(record["t"])
        if task is None or not is_stale(tables[task[0]].state[task[1]]) or task in run.owners.of:
            continue
        limit = run.attempts.resources(tables[task[0]], task[1], 1)[0].time
        least = needed(0.0, record.get("e", 0.0))
        least = least if limit is None else min(least, limit)
        if least > usable and run.failures.get(task, 0) <= run.retries(task):
            yield task, record.get("e", 0.0), least, usable


def seeds(run: QueueRun) -> list[Task]:
    """Return the tasks that cannot be in a job: they have failed, or run where the campaign is driven."""
    found = run.failed()
    for table in run.plan.graph.tables:
        names = site_names(table)
        if names is not None and run.site.name not in names:
            found += [(table.rule.number, row) for row in range(table.count) if is_stale(table.state[row])]
    return found


def _rooms(run: QueueRun, wanting: Sequence[str]) -> Iterable[Room]:
    for key in wanting:
        status, intent = run.board.readings[key].status, run.board.intents.get(key)
        if status is None or intent is None or status.until < _LEAST:
            continue
        queue = run.site.find_queue(intent.queue)
        kind = run.site.find_kind(queue.node) if queue is not None and queue.node is not None else None
        yield Room(key, status.spare, status.until, kind or run.site.nodes[0])


def _tasks(forecast: Forecast, portions: Iterable[Portion]) -> tuple[tuple[Table, int], ...]:
    gathered, classes = forecast.gathered, forecast.packing.classes
    rows = gathered.rows
    found: list[tuple[Table, int]] = []
    for part in portions:
        members = classes[part.kind].members[part.first : part.stop]
        if members:  # which all are of one rule
            table, _ = gathered.task(members[0])
            found += zip(repeat(table), map(rows.__getitem__, members), strict=False)
    return tuple(found)


def _times(forecast: Forecast, portions: Iterable[Portion]) -> tuple[tuple[float, float] | None, ...]:
    """Return what tasks were packed for, as `_tasks` lists them; None where that was only a guess."""
    found: list[tuple[float, float] | None] = []
    for part in portions:
        estimate = forecast.packing.classes[part.kind].estimate
        time = None if estimate.basis == NONE_GIVEN else (estimate.seconds, estimate.ceiling)
        found += [time] * (part.stop - part.first)
    return tuple(found)


def _outgoing(run: QueueRun, forecast: Forecast, job: Job, rooms: dict[int, str]) -> Outgoing:
    classes, beyond = forecast.packing.classes, forecast.trial.beyond if forecast.trial is not None else ()
    # a trial leaves out what takes more than one task of each rule makes
    portions = [part for part in job.portions if classes[part.kind].rule not in beyond]
    tasks = _tasks(forecast, portions)
    parents = {f"#{number}" if number >= 0 else rooms[number] for number in job.after}
    if run.owners.of:
        parents |= _owners_of_inputs(run, tasks)
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
        times=_times(forecast, portions),
    )


def _owners_of_inputs(run: QueueRun, tasks: Iterable[tuple[Table, int]]) -> set[str]:
    """Return the keys of the living jobs that make what tasks take."""
    graph = run.plan.graph
    files, owners = graph.files, run.owners.of
    rows: dict[Table, list[int]] = {}
    for table, row in tasks:
        rows.setdefault(table, []).append(row)
    entries: set[int] = set()
    for table, those in rows.items():
        for column in table.inputs:
            entries.update(map(column.__getitem__, those))
    found: set[str | None] = set()
    for numbers in (
        [entry for entry in entries if entry >= 0],
        *(graph.group(entry) for entry in entries if entry < UNSET),
    ):
        makers = zip(map(files.rule.__getitem__, numbers), map(files.row.__getitem__, numbers), strict=True)
        found.update(map(owners.get, makers))
    return {key for key in found if key is not None}
