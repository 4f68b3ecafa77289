"""What is written into the log of a job of Cobalt when its script is started.

Owns these lines.  Knows nothing of when others are written.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.testbed.queue.cobalt_jobs import CobaltJob

NODEFILE = "/var/tmp/cobalt."  # noqa: S108  # a text: nothing is written there
"""How the path of a file of nodes begins, in the log: the testbed keeps it elsewhere."""


def render_launch(job: CobaltJob, location: str, times: tuple[float, float]) -> list[str]:
    """Return what the launcher of a job writes: what it starts, with what environment and which files.

    `times` are when the job has started and when its walltime ends, in real seconds since 1970.
    """
    nodefile = f"{NODEFILE}{job.number}"
    command = ["/usr/local/bin/cobalt-launcher", "--nf", nodefile, "--jobid", str(job.number), "--cwd", job.cwd]
    for name, value in job.variables.items():
        command += ["--env", f"{name}={value}"]
    environment = {
        **job.variables,
        "COBALT_PARTSIZE": str(len(job.hosts)),
        "COBALT_JOBSIZE": str(job.procs),
        "COBALT_PARTNAME": location,
        "COBALT_NODEFILE": nodefile,
        "COBALT_STARTTIME": str(int(times[0])),
        "COBALT_ENDTIME": str(int(times[1])),
        "USER": job.user,
        "LOGNAME": job.user,
        "SHELL": "/bin/bash",
        "HOME": f"/home/{job.user}",
    }
    return [
        "",
        "Command: " + " ".join(f"'{word}'" for word in (*command, *job.argv)),
        "",
        "Environment:",
        *(f"{name}={value}" for name, value in environment.items()),
        "",
        f"Info: stdin received from {job.stdin}",
        f"Info: stdout sent to {job.stdout}",
        f"Info: stderr sent to {job.stderr}",
        "",
    ]
