"""The commands of Cobalt that change jobs: qdel, qhold, qrls, qalter, qmove; and qselect, which finds them.

Owns what they do and say.  Knows nothing of what becomes of a job afterwards.
"""

from __future__ import annotations

from hpcmake.testbed.queue.cobalt_jobs import CobaltJob, TimeMistake, parse_minutes
from hpcmake.testbed.queue.cobalt_limits import require_admitted, require_filtered
from hpcmake.testbed.queue.cobalt_submit import parse_attrs
from hpcmake.testbed.queue.cobalt_words import QUEUES, USAGES, Options, Refused, fault, render_table
from hpcmake.testbed.queue.nouns import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpcmake.testbed.queue.cobalt import Cobalt
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.nouns import Request

SETS = "queue-manager.set_jobs"
SLOW = 1.0
"""Seconds that qdel takes at least."""

_FLAGS = {**dict.fromkeys(("-d", "--debug"), "debug"), "--help": "help"}
PLAIN = Options({}, {**_FLAGS, "-f": "force"})
RELEASE = Options({}, {**_FLAGS, "--dependencies": "dependencies"})
ALTER = Options(
    {
        **dict.fromkeys(("-n", "--nodecount"), "nodes"),
        **dict.fromkeys(("-t", "--time"), "time"),
        "--proccount": "procs",
        "--dependencies": "dependencies",
        "--attrs": "attrs",
    },
    _FLAGS,
    numbers=("nodes", "procs"),
)
SELECT = Options(
    {
        **dict.fromkeys(("-n", "--nodecount"), "nodes"),
        **dict.fromkeys(("-t", "--time"), "time"),
        **dict.fromkeys(("-A", "--project"), "project"),
        **dict.fromkeys(("-q", "--queue"), "queue"),
    },
    _FLAGS,
    numbers=("nodes",),
)


def _numbers(command: str, words: Sequence[str]) -> list[int]:
    """Return the numbers of the jobs that a command names.  Raises Refused."""
    if not words:
        raise Refused("No Jobid(s) given\n\n", out=USAGES[command])
    for word in words:
        if not (word.isascii() and word.isdigit()):
            raise Refused(f"jobid must be an integer: {word}\n")
    return list(dict.fromkeys(int(word) for word in words))


def _named(queue: Queue, numbers: Sequence[int], user: str) -> list[CobaltJob]:
    """Return the jobs among those with these numbers that a user may change."""
    found = [queue.jobs.get(number) for number in numbers]
    return [job for job in found if isinstance(job, CobaltJob) and user in job.users]


def delete(cobalt: Cobalt, queue: Queue, request: Request) -> Answer:
    """Delete jobs; say nothing of those that are not there, or are another's."""
    _, words = PLAIN.parse("qdel", request.argv)
    jobs = _named(queue, _numbers("qdel", words), request.user)
    for job in jobs:
        cobalt.end(queue, job, request.user)
    if not jobs:
        return Answer(after=SLOW)
    rows = [[str(job.number), job.user] for job in jobs]
    return Answer("      Deleted Jobs\n" + render_table(["JobID", "User"], rows), after=SLOW)


def _report(done: str, failed: str, good: Sequence[int], bad: Sequence[str]) -> str:
    """Return what is told of jobs with which something was done, and of the others."""
    lines = [done, *(f"      {number}" for number in good)] if good else []
    lines += [f"   {failed}", *(f"      {reason}" for reason in bad)] if bad else []
    return "".join(line + "\n" for line in lines)


def _each(
    queue: Queue, request: Request, words: Sequence[str], change: Callable[[CobaltJob], str]
) -> tuple[list[int], list[str], str]:
    """Change jobs; return the numbers of those that were, why others were not, and what is said on stderr.

    `change` returns why it cannot be.
    """
    numbers = _numbers(request.name, words)
    jobs = {job.number: job for job in _named(queue, numbers, request.user)}
    good, bad = [], []
    for number in numbers:
        reason = change(jobs[number]) if number in jobs else f"job {number} not found"
        if reason:
            bad.append(reason)
        else:
            good.append(number)
    return good, bad, "" if jobs else "   No jobs found.\nFailed to match any jobs\n"


def hold(cobalt: Cobalt, queue: Queue, request: Request) -> Answer:
    """Put users' holds on jobs."""
    _, words = PLAIN.parse("qhold", request.argv)

    def change(job: CobaltJob) -> str:
        if job.is_active:
            cobalt.log(queue, job, "non-preemptable job has already started; hold request ignored")
            return f"job {job.number} is already active"
        if job.user_hold:
            cobalt.log(queue, job, "user hold already present; ignoring hold request")
            return f"job {job.number} already in state 'user hold'"
        job.user_hold = True
        cobalt.log(queue, job, "user hold set")
        return ""

    good, bad, err = _each(queue, request, words, change)
    return Answer(_report("Placed user hold on jobs: ", "Failed to place user hold on jobs: ", good, bad), err)


def release(cobalt: Cobalt, queue: Queue, request: Request) -> Answer:
    """Take users' holds off jobs, or their dependencies.  Raises Refused."""
    values, words = RELEASE.parse("qrls", request.argv)
    if "dependencies" in values:
        return _release_dependencies(cobalt, queue, request, words)

    def change(job: CobaltJob) -> str:
        if not job.user_hold:
            if not job.is_active:
                cobalt.log(queue, job, "user hold not present; ignoring release request")
            return f"job {job.number} does not have a 'user hold'"
        job.user_hold = False
        cobalt.log(queue, job, "user hold released")
        if job.dep_done:
            cobalt.log(queue, job, "no holds remain; releasing job")
        return ""

    good, bad, err = _each(queue, request, words, change)
    return Answer(_report("   Removed user hold on jobs: ", "Failed to remove user hold on jobs: ", good, bad), err)


