"""The narrow ends of a campaign: the little that all the rest waits for, and the little that waits for all the rest.

Owns what these are.  Knows nothing of jobs and their shapes.

In one job with the rest they keep its other nodes idle, or, where there are several jobs, keep the other jobs waiting
until the whole job is over; so plans are tried in which they are in jobs of their own.
"""

from __future__ import annotations

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.timeline import Wants

_WIDE = 0.1
"""Stages of more than this share of all node-seconds are no end, but what is between the ends."""


class Ends(Record):
    """Classes that must be over before most of the work may begin, and those that may begin only when it is over."""

    head: frozenset[int]
    tail: frozenset[int]


def find_ends(wants: Wants, left: Sequence[int]) -> Ends:
    """Return the ends of what is left of classes.  Stages need only those with lower numbers."""
    areas: dict[int, float] = {}
    behind: dict[int, set[int]] = {}  # of each stage, those that it waits for, at whatever distance
    for kind, each in enumerate(wants.classes):
        areas[each.stage] = areas.get(each.stage, 0.0) + left[kind] * wants.areas[kind]
        behind.setdefault(each.stage, set()).update(each.needs, each.follows)
    total = sum(areas.values())
    wide = {stage for stage, area in areas.items() if area > _WIDE * total}
    for stage in sorted(behind):
        for other in tuple(behind[stage]):
            behind[stage] |= behind.get(other, set())
    # only what all of the wide work waits for: with the head over, most of it may begin
    first = [stage for stage in wide if not behind[stage] & wide]
    before = set.intersection(*(behind[stage] for stage in first)) if first else set()
    head = {stage for stage in before if areas.get(stage)}
    inside = set().union(*(behind[stage] for stage in wide)) if wide else set()
    tail = {stage for stage in areas if areas[stage] and stage not in wide | inside and behind[stage] & wide}
    kinds = [(kind, each.stage) for kind, each in enumerate(wants.classes) if left[kind]]
    return Ends(
        frozenset(kind for kind, stage in kinds if stage in head),
        frozenset(kind for kind, stage in kinds if stage in tail),
    )
