"""Parts of submissions that all schedulers share, and what no submission may ask for.

Owns how a site's words, walltimes and projects become options.  Knows nothing of any one scheduler's own.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.runners.schedulers.jobs import Submission
    from hpcmake.site import NodeKind, Queue, Site


def require_possible(job: Submission, after: Sequence[str]) -> None:
    """Raise ValueError if nobody could submit this, or no scheduler with just these kinds of dependencies could."""
    if not job.script.startswith("/") or not job.output.startswith("/"):
        message = "the script and the output of a job are absolute paths"
        raise ValueError(message)
    if not job.name or job.nodes < 1 or not 0 < job.walltime < float("inf"):
        message = "a job has a name, nodes and a walltime"
        raise ValueError(message)
    if not all(job.parents) or (job.parents and job.after not in after):
        message = f"this scheduler has no dependency `{job.after}` on jobs {', '.join(map(repr, job.parents))}"
        raise ValueError(message)


def require_ids(ids: Sequence[str]) -> list[str]:
    """Return ids of jobs.  Raises ValueError if there are none: a command without ids may mean all jobs."""
    if not ids or not all(each and each[0].isdigit() for each in ids):
        message = f"these are not ids of jobs: {', '.join(map(repr, ids)) or 'none'}"
        raise ValueError(message)
    return list(ids)


def kind_words(site: Site, queue: Queue | None) -> tuple[str, ...]:
    """Return what a job asks for to get the queue's kind of nodes, else the site's first."""
    named: NodeKind | None = None
    if queue is not None and queue.node is not None:
        named = site.find_kind(queue.node)
    kind = named or (site.nodes[0] if site.nodes else None)
    return kind.words if kind is not None else ()


def queue_words(queue: Queue | None, option: str) -> list[str]:
    """Return what chooses the queue: its own words, else the scheduler's option with its name."""
    if queue is None:
        return []
    return list(queue.words) if queue.words is not None else [option, queue.name]


def project_words(site: Site, job: Submission) -> list[str]:
    """Return what names the project that is charged."""
    project = job.project or site.project
    return ["-A", project] if project else []


def whole_minutes(seconds: float) -> int:
    """Return a walltime in minutes, rounded up; at least one, since 0 means the longest to Cobalt."""
    return max(1, int(-(-seconds // 60)))


def clock(seconds: float) -> str:
    """Return a walltime as HH:MM:SS, rounded up: with one colon, it would be minutes to some and hours to others."""
    whole = max(1, int(-(-seconds // 1)))
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def joined_option(words: Sequence[str], option: str, delimiter: str) -> tuple[list[str], str]:
    """Return words without this option, and its values joined: for options that a command takes only once."""
    rest: list[str] = []
    values: list[str] = []
    pending = False
    for word in words:
        if pending:
            values.append(word)
            pending = False
        elif word == option:
            pending = True
        elif word.startswith(f"{option}="):
            values.append(word[len(option) + 1 :])
        else:
            rest.append(word)
    return rest, delimiter.join(filter(None, values))
