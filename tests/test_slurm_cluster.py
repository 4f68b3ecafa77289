"""The cluster on which other tests run is a real one, and nothing is left of it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from slurm.campaign import HERE, OVER, Slurm
from slurm.cluster import all_processes, until
from slurm.together import side_by_side


@side_by_side("mpicc.mpich", "mpicc.openmpi")
def test_a_node_has_a_name_and_processes_of_its_own_and_mpi_goes_from_one_to_another(slurm: Slurm) -> None:
    folder = slurm.folder / "plain"
    folder.mkdir()
    rings = [("mpich", "pmi2"), ("openmpi", "pmix")]
    lines = [f"srun --mpi={plugin} {slurm.ring(mpi)} {folder}/{mpi} 0" for mpi, plugin in rings]
    script = "\n".join(["#!/bin/bash", "ps -e >processes", *lines, ""])
    (folder / "job.sh").write_text(script)
    words = ["sbatch", "--exclusive", "--nodes=2", "--ntasks-per-node=1", "--time=5", "--output=out", "--parsable"]
    number = slurm.cluster.run(*words, "job.sh", root=folder).strip()
    until(lambda: slurm.state(number) in OVER, "the job ends", 400)
    names = slurm.cluster.run("scontrol", "show", "hostnames", job_nodes(slurm, number)).split()
    assert len(names) == 2
    for mpi, _ in rings:
        size, *hosts = (folder / mpi).read_text().split()
        assert (size, sorted(hosts)) == ("2", sorted(names)), mpi
    assert "slurmctld" not in (folder / "processes").read_text()


def job_nodes(slurm: Slurm, number: str) -> str:
    words = slurm.cluster.run("scontrol", "show", "job", number).split()
    return next(word.removeprefix("NodeList=") for word in words if word.startswith("NodeList="))


def processes_of(text: str) -> list[str]:
    """The commands of processes that have a text in their environment or command."""
    found = []
    for pid in all_processes():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as command, open(f"/proc/{pid}/environ", "rb") as environment:
                words = command.read()
                if text.encode() in words + environment.read():
                    found.append(words.replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


@side_by_side()
def test_a_node_that_crashes_is_down_and_one_that_is_booted_comes_back(slurm: Slurm) -> None:
    mark = f"MARK={slurm.folder}"
    words = ["sbatch", "--exclusive", "--nodes=1", "--time=5", "--parsable", "--output=/dev/null", "--no-requeue"]
    number = slurm.cluster.run(*words, f"--export=ALL,{mark}", "--wrap", "sleep 1000").strip()
    until(lambda: "sleep 1000 " in processes_of(mark), "the job runs", 300)
    node = job_nodes(slurm, number)
    slurm.cluster.crash(node)
    assert processes_of(mark) == []
    until(lambda: slurm.state(number) == "NODE_FAIL", "Slurm has noticed", 300)
    slurm.cluster.boot(node)
    words = ["sinfo", "-h", "-p", "batch", "-n", node, "-o", "%t"]
    until(lambda: slurm.cluster.run(*words).strip() in {"idle", "alloc", "mix", "comp"}, f"{node} is back", 300)


@side_by_side()
def test_nothing_is_left_of_a_cluster_when_its_command_ends(slurm: Slurm) -> None:
    done = subprocess.run(maker(f"{slurm.folder}/ended", "exit 7"), check=False)
    assert done.returncode == 7
    wait_until_nothing_is_left(slurm.folder / "ended")


@side_by_side()
def test_nothing_is_left_of_a_cluster_when_its_maker_is_killed(slurm: Slurm) -> None:
    process = subprocess.Popen(maker(f"{slurm.folder}/killed", "sleep 1000"))
    until((slurm.folder / "killed").exists, "a cluster is up", 60)
    process.kill()
    process.wait()
    wait_until_nothing_is_left(slurm.folder / "killed")


def maker(told: str, command: str) -> list[str]:
    """The words that make a cluster on which a job runs, tell where it is, and run a command on it."""
    script = f"sbatch -N2 --output=/dev/null --wrap 'srun sleep 1000'; echo $SLURM_CONF >{told}.part; mv {told}.part {told}; {command}"
    return [sys.executable, os.path.join(HERE, "cluster.py"), "--nodes", "2", "--", "bash", "-c", script]


def wait_until_nothing_is_left(told: Path) -> None:
    place = os.path.dirname(told.read_text().strip())
    assert place.startswith(tempfile.gettempdir())
    until(lambda: not processes_of(place), f"the processes of {place} end", 30)
    until(lambda: not os.path.exists(place), f"{place} is removed", 30)
