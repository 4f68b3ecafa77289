"""What `{launch}` stands for on this machine and on others, and how a program comes onto their nodes."""

from pathlib import Path

import pytest

from hpcmake.diagnostics import Trouble, render_all
from hpcmake.model import Resources
from hpcmake.runners.dialects import scrub_launcher
from hpcmake.runners.launchers import (
    find_launcher,
    find_mpiexec,
    mpiexec,
    parse_dialect,
    preview_launch,
    render_hostfile,
    render_launch,
    render_node_launch,
)
from hpcmake.runners.notation import parse_slots
from hpcmake.site import Launch, NodeKind, Site


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, *, mode: int = 0o755) -> None:
    (folder / name).touch()
    (folder / name).chmod(mode)


def test_without_a_launcher_there_is_none(folder: Path) -> None:
    install(folder, "mpiexec", mode=0o644)
    assert find_mpiexec() is None
    assert mpiexec(Resources(ranks=4)) == ["mpiexec", "-n", "4"]


def test_the_standard_name_wins(folder: Path) -> None:
    install(folder, "mpirun")
    assert find_mpiexec() == "mpirun"
    install(folder, "mpiexec")
    assert find_mpiexec() == "mpiexec"


@pytest.mark.parametrize(
    ("resources", "ranks"),
    [
        (Resources(ranks=4), "4"),
        (Resources(nodes=1), "1"),
        (Resources(nodes=2, ranks_per_node=3), "6"),
        (Resources(nodes=2, ranks_per_node=3, ranks=5), "5"),
    ],
)
def test_ranks_are_those_of_all_nodes(folder: Path, resources: Resources, ranks: str) -> None:
    assert mpiexec(resources) == ["mpiexec", "-n", ranks]


# ---------------------------------------------------------------- the launchers of sites

THETA = Site("theta", "cobalt", "aprun", nodes=(NodeKind("knl", cores=64, threads_per_core=4),))
SLURM = Site("slurm", "slurm", "srun", nodes=(NodeKind("cpu", cores=64, threads_per_core=2, gpus=4),))
PALS = Site("polaris", "pbs", "mpiexec", launch=Launch(mpi="pals"), nodes=(NodeKind("a100", cores=32),))
MPICH = Site("cooley", "cobalt", "mpiexec", launch=Launch(mpi="mpich"), nodes=(NodeKind("haswell", cores=12),))
OPENMPI = Site("mine", "slurm", "mpiexec", launch=Launch(mpi="openmpi"), nodes=(NodeKind("cpu", cores=16),))
FLUX = Site("tuolumne", "none", "flux", nodes=(NodeKind("cpu", cores=96),))
MIRA = Site("mira", "cobalt", "runjob", nodes=(NodeKind("bgq", cores=16),))

EVEN = Resources(nodes=2, ranks_per_node=64)
UNEVEN = Resources(nodes=3, ranks=130, ranks_per_node=64)
WIDE = Resources(nodes=2, ranks_per_node=4, cores_per_rank=8, gpus_per_rank=1)


def launch(site: Site, resources: Resources, *nodes: str) -> str:
    return " ".join(render_launch(site, resources, nodes))


def test_aprun() -> None:
    assert launch(THETA, EVEN, "3826", "3827") == "aprun -n 128 -N 64 -d 1 -j 1 -cc depth -L 3826-3827"
    assert launch(THETA, UNEVEN, "9", "3", "4") == "aprun -n 130 -N 64 -d 1 -j 1 -cc depth -L 9,3-4"
    assert launch(THETA, WIDE, "nid00012", "nid00014") == "aprun -n 8 -N 4 -d 8 -j 1 -cc depth -L 12,14"
    assert launch(THETA, Resources(ranks=1), "7") == "aprun -n 1 -N 1 -d 1 -j 1 -cc depth -L 7"


def test_aprun_on_a_node_that_it_cannot_have() -> None:
    with pytest.raises(Trouble) as caught:
        launch(THETA, EVEN, "3826", "login1")
    assert render_all(caught.value.diagnostics) == (
        "error[E912]: the list of nodes cannot be read\n"
        " --> the list of nodes:1:1\n"
        "1 | login1\n"
        "  | ^^^^^^ not the id of a node of ALPS\n"
    )


SRUN = "--mem=0 --exact --overlap --export=ALL --input=none --kill-on-bad-exit=1"


