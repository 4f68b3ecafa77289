"""What PBS tells of a job: its attributes, as `qstat -f` shows them, and the environment of its script.

Owns which attributes a job has in which state.  Knows nothing of how they are printed.
"""

from __future__ import annotations

import os
import re
import time
import zlib

from hpcmake.testbed.commands.state import MARK
from hpcmake.testbed.queue.pbs_queues import render_clock
from hpcmake.testbed.queue.pbs_rules import FINISHED, SUB_STARTING, render_depend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.nouns import Request
    from hpcmake.testbed.queue.pbs_rules import PbsJob

MEASURED = 3
"""Seconds until a job's node has told for the first time what it uses."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_PASSED = ("PBS_", MARK)
_OF_LOGIN = ("HOME", "LOGNAME", "PATH", "SHELL", "TZ", "LANG")


def find_variables(request: Request, job: PbsJob, server: str) -> dict[str, str]:
    """Return the variables that a qsub hands to its job: those of its own, and what `-v` and `-V` name."""
    around = request.environment
    told = {f"PBS_O_{name}": around[name] for name in _OF_LOGIN if name in around}
    told |= {"PBS_O_INTERACTIVE_AUTH_METHOD": "resvport", "PBS_O_INTERACTIVE_ENCRYPT_METHOD": ""}
    told |= {"PBS_O_WORKDIR": request.cwd, "PBS_O_SYSTEM": "Linux"}
    if job.asked.everything:
        told |= {
            name: value for name, value in around.items() if _NAME.fullmatch(name) and not name.startswith(_NOT_PASSED)
        }
    told |= {name: around.get(name, "") if value is None else value for name, value in job.asked.variables}
    return told | {"PBS_O_QUEUE": job.queue, "PBS_O_HOST": server}


def find_output(job: PbsJob, server: str, asked: str, letter: str, kind: str) -> str:
    """Return the path of a job's output (`o`, `OU`) or errors (`e`, `ER`): as asked, else where qsub was called.

    A folder gets a file of the job's number.
    """
    path = asked.partition(":")[2] if ":" in asked.partition("/")[0] else asked
    if not path:
        return os.path.join(job.workdir, f"{job.name}.{letter}{job.number}")
    path = os.path.join(job.workdir, path)
    return os.path.join(path, f"{job.number}.{server}.{kind}") if path.endswith("/") or os.path.isdir(path) else path


def job_variables(job: PbsJob, server: str, *, nodefile: str) -> dict[str, str]:
    """Return what a job's script finds in its environment beside what a login gives."""
    cpus = str(job.cpus // max(1, job.count))
    told = {
        "NCPUS": cpus,
        "OMP_NUM_THREADS": cpus,
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "PBS_JOBCOOKIE": f"{zlib.crc32(job.name.encode()) + job.number:032X}",
        "PBS_JOBDIR": job.cwd,
        "PBS_JOBID": f"{job.number}.{server}",
        "PBS_JOBNAME": job.name,
        "PBS_MOMPORT": "15003",
        "PBS_NODEFILE": nodefile,
        "PBS_NODENUM": "0",
        "PBS_QUEUE": job.queue,
        "PBS_TASKNUM": "1",
    }
    if job.project:
        told["PBS_ACCOUNT"] = job.project
    return {**job.variables, **told}


# ---------------------------------------------------------------- attributes


def describe_job(job: PbsJob, server: str, clock: Queue) -> dict[str, str | Mapping[str, str]]:
    """Return the attributes of a job, in the order in which qstat shows them.

    Where time runs faster, a running job is shown as if it had begun so that its walltime ends at the real end.
    """
    now = clock.now
    told: dict[str, str | Mapping[str, str]] = {"Job_Name": job.name, "Job_Owner": f"{job.user}@{server}"}
    measured = job.started is not None and (job.finished or now) - job.started >= clock.lasting(MEASURED)
    if measured:
        told["resources_used"] = _used(job, _spent(job, clock))
    told |= {"job_state": job.state, "queue": job.queue, "server": server}
    if job.project:
        told["Account_Name"] = job.project
    told |= {"Checkpoint": "u", "ctime": _date(job.submitted)}
    if job.waits or job.befores:
        told["depend"] = render_depend(job, server)
    told["Error_Path"] = f"{server}:{job.error}"
    if job.vnodes:
        each = job.cpus // max(1, job.count)
        told["exec_host"] = "+".join(f"{name}/0" + (f"*{each}" if each > 1 else "") for name in job.vnodes)
        told["exec_vnode"] = exec_vnode(job)
    told |= {"Hold_Types": job.holds or "n", "Join_Path": job.asked.join, "Keep_Files": job.asked.keep}
    told |= {"Mail_Points": "a", "mtime": _date(job.changed), "Output_Path": f"{server}:{job.output}"}
    told |= {"Priority": "0", "qtime": _date(job.submitted), "Rerunable": str(job.asked.rerun)}
    told["Resource_List"] = _resources(job)
    if job.started is not None:
        told["stime"] = _date(_shown_start(job, clock))
    if job.exit_status is not None and job.finished is not None:
        told["obittime"] = _date(job.finished)
    if job.started is not None and job.substate != SUB_STARTING:
        told |= {"session_id": str(1000 + job.number % 30000), "jobdir": job.cwd}
    told |= {"substate": str(job.substate), "Variable_List": job.variables}
    if job.comment:
        told["comment"] = job.comment
    if not job.holds:
        told["etime"] = _date(job.eligible)
    if job.started is not None:
        told["run_count"] = "1"
    if job.exit_status is not None:
        told |= {"Stageout_status": "1", "Exit_status": str(job.exit_status)}
    told["Submit_arguments"] = " ".join(job.words)
    if job.state == FINISHED:
        told["history_timestamp"] = str(int(job.finished or job.changed))
    return told | {"project": "_pbs_project_default", "Submit_Host": server}


def exec_vnode(job: PbsJob) -> str:
    """Return the nodes of a job, each with its share of CPUs."""
    return "+".join(f"({name}:ncpus={job.cpus // max(1, job.count)})" for name in job.vnodes)


def _shown_start(job: PbsJob, clock: Queue) -> float:
    if job.end is None or job.finished is not None:
        return job.started or 0.0
    return clock.real(job.end) - job.walltime


def _spent(job: PbsJob, clock: Queue) -> float:
    if job.finished is not None:
        return job.finished - (job.started or 0.0)
    return clock.real(clock.now) - _shown_start(job, clock)


def _used(job: PbsJob, spent: float) -> dict[str, str]:
    told = {"cpupercent": "0", "cput": "00:00:00", "mem": "0kb", "ncpus": str(job.cpus), "vmem": "0kb"}
    return told | {"walltime": render_clock(spent)}


def _resources(job: PbsJob) -> dict[str, str]:
    told = {"place": "free"} | dict(job.asked.resources)
    told.setdefault("select", f"{job.count}:ncpus={job.cpus // max(1, job.count)}")
    told |= {"ncpus": str(job.cpus), "nodect": str(job.count)}
    if "walltime" in told:
        told["walltime"] = render_clock(job.walltime)
    return dict(sorted(told.items()))


def _date(seconds: float) -> str:
    return time.ctime(seconds)


def run_comment(job: PbsJob, now: float) -> str:
    """Return the comment of a job that was given nodes."""
    return f"Job run at {time.strftime('%a %b %d at %H:%M', time.localtime(now))} on {exec_vnode(job)}"
