"""Which of the processes of one launch this is.

Owns the names under which launchers tell it.  Knows nothing of launches.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# From the inside out: the script of a Slurm job has SLURM_PROCID=0, and an mpiexec in it hands that on to all ranks.
TOLD_BY = (
    "PMI_RANK",
    "PMIX_RANK",
    "OMPI_COMM_WORLD_RANK",
    "PALS_RANKID",
    "ALPS_APP_PE",
    "FLUX_TASK_RANK",
    "SLURM_PROCID",
)


def find_rank(nodes: "Sequence[str]", environment: "Mapping[str, str]", host: str) -> int:
    """Return our place among `nodes`, on the machine that calls itself `host`.

    A variable may be a leftover of a launch around ours, and a launcher may order nodes in its own way: the first that
    leads to our host is believed, then the host's name alone, and only where names are of no use the first variable.
    """
    names = [shorten(name) for name in nodes]
    told = [int(environment[name]) for name in TOLD_BY if environment.get(name, "").isdigit()]
    here = shorten(host)
    for rank in told:
        if rank < len(names) and names[rank] == here:
            return rank
    if here in names:
        return names.index(here)
    return told[0] if told else 0


def shorten(name: str) -> str:
    """Return a host's name without its domain."""
    return name.split(".", 1)[0].lower()
