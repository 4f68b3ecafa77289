"""The words by which a job asks its scheduler for nodes, and what its script would run.

Owns the directives of each scheduler.  Knows nothing of submitting.
"""

from __future__ import annotations

from math import ceil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpcmake.planner.batches import Job
    from hpcmake.site import Site

_MARKS = {"cobalt": "#COBALT", "pbs": "#PBS", "slurm": "#SBATCH"}
MISSING = "PROJECT"
"""Stands for the project, where none is known and one is needed."""


def directives(site: Site, job: Job) -> list[str]:
    """Return the options of a job, one a line, as its scheduler reads them."""
    project = site.project or (MISSING if "project" in site.needs else None)
    nodes, minutes = job.nodes, ceil(job.walltime / 60)
    kind, queue = job.shape.node, job.shape.queue
    words = [f"-q {queue.name}"] if queue.words is None else list(queue.words)
    if site.scheduler == "cobalt":
        found = [f"-n {nodes}", f"-t {minutes}", *words, *kind.words]
    elif site.scheduler == "pbs":
        clock = f"{minutes // 60:02}:{minutes % 60:02}:00"
        found = [f"-l select={':'.join([str(nodes), *kind.words])}", "-l place=scatter", f"-l walltime={clock}", *words]
        if site.filesystems or "filesystems" in site.needs:
            found.append(f"-l filesystems={':'.join(site.filesystems) or 'FILESYSTEMS'}")
    else:
        words = [f"-p {queue.name}"] if queue.words is None else list(queue.words)
        found = [f"-N {nodes}", f"-t {minutes}", *words, *kind.words]
    if project is not None:
        found.append(f"-A {project}")
    return [*found, *site.submit_words]


def job_script(site: Site, job: Job, command: Sequence[str]) -> list[str]:
    """Return the lines of a script that asks for a job's nodes and runs the campaign there."""
    mark = _MARKS[site.scheduler]
    lines = ["#!/bin/bash", *(f"{mark} {words}" for words in directives(site, job))]
    return [*lines, *site.setup.splitlines(), " ".join(command)]
