"""Launchers: the words that start an MPI program in a given shape.

Owns the argv of each launcher.  Knows nothing of when it is run, nor by whom.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.model import Resources

MPIEXEC = ("mpiexec", "mpirun", "mpiexec.hydra", "orterun")
"""Programs that start an MPI program on this machine; the first that is there is taken."""


def find_mpiexec(path: str | None = None) -> str | None:
    """Return the name of this machine's launcher on a PATH (else that of the environment); None if there is none."""
    folders = (os.environ.get("PATH", os.defpath) if path is None else path).split(os.pathsep)
    for name in MPIEXEC:
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