def test_srun() -> None:
    assert launch(SLURM, EVEN, "nid001", "nid002") == (
        f"srun -N 2 -n 128 --ntasks-per-node=64 --cpus-per-task=1 -w nid[001-002] {SRUN}"
    )
    assert launch(SLURM, WIDE, "a", "b") == (
        f"srun -N 2 -n 8 --ntasks-per-node=4 --cpus-per-task=8 --gpus-per-task=1 -w a,b {SRUN}"
    )


def test_srun_is_not_told_ranks_of_a_node_where_they_are_not_the_same_on_each() -> None:
    assert launch(SLURM, UNEVEN, "n1", "n2", "n3") == f"srun -N 3 -n 130 --cpus-per-task=1 -w n[1-3] {SRUN}"


def test_srun_counts_cpus_as_its_job_does() -> None:
    words = render_launch(SLURM, WIDE, ["n1", "n2"], cpus=128)
    assert "--cpus-per-task=16" in words
    words = render_launch(SLURM, WIDE, ["n1", "n2"], cpus=64)
    assert "--cpus-per-task=8" in words


def test_a_node_without_a_rank_is_no_part_of_a_launch() -> None:
    assert launch(SLURM, Resources(nodes=3, ranks=2), "n1", "n2", "n3") == (
        f"srun -N 2 -n 2 --ntasks-per-node=1 --cpus-per-task=1 -w n[1-2] {SRUN}"
    )


def test_mpiexec_of_pals() -> None:
    assert launch(PALS, EVEN, "x1", "x2") == "mpiexec -n 128 --ppn 64 --depth 1 --cpu-bind depth --hosts x1,x2"
    assert launch(PALS, WIDE, "x1", "x2") == "mpiexec -n 8 --ppn 4 --depth 8 --cpu-bind depth --hosts x1,x2"


def test_mpiexec_of_mpich() -> None:
    assert launch(MPICH, EVEN, "cc01", "cc02") == "mpiexec -hosts cc01,cc02 -ppn 64 -n 128"
    assert launch(MPICH, UNEVEN, "a", "b", "c") == "mpiexec -hosts a,b,c -ppn 64 -n 130"


def test_mpiexec_of_open_mpi() -> None:
    assert launch(OPENMPI, EVEN, "a", "b") == "mpiexec --host a:64,b:64 -n 128"
    assert launch(OPENMPI, WIDE, "a", "b") == "mpiexec --host a:4,b:4 -n 8 --map-by ppr:4:node:PE=8"
    as_root = render_launch(OPENMPI, Resources(nodes=1), ["a"], root=True)
    assert as_root == ["mpiexec", "--allow-run-as-root", "--host", "a:1", "-n", "1"]


def test_flux() -> None:
    assert launch(FLUX, EVEN, "t1", "t2") == "flux run -N 2 -x -n 128 -c 1 --requires=host:t[1-2]"
    assert launch(FLUX, WIDE, "t1", "t2") == "flux run -N 2 -x -n 8 -c 8 -g 1 --requires=host:t[1-2]"


BLOCK = "MIR-00000-33331-512"


def test_runjob_on_a_block_and_on_a_part_of_one() -> None:
    resources = Resources(nodes=512, ranks_per_node=16)
    assert launch(MIRA, resources, BLOCK) == f"runjob --block {BLOCK} --np 8192 -p 16 :"
    resources = Resources(nodes=32, ranks=500, ranks_per_node=16)
    assert launch(MIRA, resources, f"{BLOCK}/R00-M0-N00-J00") == (
        f"runjob --block {BLOCK} --corner R00-M0-N00-J00 --shape 2x2x2x2x2 --np 500 -p 16 :"
    )
    words = render_launch(MIRA, Resources(nodes=20), [f"{BLOCK}/R00-M0-N00-J00"])
    assert words[words.index("--shape") + 1] == "2x2x2x2x2", "the smallest part that holds 20 nodes has 32"
    words = render_launch(MIRA, Resources(nodes=512), [BLOCK], cwd="run/a")
    assert words == ["runjob", "--block", BLOCK, "--np", "512", "-p", "1", "--cwd", "run/a", ":"]


def test_runjob_takes_powers_of_two() -> None:
    with pytest.raises(Trouble) as caught:
        launch(MIRA, Resources(nodes=512, ranks_per_node=12), BLOCK)
    assert render_all(caught.value.diagnostics) == (
        "error[E913]: runjob starts 1, 2, 4, 8, 16, 32 or 64 ranks on a node, not 12\n"
        "  help: write `ranks_per_node: 8` or `ranks_per_node: 16`\n"
    )
    with pytest.raises(Trouble, match="E913 no part of a block has 600 nodes"):
        launch(MIRA, Resources(nodes=600), f"{BLOCK}/R00-M0-N00-J00")


