"""Launchers: the words that start an MPI program in a given shape, or one program on each of some nodes.

Owns the argv of each launcher.  Knows nothing of when it is run, nor by whom.
"""

from __future__ import annotations

import os

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.runners.dialects import PLACEHOLDER, Launched, find_dialect, node_options, task_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpcmake.model import Resources
    from hpcmake.runners.dialects import Options
    from hpcmake.site import NodeKind, Site

MPIEXEC = ("mpiexec", "mpirun", "mpiexec.hydra", "orterun")
"""Programs that start an MPI program on this machine; the first that is there is taken."""

LONGEST_LIST = 16_000
"""Letters of a list of nodes in a command; a longer one goes into a file, where the launcher takes one."""

_TRIES = {
    "mpich": ("mpiexec.mpich", "mpiexec.hydra", "mpiexec", "mpirun"),
    "openmpi": ("mpiexec.openmpi", "orterun", "mpiexec", "mpirun"),
    "pals": ("mpiexec",),
}


# ---------------------------------------------------------------- this machine


def find_mpiexec(path: str | None = None) -> str | None:
    """Return the name of this machine's launcher on a PATH (else that of the environment); None if there is none."""
    return _find_first(MPIEXEC, path)


def find_launcher(site: Site, path: str | None = None) -> str | None:
    """Return the name of a site's launcher on a PATH (else that of the environment); None if it is not there.

    Of `mpiexec`, the name that only its dialect has is preferred: a machine may have several.
    """
    if site.launcher == "mpiexec":
        return _find_first(_TRIES.get(site.launch.mpi or "", MPIEXEC), path)
    return _find_first((site.launcher,), path)


def _find_first(names: Iterable[str], path: str | None) -> str | None:
    folders = (os.environ.get("PATH", os.defpath) if path is None else path).split(os.pathsep)
    for name in names:
        for folder in folders:
            candidate = os.path.join(folder, name)
            if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
                return name
    return None


def count_ranks(resources: Resources) -> int:
    """Return how many ranks a task starts: as many as it says, else so many on each of its nodes."""
    if resources.ranks is not None:
        return resources.ranks
    return (resources.nodes or 1) * resources.ranks_per_node


def mpiexec(resources: Resources) -> list[str]:
    """Return the words that stand for `{launch}` on this machine; if it has no launcher, those of the standard."""
    return [find_mpiexec() or MPIEXEC[0], "-n", str(count_ranks(resources))]


def parse_dialect(version: str) -> str | None:
    """Return which `mpiexec` it is that printed this for `--version`; None if it is not known.

    >>> parse_dialect("mpiexec (OpenRTE) 4.1.4")
    'openmpi'
    """
    folded = version.lower()
    if "openrte" in folded or "open mpi" in folded or "prrte" in folded:
        return "openmpi"
    if "hydra" in folded or "mpich" in folded or "intel(r) mpi" in folded:
        return "mpich"
    return "pals" if "pals" in folded else None


# ---------------------------------------------------------------- a site


