"""An emulated machine as values: what its nodes are called, which commands it has, what a job sees of it.

Owns how a site becomes such a machine.  Knows nothing of processes.
"""

from __future__ import annotations

import os

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.record import Record
from hpcmake.testbed.commands.blocks import block_name
from hpcmake.testbed.commands.node_ids import render_hostlist, render_node_ids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.site import NodeKind, Site

JOB = 426815
"""The number of the job that is held: one of the size that such machines have."""

NODES = 4
"""How many nodes a job has if nobody says: a laptop bears a node program on each."""

SMALL, LARGE = 16, 10000
"""How many nodes a whole machine has whose site does not say, without queues and with them at most."""

CORES, MEMORY = 8, 32 * 2**30
"""Of the nodes of a site that does not describe any."""

_COBALT = ("cqwait", "showres", "nodelist", "partlist")
_PBS = ("pbsnodes", "qmgr")
_SLURM = ("sbatch", "salloc", "scancel", "sinfo", "sacct", "sattach", "sbcast", "strigger")
_ABSENT = {"cobalt": _COBALT, "pbs": _PBS, "slurm": _SLURM, "none": ()}
_ASKED = {"cobalt": (), "pbs": (), "slurm": ("squeue", "scontrol"), "none": ()}
_MPIEXEC = {
    "pals": ("mpiexec", "mpirun"),
    "mpich": ("mpiexec", "mpirun", "mpiexec.hydra", "mpiexec.mpich"),
    "openmpi": ("mpiexec", "mpirun", "orterun", "mpiexec.openmpi"),
}
_GRACE = {"cobalt": 300.0, "slurm": 30.0, "pbs": 10.0, "none": 10.0}
"""Seconds between SIGTERM and SIGKILL at the end of a job: the defaults of these schedulers."""


class Machine(Record):
    """A machine with a job on it.

    `nodes` are their names, `commands` the names of its commands with what each is to the testbed, `cpus` how many a
    launch may have on a node.  Times are seconds since 1970, `grace` those between SIGTERM and SIGKILL.  `job` is the
    number of the job, `name` and `queue` what it is called and where it is; no queue: the first that takes it.
    """

    site: Site
    kind: NodeKind
    nodes: tuple[str, ...]
    commands: tuple[tuple[str, str], ...]
    cpus: int
    start: int
    end: int
    grace: float
    job: int = JOB
    name: str = "testbed"
    queue: str = ""
    project: str = ""


def make_machine(site: Site, kind: NodeKind, *, count: int, start: int, seconds: float) -> Machine:
    """Return the machine of a site with a job of so many nodes.  Raises Trouble: it cannot be emulated."""
    commands = _commands(site)
    if site.launcher == "runjob" and count % (site.smallest_block or 1):
        least = site.smallest_block
        message = f"{site.name} gives its nodes in blocks of {least}, not {count} of them"
        raise Trouble(Diagnostic("E920", message, help=f"write `--nodes {-(-count // (least or 1)) * (least or 1)}`"))
    if kind.count is not None and count > kind.count:
        message = f"{site.name} has {kind.count} nodes, not {count}"
        raise Trouble(Diagnostic("E920", message, help=f"write `--nodes {min(16, kind.count)}`"))
    names = tuple(_names(site, count))
    cpus = kind.cores * kind.threads_per_core
    return Machine(site, kind, names, commands, cpus, start, int(start + seconds), _GRACE[site.scheduler])


