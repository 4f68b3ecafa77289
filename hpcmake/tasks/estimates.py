"""How long a task is expected to take, and how sure that is: from what earlier runs took, or from what is written.

Owns the statistics of wall times and their words.  Knows nothing of where the times were recorded, nor of packing.

Two numbers matter.  The median forecasts when a job will end: errors of many tasks cancel there.  The 95th percentile
says whether a task may still start before the end of a job: there an error costs the whole attempt.
"""

from __future__ import annotations

from math import exp, log

from hpcmake.record import Record
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MEASURED = "measured"
ASSUMED = "assumed"
NONE_GIVEN = "none given"

ENOUGH = 5
"""So many runs must be known before they are believed more than `time`."""

_ENOUGH_SIZES = 20  # runs, before durations are believed to follow the size of the inputs
_EXPLAINS = 0.5  # of the variance of the logarithms, at least
_STEP = 1.05  # durations are rounded to steps of five percent, so that tasks can be counted


class Estimate(Record):
    """What a task is expected to take.

    `seconds` forecasts, `ceiling` must be left for it to start, `spread` is (95 % - 5 %) / median of what was measured.
    `basis` is MEASURED, ASSUMED (from `time`) or NONE_GIVEN (then both are the longest that a queue allows).
    `limit` is its `time` in seconds, None if none was written.
    """

    seconds: float
    ceiling: float
    basis: str
    runs: int = 0
    spread: float = 0.0
    limit: float | None = None

    def after_cut(self, seconds: float) -> Estimate:
        """Return what counts for a task that a deadline has cut after some seconds: as much again must be left."""
        least = needed(0.0, seconds) if self.limit is None else min(needed(0.0, seconds), self.limit)
        if self.basis == NONE_GIVEN:
            return self.replace(seconds=least, ceiling=least, basis=ASSUMED)
        return self.replace(seconds=max(self.seconds, least), ceiling=max(self.ceiling, least))

    def words(self) -> str:
        """Return what it rests on: `measured: 312 runs, 2m, 95 % under 4m`."""
        if self.basis == MEASURED:
            typical, most = render_duration(self.seconds), render_duration(self.ceiling)
            return f"measured: {self.runs} runs, {typical}, 95 % under {most}"
        return "assumed from `time`" if self.basis == ASSUMED else "none given"


def estimate(walls: Sequence[float], *, limit: float | None, longest: float) -> Estimate:
    """Return what a rule's tasks take.

    `walls` are the seconds of its earlier runs, `limit` its `time`, `longest` what counts if neither is known.
    A limit caps what was measured, since a task is ended there.
    """
    if len(walls) >= ENOUGH:
        ordered = sorted(walls)
        median, most = quantile(ordered, 0.5), quantile(ordered, 0.95)
        spread = (most - quantile(ordered, 0.05)) / median if median > 0 else 0.0
        if limit is not None:
            median, most = min(median, limit), min(most, limit)
        return Estimate(median, most, MEASURED, len(ordered), spread, limit)
    if limit is not None:
        return Estimate(limit, limit, ASSUMED, len(walls), limit=limit)
    return Estimate(longest, longest, NONE_GIVEN, len(walls))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of sorted numbers, between two of them in proportion."""
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def needed(ceiling: float, cut_after: float = 0.0) -> float:
    """Return the seconds that must be left for a task that a deadline has cut before, after `cut_after` seconds."""
    return max(2 * cut_after, ceiling)


class Growth(Record):
    """How durations grow with the size of the inputs: seconds = factor x size ** power.

    `most` is the factor under which 95 % of the runs stayed.
    """

    factor: float
    power: float
    most: float
    runs: int

    def at(self, size: float, limit: float | None = None) -> Estimate:
        """Return what a task with inputs of that many bytes takes."""
        seconds = self.factor * max(size, 1.0) ** self.power
        ceiling = seconds * self.most
        if limit is not None:
            seconds, ceiling = min(seconds, limit), min(ceiling, limit)
        return Estimate(seconds, ceiling, MEASURED, self.runs, self.most - 1, limit)


def find_growth(walls: Sequence[float], sizes: Sequence[float]) -> Growth | None:
    """Return how wall times grow with sizes, or None if the sizes do not explain them."""
    if len(walls) < _ENOUGH_SIZES:
        return None
    across = [log(max(size, 1.0)) for size in sizes]
    up = [log(max(wall, 1e-3)) for wall in walls]
    count = len(up)
    middle, height = sum(across) / count, sum(up) / count
    square = sum((x - middle) ** 2 for x in across)
    scatter = sum((y - height) ** 2 for y in up)
    if square <= 1e-12 * count or scatter <= 1e-12 * count:  # all alike: nothing to explain
        return None
    joint = sum((x - middle) * (y - height) for x, y in zip(across, up, strict=True))
    power = joint / square
    if power <= 0 or joint * joint / (square * scatter) < _EXPLAINS:
        return None
    offset = height - power * middle
    left = sorted(y - offset - power * x for x, y in zip(across, up, strict=True))
    return Growth(exp(offset), power, exp(max(0.0, quantile(left, 0.95))), count)


def steps(column: Sequence[float]) -> list[int]:
    """Return durations as numbers of steps of five percent, so that tasks of about equal length can be counted as one.

    What takes less than a millisecond counts as that.
    """
    return [round(log(seconds) * _PER_STEP) if seconds > _LEAST else _SHORTEST for seconds in column]


def at_step(number: int) -> float:
    """Return the seconds for which a number of steps stands."""
    return exp(number / _PER_STEP)


_PER_STEP = 1 / log(_STEP)
_LEAST = 1e-3
_SHORTEST = round(log(_LEAST) * _PER_STEP)