def render_launch(
    site: Site,
    resources: Resources,
    nodes: Sequence[str],
    *,
    program: str | None = None,
    hostfile: str | None = None,
    cpus: int | None = None,
    cwd: str | None = None,
    root: bool = False,
) -> list[str]:
    """Return the words of `{launch}` for a task with nodes or ranks on exactly these nodes.

    `nodes` are names as `Held` has them; for `runjob` one block, or `BLOCK/CORNER` for a part of one.  `program` is
    what `find_launcher` found, `hostfile` the path of a file that holds what `render_hostfile` returned, if it returned
    something.  `cpus` is how many CPUs of a node the scheduler counts, `cwd` where the program runs (for launchers that
    must be told), `root` whether we are root.  Raises Trouble if the launcher cannot do it.
    """
    count = resources.nodes or 1 if site.launcher == "runjob" else len(nodes)
    ranks = count_ranks(resources)
    names = tuple(nodes[:ranks])  # a node without a rank is no part of a launch, and refused by some launchers
    kind = site.nodes[0] if site.nodes else None
    launched = _launched(resources, names, count).replace(
        cpus_per_core=max(1, cpus // kind.cores) if cpus and kind else 1, hostfile=hostfile, cwd=cwd, root=root
    )
    return _render(site, _program(site, program), task_options(site, launched))


def preview_launch(site: Site, resources: Resources) -> list[str]:
    """Return the words of `{launch}` for people, with `NODES` where the nodes will stand.  Raises Trouble."""
    ranks = count_ranks(resources)
    if find_dialect(site) in {"", "none"}:
        return [MPIEXEC[0], "-n", str(ranks), *site.launch.words]
    launched = _launched(resources, (PLACEHOLDER,), resources.nodes or -(-ranks // resources.ranks_per_node))
    return _render(site, _program(site, None), task_options(site, launched))


def _launched(resources: Resources, names: tuple[str, ...], count: int) -> Launched:
    ranks = count_ranks(resources)
    per_node = min(resources.ranks_per_node, ranks)
    return Launched(names, min(count, ranks), ranks, per_node, resources.cores_per_rank, resources.gpus_per_rank)


def render_node_launch(
    site: Site,
    nodes: Sequence[str],
    argv: Sequence[str],
    *,
    kind: NodeKind | None = None,
    program: str | None = None,
    hostfile: str | None = None,
    root: bool = False,
) -> list[str]:
    """Return the command that starts `argv` once on each of these nodes, with all that the node has.

    One node: what is written to the command's stdin reaches it.  Several: the command's stdin must be /dev/null.
    `kind` is that of the nodes, else the first one of the site; the rest is as in `render_launch`.  Raises Trouble if
    the launcher cannot do it.
    """
    kind = kind or (site.nodes[0] if site.nodes else None)
    launched = Launched(tuple(nodes), len(nodes), len(nodes), 1, hostfile=hostfile, root=root)
    return [*_render(site, _program(site, program), node_options(site, launched, kind), ours_win=True), *argv]


def render_hostfile(site: Site, nodes: Sequence[str], *, per_node: int = 1) -> str | None:
    """Return what a file must hold for the launcher to learn these nodes; None if the command can name them.

    `per_node` is the most ranks on a node.
    """
    listed = len(",".join(nodes)) + len(nodes) * (1 + len(str(per_node)))
    if site.launcher not in {"srun", "mpiexec"} or listed <= LONGEST_LIST:
        return None
    tail = f" slots={per_node}" if site.launch.mpi == "openmpi" and site.launcher == "mpiexec" else ""
    return "".join(f"{name}{tail}\n" for name in nodes)


# ---------------------------------------------------------------- words


def _program(site: Site, found: str | None) -> list[str]:
    """Return the launcher's own words.  Raises Trouble if it cannot be told what to do."""
    where = f"~/.config/hpcmake/sites/{site.name}.toml"
    if site.launcher == "none":
        help_ = f'write `launcher = "mpiexec"` into {where}'
        raise Trouble(Diagnostic("E913", f"the site {site.name} has no launcher", help=help_))
    if not find_dialect(site):
        message = f"nobody has said which mpiexec {site.name} has, and each is told its nodes in another way"
        help_ = f'see `mpiexec --version`, and write `mpi = "mpich"`, "openmpi" or "pals" below [launch] in {where}'
        raise Trouble(Diagnostic("E913", message, help=help_))
    return [found or site.launcher, *(["run"] if site.launcher == "flux" else [])]


def _render(site: Site, program: list[str], options: Options, *, ours_win: bool = False) -> list[str]:
    """Return the command with the site's own words; what it says itself we do not say, unless ours win."""
    words = list(site.launch.words)
    if ours_win:
        words = _without(words, {_option_name(option[0]) for option in options})
    else:
        said = {_option_name(word) for word in words if word.startswith("-")}
        options = [option for option in options if _option_name(option[0]) not in said]
    colon = [":"] if site.launcher == "runjob" else []
    return [*program, *(word for option in options for word in option), *words, *colon]


_REPEATED = frozenset({"-o", "--mca", "-mca", "-e", "--env"})
_LONG = {"-w": "nodelist", "-N": "nodes", "-n": "ntasks", "-c": "cpus-per-task", "-np": "ntasks", "-d": "depth"}


def _option_name(word: str) -> str:
    return _LONG.get(word, word.lstrip("-").partition("=")[0])


def _without(words: list[str], names: set[str]) -> list[str]:
    kept: list[str] = []
    dropping = False
    for word in words:
        if word.startswith("-"):
            dropping = word not in _REPEATED and _option_name(word) in names
        if not dropping:
            kept.append(word)
    return kept
