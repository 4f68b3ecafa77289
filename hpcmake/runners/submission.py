"""The words that put a script into a queue, and those that take a job out of it.

Owns the options of qsub and sbatch, and how their answers are read.  Knows nothing of what a job does.
"""

from __future__ import annotations

import re

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.site import NodeKind, Queue, Site

CANCEL = {"slurm": "scancel", "pbs": "qdel", "cobalt": "qdel"}
"""The command that takes a job out of the queue, by scheduler; the job's id follows."""

ASK_JOB = {"slurm": ("squeue", "-h", "-j"), "pbs": ("qstat",), "cobalt": ("qstat", "--header", "JobID:State")}
"""The command that looks for a job in the queue, by scheduler; the job's id follows."""


class Submission(Record):
    """One job: `script` is its path, `output` a path whose folder is there, `walltime` in seconds."""

    script: str
    name: str
    nodes: int
    walltime: float
    output: str
    held: bool = False


def render_submission(site: Site, queue: Queue | None, job: Submission) -> list[str]:
    """Return the command that submits a job; `held` asks for one that does not start by itself."""
    kind = _kind_of(site, queue)
    if site.scheduler == "slurm":
        return _sbatch(site, queue, kind, job)
    if site.scheduler == "pbs":
        return _qsub_of_pbs(site, queue, kind, job)
    return _qsub_of_cobalt(site, queue, job)


def _kind_of(site: Site, queue: Queue | None) -> NodeKind | None:
    named = site.find_kind(queue.node) if queue is not None and queue.node is not None else None
    return named or (site.nodes[0] if site.nodes else None)


def _chosen(queue: Queue | None, option: str) -> list[str]:
    if queue is None:
        return []
    return list(queue.words) if queue.words is not None else [option, queue.name]


def _project(site: Site) -> list[str]:
    return ["-A", site.project] if site.project else []


def _minutes(seconds: float) -> int:
    return max(1, -(-int(seconds) // 60))


def _sbatch(site: Site, queue: Queue | None, kind: NodeKind | None, job: Submission) -> list[str]:
    words = ["sbatch", "--parsable", "-N", str(job.nodes), "-t", str(_minutes(job.walltime)), "-J", job.name]
    words += ["-o", job.output, "--no-requeue", "--exclusive", *(["-H"] if job.held else [])]
    kinds = kind.words if kind is not None else ()
    return [*words, *_chosen(queue, "-p"), *_project(site), *kinds, *site.submit_words, job.script]


def _qsub_of_pbs(site: Site, queue: Queue | None, kind: NodeKind | None, job: Submission) -> list[str]:
    select = ":".join([f"select={job.nodes}", *(kind.words if kind is not None else ())])
    whole = _minutes(job.walltime)
    words = ["qsub", "-l", select, "-l", "place=scatter", "-l", f"walltime={whole // 60:02}:{whole % 60:02}:00"]
    if site.filesystems:
        words += ["-l", f"filesystems={':'.join(site.filesystems)}"]
    words += ["-N", job.name, "-r", "n", "-j", "oe", "-o", job.output, *(["-h"] if job.held else [])]
    return [*words, *_chosen(queue, "-q"), *_project(site), *site.submit_words, job.script]


def _qsub_of_cobalt(site: Site, queue: Queue | None, job: Submission) -> list[str]:
    words = ["qsub", "-n", str(job.nodes), "-t", str(_minutes(job.walltime)), "--mode", "script"]
    words += ["--jobname", job.name, "-o", job.output, "-e", job.output, "--debuglog", job.output + ".cobaltlog"]
    if site.filesystems:
        words += ["--attrs", f"filesystems={','.join(site.filesystems)}"]
    words += ["-h"] if job.held else []
    return [*words, *_chosen(queue, "-q"), *_project(site), *site.submit_words, job.script]


def parse_job_id(scheduler: str, out: str) -> str | None:
    """Return the id of a job from what its submission printed to stdout; None if there is none.

    Cobalt may print a message behind the id, and lines before it; Slurm its cluster behind a semicolon.
    """
    for line in reversed(out.splitlines()):
        match = re.match(r"[0-9]+(?:\[[0-9]*\])?" + (r"[^\s;]*" if scheduler == "pbs" else ""), line.strip())
        if match:
            return match[0]
    return None


def is_gone(scheduler: str, status: int | None, out: str, err: str) -> bool:
    """Tell from the answer to `ASK_JOB` whether a job has left the queue; False too where that is not known."""
    if scheduler == "slurm":
        return "Invalid job id" in err or (status == 0 and not out.strip())
    if scheduler == "pbs":
        return status != 0 and ("Unknown Job Id" in err or "has finished" in err)
    return status == 1 and not out.strip() and not err.strip()  # Cobalt: with words on stderr its server is down
