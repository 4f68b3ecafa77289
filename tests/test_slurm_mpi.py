"""MPI programs in a job of a real Slurm: of one, two and eight nodes, under each launcher, and as tasks that share a node."""

from collections import Counter

from slurm.campaign import Campaign, Slurm
from slurm.together import side_by_side

MPICH, OPEN_MPI = "mpicc.mpich", "mpicc.openmpi"

# Slurm's pmix gives up a step, which then hangs, if a loaded machine is slow to start it on another node
MIXED = """
    target all:
        "rings/{n}/{k}" for n in [1, 2, 8] for k in 1..3
        "serial/{i}" for i in 1..100
    rule ring:
        output: "rings/{n}/{k}"
        nodes: int(n)
        ranks_per_node: 2
        time: 60s
        retries: 2
        run: {launch} RING {output} 0.5
    rule serial:
        output: "serial/{i}"
        run: sleep 0.2; hostname > {output}
    """


def run_mixed(slurm: Slurm, name: str, mpi: str, launcher: str, more: str) -> None:
    """Run rings of several sizes among serial tasks; each ring must have the ranks and nodes that it was promised."""
    campaign = slurm.campaign(name, MIXED.replace("RING", str(slurm.ring(mpi))))
    job = campaign.submit(nodes=8, launcher=launcher, more=more, carrier="pipe" if launcher == "mpiexec" else "mailbox")
    job.ok()
    for path in campaign.names("rings/*/*"):
        if not path.partition(".")[2]:
            assert_ring(campaign, path, job.nodes)
    assert len(campaign.names("serial/*")) == 100
    assert {campaign.lines(path)[0] for path in campaign.names("serial/*")} <= set(job.nodes)
    campaign.assert_nothing_ran_twice_at_once()


def assert_ring(campaign: Campaign, path: str, nodes: list[str]) -> None:
    count = int(path.split("/")[1])
    size, *hosts = campaign.lines(path)
    assert int(size) == 2 * count, f"{path}: {size} ranks, {hosts}"
    assert sorted(Counter(hosts).values()) == [2] * count, f"{path}: {hosts}"
    assert set(hosts) <= set(nodes)


@side_by_side(OPEN_MPI)
def test_open_mpi_by_srun(slurm: Slurm) -> None:
    run_mixed(slurm, "srun-openmpi", "openmpi", "srun", 'words = ["--mpi=pmix"]')


@side_by_side(MPICH)
def test_mpich_by_srun(slurm: Slurm) -> None:
    run_mixed(slurm, "srun-mpich", "mpich", "srun", 'words = ["--mpi=pmi2"]')


@side_by_side(OPEN_MPI)
def test_open_mpi_by_its_mpiexec(slurm: Slurm) -> None:
    run_mixed(slurm, "mpiexec-openmpi", "openmpi", "mpiexec", 'mpi = "openmpi"')


@side_by_side(MPICH)
def test_mpich_by_its_mpiexec(slurm: Slurm) -> None:
    run_mixed(slurm, "mpiexec-mpich", "mpich", "mpiexec", 'mpi = "mpich"')


@side_by_side(MPICH, OPEN_MPI)
def test_mpi_programs_as_tasks_that_share_a_node_eight_at_once(slurm: Slurm) -> None:
    campaign = slurm.campaign(
        "shared-mpi",
        f"""
        target all: "rings/{{mpi}}/{{i}}" for mpi in ["mpich", "openmpi"] for i in 1..16
        rule ring:
            output: "rings/{{mpi}}/{{i}}"
            cores: 8
            run: echo "begin {{mpi}}{{i}}" >>trace; {slurm.folder}/ring.{{mpi}} {{output}} 1; echo "end {{mpi}}{{i}}" >>trace
        """,
    )
    slurm.ring("mpich")
    slurm.ring("openmpi")
    job = campaign.submit(nodes=1)
    job.ok()
    paths = [path for path in campaign.names("rings/*/*") if "." not in path]
    assert len(paths) == 32
    assert {tuple(campaign.lines(path)) for path in paths} == {("1", job.nodes[0])}, "each is a world of its own"
    assert most_at_once(campaign.lines("trace")) == 8
    campaign.assert_nothing_ran_twice_at_once()


def most_at_once(trace: list[str]) -> int:
    running: set[str] = set()
    most = 0
    for line in trace:
        kind, name = line.split()
        (running.add if kind == "begin" else running.discard)(name)
        most = max(most, len(running))
    return most
