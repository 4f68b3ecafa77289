"""What an emulated machine does and what it does not, in words for people.

Owns these words.  Knows nothing of how it is done.
"""

from __future__ import annotations

from hpcmake.testbed.commands.node_ids import render_hostlist
from hpcmake.testbed.faults import describe_kinds
from hpcmake.testbed.machine import JOB, location
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.site import Site
    from hpcmake.testbed.hold import Ending
    from hpcmake.testbed.machine import Machine

_SCHEDULER = {"cobalt": "Cobalt", "pbs": "PBS", "slurm": "Slurm"}

_LAUNCHERS = {
    "aprun": """\
aprun: -n -N -d -j -m -L -l (--node-list-file) -E -e -b -q -B -t and programs parted by `:`; the others are taken
without effect.  One aprun on a node at a time, at most 1000 at once, claims against the reservation with apsched's
errors; exit codes and messages; the signals that it passes on; killed by another one, it takes its ranks with it.
Its stdin goes to rank 0.""",
    "srun": """\
srun: -N -n -c -w -x -r --ntasks-per-node --exact --overlap --mem --mem-per-cpu --gpus… --gres --input -D -l -K -k -I -t
--export; the others are taken without effect.  Steps share nodes by CPUs and memory, and wait for each other; messages
and exit codes are those of Slurm 22.05.  Its stdin goes to all tasks.  A step goes on when its srun was killed.
squeue and scontrol tell of this job.""",
    "pals": """\
mpiexec of PALS: -n --ppn --hosts --hostfile --depth --env --wdir -l; --cpu-bind is taken without effect.  Several may
share a node.  Without hosts it uses all nodes.  Its stdin goes to rank 0.""",
    "mpich": """\
mpiexec (mpirun) of MPICH: -n -ppn -hosts -f -env -genv -l -s -wdir -disable-auto-cleanup.  Ranks are dealt out to
the hosts in turn.  Several may share a node.  Its stdin goes to rank 0.""",
    "openmpi": """\
mpiexec of Open MPI: -n --host --hostfile --map-by ppr:N:node -x --stdin.  Several may share a node.
Its stdin goes to rank 0.""",
    "runjob": """\
get-bootable-blocks, boot-block, get-corners.py, and runjob: --block --np -p --corner --shape --envs --exp-env --env-all
--cwd --timeout --label : PROGRAM.  A block must be booted; two programs do not share a node; ranks see only the
environment that is named; they can make threads, but no process (fork answers ENOSYS).""",
}

_COMMON = """\
The environment of the job, as its scheduler sets it; at the end of its time SIGTERM to the command alone, then SIGKILL
to all (after {grace}, this scheduler's default).  {names}"""

_NOT = """\
Speed: all nodes are this machine, with its cores and its memory, and a launch takes milliseconds.  Binding to CPUs, and
limits of memory: they are counted where launches claim them, and not enforced.  GPUs: there are only their numbers.
MPI: each rank is a world of its own, since no launcher here speaks PMI; give MPI programs one rank, or stand-ins.
The file system: there is one, of this machine, whose times are exact and whose files are seen at once; a coarse clock,
late files and clocks that differ cannot be had without another file system.  {queue}  Failures of the network.{more}"""

_QUEUE = {
    "cobalt": """\
Cobalt: qsub qstat qdel qalter qhold qrls qmove qselect, for jobs with nodes of their own; texts and exit statuses,
queues with their limits, holds and dependencies with their traps, SIGTERM at the walltime, .cobaltlog, cycles of 10 s,
a look at dependencies each 60 s.  --speed makes all that faster, and leaves walltimes as they are; --hurry makes these
shorter.  What a site's own filters refuse is said in words of ours.""",
    "pbs": """\
PBS: qsub qstat qdel qalter qhold qrls qmove qselect, for jobs with nodes of their own; texts and exit statuses, queues
with their limits, dependencies, the history of finished jobs.  --speed makes all that faster, and leaves walltimes as
they are; --hurry makes these shorter.""",
}

_NO_QUEUE = """\
Queues: a job is there at once, and qsub, sbatch and their kin say that they are not emulated."""

_NO_OTHERS = """\
Jobs of others in the queues: nodes are free at once, and nobody else waits for them."""

_MORE = {
    "aprun": """
Not known of the real aprun, and chosen here: where nodes are busy it fails at once with apsched's claim error.""",
    "runjob": """
A program may replace itself by another (exec), which a node of Blue Gene/Q refuses.  Blocks are halves of the job's
nodes in their order; real ones are boxes of a torus.  Texts of runjob are ours, but for their frame.""",
    "pals": """
Texts of mpiexec are ours, but for that of an unknown option.""",
}