def make_whole(site: Site, kind: NodeKind, asked: Sequence[str], *, start: int, least: int = 0) -> Machine:
    """Return the machine of a site with all its nodes, whose scheduler answers the commands `asked`.  Raises Trouble.

    Where the site does not tell how many nodes it has, it has `least` of them or more.
    """
    largest = max((queue.nodes[1] for queue in site.queues), default=SMALL)
    count = kind.count or max(min(largest, LARGE), least)
    block = site.smallest_block or 1
    machine = make_machine(site, kind, count=max(count // block, 1) * block, start=start, seconds=0)
    kept = [(name, what) for name, what in machine.commands if name not in asked]
    return machine.replace(commands=(*kept, *((name, f"ask {name}") for name in asked)))


def on_login(machine: Machine) -> Machine:
    """Return a machine as its login node sees it: with the commands of the scheduler, without launchers."""
    return machine.replace(commands=tuple(row for row in machine.commands if row[1].startswith(("ask ", "absent "))))


def default_nodes(site: Site) -> int:
    """Return how many nodes a job has if nobody says."""
    return site.smallest_block or NODES


def _commands(site: Site) -> tuple[tuple[str, str], ...]:
    """Return the commands of a site.  Raises Trouble."""
    launcher = site.launcher
    if site.scheduler == "none":
        message = f"{site.name} has no scheduler: it is this machine, and nothing is there to emulate"
        raise Trouble(Diagnostic("E920", message, help="`hpcmake sites` lists the others; theta is one"))
    rows: list[tuple[str, str]] = []
    if launcher == "mpiexec":
        mpi = site.launch.mpi or "mpich"
        rows += [(name, f"mpiexec.{mpi}") for name in _MPIEXEC[mpi]]
    elif launcher == "runjob":
        rows += [(name, name) for name in ("runjob", "get-bootable-blocks", "boot-block", "get-corners.py")]
    elif launcher in {"aprun", "srun"}:
        rows.append((launcher, launcher))
    else:
        message = f"the testbed does not emulate `{launcher}`, the launcher of {site.name}"
        raise Trouble(Diagnostic("E920", message, help="it emulates aprun, srun, mpiexec and runjob"))
    rows += [(name, name) for name in _ASKED[site.scheduler]]
    rows += [(name, f"absent {name}") for name in _ABSENT[site.scheduler]]
    return tuple(rows)


def _names(site: Site, count: int) -> list[str]:
    """Return the names of so many nodes, in the manner of the machine."""
    if site.launcher == "runjob":
        return [f"R{at >> 10:02}-M{at >> 9 & 1}-N{at >> 5 & 15:02}-J{at & 31:02}" for at in range(count)]
    if site.launcher == "aprun":
        return [f"nid{number:05}" for number in nids(count)]
    return [_name(site, at) for at in range(count)]


def _name(site: Site, at: int) -> str:
    if site.name in {"polaris", "aurora"}:
        slot, board = at // 2 % 8, at % 2
        return f"x{3001 + at // 16:04}c0s{slot * 6 + 1}b{board}n0"
    styles = {"cooley": "cc{:03}", "perlmutter": "nid{:06}", "frontier": "frontier{:05}"}
    return styles.get(site.name, "node{:03}").format(at + 1)


def nids(count: int) -> list[int]:
    """Return the numbers of the nodes of a Cray: runs of several lengths, as a job gets where others run too."""
    runs = (4, 11, 1, 24, 7, 17)
    number = 3826
    found: list[int] = []
    while len(found) < count:
        for length in runs:
            found += range(number, number + length)
            number += length + 15
    return found[:count]


# ---------------------------------------------------------------- what a job sees


def job_environment(machine: Machine, inherited: Mapping[str, str], *, nodefile: str, cwd: str) -> dict[str, str]:
    """Return the environment of the job's script: what the scheduler sets, over what was there.

    What is there of another scheduler, in whose job we may be, is taken out.
    """
    kept = outside_jobs(inherited)
    scheduler = machine.site.scheduler
    if scheduler == "cobalt":
        return kept | cobalt_variables(machine, nodefile)
    if scheduler == "pbs":
        return kept | _pbs(machine, nodefile, cwd)
    return kept | _slurm(machine, cwd)


def outside_jobs(inherited: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what schedulers and launchers set."""
    return {name: value for name, value in inherited.items() if not name.startswith(_SCHEDULERS)}


_SCHEDULERS = ("SLURM_", "SLURMD_", "PBS_", "COBALT_", "PMI_", "PMIX_", "PALS_", "ALPS_", "FLUX_", "OMPI_")


def location(machine: Machine) -> str:
    """Return the nodes as Cobalt tells them in COBALT_PARTNAME."""
    return locate(machine.site, machine.nodes)


def locate(site: Site, names: Sequence[str]) -> str:
    """Return nodes of a site as Cobalt tells them to a job: node ids, a block, or the first host."""
    if site.launcher == "aprun":
        return render_node_ids(int(name.removeprefix("nid")) for name in names)
    if site.launcher == "runjob":
        return block_name(block_prefix(site), block_offset(names[0]), len(names))
    return names[0]


def block_offset(name: str) -> int:
    """Return which node of a Blue Gene has a name, from 0.

    >>> block_offset("R01-M1-N00-J02")
    1538
    """
    rack, half, board, node = (int(word[1:]) for word in name.split("-"))
    return rack << 10 | half << 9 | board << 5 | node


def block_prefix(site: Site) -> str:
    """Return how the names of blocks begin."""
    return site.name[:3].upper()


def queue_name(machine: Machine) -> str:
    """Return the queue that a job is in: that which was said, or the first that takes so many nodes."""
    if machine.queue:
        return machine.queue
    count = len(machine.nodes)
    fits = (queue.name for queue in machine.site.queues if queue.nodes[0] <= count <= queue.nodes[1])
    return next(fits, "default")


def project(machine: Machine) -> str:
    """Return who pays for a job: as was said, or what the site has for it."""
    return machine.project or machine.site.project or "testbed"


def cobalt_variables(machine: Machine, nodefile: str) -> dict[str, str]:
    """Return what Cobalt sets in the environment of a job."""
    count = str(len(machine.nodes))
    found = {
        "COBALT_JOBID": str(machine.job),
        "COBALT_PARTNAME": location(machine),
        "COBALT_PARTSIZE": count,
        "COBALT_JOBSIZE": count,
        "COBALT_STARTTIME": str(machine.start),
        "COBALT_ENDTIME": str(machine.end),
    }
    if machine.site.launcher == "aprun":
        found |= {"COBALT_PROJECT": project(machine), "COBALT_QUEUE": queue_name(machine)}
        found["COBALT_PARTCORES"] = str(machine.kind.cores)
    elif machine.site.launcher == "runjob":
        found["COBALT_BLOCKNAME"] = location(machine)
    else:
        found["COBALT_NODEFILE"] = nodefile
    return found


def _pbs(machine: Machine, nodefile: str, cwd: str) -> dict[str, str]:
    return {
        "PBS_JOBID": f"{machine.job}.testbed",
        "PBS_NODEFILE": nodefile,
        "PBS_O_WORKDIR": cwd,
        "PBS_O_HOST": "testbed",
        "PBS_JOBNAME": machine.name,
        "PBS_QUEUE": queue_name(machine),
        "PBS_ACCOUNT": project(machine),
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "NCPUS": str(machine.cpus),
        "OMP_NUM_THREADS": str(machine.cpus),
    }


def _slurm(machine: Machine, cwd: str) -> dict[str, str]:
    count, names = str(len(machine.nodes)), render_hostlist(machine.nodes)
    found = {
        "SLURM_JOB_ID": str(machine.job),
        "SLURM_JOBID": str(machine.job),
        "SLURM_JOB_NAME": machine.name,
        "SLURM_JOB_NODELIST": names,
        "SLURM_NODELIST": names,
        "SLURM_JOB_NUM_NODES": count,
        "SLURM_NNODES": count,
        "SLURM_JOB_CPUS_PER_NODE": f"{machine.cpus}(x{count})" if count != "1" else str(machine.cpus),
        "SLURM_TASKS_PER_NODE": f"1(x{count})" if count != "1" else "1",
        "SLURM_CPUS_ON_NODE": str(machine.cpus),
        "SLURM_JOB_PARTITION": queue_name(machine),
        "SLURM_JOB_ACCOUNT": project(machine),
        "SLURM_CLUSTER_NAME": machine.site.name,
        "SLURM_SUBMIT_DIR": cwd,
        "SLURMD_NODENAME": machine.nodes[0],
        "SLURM_NODEID": "0",
        "SLURM_PROCID": "0",
        "SLURM_LOCALID": "0",
        "SLURM_GTIDS": "0",
        "SLURM_PRIO_PROCESS": "0",
        "SLURM_SUBMIT_HOST": "testbed",
    }
    if machine.kind.memory:
        found["SLURM_MEM_PER_NODE"] = str(machine.kind.memory >> 20)
    if machine.kind.gpus:
        found["SLURM_GPUS_ON_NODE"] = str(machine.kind.gpus)
    return found


def settings(machine: Machine, *, python: str, hostnames: str) -> dict[str, str]:
    """Return what the commands of a machine must know."""
    return {
        "site": machine.site.name,
        "scheduler": machine.site.scheduler,
        "job": str(machine.job),
        "id": f"{machine.job}.testbed" if machine.site.scheduler == "pbs" else str(machine.job),
        "name": machine.name,
        "queue": queue_name(machine),
        "location": location(machine) if machine.site.scheduler == "cobalt" else "",
        "cores": str(machine.kind.cores),
        "threads": str(machine.kind.threads_per_core),
        "cpus": str(machine.cpus),
        "memory": str(machine.kind.memory or 0),
        "gpus": str(machine.kind.gpus),
        "smallest_block": str(machine.site.smallest_block or 1),
        "prefix": block_prefix(machine.site),
        "offset": str(block_offset(machine.nodes[0]) if machine.site.launcher == "runjob" else 0),
        "start": str(machine.start),
        "end": str(machine.end),
        "python": os.fspath(python),
        "hostnames": hostnames,
        "forks": "no" if machine.site.runs == "program" else "yes",
    }