def test_a_site_whose_mpiexec_is_not_known() -> None:
    with pytest.raises(Trouble) as caught:
        launch(MPICH.replace(name="pbs", launch=Launch()), EVEN, "a", "b")
    assert render_all(caught.value.diagnostics) == (
        "error[E913]: nobody has said which mpiexec pbs has, and each is told its nodes in another way\n"
        '  help: see `mpiexec --version`, and write `mpi = "mpich"`, "openmpi" or "pals" below [launch]'
        " in ~/.config/hpcmake/sites/pbs.toml\n"
    )


def test_a_site_without_a_launcher() -> None:
    with pytest.raises(Trouble, match="E913 the site mine has no launcher"):
        launch(Site("mine", "none", "none"), EVEN, "a", "b")


def test_what_a_site_says_itself_is_not_said_by_us() -> None:
    site = SLURM.replace(launch=Launch(words=("--mpi=pmix", "--cpus-per-task", "2", "--mem=10G")))
    assert launch(site, EVEN, "n1", "n2") == (
        "srun -N 2 -n 128 --ntasks-per-node=64 -w n[1-2] --exact --overlap --export=ALL --input=none"
        " --kill-on-bad-exit=1 --mpi=pmix --cpus-per-task 2 --mem=10G"
    )
    site = THETA.replace(launch=Launch(words=("-cc", "none")))
    assert launch(site, EVEN, "1", "2") == "aprun -n 128 -N 64 -d 1 -j 1 -L 1-2 -cc none"


# ---------------------------------------------------------------- long lists


def test_a_long_list_goes_into_a_file() -> None:
    nodes = [f"x{number}c0s0b0n0-hsn0" for number in range(2000)]
    for site, option in ((SLURM, "-w"), (PALS, "--hostfile"), (MPICH, "-f"), (OPENMPI, "--hostfile")):
        content = render_hostfile(site, nodes, per_node=4)
        assert content is not None
        assert parse_slots(content) == dict.fromkeys(nodes, 4 if site is OPENMPI else 1)
        words = render_launch(site, Resources(nodes=2000, ranks_per_node=4), nodes, hostfile="hosts")
        assert words[words.index(option) + 1] == "./hosts"
        assert max(map(len, words)) < 40
        assert render_hostfile(site, nodes[:100]) is None


def test_aprun_takes_any_list() -> None:
    assert render_hostfile(THETA, [str(number) for number in range(4000)]) is None


# ---------------------------------------------------------------- a program on each node

PROGRAM = ["python3", "-I", "-S", "node"]


def on_nodes(site: Site, *nodes: str) -> str:
    words = render_node_launch(site, nodes, PROGRAM)
    assert words[-4:] == PROGRAM
    return " ".join(words[:-4])


def test_aprun_gives_a_node_whole_and_binds_nothing() -> None:
    """Cobalt fact 9.9: `aprun -L`, whole nodes."""
    assert on_nodes(THETA, "3826") == "aprun -q -b -n 1 -N 1 -d 256 -j 4 -cc none -L 3826"
    assert on_nodes(THETA, "3826", "3827") == "aprun -q -b -n 2 -N 1 -d 256 -j 4 -cc none -L 3826-3827"
    assert on_nodes(THETA.replace(nodes=()), "7") == "aprun -q -b -n 1 -N 1 -cc none -L 7"


def test_srun_gives_a_node_whole_and_survives_the_end_of_another() -> None:
    of_all = "--mem=0 --overlap --cpu-bind=none --mpi=none --export=ALL"
    last = "--kill-on-bad-exit=0 --no-kill --wait=0"
    assert on_nodes(SLURM, "n1") == f"srun -N 1 -n 1 --ntasks-per-node=1 -w n1 {of_all} --input=0 {last}"
    assert on_nodes(SLURM, "n1", "n2") == f"srun -N 2 -n 2 --ntasks-per-node=1 -w n[1-2] {of_all} --input=none {last}"


def test_mpiexec_gives_a_node_whole() -> None:
    assert on_nodes(PALS, "x1", "x2") == "mpiexec -n 2 --ppn 1 --cpu-bind none --hosts x1,x2"
    assert on_nodes(MPICH, "a", "b") == "mpiexec -hosts a,b -ppn 1 -n 2 -bind-to none -disable-auto-cleanup"
    rest = "--map-by ppr:1:node --bind-to none --stdin"
    lasting = "--mca orte_abort_on_non_zero_status 0"
    assert on_nodes(OPENMPI, "a") == f"mpiexec {lasting} --host a:1 -n 1 {rest} 0"
    assert on_nodes(OPENMPI, "a", "b") == f"mpiexec {lasting} --host a:1,b:1 -n 2 {rest} none"


