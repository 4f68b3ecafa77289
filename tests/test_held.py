"""The job that we run in, as Cobalt, PBS and Slurm tell it; the texts are what real ones have told."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from hpcmake.diagnostics import Trouble, render_all
from hpcmake.runners.held import Held, find_held, held_from
from hpcmake.runners.placed import complete_site, find_site_of
from hpcmake.site import Launch, NodeKind, Queue, Site

NOW = 1795347900.0


class Scheduler:
    """Answers one command with what a real one has answered, and keeps what it was asked."""

    def __init__(self, out: str = "", err: str = "", status: int | None = 0) -> None:
        self.answer = (status, out.encode(), err.encode())
        self.asked: list[list[str]] = []

    def __call__(self, argv: Sequence[str], _timeout: float) -> tuple[int | None, bytes, bytes]:
        self.asked.append(list(argv))
        return self.answer


def missing(_argv: Sequence[str], _timeout: float) -> tuple[int | None, bytes, bytes]:
    raise FileNotFoundError(2, "No such file or directory")


def message(trouble: pytest.ExceptionInfo[Trouble]) -> str:
    return render_all(trouble.value.diagnostics)


def test_outside_a_job_nothing_is_held() -> None:
    assert find_held({}, now=NOW, run=missing) is None
    assert find_held({"SLURM_JOB_ID": ""}, now=NOW, run=missing) is None


# ---------------------------------------------------------------- Slurm

SLURM = {
    "SLURM_CLUSTER_NAME": "sim",
    "SLURM_CPUS_ON_NODE": "64",
    "SLURM_JOB_ACCOUNT": "users",
    "SLURM_JOB_CPUS_PER_NODE": "64(x4)",
    "SLURM_JOB_ID": "1",
    "SLURM_JOB_NODELIST": "node[001-004]",
    "SLURM_JOB_PARTITION": "batch",
    "SLURM_MEM_PER_CPU": "500",
}


def test_a_job_of_slurm() -> None:
    squeue = Scheduler("3:26\n")
    held = find_held(SLURM, now=NOW, run=squeue)
    assert squeue.asked == [["squeue", "-h", "-j", "1", "-o", "%L"]]
    assert held == Held(
        "slurm",
        "1",
        ("node001", "node002", "node003", "node004"),
        206.0,
        "squeue",
        project="users",
        queue="batch",
        cluster="sim",
        cpus=64,
        memory=32000 * 2**20,
    )
    assert held.describe() == "job 1 of Slurm: 4 nodes, node[001-004], 3m26s left"


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [("0:00", 0.0), ("1:02:03", 3723.0), ("2-01:00:00", 176400.0), ("10:00", 600.0)],
)
def test_what_is_left_as_squeue_writes_it(answer: str, seconds: float) -> None:
    held = find_held(SLURM, now=NOW, run=Scheduler(answer + "\n"))
    assert held is not None
    assert held.left == seconds


def test_later_versions_of_slurm_tell_the_end_themselves() -> None:
    held = find_held({**SLURM, "SLURM_JOB_END_TIME": str(int(NOW) + 90)}, now=NOW, run=missing)
    assert held is not None
    assert (held.left, held.basis) == (90.0, "SLURM_JOB_END_TIME")


@pytest.mark.parametrize(
    ("run", "basis"),
    [
        (Scheduler("UNLIMITED\n"), "squeue says UNLIMITED"),
        (missing, "squeue does not answer: no such file or directory"),
        (Scheduler(status=None), "squeue did not answer within 1m"),
        (
            Scheduler(err="slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n", status=1),
            "squeue does not answer: slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
        ),
    ],
)
def test_an_end_that_nobody_tells_is_not_known(run: Scheduler, basis: str) -> None:
    held = find_held(SLURM, now=NOW, run=run)
    assert held is not None
    assert (held.left, held.basis) == (None, basis)
    assert held.describe() == f"job 1 of Slurm: 4 nodes, node[001-004], its end is not known: {basis}"


@pytest.mark.parametrize(
    ("text", "cpus"), [("64(x4)", 64), ("3,1", 1), ("64(x2),32,128(x3)", 32), ("", None), ("x", None)]
)
def test_of_nodes_that_differ_the_fewest_cpus_count(text: str, cpus: int | None) -> None:
    held = find_held({**SLURM, "SLURM_JOB_CPUS_PER_NODE": text}, now=NOW, run=Scheduler("1:00\n"))
    assert held is not None
    assert held.cpus == cpus


def test_memory_and_gpus_of_a_node() -> None:
    environ = {**SLURM, "SLURM_MEM_PER_NODE": "1024", "SLURM_GPUS_ON_NODE": "4"}
    held = find_held(environ, now=NOW, run=Scheduler("1:00\n"))
    assert held is not None
    assert (held.memory, held.gpus) == (2**30, 4)


def test_a_shell_that_has_outlived_its_job() -> None:
    squeue = Scheduler(err="slurm_load_jobs error: Invalid job id specified\n", status=1)
    with pytest.raises(Trouble) as caught:
        find_held(SLURM, now=NOW, run=squeue)
    assert message(caught) == (
        "error[E914]: SLURM_JOB_ID says that this is job 1 of Slurm, which has no such job any more\n"
        "  help: this shell has outlived its job: leave it, or `unset SLURM_JOB_ID`\n"
    )


def test_garbage_in_the_place_of_nodes() -> None:
    with pytest.raises(Trouble) as caught:
        find_held({**SLURM, "SLURM_JOB_NODELIST": "node[001-0x4]"}, now=NOW, run=missing)
    assert message(caught) == (
        "error[E912]: SLURM_JOB_NODELIST cannot be read\n"
        " --> SLURM_JOB_NODELIST:1:6\n"
        "1 | node[001-0x4]\n"
        "  |      ^^^^^^^ neither a number nor a range of numbers\n"
        "  = help: a list of nodes is written `nid[001-003,007]` or `node1,node2`\n"
    )


def test_a_job_without_its_nodes() -> None:
    with pytest.raises(Trouble) as caught:
        find_held({"SLURM_JOB_ID": "7"}, now=NOW, run=missing)
    assert message(caught) == (
        "error[E914]: SLURM_JOB_ID says that this is a job of Slurm, but SLURM_JOB_NODELIST with its nodes is not set\n"
        "  help: run hpcmake in the job's own script, or `unset SLURM_JOB_ID`\n"
    )


# ---------------------------------------------------------------- PBS


@pytest.fixture
def nodefile(tmp_path: Path) -> str:
    path = tmp_path / "0.pbs01"
    path.write_text("x3001c0\nx3001c0\nx3002c1\n")
    return str(path)


def qstat(job: dict[str, object]) -> Scheduler:
    answer = {"timestamp": 1795349056, "pbs_version": "23.06.06", "pbs_server": "pbs01", "Jobs": {"0.pbs01": job}}
    return Scheduler(json.dumps(answer))


BEGAN = time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(NOW - 100))
WANTED = {"ncpus": 64, "nodect": 2, "place": "scatter", "select": "2:ncpus=32", "walltime": "01:05:00"}


def of_pbs(nodefile: str) -> dict[str, str]:
    return {
        "PBS_JOBID": "0.polaris-pbs-01.hsn.cm.polaris",
        "PBS_NODEFILE": nodefile,
        "PBS_ACCOUNT": "proj",
        "PBS_QUEUE": "small",
        "NCPUS": "32",
    }


def test_a_job_of_pbs(nodefile: str) -> None:
    run = qstat({"job_state": "R", "stime": BEGAN, "Resource_List": WANTED})
    held = find_held(of_pbs(nodefile), now=NOW, run=run)
    assert run.asked == [["qstat", "-f", "-F", "json", "0.polaris-pbs-01.hsn.cm.polaris"]]
    assert held == Held(
        "pbs",
        "0.polaris-pbs-01.hsn.cm.polaris",
        ("x3001c0", "x3002c1"),
        3800.0,
        "qstat",
        project="proj",
        queue="small",
        cluster="polaris-pbs-01.hsn.cm.polaris",
        cpus=32,
    )
    assert held.describe() == "job 0.polaris-pbs-01.hsn.cm.polaris of PBS: 2 nodes, x3001c0,x3002c1, 1h03m left"


@pytest.mark.parametrize(
    ("run", "basis"),
    [
        (Scheduler("{"), "what qstat says of this job cannot be read"),
        (Scheduler("{}"), "what qstat says of this job cannot be read"),
        (Scheduler('{"Jobs": {}}'), "what qstat says of this job cannot be read"),
        (qstat({"Resource_List": {"ncpus": 64}}), "qstat tells no walltime of this job, or not when it began"),
        (missing, "qstat does not answer: no such file or directory"),
    ],
)
def test_an_end_that_qstat_does_not_tell(nodefile: str, run: Scheduler, basis: str) -> None:
    held = find_held(of_pbs(nodefile), now=NOW, run=run)
    assert held is not None
    assert (held.left, held.basis, held.cpus) == (None, basis, 32)


def test_clocks_that_differ_give_no_more_than_the_walltime(nodefile: str) -> None:
    run = qstat({"stime": BEGAN, "Resource_List": WANTED})
    held = find_held(of_pbs(nodefile), now=NOW - 7200, run=run)
    assert held is not None
    assert held.left == 3900.0


def test_a_job_of_pbs_that_is_gone(nodefile: str) -> None:
    run = Scheduler(err="qstat: Unknown Job Id 0.pbs01\n", status=153)
    with pytest.raises(Trouble, match="E914 PBS_JOBID says that this is job"):
        find_held(of_pbs(nodefile), now=NOW, run=run)


def test_the_file_of_nodes_is_on_the_first_node_only() -> None:
    with pytest.raises(Trouble) as caught:
        find_held(of_pbs("/nowhere/0.pbs01"), now=NOW, run=missing)
    assert message(caught) == (
        "error[E914]: the file of PBS_NODEFILE, /nowhere/0.pbs01, cannot be read: no such file or directory\n"
        "  help: it is on the first node of the job only: run hpcmake there, or `unset PBS_JOBID`\n"
    )


# ---------------------------------------------------------------- Cobalt

THETA = {
    "COBALT_JOBID": "266",
    "COBALT_PARTNAME": "3826-3829,3845",
    "COBALT_PARTSIZE": "5",
    "COBALT_ENDTIME": "1795348473",
    "COBALT_PROJECT": "Ensembles",
    "COBALT_QUEUE": "default",
}


def test_a_job_of_cobalt_on_a_cray() -> None:
    held = find_held(THETA, now=NOW, run=missing)
    assert held == Held(
        "cobalt",
        "266",
        ("3826", "3827", "3828", "3829", "3845"),
        573.0,
        "COBALT_ENDTIME",
        ("nid03826", "nid03827", "nid03828", "nid03829", "nid03845"),
        project="Ensembles",
        queue="default",
    )
    assert held.describe() == "job 266 of Cobalt: 5 nodes, nid[03826-03829,03845], 9m33s left"


def test_a_job_of_cobalt_on_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "cobalt.1").write_text("node02\nnode03\n")
    environ = {
        "COBALT_JOBID": "1",
        "COBALT_PARTNAME": "node02",
        "COBALT_NODEFILE": str(tmp_path / "cobalt.1"),
        "COBALT_ENDTIME": "1795347000",
    }
    held = find_held(environ, now=NOW, run=missing)
    assert held == Held("cobalt", "1", ("node02", "node03"), 0.0, "COBALT_ENDTIME")


def test_a_job_of_cobalt_on_a_blue_gene() -> None:
    environ = {"COBALT_JOBID": "9", "COBALT_PARTNAME": "MIR-00000-33331-512", "COBALT_PARTSIZE": "512"}
    held = find_held(environ, now=NOW, run=missing)
    assert held is not None
    assert (held.nodes, held.block, held.size, held.count) == (
        ("MIR-00000-33331-512",),
        "MIR-00000-33331-512",
        512,
        512,
    )
    assert held.describe() == (
        "job 9 of Cobalt: 512 nodes, MIR-00000-33331-512, its end is not known: COBALT_ENDTIME is not set"
    )


def test_an_end_that_is_no_time() -> None:
    with pytest.raises(Trouble) as caught:
        find_held({**THETA, "COBALT_ENDTIME": "soon"}, now=NOW, run=missing)
    assert message(caught) == (
        "error[E914]: COBALT_ENDTIME cannot be read\n"
        " --> COBALT_ENDTIME:1:1\n"
        "1 | soon\n"
        "  | ^^^^ not a time in seconds since 1970\n"
        "  = help: run hpcmake in the job's own script, or `unset COBALT_JOBID`\n"
    )


def test_of_two_jobs_at_once_the_named_scheduler_counts() -> None:
    both = {**SLURM, **THETA}
    squeue = Scheduler("1:00\n")
    for wanted, found in ((None, "slurm"), ("cobalt", "cobalt"), ("slurm", "slurm"), ("pbs", None)):
        held = find_held(both, now=NOW, run=squeue, scheduler=wanted)
        assert (held and held.scheduler) == found


def test_nodes_that_are_named_by_hand() -> None:
    held = held_from("n[1-2]\n", 3600.0)
    assert held == Held("none", "", ("n1", "n2"), 3600.0, "as told")
    assert held.describe() == "nodes that were named: 2 nodes, n[1-2], 1h left"
    assert held_from("n1", None).describe() == (
        "nodes that were named: 1 node, n1, its end is not known: nobody has said when"
    )


def test_a_long_list_of_nodes_is_cut_for_people() -> None:
    held = held_from(",".join(f"x{number}y" for number in range(100)), 60.0)
    assert held.describe() == (
        "nodes that were named: 100 nodes, x0y,x1y,x2y,x3y,x4y,x5y,x6y,x7y,x8y,x9y,x10y,x11y,x12y,x13y,..., 1m left"
    )


# ---------------------------------------------------------------- the site of a job

SITES = [
    Site("cobalt", "cobalt", "mpiexec"),
    Site("cooley", "cobalt", "mpiexec"),
    Site("mira", "cobalt", "runjob"),
    Site("pbs", "pbs", "mpiexec"),
    Site("perlmutter", "slurm", "srun"),
    Site("polaris", "pbs", "mpiexec"),
    Site("slurm", "slurm", "srun"),
    Site("theta", "cobalt", "aprun"),
]


@pytest.mark.parametrize(
    ("held", "name"),
    [
        (Held("slurm", "1", ("n1",), cluster="perlmutter"), "perlmutter"),
        (Held("slurm", "1", ("n1",), cluster="sim"), "slurm"),
        (Held("slurm", "1", ("n1",)), "slurm"),
        (Held("pbs", "1", ("n1",), cluster="polaris-pbs-01.hsn.cm.polaris.alcf.anl.gov"), "polaris"),
        (Held("pbs", "1", ("n1",), cluster="pbs01"), "pbs"),
        (Held("cobalt", "1", ("1",), hosts=("nid00001",)), "theta"),
        (Held("cobalt", "1", ("B",), block="B", size=512), "mira"),
        (Held("cobalt", "1", ("node1",)), "cobalt"),
    ],
)
def test_the_site_of_a_job(held: Held, name: str) -> None:
    found = find_site_of(held, SITES)
    assert found is not None
    assert found.name == name


def test_a_scheduler_that_no_site_has() -> None:
    assert find_site_of(Held("none", "", ("n1",)), SITES) is None


def test_a_site_of_any_machine_is_completed_by_its_job() -> None:
    held = Held("slurm", "1", ("n1", "n2"), 206.0, queue="batch", project="users", cpus=64, memory=2**30, gpus=4)
    site = complete_site(Site("slurm", "slurm", "srun"), held)
    assert site.nodes == (NodeKind("node", 64, memory=2**30, gpus=4, count=2),)
    assert site.queues == (Queue("batch", "node", (1, 2), ((1, 206.0),)),)
    assert site.project == "users"


def test_a_job_may_have_fewer_cores_than_its_nodes_have() -> None:
    kind = NodeKind("cpu", cores=64, threads_per_core=2, memory=2**40, gpus=4)
    queue = Queue("regular", "cpu", (1, 100), ((1, 3600),))
    site = Site("perlmutter", "slurm", "srun", nodes=(kind,), queues=(queue,), project="own")
    whole = complete_site(site, Held("slurm", "1", ("n1",), cpus=128, memory=2**41, project="m1"))
    assert whole == site
    part = complete_site(site, Held("slurm", "1", ("n1",), cpus=8, memory=2**34, gpus=1))
    assert part.nodes == (kind.replace(cores=8, memory=2**34, gpus=1),)


def test_cores_of_this_machine_count_where_it_is_one_of_the_nodes() -> None:
    held = Held("pbs", "1", ("n1",))
    assert complete_site(Site("pbs", "pbs", "mpiexec"), held, cores=32).nodes[0].cores == 32
    with pytest.raises(Trouble) as caught:
        complete_site(Site("pbs", "pbs", "mpiexec", script_on="launch-node"), held, cores=32)
    assert message(caught) == (
        "error[E911]: neither the site pbs nor the job says how many cores a node has\n"
        "  help: write `[node.NAME]` and `cores = …` into ~/.config/hpcmake/sites/pbs.toml\n"
    )


def test_which_mpiexec_there_is_can_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mpiexec").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    held = Held("pbs", "1", ("n1",), cpus=4)
    run = Scheduler("mpiexec (OpenRTE) 4.1.4\n")
    assert complete_site(Site("pbs", "pbs", "mpiexec"), held, run=run).launch.mpi == "openmpi"
    assert run.asked == [["mpiexec", "--version"]]
    assert complete_site(Site("pbs", "pbs", "mpiexec"), held, run=missing).launch.mpi is None
    known = Site("pbs", "pbs", "mpiexec", launch=Launch(mpi="pals"))
    assert complete_site(known, held, run=missing).launch.mpi == "pals"
