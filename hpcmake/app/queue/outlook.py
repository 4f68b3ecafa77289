"""Whether a campaign that is left to its jobs goes on by itself, and what its user should know if it does not.

Owns that question where a queue takes one job at a time.  Knows nothing of who asks.
"""

from __future__ import annotations

from hpcmake.app.queue.following import render_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.app.queue.step import QueueRun


def is_left_to_nobody(run: QueueRun) -> bool:
    """Tell whether work is left for which no place is while one job of ours is in its queue."""
    if not run.planned and not run.plan.has_unknown:
        return False
    if run.arguments.number("max_queued") == 1:
        return True
    queues = filter(None, (run.site.find_queue(name) for name in {job.queue for job in run.planned}))
    limits = [*run.site.limits, *(limit for queue in queues for limit in queue.limits)]
    return any(limit.what == "queued" and limit.most <= 1 for limit in limits)


def render_outlook(run: QueueRun) -> str:
    """Return what a user should know of such a campaign."""
    tasks = sum(len(job.tasks) for job in run.planned)
    what = f"{tasks} tasks" if tasks else "what becomes known"
    return (
        f"{what} will be left when it has ended: the queue takes one job at a time, and the job that ends counts "
        f"still when it would submit the next; `{render_command(run.charter)}` goes on then"
    )