def test_flux_gives_a_node_whole() -> None:
    assert on_nodes(FLUX, "t1", "t2") == (
        "flux run -N 2 -x -n 2 -o cpu-affinity=off -o gpu-affinity=off -o exit-timeout=none --requires=host:t[1-2]"
    )


def test_the_nodes_of_a_blue_gene_start_no_shell() -> None:
    with pytest.raises(Trouble) as caught:
        on_nodes(MIRA, BLOCK)
    assert render_all(caught.value.diagnostics) == (
        "error[E913]: the nodes of mira start no shell, so no tasks can share one\n"
        "  help: give its rules `nodes` or `ranks`\n"
    )


def test_words_of_a_site_that_would_bind_tasks_do_not_reach_the_nodes() -> None:
    site = SLURM.replace(launch=Launch(words=("--mpi=pmix", "--cpu-bind=cores", "-w", "n9", "--network=x")))
    assert on_nodes(site, "n1").endswith("--wait=0 --network=x")
    site = OPENMPI.replace(launch=Launch(mpi="openmpi", words=("--mca", "btl", "tcp,self", "--bind-to", "core")))
    assert on_nodes(site, "a").endswith("--stdin 0 --mca btl tcp,self")


def test_the_shape_of_a_job_says_nothing_of_the_shape_of_a_launch() -> None:
    kept = {
        "PATH": "/bin",
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NODELIST": "n[1-2]",
        "SLURM_TASKS_PER_NODE": "64(x2)",
        "SLURM_CONF": "/etc/slurm.conf",
    }
    shape = {"SLURM_NTASKS": "128", "SLURM_CPUS_PER_TASK": "4", "SLURM_MEM_PER_CPU": "500", "SLURM_EXPORT_ENV": "NONE"}
    assert scrub_launcher({**kept, **shape, "SLURM_NTASKS_PER_NODE": "64", "SLURM_GPUS_PER_TASK": "1"}) == kept


# ---------------------------------------------------------------- what a dry run shows


@pytest.mark.parametrize(
    ("site", "words"),
    [
        (THETA, "aprun -n 128 -N 64 -d 1 -j 1 -cc depth -L NODES"),
        (SLURM, f"srun -N 2 -n 128 --ntasks-per-node=64 --cpus-per-task=1 -w NODES {SRUN}"),
        (PALS, "mpiexec -n 128 --ppn 64 --depth 1 --cpu-bind depth --hosts NODES"),
        (MPICH, "mpiexec -hosts NODES -ppn 64 -n 128"),
        (OPENMPI, "mpiexec --host NODES -n 128"),
        (MPICH.replace(launch=Launch()), "mpiexec -n 128"),
        (FLUX, "flux run -N 2 -x -n 128 -c 1 --requires=host:NODES"),
        (MIRA, "runjob --block NODES --np 128 -p 64 :"),
        (Site("local", "none", "none"), "mpiexec -n 128"),
    ],
)
def test_a_preview_names_no_nodes(site: Site, words: str) -> None:
    assert " ".join(preview_launch(site, EVEN)) == words


def test_a_preview_of_ranks_counts_their_nodes() -> None:
    words = preview_launch(SLURM, Resources(ranks=130, ranks_per_node=64))
    assert words[:5] == ["srun", "-N", "3", "-n", "130"]


# ---------------------------------------------------------------- which launcher is there


def test_a_name_that_only_one_dialect_has_is_preferred(folder: Path) -> None:
    for name in ("mpiexec", "mpiexec.mpich", "orterun"):
        install(folder, name)
    assert find_launcher(MPICH) == "mpiexec.mpich"
    assert find_launcher(OPENMPI) == "orterun"
    assert find_launcher(PALS) == "mpiexec"
    assert find_launcher(SLURM) is None
    assert find_launcher(SLURM, "") is None
    assert render_launch(MPICH, EVEN, ["a", "b"], program="mpiexec.mpich")[0] == "mpiexec.mpich"


@pytest.mark.parametrize(
    ("version", "dialect"),
    [
        ("HYDRA build details:\n    Version:                                 4.0.2\n", "mpich"),
        ("mpiexec.openmpi (OpenRTE) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n", "openmpi"),
        ("prterun (PRRTE) 3.0.2\n", "openmpi"),
        ("mpiexec from PALS 1.2.12\n", "pals"),
        ("something else", None),
    ],
)
def test_an_mpiexec_is_known_by_its_version(version: str, dialect: str | None) -> None:
    assert parse_dialect(version) == dialect
