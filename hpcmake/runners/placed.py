"""Which site a job belongs to, and what the job tells that its site does not say.

Owns the guess by the names of machines, and how a site of any machine is completed.  Knows nothing of site files.
"""

from __future__ import annotations

import re

from hpcmake.diagnostics import Diagnostic, Trouble
from hpcmake.runners.launchers import find_launcher, parse_dialect
from hpcmake.site import NodeKind, Queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpcmake.runners.held import Held, Run
    from hpcmake.site import Site

_PATIENCE = 20.0
_MOST_OF = 0.25  # of what is left of a job: a margin is no more, or a short job would do nothing
_ENDLESS = 10 * 365 * 86400.0


def find_site_of(held: Held, sites: Iterable[Site]) -> Site | None:
    """Return the site whose job this is: that whose name its cluster bears, the one of its kind, else the generic one.

    None if no site has that scheduler.
    """
    candidates = [site for site in sites if site.scheduler == held.scheduler]
    words = re.split(r"[^a-z0-9]+", (held.cluster or "").lower())
    named = [site for site in candidates if site.name.lower() in words and site.name != held.scheduler]
    if not named and held.scheduler == "cobalt":  # whose jobs do not tell the machine; but few have such launchers
        launcher = "runjob" if held.block else "aprun" if held.hosts else ""
        named = [site for site in candidates if site.launcher == launcher]
    if len(named) == 1:
        return named[0]
    return next((site for site in candidates if site.name == held.scheduler), None)


def complete_site(site: Site, held: Held, *, cores: int | None = None, run: Run | None = None) -> Site:
    """Return the site with what the job tells and the site does not: kinds of nodes, a queue, which `mpiexec` it is.

    Of cores, memory and gpus of a node the job may have fewer than the node has; it has no more.  `cores` are those of
    this machine, if it is one of the nodes; `run` calls `mpiexec --version`.  Raises Trouble if nobody knows how many
    cores a node has.
    """
    if not site.nodes:
        count = held.cpus or (cores if site.script_on == "compute-node" else None)
        if count is None:
            message = f"neither the site {site.name} nor the job says how many cores a node has"
            where = f"~/.config/hpcmake/sites/{site.name}.toml"
            raise Trouble(Diagnostic("E911", message, help=f"write `[node.NAME]` and `cores = …` into {where}"))
        kind = NodeKind("node", count, memory=held.memory, gpus=held.gpus or 0, count=held.count)
        site = site.replace(nodes=(kind,))
    else:
        site = site.replace(nodes=tuple(_held_part(kind, held) for kind in site.nodes))
    if not site.queues:
        longest = held.left if held.left is not None else _ENDLESS
        queue = Queue(held.queue or "here", site.nodes[0].name, (1, held.count), ((1, longest),))
        site = site.replace(queues=(queue,))
    if site.launcher == "mpiexec" and site.launch.mpi is None and run is not None:
        site = site.replace(launch=site.launch.replace(mpi=_find_mpi(site, run)))
    return site if site.project or not held.project else site.replace(project=held.project)


def _held_part(kind: NodeKind, held: Held) -> NodeKind:
    memory = kind.memory if held.memory is None else min(held.memory, kind.memory or held.memory)
    return kind.replace(
        cores=min(kind.cores, held.cpus) if held.cpus else kind.cores,
        memory=memory,
        gpus=min(kind.gpus, held.gpus) if held.gpus is not None else kind.gpus,
    )


def _find_mpi(site: Site, run: Run) -> str | None:
    program = find_launcher(site)
    if program is None:
        return None
    try:
        _, out, err = run([program, "--version"], _PATIENCE)
    except OSError:
        return None
    return parse_dialect((out + err).decode(errors="replace"))


def margin_of(site: Site, held: Held) -> float:
    """Return the seconds that are left unused at the end of a job."""
    return min(site.margin or 0.0, _MOST_OF * (held.left or 0.0))
