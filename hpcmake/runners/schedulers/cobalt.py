"""Cobalt: its qsub, qstat, qdel, qrls and qalter, as version 1.0.33 takes options and prints answers.

Owns these words and tables.  Knows nothing of the log that Cobalt keeps of each job (see `cobaltlog`).

What is odd about Cobalt is told where it matters.  The law above all: a job that waits for one that has left the queue,
however that one ended, never starts (`dep_fail`), and nothing but its place tells how a job that is gone has ended.
"""

from __future__ import annotations

import re

from hpcmake.runners.schedulers.answers import (
    judge,
    kept_lines,
    parse_clock,
    parse_count,
    parse_ctime,
    parse_number,
    row,
    said,
    silent,
    torn,
)
from hpcmake.runners.schedulers.jobs import (
    AGAIN,
    DEP_FAIL,
    ENDING,
    HELD,
    NEVER,
    QUEUED,
    RUNNING,
    STARTING,
    STRANGE,
    SUSPENDED,
    UNKNOWN,
    WAITING,
    Changed,
    DoNotKnow,
    JobState,
    Refused,
    Submitted,
)
from hpcmake.runners.schedulers.options import (
    joined_option,
    kind_words,
    project_words,
    queue_words,
    require_ids,
    require_possible,
    whole_minutes,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.runners.schedulers.jobs import Jobs, Submission
    from hpcmake.site import Queue, Site

AFTER: tuple[str, ...] = ("ok",)
"""Cobalt starts a child after an end with 0 only: there is no other kind."""

COMMANDS: tuple[str, ...] = ("qsub", "qstat", "qdel", "qrls", "qalter")

NOISE = re.compile(r"^No handlers could be found for logger|^Usage: |^Refer to man pages")
"""What stands in answers and says nothing of the job: the first is before each answer of the server."""

REFUSALS = (
    # the server is away: the traceback of a fault 20 may hold any text, so it is looked for first
    row(AGAIN, r"<Fault 20: |Connection refused|Failed to connect to|timed out", sure=False),
    row(NEVER, r"^No required options provided|^No executable or script specified"),
    row(NEVER, r"^'(?:time|nodecount)' not provided|error: (?:no such option|option -)"),
    row(NEVER, r"^command .* (?:not found, or is not a file|is not executable)"),
    row(NEVER, r"^(?:directory .* does not exist|file .* not found, or is not a file)"),
    row(NEVER, r"^Improperly formatted argument|^Specifed mode|^--proccount is"),
    row(NEVER, r"node count out of realistic range|Job requested \d+ nodes\. +Maximum permitted size is"),
    row(NEVER, r"Walltime less than |Walltime greater than |^invalid time specification"),
    row(NEVER, r"non-existent queue|You are not allowed to submit to|queue is dead"),
    row(NEVER, r"^Projects available"),  # Theta's filter, of a project that it does not know
    row(AGAIN, r"The limit of .* per user in the .* queue has been reached"),
    row(AGAIN, r"queue is draining"),
    row(UNKNOWN, r"^Filter .* failed"),  # a site's filter says no in words of its own
)
"""What qsub refuses, by what it says.  Its exit status tells nothing: 1 stands for all of these."""

_LATE = re.compile(r"WARNING: dependencies (.*) do not match jobs currently in the queue")
_FAULT = re.compile(r"(?:component error: )?(?:XMLRPC failure )?<Fault \d+: (['\"])(.*)\1>(?: in \S+)?", re.DOTALL)


# ---------------------------------------------------------------- submitting


def render_submit(site: Site, queue: Queue | None, job: Submission) -> list[str]:
    """Return the qsub that submits a job.  Raises ValueError if Cobalt cannot have such a job.

    A job that is held and has parents would miss their ends, and never start.  All options are before the script:
    what follows it are its arguments.
    """
    require_possible(job, AFTER)
    if job.held and job.parents:
        message = "Cobalt never starts a job that was held when its parents ended"
        raise ValueError(message)
    words = ["qsub", "-n", str(job.nodes), "-t", str(whole_minutes(job.walltime)), "--mode", "script"]
    words += ["--jobname", job.name, "-o", job.output, "-e", job.error or job.output]
    words += ["--debuglog", job.log or job.output + ".cobaltlog"]
    said_by_site = [*queue_words(queue, "-q"), *kind_words(site, queue), *site.submit_words]
    rest, attrs = joined_option(said_by_site, "--attrs", ":")  # which is taken only once
    if site.filesystems:
        attrs = ":".join(filter(None, [f"filesystems={','.join(site.filesystems)}", attrs]))
    words += ["--attrs", attrs] if attrs else []
    words += ["--dependencies", ":".join(job.parents)] if job.parents else []
    words += ["-h"] if job.held else []
    return [*words, *rest, *project_words(site, job), job.script]


def parse_submitted(status: int | None, out: str, err: str) -> Submitted | Refused:
    """Return what became of a submission: the id is the first word of the last line on stdout that begins with one.

    A server's message may follow it, and lines may go before it.
    """
    exact = r"[0-9]{1,15}" + (r"(?:\s.*)?" if status == 0 else "")
    ids = [line for line in kept_lines(out) if re.fullmatch(exact, line)]
    if ids:
        number, *message = ids[-1].split(None, 1)
        warnings = [*message, *kept_lines(err, NOISE)]
        lost = [each for warning in warnings for each in _lost_parents(warning)]
        return Submitted(number, tuple(warnings), tuple(lost))
    if status is None:
        return silent("qsub")
    text = _plain(said("qsub", status, out, err, NOISE))
    kind, sure = judge(REFUSALS, _as_lines(err))
    return Refused(kind, text, may_be_queued=status == 0 or not sure)


def _lost_parents(warning: str) -> list[str]:
    match = _LATE.search(warning)
    return re.findall(r"[^\s:,]+", match[1]) if match else []


def _plain(text: str) -> str:
    """Return what a fault says, without its frame; several reasons come in one, parted by a written-out newline."""
    return _FAULT.sub(lambda match: match[2].replace(r"\n", "\n").strip(), text)


def _as_lines(text: str) -> str:
    """Return lines, each looked at from its beginning; one of noise may hold anything."""
    return "\n".join(kept_lines(text, NOISE))


# ---------------------------------------------------------------- looking

# the one that may hold any letter is the last: the widths of columns are those of bytes
_COLUMNS = "JobID:State:Nodes:WallTime:TimeRemaining:StartTime:Queue:Score:Dependencies:User:JobName"

_STATES = {
    "queued": QUEUED,
    "user_hold": HELD,
    "admin_hold": HELD,
    "dep_hold": WAITING,
    "dep_fail": DEP_FAIL,
    "maxrun_hold": QUEUED,  # the limit of running jobs is reached; ends by itself
    "starting": STARTING,
    "running": RUNNING,
    "killing": ENDING,
    "exiting": ENDING,
    "done": ENDING,  # for an instant; how it ended is not told
    "preempting": SUSPENDED,
    "preempted": SUSPENDED,
}


def render_poll(user: str, ids: Sequence[str]) -> list[str]:
    """Return the qstat for all jobs of the user: an empty table is then an answer, and no answer is none."""
    require_ids(ids)
    return render_poll_user(user)


def render_poll_user(user: str) -> list[str]:
    """Return the qstat for all jobs of the user.  The columns are named: sites, and variables, choose others."""
    return ["qstat", "--header", _COLUMNS, "-u", user]


def render_poll_queue(queue: str) -> list[str] | None:
    """Return the qstat for all jobs of a queue."""
    return ["qstat", "--header", _COLUMNS, queue]


def parse_poll(status: int | None, out: str, err: str) -> Jobs | DoNotKnow:
    """Return the jobs of a table, by id."""
    lines = [line for line in out.splitlines() if line.strip()]
    heads = [(match[0], match.start()) for match in re.finditer(r"\S+", lines[0])] if lines else []
    names = {name for name, _ in heads}
    if status != 0 or not {"JobID", "State"} <= names or len(lines) == 1 or set(lines[1].strip()) != {"="}:
        return DoNotKnow(_plain(said("qstat", status, out, err, NOISE)))
    ends = [start for _, start in heads[1:]]
    if (half := torn("qstat", out)) is not None:
        return half
    jobs: Jobs = {}
    for line in lines[2:]:
        cells = {name: line[start:end].strip() for (name, start), end in zip(heads, [*ends, len(line)], strict=True)}
        if not re.fullmatch(r"[0-9]{1,15}", cells["JobID"]):
            return DoNotKnow(f"qstat wrote what is no job: {line.strip()[:200]}")
        jobs[cells["JobID"]] = _job(cells)
    return jobs


def _job(cells: dict[str, str]) -> JobState:
    word = cells["State"]
    state = _STATES.get(word, STRANGE)
    waits_for = [each for each in re.findall(r"[^\s,]+", cells.get("Dependencies", "")) if not each.endswith("*")]
    return JobState(
        cells["JobID"],
        _told(cells, "JobName"),
        state,
        reason=word if word != state else "",
        user=_told(cells, "User"),
        queue=_told(cells, "Queue"),
        nodes=parse_count(cells.get("Nodes", "")),
        walltime=parse_clock(cells.get("WallTime", "")),
        left=parse_clock(cells.get("TimeRemaining", "")),
        start=parse_ctime(cells.get("StartTime", "")),
        waits_for=tuple(waits_for),
        score=parse_number(cells.get("Score", "")),
    )


def _told(cells: dict[str, str], name: str) -> str:
    text = cells.get(name, "")
    return "" if text in {"-", "N/A", "None"} else text


def render_poll_job(job: str) -> list[str]:
    """Return the qstat for one job."""
    return ["qstat", "--header", _COLUMNS, *require_ids([job])]


def parse_poll_job(status: int | None, out: str, err: str) -> JobState | DoNotKnow | None:
    """Return a job; None if it is gone, which Cobalt tells by a status of 1 and not a word.

    With words on stderr, its server is down.
    """
    if status == 1 and not out.strip() and not err.strip():
        return None
    jobs = parse_poll(status, out, err)
    return jobs if isinstance(jobs, DoNotKnow) else next(iter(jobs.values()), None)


def render_history(_ids: Sequence[str]) -> list[str] | None:
    """Return None: Cobalt keeps no history.  What it knows of an end is in the job's log."""
    return None


def parse_history(_status: int | None, _out: str, _err: str) -> Jobs | DoNotKnow:
    """Return that nothing is known."""
    return DoNotKnow("Cobalt keeps no history")


# ---------------------------------------------------------------- changing

_UNMATCHED = re.compile(r"^(?:Failed to match any jobs|No jobs found)")
_ABOUT_JOB = re.compile(r"job ([0-9]+) (.*)")


def render_cancel(ids: Sequence[str]) -> list[str]:
    """Return the qdel that deletes jobs; in one call, no child of theirs is left in `dep_fail`."""
    return ["qdel", *require_ids(ids)]


def parse_cancelled(ids: Sequence[str], status: int | None, out: str, err: str) -> Changed | DoNotKnow:
    """Return what became of a qdel: it names those that it has deleted, and is silent of all others."""
    if status != 0:
        return _unchanged(ids, status, out, err, "qdel")
    named = set(re.findall(r"^([0-9]+) +\S", out, re.MULTILINE))
    return Changed(tuple(each for each in ids if each in named), tuple(each for each in ids if each not in named))


def render_release(ids: Sequence[str]) -> list[str]:
    """Return the qrls that ends users' holds."""
    return ["qrls", *require_ids(ids)]


def render_walltime(job: str, walltime: float) -> list[str]:
    """Return the qalter that gives a waiting job another walltime, in minutes."""
    return ["qalter", "-t", str(whole_minutes(walltime)), *require_ids([job])]


def render_parents(job: str, parents: Sequence[str], *, after: str = "ok") -> list[str] | None:
    """Return what makes a job wait for these parents, or for none: that frees one in `dep_fail`, too.

    In a queue that is full for the user both are refused, since the check counts the job itself.
    """
    if parents and after not in AFTER:
        return None
    if not parents:
        return ["qrls", "--dependencies", *require_ids([job])]
    return ["qalter", "--dependencies", ":".join(require_ids(parents)), *require_ids([job])]


def parse_changed(ids: Sequence[str], status: int | None, out: str, err: str) -> Changed | DoNotKnow:
    """Return what became of a qrls or qalter: they fail with a status of 0 and words on either stream."""
    if status != 0:
        return _unchanged(ids, status, out, err, "the command")
    if any(_UNMATCHED.match(line) for line in kept_lines(err, NOISE)):
        return Changed(gone=tuple(ids))
    gone: list[str] = []
    refused: dict[str, str] = {}
    failed = False
    for line in kept_lines(out):
        failed = line.startswith("Failed to") if line.endswith(":") else failed
        about = _ABOUT_JOB.fullmatch(line)
        if failed and about and about[2] == "not found":
            gone.append(about[1])
        elif failed and about:
            refused[about[1]] = about[2]
    done = tuple(each for each in ids if each not in gone and each not in refused)
    return Changed(done, tuple(gone), tuple(refused.items()))


def _unchanged(ids: Sequence[str], status: int | None, out: str, err: str, command: str) -> Changed | DoNotKnow:
    text = _plain(said(command, status, out, err, NOISE))
    kind, sure = judge((*REFUSALS, *_NO), _as_lines(err))
    if status is None or kind == UNKNOWN or not sure:
        return DoNotKnow(text)
    return Changed(refused=tuple((each, text) for each in ids))


_NO = (row(NEVER, r"running job|is running; it cannot be moved|^jobid must be an integer|queue '.*' does not exist"),)
