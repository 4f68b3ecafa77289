"""A forecast as a chart: which nodes each job and each piece of it is drawn on.

Owns these places, which are only a picture: the runner decides where a task really runs.  Knows nothing of SVG.
"""

from __future__ import annotations

from heapq import heappop, heappush

from hpcmake.app.batch_words import first_line
from hpcmake.drawing.gantt import Bar, Chart, Frame
from hpcmake.drawing.strips import Strip
from hpcmake.planner.classes import share_of, width_of
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpcmake.app.forecasting import Forecast
    from hpcmake.planner.batches import Job


def chart_of(forecast: Forecast) -> Chart:
    """Return who runs where and when, as bars."""
    frames = _frames(forecast)
    bars = [
        bar for frame, job in zip(frames, forecast.packing.jobs, strict=True) for bar in _bars(forecast, job, frame)
    ]
    count = sum(job.count for job in forecast.packing.jobs)
    jobs = len(frames)
    hours = forecast.costs.reserved
    title = (
        f"{first_line(forecast)}: {count} task{'s' if count != 1 else ''} in {jobs} job{'s' if jobs != 1 else ''}, "
        f"{hours:.0f} node-hours reserved, {render_duration(round(forecast.packing.end))}"
    )
    return Chart(title, max((frame.high for frame in frames), default=0.0), tuple(frames), tuple(bars))


def _frames(forecast: Forecast) -> list[Frame]:
    """Return the jobs above each other where they overlap in time."""
    jobs = forecast.packing.jobs
    strip = Strip(float(sum(job.nodes for job in jobs)))
    ends: list[tuple[float, float, float]] = []
    found: dict[int, Frame] = {}
    for job in sorted(jobs, key=lambda each: (each.begins, each.number)):
        while ends and ends[0][0] <= job.begins + 1e-6:
            _, low, high = heappop(ends)
            strip.give(low, high)
        ((low, high), *_) = strip.take(float(job.nodes))
        end = job.begins + job.timeline.seconds
        heappush(ends, (end, low, high))
        label = f"job {job.number + 1}: {job.nodes} nodes of {job.shape.queue.name}, {render_duration(job.walltime)}"
        limit = min(job.begins + job.walltime, _next_start(forecast, job, end))
        found[job.number] = Frame(job.number + 1, label, job.begins, end, max(limit, end), low, high)
    return [found[job.number] for job in jobs]


def _next_start(forecast: Forecast, job: Job, end: float) -> float:
    """Return when another job is expected to begin after the end of one: what it reserved is not drawn over that."""
    starts = [other.begins for other in forecast.packing.jobs if other is not job and other.begins >= end - 1e-6]
    return min(starts, default=float("inf"))


def _bars(forecast: Forecast, job: Job, frame: Frame) -> Iterator[Bar]:
    classes, node, block = forecast.packing.classes, job.shape.node, forecast.site.smallest_block
    shares = {
        part.kind: width_of(classes[part.kind].resources, block) or share_of(classes[part.kind].resources, node)
        for part in job.portions
    }
    strip = Strip(float(job.nodes))
    ends: list[tuple[float, float, float]] = []
    for piece in sorted(job.timeline.pieces, key=lambda each: each.start):
        while ends and ends[0][0] <= piece.start + 1e-6:
            _, low, high = heappop(ends)
            strip.give(low, high)
        parts = strip.take(piece.count * shares[piece.kind])
        for at, (low, high) in enumerate(parts):
            heappush(ends, (piece.end, low, high))
            yield Bar(
                job=frame.job,
                rule=classes[piece.kind].rule,
                count=piece.count if at == 0 else 0,
                start=job.begins + piece.start,
                end=job.begins + piece.end,
                low=frame.low + low,
                high=frame.low + high,
            )