def _release_dependencies(cobalt: Cobalt, queue: Queue, request: Request, words: Sequence[str]) -> Answer:
    def change(job: CobaltJob) -> str:
        if not job.is_active:
            require_admitted(cobalt, queue, job, SETS)  # it counts itself: in a full queue nothing can be changed
        cobalt.set_dependencies(job, ())
        return ""

    good, bad, err = _each(queue, request, words, change)
    told = _report("   Removed dependencies from jobs: ", "Failed to remove dependencies from jobs: ", good, bad)
    return Answer(told, err)


def alter(cobalt: Cobalt, queue: Queue, request: Request) -> Answer:
    """Change what was asked for jobs.  Raises Refused."""
    values, words = ALTER.parse("qalter", request.argv)
    jobs = _named(queue, _numbers("qalter", words), request.user)
    if not jobs:
        return Answer("", "Failed to match any jobs or queues\n")
    out = ""
    text = (values.get("dependencies") or [""])[-1]
    is_none = text.lower() == "none"
    if is_none:
        out += "Removing job dependencies\n"
    for job in jobs:
        try:
            out += _alter_one(cobalt, queue, job, {key: given[-1] for key, given in values.items()}, is_none=is_none)
        except Refused as refused:
            raise Refused(refused.answer.err, out=out) from None
    return Answer(out)


def _alter_one(cobalt: Cobalt, queue: Queue, job: CobaltJob, values: dict[str, str], *, is_none: bool) -> str:
    """Change a job; return what is told of it.  Raises Refused."""
    changed = _copy(job, job.queue)
    out = ""
    if "time" in values:
        if job.is_active:
            raise Refused("cannot change wall time of a running job\n")
        minutes = _minutes(values["time"], int(job.walltime // 60))
        out += f"walltime changed from {int(job.walltime // 60)} to {minutes}\n"
        changed.walltime = minutes * 60.0
    if "nodes" in values:
        changed.asked = changed.count = int(values["nodes"])
        changed.procs = changed.asked
        out += f"nodes changed from {job.asked} to {changed.asked}\nprocs changed from {job.procs} to {changed.procs}\n"
    if "procs" in values:
        changed.procs = int(values["procs"])
        out += f"procs changed from {job.procs} to {changed.procs}\n"
    if job.is_active:
        raise fault(QUEUES, f"job {job.number} is running; it cannot be changed", SETS)
    require_filtered(cobalt, changed)
    require_admitted(cobalt, queue, changed, SETS)
    job.walltime, job.asked, job.count, job.procs = changed.walltime, changed.asked, changed.count, changed.procs
    if "dependencies" in values:
        names = [] if is_none else [each for each in values["dependencies"].split(":") if each]
        cobalt.set_dependencies(job, names)
        cobalt.look_at_dependencies(queue)
        out += f"dependencies set to {':'.join(names)}\n"
    if "attrs" in values:
        job.attrs = parse_attrs(values["attrs"])
    return out


def _copy(job: CobaltJob, queue: str) -> CobaltJob:
    """Return what is checked of a job before it is changed."""
    copy = CobaltJob(
        job.number,
        user=job.user,
        queue=queue,
        count=job.count,
        walltime=job.walltime,
        argv=job.argv,
        cwd=job.cwd,
        submitted=job.submitted,
    )
    copy.asked, copy.project, copy.procs = job.asked, job.project, job.procs
    return copy


def _minutes(text: str, now: int) -> int:
    """Return the minutes of a walltime, or of a change of one such as +10.  Raises Refused."""
    sign = text[:1] if text[:1] in {"+", "-"} else ""
    try:
        minutes = parse_minutes(text.removeprefix(sign))
    except TimeMistake as problem:
        raise Refused(f"invalid time specification: {problem}\n") from None
    minutes = now + minutes if sign == "+" else now - minutes if sign else minutes
    if minutes < 0:
        raise Refused(f"invalid time specification: illegal value '{text}'\n")  # in words of ours
    return minutes


def move(cobalt: Cobalt, queue: Queue, request: Request) -> Answer:
    """Put jobs into another queue.  Raises Refused."""
    _, words = PLAIN.parse("qmove", request.argv)
    if not words:
        raise Refused("Must specify a queue name and at least one jobid\n\n", out=USAGES["qmove"])
    name, numbers = words[0], _numbers("qmove", words[1:])
    jobs = _named(queue, numbers, request.user)
    if not jobs:
        return Answer("", "Failed to match any jobs or queues\n")
    out = ""
    for job in jobs:
        if job.is_active:
            raise fault(QUEUES, f"job {job.number} is running; it cannot be moved", SETS)
        former = job.queue, job.count
        job.queue = ""  # so that it does not count where it goes, if it is there already
        moved = _copy(job, name)
        try:
            require_filtered(cobalt, moved)
            require_admitted(cobalt, queue, moved, SETS)
        except Refused:
            job.queue, job.count = former
            raise
        job.queue, job.count = name, moved.count
        out += f"moved job {job.number} to queue '{name}'\n"
    return Answer(out)


def select(_cobalt: Cobalt, queue: Queue, request: Request) -> Answer:
    """Name the jobs that are as is said.  Raises Refused."""
    values, _ = SELECT.parse("qselect", request.argv)
    wanted = {key: given[-1] for key, given in values.items()}
    found = []
    for job in queue.jobs.values():
        has = {
            "nodes": str(job.count),
            "time": str(int(job.walltime // 60)),
            "project": job.project,
            "queue": job.queue,
        }
        if all(has.get(key, value) == value for key, value in wanted.items()):
            found.append(job.number)
    return Answer("".join(f"{number}\n" for number in found))
