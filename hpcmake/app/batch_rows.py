"""A forecast as values for JSON: a row for each batch and job, and the totals of the summary.

Owns the names of these values; they are part of what programs may rely on.  Knows nothing of how jobs are packed.

Durations are seconds, sizes bytes, costs node-hours.  Jobs are numbered from 1.
"""

from __future__ import annotations

from hpcmake.app.batch_words import time_words
from hpcmake.app.forecasting import CROWD
from hpcmake.app.job_words import directives
from hpcmake.planner.grounds import grounds_of, render_alternative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcmake.app.forecasting import Forecast
    from hpcmake.model import Resources
    from hpcmake.planner.batches import Job
    from hpcmake.planner.classes import TaskClass


def batch_rows(forecast: Forecast) -> Iterator[dict[str, object]]:
    """Yield a row for each job, behind rows for the batches that it holds: tasks of one rule that are alike."""
    for job in forecast.packing.jobs:
        yield from _batches(forecast, job)
        yield _job(forecast, job)


def _batches(forecast: Forecast, job: Job) -> Iterator[dict[str, object]]:
    begins: dict[int, float] = {}
    ends: dict[int, float] = {}
    for piece in job.timeline.pieces:
        begins[piece.kind] = min(begins.get(piece.kind, piece.start), piece.start)
        ends[piece.kind] = max(ends.get(piece.kind, piece.end), piece.end)
    for part in job.portions:
        each = forecast.packing.classes[part.kind]
        yield {
            "kind": "batch",
            "job": job.number + 1,
            "rule": each.rule,
            "tasks": part.stop - part.first,
            "first": forecast.gathered.name(each.members[part.first]),
            "last": forecast.gathered.name(each.members[part.stop - 1]),
            "starts": round(begins[part.kind], 1),
            "ends": round(ends[part.kind], 1),
            "resources": _resources(each.resources),
            "retries": [_resources(other) for other in each.retries],
            "seconds": round(each.estimate.seconds, 3),
            "ceiling": round(each.estimate.ceiling, 3),
            "basis": each.estimate.basis,
        }


def _job(forecast: Forecast, job: Job) -> dict[str, object]:
    grounds = grounds_of(job, forecast.packing, forecast.site, forecast.wishes)
    return {
        "kind": "job",
        "job": job.number + 1,
        "wave": job.wave + 1,
        "queue": job.shape.queue.name,
        "node": job.shape.node.name,
        "nodes": job.nodes,
        "charged_nodes": job.shape.charged,
        "walltime": job.walltime,
        "begins": round(job.begins, 1),
        "seconds": round(job.timeline.seconds, 1),
        "after": [number + 1 for number in job.after if number >= 0],
        "after_rooms": [forecast.packing.topped[-1 - number].room.name for number in job.after if number < 0],
        "tasks": job.count,
        "expected": round(job.expected, 3),
        "reserved": round(job.reserved, 3),
        "idle": round(job.idle, 3),
        "launches": job.timeline.launches,
        "ramp": round(job.timeline.ramp, 1),
        "probe": job.probe,
        "within_budget": job.number < forecast.affordable,
        "grounds": [{"about": each.about, "kind": each.kind, "text": each.text} for each in grounds],
        "words": directives(forecast.site, job),
    }


def _resources(resources: Resources) -> dict[str, object]:
    fields = type(resources)._fields
    return {name: value for name in fields if (value := getattr(resources, name)) is not None}


def totals(forecast: Forecast) -> dict[str, object]:
    """Return what the summary says of jobs and their cost."""
    costs, packing = forecast.costs, forecast.packing
    by_rule: dict[str, list[TaskClass]] = {}
    for each in packing.classes:
        by_rule.setdefault(each.rule, []).append(each)
    folder, count = forecast.crowd
    return {
        "site": forecast.site.name,
        "nodes": forecast.wishes.nodes,
        "trial": forecast.trial is not None,
        "beyond_trial": list(forecast.trial.beyond) if forecast.trial is not None else [],
        "jobs": costs.jobs,
        "waves": costs.waves,
        "rounds": costs.rounds,
        "seconds": round(costs.seconds, 1),
        "expected": round(costs.expected, 3),
        "reserved": round(costs.reserved, 3),
        "at_most": round(costs.at_most, 3),
        "budget": forecast.budget,
        "within_budget": forecast.is_within_budget,
        "idle": round(costs.idle, 3),
        "tail": round(costs.tail, 3),
        "launches": costs.launches,
        "pause": forecast.site.launch.pause,
        "launch_bound": round(costs.launch_bound, 3),
        "rooms": [
            {"job": each.room.name, "nodes": each.room.nodes, "seconds": each.room.seconds, "tasks": each.count}
            for each in packing.topped
        ],
        "later": sum(part.stop - part.first for part in packing.later),
        "elsewhere": forecast.elsewhere,
        "vague": forecast.gathered.vague,
        "files": {"folder": folder, "count": count, "many": count > CROWD},
        "rules": [
            {
                "rule": each.rule,
                "tasks": each.count,
                "expected": round(each.expected, 3),
                "at_most": round(each.at_most, 3),
                "basis": by_rule[each.rule][0].estimate.basis,
                "time": time_words(by_rule[each.rule]),
            }
            for each in costs.rules
        ],
        "alternatives": [
            {
                "how": each.how,
                "queue": each.shape.queue.name,
                "nodes": each.shape.given,
                "jobs": each.jobs,
                "reserved": round(each.reserved, 3),
                "seconds": round(each.end, 1),
                "certain": each.certain,
                "text": render_alternative(each, packing),
            }
            for each in packing.alternatives
        ],
    }