_WIDTH = 90


def _flavour(site: Site) -> str:
    return (site.launch.mpi or "mpich") if site.launcher == "mpiexec" else site.launcher


def describe_start(machine: Machine, *, renamed: bool, queue: bool) -> str:
    """Return two lines: what is emulated, and what is not."""
    site = machine.site
    where = (
        location(machine)
        if site.scheduler == "cobalt" and site.launcher != "mpiexec"
        else render_hostlist(machine.nodes)
    )
    if len(where) > 40:  # noqa: PLR2004  # the line is long enough
        where = where[:40].rpartition(",")[0] + ",…"
    count = len(machine.nodes)
    nodes = f"{count} node{'s' if count != 1 else ''} ({where}) for {render_duration(machine.end - machine.start)}"
    names = ", host names" if renamed else ""
    queues = "" if queue else ", queues"
    return (
        f"testbed: job {JOB} of {_SCHEDULER[site.scheduler]} on an emulated {site.name}: {nodes}; "
        f"{site.launcher} with its limits and errors, the job's environment{names}\n"
        f"testbed: not emulated: the speed and memory of nodes, MPI between ranks, the shared file system{queues}; "
        f"`hpcmake testbed {site.name}` tells more\n"
    )


def describe_all(machine: Machine, *, renamed: bool, queue: bool) -> str:
    """Return everything that is emulated and not, with a queue or without, and what can be ordered to go wrong."""
    site = machine.site
    flavour = _flavour(site)
    names = (
        "Each node has a host name of its own." if renamed else "Nodes have no host names: this machine allows none."
    )
    kind = machine.kind
    plural = "s" if kind.threads_per_core > 1 else ""
    common = _COMMON.format(grace=render_duration(machine.grace), names=names)
    return "\n".join(
        [
            f"{site.name}, emulated: nodes of {kind.cores} cores, {kind.threads_per_core} thread{plural} each",
            "",
            "emulated",
            *_indented(_LAUNCHERS[flavour]),
            *_indented(common),
            *_indented(_QUEUE[site.scheduler] if queue else ""),
            "",
            "not emulated",
            *_indented(_NOT.format(more=_MORE.get(flavour, ""), queue=_NO_OTHERS if queue else _NO_QUEUE)),
            "",
            "faults, with --fault; WHEN is a time such as 30s, or after:N launches",
            *(f"  {line}" for line in describe_kinds(queue=queue)),
            "",
            "use",
            f"  hpcmake testbed {site.name} --nodes {len(machine.nodes)} --time 30m -- hpcmake --here",
            *([f"  hpcmake testbed {site.name} --speed 60 -- hpcmake -j 512 --site {site.name}"] if queue else []),
            "",
        ]
    )


def _indented(text: str) -> list[str]:
    from textwrap import wrap

    return [f"  {line}" for line in wrap(text, _WIDTH, break_on_hyphens=False)]


def describe_login(machine: Machine, speed: float, hurry: float) -> str:
    """Return two lines: what is emulated where the command runs on a login node, and what is not."""
    site = machine.site
    scheduler = _SCHEDULER[site.scheduler]
    queues = ", ".join(queue.name for queue in site.queues) or "default"
    faster = f"; {speed:g} times as fast as a real one" if speed != 1 else ""
    shorter = f"; walltimes last 1/{hurry:g} of what they say" if hurry != 1 else ""
    return (
        f"testbed: a login node of an emulated {site.name}: {len(machine.nodes)} nodes, {scheduler} with the queues "
        f"{queues}{faster}{shorter}\n"
        f"testbed: not emulated: the jobs of others, the speed and memory of nodes, MPI between ranks, the shared file "
        f"system; `hpcmake testbed {site.name}` tells more\n"
    )


def describe_end(ending: Ending, *, in_job: bool) -> str:
    """Return what is told when a session is over: that of a job, or on a login node."""
    lines = [f"testbed: {event}\n" for event in ending.events]
    status = f"exit status {ending.status}"
    left = f", {ending.left} left in the queue" if ending.left else ""
    submitted = (ending.submitted or 0) - in_job
    jobs = f"{_count(submitted, 'job')} submitted{left}"
    if not in_job:
        lines.append(f"testbed: the session is over: {jobs}, {status}\n")
    else:
        more = f"; {jobs}" if submitted else ""
        lines.append(f"testbed: the job is over: {_count(ending.launches, 'launch', 'es')}, {status}{more}\n")
    return "".join(lines)


def _count(number: int, word: str, more: str = "s") -> str:
    return f"{number} {word}{more if number != 1 else ''}"
