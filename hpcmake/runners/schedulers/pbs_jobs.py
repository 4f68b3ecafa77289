"""What PBS tells of jobs: the JSON of `qstat -f`, and the wide table that it prints for a user.

Owns the states, substates and exit statuses of PBS.  Knows nothing of its commands.
"""

from __future__ import annotations

import json
import re

from hpcmake.runners.schedulers.answers import kept_lines, parse_clock, parse_count, parse_ctime, said, torn
from hpcmake.runners.schedulers.jobs import (
    DONE,
    ENDING,
    FAILED,
    HELD,
    QUEUED,
    RUNNING,
    STARTING,
    STRANGE,
    SUSPENDED,
    WAITING,
    DoNotKnow,
    Ending,
    JobState,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.runners.schedulers.jobs import Jobs

NOISE = re.compile(r"^pbs_iff: |^usage: |^\[-|^qsub --version")
"""What stands on stderr and says nothing of a job."""

_STATES = {
    "Q": QUEUED,
    "T": QUEUED,  # on its way between queues
    "W": QUEUED,  # for its time, or for files
    "H": HELD,
    "R": RUNNING,
    "B": RUNNING,  # an array of which some run
    "E": ENDING,
    "S": SUSPENDED,
    "U": SUSPENDED,
}
_HOLDS = {"u": "held by its user", "o": "held by an operator", "s": "held by the system", "p": "held: bad password"}
_STARTING = 41
_DELETED = 91
_WALLTIME = -29
_NOT_STARTED = (-1, -2, -3)
_SIGNALS = 256  # what PBS adds to the number of a signal that it has sent

_ABSENT = re.compile(r"^qstat: (?:Unknown Job Id \S+|\S+ Job has finished, use -x or -H to obtain .*)$")
_HEAD = re.compile(r"^Job ID +Username +Queue +Jobname ", re.MULTILINE)
_ROW = re.compile(
    r"(?P<id>[0-9]{1,15}\S*) +(?P<user>\S+) +(?P<queue>\S+) +(?P<name>\S+) +\S+ +(?P<nodes>\S+) +\S+ +\S+"
    r" +(?P<walltime>\S+) +(?P<state>[A-Z]) +(?P<elapsed>\S+)(?: +(?P<comment>\S.*))?"
)


def parse_jobs(status: int | None, out: str, err: str) -> Jobs | DoNotKnow:
    """Return the jobs that a qstat tells of, by id.

    It fails if one of the jobs is unknown, or finished where `-x` was not given, and tells of the others all the same.
    """
    errors = kept_lines(err, NOISE)
    understood = status == 0 if not errors else all(_ABSENT.match(line) for line in errors)
    if status is None or not understood:
        return DoNotKnow(said("qstat", status, out, err, NOISE))
    if out.lstrip().startswith("{"):
        return _jobs_of_json(out)
    if not out.strip():
        return {}
    if not _HEAD.search(out):
        return DoNotKnow(f"qstat wrote what is no table: {out.strip()[:200]}")
    return torn("qstat", out) or _jobs_of_table(out)


# ---------------------------------------------------------------- JSON


def _jobs_of_json(text: str) -> Jobs | DoNotKnow:
    """Read all jobs; without any, the key `Jobs` is not there.  Names may come as numbers: types are guessed."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return DoNotKnow("qstat wrote JSON that cannot be read")
    if not isinstance(answer, dict) or "pbs_version" not in answer:
        return DoNotKnow("qstat wrote JSON that is not of jobs")
    rows = answer.get("Jobs", {})
    if not isinstance(rows, dict) or not all(isinstance(each, dict) for each in rows.values()):
        return DoNotKnow("qstat wrote JSON that is not of jobs")
    return {job: _job(job, facts) for job, facts in rows.items()}


def _job(job: str, facts: dict[str, object]) -> JobState:
    asked, used = _table(facts, "Resource_List"), _table(facts, "resources_used")
    letter, waits_for = _text(facts, "job_state"), _parents(_text(facts, "depend"))
    state, reason = _state(letter, facts, waits_for)
    ending = _ending(facts, waits_for) if letter in {"F", "X"} else None
    if ending is not None:
        state, reason = (DONE if ending.status == 0 else FAILED), _text(facts, "comment")
    walltime, spent = parse_clock(_text(asked, "walltime")), parse_clock(_text(used, "walltime"))
    running = state in {RUNNING, STARTING, ENDING} and walltime is not None and spent is not None
    runs = parse_count(_text(facts, "run_count"))
    return JobState(
        job,
        _text(facts, "Job_Name"),
        state,
        reason,
        user=_text(facts, "Job_Owner").partition("@")[0],
        queue=_text(facts, "queue"),
        nodes=parse_count(_text(asked, "nodect")),
        walltime=walltime,
        left=max(0.0, (walltime or 0) - (spent or 0)) if running else None,
        start=parse_ctime(_text(facts, "stime")),
        waits_for=waits_for if ending is None else (),
        restarts=max(0, runs - 1) if runs is not None else None,
        stuck=_is_stuck(state, reason),
        ending=ending,
    )


def _state(letter: str, facts: dict[str, object], waits_for: tuple[str, ...]) -> tuple[str, str]:
    """Return the state of a job that has not ended, and what is said of it."""
    comment = _text(facts, "comment")
    if letter == "H":
        holds = _text(facts, "Hold_Types")
        if holds == "s" and waits_for:
            return WAITING, comment
        return HELD, comment or ", ".join(_HOLDS[each] for each in holds if each in _HOLDS)
    if letter == "R" and _number(facts, "substate") == _STARTING:
        return STARTING, comment
    state = _STATES.get(letter, STRANGE)
    return state, comment or (letter if state == STRANGE else "")


_NODES = re.compile(r" on \([^)]*\)(?:\+\([^)]*\))*")
"""What a comment tells of the nodes on which a job ran: ten of them are five lines."""


def _ending(facts: dict[str, object], waits_for: tuple[str, ...]) -> Ending:
    """Return how a finished job has ended.  A child of a parent that failed has no status, and the substate of success.

    It still has its hold and the dependency.
    """
    status, substate = _number(facts, "Exit_status"), _number(facts, "substate")
    comment = _NODES.sub("", _text(facts, "comment"))
    if substate == _DELETED and (status is None or status >= _SIGNALS):
        return Ending("deleted", text=comment)
    if status is None:
        how = "parent" if waits_for and "s" in _text(facts, "Hold_Types") else "unknown"
        return Ending(how, text=comment)
    if status == _WALLTIME:
        return Ending("walltime", text=comment)
    if status in _NOT_STARTED:
        return Ending("start", text=comment)
    if status < 0:
        return Ending("unknown", text=comment or f"Exit_status = {status}")
    return Ending("exit", status if status < _SIGNALS else 128 + status % _SIGNALS, text=comment)


def _is_stuck(state: str, comment: str) -> bool:
    return state == QUEUED and comment.startswith("Can Never Run")


def _parents(depend: str) -> tuple[str, ...]:
    """Return the ids in `afterok:16.pbs01@pbs01:18.pbs01@pbs01,beforeok:20.pbs01@pbs01` that a job waits for."""
    kinds = (each.split(":") for each in depend.split(",") if each.startswith("after"))
    return tuple(job.partition("@")[0] for _, *jobs in kinds for job in jobs if job)


def _text(facts: dict[str, object], key: str) -> str:
    value = facts.get(key, "")
    return str(value) if isinstance(value, str | int | float) else ""


def _number(facts: dict[str, object], key: str) -> int | None:
    value = facts.get(key)
    return value if isinstance(value, int) else None


def _table(facts: dict[str, object], key: str) -> dict[str, object]:
    value = facts.get(key)
    return value if isinstance(value, dict) else {}


# ---------------------------------------------------------------- the table of a user


def _jobs_of_table(text: str) -> Jobs | DoNotKnow:
    """Read a row for each job.  An id that is too long is cut, with a star: its number is left, which all take."""
    jobs: Jobs = {}
    _, _, rows = text.partition("\n---")
    for line in rows.splitlines()[1:]:
        if not line.strip():
            continue
        match = _ROW.fullmatch(line.strip())
        if match is None:
            return DoNotKnow(f"qstat wrote what is no job: {line.strip()[:200]}")
        job = match["id"]
        job = job.partition(".")[0] if job.endswith("*") else job
        walltime, elapsed = _clock(match["walltime"]), _clock(match["elapsed"])
        state = _STATES.get(match["state"], STRANGE)
        left = (
            max(0.0, walltime - elapsed) if state == RUNNING and walltime is not None and elapsed is not None else None
        )
        jobs[job] = JobState(
            job,
            match["name"],
            state,
            (match["comment"] or "").strip("- ") or (match["state"] if state == STRANGE else ""),
            user=match["user"],
            queue=match["queue"],
            nodes=parse_count(match["nodes"]),
            walltime=walltime,
            left=left,
            stuck=_is_stuck(state, match["comment"] or ""),
        )
    return jobs


def _clock(text: str) -> float | None:
    """Return the seconds of HH:MM, the form of this table."""
    return parse_clock(f"{text}:00") if text.count(":") == 1 else None
