"""The job that we run in: its nodes, what is left of its time, and what it tells of them.

Owns what Cobalt, PBS and Slurm put into a job's environment and say of it.  Knows nothing of what its nodes do.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.record import Record
from hpcmake.runners.notation import parse_hostlist, parse_node_ids, parse_nodefile, parse_nodes, render_hostlist
from hpcmake.text import Source, Span
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    Run: TypeAlias = Callable[[Sequence[str], float], tuple[int | None, bytes, bytes]]
    """Runs a command for at most so many seconds: its exit status (None: it did not end), stdout, stderr."""

PATIENCE = 60.0
"""Seconds that a scheduler is given to answer: with a dead server its commands wait for half a minute."""

_LONGEST_NAMES = 60  # letters of a list of nodes that people are shown
_NAMES = {"cobalt": "Cobalt", "pbs": "PBS", "slurm": "Slurm", "none": "by hand"}
_JOBS = {"slurm": "SLURM_JOB_ID", "pbs": "PBS_JOBID", "cobalt": "COBALT_JOBID"}
_LEFT = re.compile(r"(?:([0-9]+)-)?(?:([0-9]+):)?([0-9]+):([0-9]+)")
_IDS = re.compile(r"[0-9,-]+")


class Held(Record):
    """What a job holds.

    `nodes` are names as the site's launcher takes them (of ALPS: ids), `hosts` the names of these hosts where they are
    others.  On Blue Gene/Q the job has one `block` of `size` nodes, and `nodes` is that block alone.  `left` is in
    seconds from the moment when it was asked, None if it is not known; `basis` tells in words where it comes from, or
    why it is not known.  `cpus` (as the scheduler counts them), `memory` in bytes and `gpus` are those that the job has
    of each node, None if nobody has said; of nodes that differ, the fewest.  `cluster` is whatever names the machine.
    """

    scheduler: str
    job: str
    nodes: tuple[str, ...]
    left: float | None = None
    basis: str = ""
    hosts: tuple[str, ...] = ()
    block: str | None = None
    size: int | None = None
    project: str | None = None
    queue: str | None = None
    cluster: str | None = None
    cpus: int | None = None
    memory: int | None = None
    gpus: int | None = None

    @property
    def count(self) -> int:
        """How many nodes it holds."""
        return self.size if self.size is not None else len(self.nodes)

    def describe(self) -> str:
        """Return it in words, such as `job 7 of Slurm: 4 nodes, node[001-004], 1h30m left`."""
        who = f"job {self.job} of {_NAMES[self.scheduler]}" if self.job else "nodes that were named"
        names = self.block or render_hostlist(self.hosts or self.nodes)
        if len(names) > _LONGEST_NAMES:
            names = f"{names[:_LONGEST_NAMES].rpartition(',')[0] or names[:_LONGEST_NAMES]},..."
        end = f"its end is not known: {self.basis}"
        if self.left is not None:
            end = f"{render_duration(round(self.left))} left"
        return f"{who}: {self.count} node{'s' if self.count != 1 else ''}, {names}, {end}"


def find_held(environ: Mapping[str, str], *, now: float, run: Run, scheduler: str | None = None) -> Held | None:
    """Return the job that this environment belongs to; None if it is none.

    `now` is in seconds since 1970, `run` asks the scheduler where its environment does not tell, `scheduler` is the
    only one that counts, if it is named.  Raises Trouble: it is in a job, and the nodes of it cannot be told.
    """
    readers = {"slurm": _held_by_slurm, "pbs": _held_by_pbs, "cobalt": _held_by_cobalt}
    for name, variable in _JOBS.items():
        if environ.get(variable) and scheduler in {None, name}:
            return readers[name](environ, now, run)
    return None


def held_from(text: str, seconds: float | None, *, source: str = "the list of nodes") -> Held:
    """Return what the user says to hold: nodes in any notation, and how long.  Raises Trouble."""
    names = tuple(parse_nodes(text, source=source))
    return Held("none", "", names, seconds, "as told" if seconds is not None else "nobody has said when")


# ---------------------------------------------------------------- Slurm


def _held_by_slurm(environ: Mapping[str, str], now: float, run: Run) -> Held:
    job = environ["SLURM_JOB_ID"]
    nodes = tuple(parse_hostlist(_require(environ, "SLURM_JOB_NODELIST", "slurm"), source="SLURM_JOB_NODELIST"))
    left, basis = _left_of_slurm(environ, job, now, run)
    cpus = _fewest(environ.get("SLURM_JOB_CPUS_PER_NODE", ""))
    memory = _whole(environ.get("SLURM_MEM_PER_NODE", ""))
    if memory is None and cpus is not None:
        each = _whole(environ.get("SLURM_MEM_PER_CPU", ""))
        memory = each * cpus if each is not None else None
    return Held(
        "slurm",
        job,
        nodes,
        left,
        basis,
        project=environ.get("SLURM_JOB_ACCOUNT"),
        queue=environ.get("SLURM_JOB_PARTITION"),
        cluster=environ.get("SLURM_CLUSTER_NAME"),
        cpus=cpus,
        memory=memory * 2**20 if memory else None,
        gpus=_whole(environ.get("SLURM_GPUS_ON_NODE", "")),
    )


def _left_of_slurm(environ: Mapping[str, str], job: str, now: float, run: Run) -> tuple[float | None, str]:
    end = _whole(environ.get("SLURM_JOB_END_TIME", ""))  # since Slurm 23
    if end is not None:
        return max(0.0, end - now), "SLURM_JOB_END_TIME"
    status, out, err = _asked(run, ["squeue", "-h", "-j", job, "-o", "%L"])
    answer = out.strip().splitlines()[0].strip() if out.strip() else ""
    if status == 0 and answer:
        match = _LEFT.fullmatch(answer)
        if match is None:
            return None, f"squeue says {answer}"
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds), "squeue"
    if status == 0 or "Invalid job id" in err:
        raise _gone("slurm", job, "SLURM_JOB_ID")
    return None, _no_answer("squeue", status, err)


def _fewest(text: str) -> int | None:
    """Return the least of numbers written as Slurm does: `64(x4),32` means four times 64, and 32."""
    counts = [_whole(part.partition("(")[0]) for part in text.split(",")]
    known = [count for count in counts if count is not None]
    return min(known) if known and len(known) == len(counts) else None


# ---------------------------------------------------------------- PBS


def _held_by_pbs(environ: Mapping[str, str], now: float, run: Run) -> Held:
    job = environ["PBS_JOBID"]
    path = _require(environ, "PBS_NODEFILE", "pbs")
    nodes = tuple(parse_nodefile(_read(path, "PBS_NODEFILE", "pbs"), source=path))
    left, basis, ncpus = _left_of_pbs(job, now, run)
    return Held(
        "pbs",
        job,
        nodes,
        left,
        basis,
        project=environ.get("PBS_ACCOUNT"),
        queue=environ.get("PBS_QUEUE"),
        cluster=job.partition(".")[2] or environ.get("PBS_O_HOST"),
        cpus=ncpus // len(nodes) if ncpus else _whole(environ.get("NCPUS", "")),
    )


def _left_of_pbs(job: str, now: float, run: Run) -> tuple[float | None, str, int | None]:
    status, out, err = _asked(run, ["qstat", "-f", "-F", "json", job])
    if status != 0:
        if "Unknown Job Id" in err or "has finished" in err:
            raise _gone("pbs", job, "PBS_JOBID")
        return None, _no_answer("qstat", status, err), None
    import json

    try:
        jobs = json.loads(out)["Jobs"]
        facts = next(iter(jobs.values()))
        wanted = facts["Resource_List"]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None, "what qstat says of this job cannot be read", None
    ncpus = wanted.get("ncpus")
    cpus = ncpus if isinstance(ncpus, int) and ncpus > 0 else None
    match = _LEFT.fullmatch(str(wanted.get("walltime", "")))
    began = _parse_date(str(facts.get("stime", "")))
    if match is None or began is None:
        return None, "qstat tells no walltime of this job, or not when it began", cpus
    _, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    walltime = (hours * 60 + minutes) * 60 + seconds
    return max(0.0, min(walltime, began + walltime - now)), "qstat", cpus


def _parse_date(text: str) -> float | None:
    """Return the seconds since 1970 of a date such as `Sun Nov 22 12:04:11 2026`, in the zone of this machine."""
    import time

    try:
        return time.mktime(time.strptime(text))
    except (ValueError, OverflowError):
        return None


# ---------------------------------------------------------------- Cobalt


def _held_by_cobalt(environ: Mapping[str, str], now: float, _run: Run) -> Held:
    job = environ["COBALT_JOBID"]
    hosts: tuple[str, ...] = ()
    block = size = None
    path = environ.get("COBALT_NODEFILE")
    if path:
        nodes = tuple(parse_nodefile(_read(path, "COBALT_NODEFILE", "cobalt"), source=path))
    else:
        text = _require(environ, "COBALT_PARTNAME", "cobalt")
        if _IDS.fullmatch(text.replace(" ", "")):
            ids = parse_node_ids(text, source="COBALT_PARTNAME")
            nodes = tuple(str(number) for number in ids)
            hosts = tuple(f"nid{number:05}" for number in ids)
        else:
            (block,) = nodes = _require_block(text)
            size = _whole(environ.get("COBALT_PARTSIZE", "")) or _size_of_block(block)
    end = environ.get("COBALT_ENDTIME", "")
    if end and _whole(end) is None:
        raise Trouble(_garbage("COBALT_ENDTIME", end, "not a time in seconds since 1970"))
    return Held(
        "cobalt",
        job,
        nodes,
        max(0.0, int(end) - now) if end else None,
        "COBALT_ENDTIME" if end else "COBALT_ENDTIME is not set",
        hosts,
        block,
        size,
        project=environ.get("COBALT_PROJECT"),
        queue=environ.get("COBALT_QUEUE"),
    )


def _require_block(text: str) -> tuple[str]:
    names = parse_hostlist(text, source="COBALT_PARTNAME")
    if len(names) != 1:
        raise Trouble(_garbage("COBALT_PARTNAME", text, "neither ids of nodes nor one block"))
    return (names[0],)


def _size_of_block(block: str) -> int | None:
    return _whole(block.rpartition("-")[2])


# ---------------------------------------------------------------- what can be wrong


def _require(environ: Mapping[str, str], variable: str, scheduler: str) -> str:
    text = environ.get(variable, "")
    if not text.strip():
        own = _JOBS[scheduler]
        message = f"{own} says that this is a job of {_NAMES[scheduler]}, but {variable} with its nodes is not set"
        raise Trouble(Diagnostic("E914", message, help=f"run hpcmake in the job's own script, or `unset {own}`"))
    return text


def _read(path: str, variable: str, scheduler: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        message = f"the file of {variable}, {path}, cannot be read: {reason}"
        help_ = f"it is on the first node of the job only: run hpcmake there, or `unset {_JOBS[scheduler]}`"
        raise Trouble(Diagnostic("E914", message, help=help_)) from None


def _gone(scheduler: str, job: str, variable: str) -> Trouble:
    message = f"{variable} says that this is job {job} of {_NAMES[scheduler]}, which has no such job any more"
    help_ = f"this shell has outlived its job: leave it, or `unset {variable}`"
    return Trouble(Diagnostic("E914", message, help=help_))


def _garbage(variable: str, text: str, label: str) -> Diagnostic:
    span = Span(Source(variable, text), 0, len(text))
    help_ = f"run hpcmake in the job's own script, or `unset {_JOBS['cobalt']}`"
    return Diagnostic("E914", f"{variable} cannot be read", span, label, help=help_)


def _asked(run: Run, argv: Sequence[str]) -> tuple[int | None, str, str]:
    """Return what a command answers as text; a status of 127 if it is not there."""
    try:
        status, out, err = run(argv, PATIENCE)
    except OSError as problem:
        return 127, "", (problem.strerror or str(problem)).lower()
    return status, out.decode(errors="replace"), err.decode(errors="replace")


def _no_answer(command: str, status: int | None, err: str) -> str:
    if status is None:
        return f"{command} did not answer within {render_duration(PATIENCE)}"
    said = err.strip().splitlines()[-1].strip() if err.strip() else f"it ended with status {status}"
    return f"{command} does not answer: {said}"


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None  # noqa: PLR2004  # fits 64 bits
