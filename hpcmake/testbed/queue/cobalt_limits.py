"""What of a job Cobalt refuses: the machine for its size, a queue for its limits, and the site for its own reasons.

Owns these checks in the order in which they are made.  Knows nothing of options.
"""

from __future__ import annotations

from hpcmake.testbed.queue.cobalt_jobs import CobaltJob, render_time
from hpcmake.testbed.queue.cobalt_words import QUEUES, SYSTEM, Refused, fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.testbed.queue.cobalt import Cobalt
    from hpcmake.testbed.queue.cobalt_jobs import CobaltQueue
    from hpcmake.testbed.queue.core import Queue

SHORTEST = 300.0
"""Seconds: the machine's own minimum, on clusters and on a Blue Gene."""


def require_filtered(cobalt: Cobalt, job: CobaltJob) -> str:
    """Require what a site's filter does; return what that says.  Raises Refused.

    What real filters wrote is not known but for single lines: these words are ours, and say so.
    """
    site = cobalt.site
    queue = cobalt.queues.get(job.queue)
    if "project" in site.needs and not job.project:
        raise _filtered(f"Projects available: testbed (an emulated filter of {site.name}: it wants -A PROJECT)")
    if queue is None or queue.source is None:
        return ""
    source = queue.source
    given = source.given_nodes(job.asked)
    if given is None:
        raise _filtered(
            f"the queue {queue.name} has no jobs of {job.asked} nodes, but of {source.nodes[0]}-{source.nodes[1]}"
        )
    longest = source.longest_for(given)
    if longest is not None and queue.longest is not None and longest < job.walltime <= queue.longest:
        raise _filtered(f"a job of {given} nodes may have {render_time(longest)}, not {render_time(job.walltime)}")
    job.count = given
    mode = queue.name.removeprefix("debug-").replace("-", " ")
    if site.launcher == "aprun" and queue.name.startswith("debug-"):
        return f"Memory mode set to {mode} for queue {queue.name}\n"
    return ""


def _filtered(text: str) -> Refused:
    said = text if text.startswith("Projects") else f"emulated filter: {text}"
    return Refused(f"{said}\nFilter /usr/lib/cobalt/filters/emulated failed\n")


def require_machine(cobalt: Cobalt, job: CobaltJob) -> None:
    """Require what the machine can do.  Raises Refused."""
    where = "system.validate_job"
    if job.asked > cobalt.count:
        text = "Node count out of realistic range"
        if cobalt.site.launcher == "aprun":
            text = f"Job requested {job.asked} nodes.  Maximum permitted size is {cobalt.count}"
        raise fault(SYSTEM, text, where)
    if cobalt.site.launcher != "aprun" and 0 < job.walltime < SHORTEST:
        raise fault(SYSTEM, "Walltime less than minimum", where)


def require_admitted(cobalt: Cobalt, queue: Queue, job: CobaltJob, where: str = "") -> None:
    """Require that a queue takes a job: a new one, or, with a `where`, one that is changed.  Raises Refused."""
    name = job.queue
    found = cobalt.queues.get(name)
    if found is None:
        missing = (
            f"Error: queue '{name}' does not exist" if where else f"trying to add job to non-existent queue '{name}'"
        )
        raise fault(QUEUES, missing, where)
    if found.state in {"draining", "dead"}:
        raise fault(QUEUES, f"The '{name}' queue is {found.state}", where)
    reasons = _reasons(found, queue, job)
    if reasons:
        raise fault(QUEUES, "".join(f"{reason}\n" for reason in reasons), where)


def _reasons(found: CobaltQueue, queue: Queue, job: CobaltJob) -> list[str]:
    """Return all that a queue has against a job."""
    name = found.name
    reasons = []
    if found.users and job.user not in found.users:
        reasons.append(f"You are not allowed to submit to the '{name}' queue")
    if found.longest is not None and job.walltime > found.longest:
        reasons.append(f"Walltime greater than the '{name}' queue max walltime of {render_time(found.longest)}")
    if found.shortest is not None and 0 < job.walltime < found.shortest:
        reasons.append(f"Walltime less than the '{name}' queue min walltime of {render_time(found.shortest)}")
    mates = queue.of_user(job.user, name)
    if found.queued is not None and len(mates) >= found.queued:
        reasons.append(f"The limit of {found.queued} jobs per user in the '{name}' queue has been reached")
    if found.node_hours is not None:
        used = sum(mate.count * mate.walltime for mate in mates if mate is not job) + job.count * job.walltime
        if used > found.node_hours * 3600:
            reasons.append(
                f"The limit of {found.node_hours:g} node hours per user in the '{name}' queue has been reached"
            )
    return reasons
