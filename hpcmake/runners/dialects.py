"""The options of each launcher: how it is told nodes, ranks and bindings.

Owns the facts about aprun, srun, the three mpiexec, flux and runjob.  Knows nothing of sites' own words, nor of tasks.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from hpcmake.site import NodeKind, Site

    Options: TypeAlias = list[tuple[str, ...]]

SHAPES = {
    1: "1x1x1x1x1",
    4: "1x1x2x2x1",
    8: "2x1x2x2x1",
    16: "2x2x2x2x1",
    32: "2x2x2x2x2",
    64: "2x2x4x2x2",
    128: "2x2x4x4x2",
    256: "4x2x4x4x2",
    512: "4x4x4x4x2",
}
"""Shapes of parts of a block of Blue Gene/Q, by their nodes."""

PLACEHOLDER = "NODES"
"""What stands for the nodes of a launch that is only shown."""

_MOST_RANKS_OF_RUNJOB = 64

_INHERITED = (
    "SLURM_NTASKS",
    "SLURM_NPROCS",
    "SLURM_CPUS_PER_TASK",
    "SRUN_CPUS_PER_TASK",
    "SLURM_CPUS_PER_GPU",
    "SLURM_GPUS",
    "SLURM_GPU_BIND",
    "SLURM_TRES_PER_TASK",
    "SLURM_THREADS_PER_CORE",
    "SLURM_HINT",
    "SLURM_DISTRIBUTION",
    "SLURM_ARBITRARY_NODELIST",
    "SLURM_EXPORT_ENV",
    "SLURM_EXCLUSIVE",
    "SLURM_KILL_BAD_EXIT",
    "SLURM_NO_KILL",
    "SLURM_WAIT",
    "SLURM_OVERLAP",
    "SLURM_EXACT",
)
_INHERITED_FAMILIES = (
    "SLURM_NTASKS_PER_",
    "SLURM_GPUS_PER_",
    "SLURM_MEM_PER_",
    "SLURM_CPU_BIND",
    "SLURM_MEM_BIND",
)


def scrub_launcher(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for launchers, without what the shape of the job would say of the shape of each launch.

    srun takes defaults from the variables of the job that calls it: `sbatch -n 256 -c 4` would hold for every step.
    """
    return {
        name: value
        for name, value in environ.items()
        if name not in _INHERITED and not name.startswith(_INHERITED_FAMILIES)
    }


class Launched(Record):
    """What is started: `ranks` on so many `nodes`, at most `per_node` on each, which have these `names`.

    `cpus_per_core` is in how many CPUs the scheduler counts a core, `hostfile` a file that holds the nodes, or None.
    """

    names: tuple[str, ...]
    nodes: int
    ranks: int
    per_node: int
    cores_per_rank: int = 1
    gpus_per_rank: int = 0
    cpus_per_core: int = 1
    hostfile: str | None = None
    cwd: str | None = None
    root: bool = False


def find_dialect(site: Site) -> str:
    """Return whose options a site's launcher takes: its name, of `mpiexec` that of its MPI ("" if nobody has said)."""
    return site.launch.mpi or "" if site.launcher == "mpiexec" else site.launcher


def task_options(site: Site, launched: Launched) -> Options:
    """Return the options for the ranks of a task.  Raises Trouble if the launcher cannot have them so."""
    each = launched
    count, ranks, per_node = str(each.nodes), str(each.ranks), str(each.per_node)
    depth = str(each.cores_per_rank)
    match find_dialect(site):
        case "aprun":
            return [("-n", ranks), ("-N", per_node), ("-d", depth), ("-j", "1"), ("-cc", "depth"), *_listed(site, each)]
        case "srun":
            even = each.ranks == each.nodes * each.per_node  # else srun warns, and takes no notice of it
            gpus: Options = [(f"--gpus-per-task={each.gpus_per_rank}",)] if each.gpus_per_rank else []
            return [
                *(("-N", count), ("-n", ranks), *([(f"--ntasks-per-node={per_node}",)] if even else [])),
                (f"--cpus-per-task={each.cores_per_rank * each.cpus_per_core}",),
                *gpus,
                *_listed(site, each),
                *(("--mem=0",), ("--exact",), ("--overlap",), ("--export=ALL",)),
                *(("--input=none",), ("--kill-on-bad-exit=1",)),
            ]
        case "pals":
            binding: Options = [("--depth", depth), ("--cpu-bind", "depth")]
            return [("-n", ranks), ("--ppn", per_node), *binding, *_listed(site, each)]
        case "mpich":
            return [*_listed(site, each), ("-ppn", per_node), ("-n", ranks)]
        case "openmpi":
            wide = each.cores_per_rank > 1
            mapping: Options = [("--map-by", f"ppr:{per_node}:node:PE={depth}")] if wide else []
            return [*_as_root(each), *_listed(site, each), ("-n", ranks), *mapping]
        case "flux":
            gpus = [("-g", str(each.gpus_per_rank))] if each.gpus_per_rank else []
            return [("-N", count), ("-x",), ("-n", ranks), ("-c", depth), *gpus, *_listed(site, each)]
        case _:
            return _runjob_options(each)


