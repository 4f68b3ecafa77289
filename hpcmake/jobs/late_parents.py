"""Parents that have left the queue before their child came into it: some schedulers then never start the child.

Owns what follows from that.  Knows nothing of how it is carried out.
"""

from __future__ import annotations

from hpcmake.jobs.claims import same_job
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.runners.schedulers.jobs import Submitted


class Keep(Record):
    """The job is as it shall be, or it cannot be told yet: `unsure` are parents whose end nobody knows so far."""

    unsure: tuple[str, ...] = ()


class Release(Record):
    """Let the job wait for these parents only; for none, if there are none."""

    id: str
    parents: tuple[str, ...] = ()


class Cancel(Record):
    """Delete these jobs, in this order."""

    ids: tuple[str, ...]


def after_submit(
    submitted: Submitted, parents: Sequence[str], ended_well: Mapping[str, bool | None]
) -> Keep | Release | Cancel:
    """Return what follows if the scheduler said of some parents that they are in its queue no more.

    `parents` are all that it was given, `ended_well` tells what their records and statuses say: None where nobody
    knows, or not yet.  Where all went well the job has no reason to wait for them; it would do so for ever.
    """
    lost = [each for each in parents if any(same_job(each, other) for other in submitted.lost_parents)]
    ends = [ended_well.get(each) for each in lost]
    if not lost:
        return Keep()
    if False in ends:
        return Cancel((submitted.id,))
    if None in ends:
        return Keep(tuple(each for each, end in zip(lost, ends, strict=True) if end is None))
    return Release(submitted.id, tuple(each for each in parents if each not in lost))
