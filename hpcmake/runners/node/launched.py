"""What a launcher puts into the environment of the processes that it starts, and tasks must not see.

Owns the names.  Knows nothing of processes.

An MPI program that sees them takes itself for a rank of the launch that brought this node program, and waits for the
others or fails; an `mpiexec` takes itself for a part of it, or asks the scheduler for nodes that our launch holds.
What a user may have set is not touched: `OMPI_MCA_btl`, `SLURM_JOB_ID`, `PALETTE`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

BEGINNINGS = (
    "PMI",  # PMI, PMI2 and PMIx: which rank of what, and a descriptor or an address to ask at
    "PALS",  # of HPE and Cray, likewise
    "ALPS_APP",
    "OMPI_COMM_WORLD_",  # Open MPI: rank and size
    "OMPI_MCA_ess",  # … how a process gets to know them
    "OMPI_MCA_orte_",  # … the mpiexec that started it; with that here, another says that it does not support recursion
    "PRTE_MCA_ess",  # … the same since Open MPI 5
    "PRTE_MCA_prte_",
    "SLURM_STEP",
    "SLURM_MEM_PER_",  # srun takes these for options
    "SLURM_CPU_BIND",  # … and fails where this one cannot be
)
NAMES = {
    "OMPI_APP_CTX_NUM_PROCS",
    "OMPI_FILE_LOCATION",
    "OMPI_FIRST_RANKS",
    "OMPI_MCA_hwloc_base_binding_policy",  # how the launch was bound, which its tasks are anyway
    "OMPI_MCA_initial_wdir",
    "OMPI_MCA_pmix",  # leaves no way to be alone: MPI_Init fails
    "OMPI_NUM_APP_CTX",
    "OMPI_UNIVERSE_SIZE",
    "PRTE_LAUNCHED",
    "HYDI_CONTROL_FD",  # MPICH: its number is not that of our descriptor
    "MPI_LOCALNRANKS",
    "MPI_LOCALRANKID",
    "MPIR_CVAR_CH3_INTERFACE_HOSTNAME",
    "GFORTRAN_UNBUFFERED_PRECONNECTED",  # set by MPICH; each word of a Fortran program would be a write of its own
    "SLURM_PROCID",
    "SLURM_NTASKS",
    "SLURM_NPROCS",  # the older name of that
    "SLURM_CPUS_PER_TASK",
    "SLURM_DISTRIBUTION",
    # by these an mpiexec finds the nodes of the job, and would start on others than this, or wait for cores that our
    # launch holds; SLURM_JOB_ID and SLURM_JOB_NODELIST, which say the same to people, do not have that effect
    "SLURM_JOBID",
    "SLURM_NODELIST",
    "PBS_NODEFILE",
    "COBALT_NODEFILE",
}
MAPPING = ("OMPI_MCA_rmaps_base_mapping_policy", "OMPI_MCA_rmaps_ppr_")  # one rank on each node, as ours are


def find_launch_names(names: "Iterable[str]") -> "list[str]":
    """Return which variables are about the launch, and not for tasks."""
    names = list(names)
    beginnings = BEGINNINGS + (MAPPING if "OMPI_COMM_WORLD_RANK" in names else ())  # else it is a user's
    return [name for name in names if name.startswith(beginnings) or name in NAMES]