def node_options(site: Site, launched: Launched, kind: NodeKind | None) -> Options:
    """Return the options for one process on each node, bound to nothing.  Raises Trouble if the launcher has none."""
    each = launched
    count = str(each.nodes)
    match find_dialect(site):
        case "aprun":
            threads = kind.threads_per_core if kind else 1
            all_cpus: Options = [("-d", str(kind.cores * threads)), ("-j", str(threads))] if kind else []
            return [("-q",), ("-b",), ("-n", count), ("-N", "1"), *all_cpus, ("-cc", "none"), *_listed(site, each)]
        case "srun":
            return [  # all CPUs and GPUs of the job's nodes, since it asks for no part of them
                *(("-N", count), ("-n", count), ("--ntasks-per-node=1",), *_listed(site, each)),
                *(("--mem=0",), ("--overlap",), ("--cpu-bind=none",), ("--mpi=none",), ("--export=ALL",)),
                *(("--input=0",) if each.nodes == 1 else ("--input=none",),),
                *(("--kill-on-bad-exit=0",), ("--no-kill",), ("--wait=0",)),
            ]
        case "pals":
            return [("-n", count), ("--ppn", "1"), ("--cpu-bind", "none"), *_listed(site, each)]
        case "mpich":
            return [
                *_listed(site, each),
                ("-ppn", "1"),
                ("-n", count),
                ("-bind-to", "none"),
                ("-disable-auto-cleanup",),
            ]
        case "openmpi":
            lasting: Options = [("--mca", "orte_abort_on_non_zero_status", "0")]
            stdin = "0" if each.nodes == 1 else "none"
            place: Options = [("--map-by", "ppr:1:node"), ("--bind-to", "none"), ("--stdin", stdin)]
            return [*_as_root(each), *lasting, *_listed(site, each), ("-n", count), *place]
        case "flux":
            shell: Options = [("-o", "cpu-affinity=off"), ("-o", "gpu-affinity=off"), ("-o", "exit-timeout=none")]
            return [("-N", count), ("-x",), ("-n", count), *shell, *_listed(site, each)]
        case _:
            message = f"the nodes of {site.name} start no shell, so no tasks can share one"
            raise Trouble(Diagnostic("E913", message, help="give its rules `nodes` or `ranks`"))


def _runjob_options(launched: Launched) -> Options:
    each = launched
    if each.per_node & (each.per_node - 1) or each.per_node > _MOST_RANKS_OF_RUNJOB:
        lower = min(1 << (each.per_node.bit_length() - 1), _MOST_RANKS_OF_RUNJOB)
        higher = min(lower * 2, _MOST_RANKS_OF_RUNJOB)
        choice = f"`ranks_per_node: {lower}`" + (f" or `ranks_per_node: {higher}`" if higher > lower else "")
        message = f"runjob starts 1, 2, 4, 8, 16, 32 or 64 ranks on a node, not {each.per_node}"
        raise Trouble(Diagnostic("E913", message, help=f"write {choice}"))
    block, _, corner = each.names[0].partition("/")
    part: Options = []
    if corner:
        part = [("--corner", corner), ("--shape", SHAPES[require_part(each.nodes)])]
    cwd: Options = [("--cwd", each.cwd)] if each.cwd is not None else []
    return [("--block", block), *part, ("--np", str(each.ranks)), ("-p", str(each.per_node)), *cwd]


def require_part(nodes: int) -> int:
    """Return the nodes of the smallest part of a block that holds so many.  Raises Trouble if none does."""
    found = next((size for size in sorted(SHAPES) if size >= nodes), None)
    if found is None:
        message = f"no part of a block has {nodes} nodes"
        raise Trouble(Diagnostic("E913", message, help=f"the largest has {max(SHAPES)}; or use the whole block"))
    return found


def _as_root(launched: Launched) -> Options:
    return [("--allow-run-as-root",)] if launched.root else []


def _listed(site: Site, launched: Launched) -> Options:
    """Return the option that names the nodes."""
    from hpcmake.runners.notation import render_hostlist, render_node_ids

    each = launched
    dialect = find_dialect(site)
    if each.hostfile is not None and dialect in {"srun", "pals", "mpich", "openmpi"}:
        path = each.hostfile if "/" in each.hostfile else f"./{each.hostfile}"
        names = {"srun": "-w", "pals": "--hostfile", "mpich": "-f", "openmpi": "--hostfile"}
        return [(names[dialect], path)]
    if each.names == (PLACEHOLDER,):
        places = {"aprun": "-L", "srun": "-w", "pals": "--hosts", "mpich": "-hosts", "openmpi": "--host"}
        return [(places[dialect], PLACEHOLDER)] if dialect in places else [(f"--requires=host:{PLACEHOLDER}",)]
    match dialect:
        case "aprun":
            return [("-L", render_node_ids(map(node_id, each.names)))]
        case "srun":
            return [("-w", render_hostlist(each.names))]
        case "flux":
            return [(f"--requires=host:{render_hostlist(each.names)}",)]
        case "openmpi":
            return [("--host", ",".join(f"{name}:{each.per_node}" for name in each.names))]
        case "pals":
            return [("--hosts", ",".join(each.names))]
        case _:
            return [("-hosts", ",".join(each.names))]


def node_id(name: str) -> int:
    """Return the id that ALPS has for a node: `3826` and `nid03826` are one.  Raises Trouble."""
    digits = name.removeprefix("nid")
    if not (digits.isascii() and digits.isdigit()):
        from hpcmake.text import Source, Span

        span = Span(Source("the list of nodes", name), 0, len(name))
        raise Trouble(Diagnostic("E912", "the list of nodes cannot be read", span, "not the id of a node of ALPS"))
    return int(digits)
