"""How many short tasks a second a real Slurm job of 16 nodes does: hpcmake, srun, a bare loop, HyperQueue.

    python benchmarks/slurm_rate.py [--nodes 16] [--tasks 5000] [--rounds 3] [--hq PYTHON]

Owns the cluster (that of tests/slurm, on this machine) and the contenders, which take turns inside one job.  Knows
nothing of how they work.  `--hq` is a Python with the package `hyperqueue`, whose server and workers, as many as nodes,
run on the first node: the nodes share this machine's cores anyway.  Each task is `touch out/N.dat`.  Seconds are from
the start of a contender's command to its end; what HyperQueue takes to come up is not counted, that of all others is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(HERE)

SITE = """\
name = "bench"
scheduler = "slurm"
launcher = "srun"
python = "{python}"
latency = "0s"
mtime_grain = "0.001s"
margin = "10s"
[node.any]
cores = 64
memory = "64GB"
[launch]
carrier = "{carrier}"
"""

WFILE = """\
param tasks = 1
target all: "out/{i}.dat" for i in 1..tasks
rule touch:
    output: "out/{i}.dat"
    cores: 1
    run: touch {output}
"""

SPAWN = """\
import os, shutil, sys
first, last, most = map(int, sys.argv[1:])
rank, ranks = int(os.environ["SLURM_PROCID"]), int(os.environ["SLURM_NTASKS"])
touch, live = shutil.which("touch"), 0
for number in range(first + rank, last + 1, ranks):
    if live == most:
        os.wait()
        live -= 1
    os.posix_spawn(touch, [touch, f"out/{number}.dat"], os.environ)
    live += 1
while live:
    os.wait()
    live -= 1
"""

HYPERQUEUE = """\
import os, sys, time
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig
with LocalCluster(os.path.abspath("server")) as cluster:
    for _ in range(int(sys.argv[2])):
        cluster.start_worker(WorkerConfig(cores=64))
    client = cluster.client()
    begin = time.monotonic()
    job = Job(default_workdir=os.getcwd())
    for number in range(1, int(sys.argv[1]) + 1):
        job.program(["touch", f"out/{number}.dat"], stdout=None, stderr=None)
    client.wait_for_jobs([client.submit(job)])
    print(time.monotonic() - begin, flush=True)
    os._exit(0)
"""


def fresh(name: str) -> str:
    """Make an empty folder, and an `out` in it; enter neither."""
    shutil.rmtree(name, ignore_errors=True)
    os.makedirs(f"{name}/out")
    return name


def check(folder: str, tasks: int) -> None:
    """Fail if a file is missing."""
    found = len(os.listdir(f"{folder}/out"))
    if found != tasks:
        message = f"{folder}: {found} files of {tasks}"
        raise SystemExit(message)


def timed(argv: list[str], folder: str) -> float:
    """Run a command in a folder; return its seconds."""
    begin = time.monotonic()
    with open(f"{folder}/output", "w", encoding="utf-8") as output:
        subprocess.run(argv, cwd=folder, check=True, stdout=output, stderr=subprocess.STDOUT)
    return time.monotonic() - begin


def run_hpcmake(tasks: int, carrier: str) -> float:
    """Return the tasks a second of hpcmake."""
    folder = fresh(f"hpcmake-{carrier}")
    Path(folder, "Wfile").write_text(WFILE, encoding="utf-8")
    Path(folder, "bench.toml").write_text(SITE.format(python=sys.executable, carrier=carrier), encoding="utf-8")
    words = [sys.executable, "-m", "hpcmake", "--here", "--site", "./bench.toml", "-D", f"tasks={tasks}", "--quiet"]
    seconds = timed(words, folder)
    check(folder, tasks)
    return tasks / seconds


def run_srun(tasks: int, at_once: int) -> float:
    """Return the tasks a second of so many srun at a time."""
    folder = fresh(f"srun-{at_once}")
    step = ["srun", "-N1", "-n1", "-c1", "--exact", "--mem=100", "touch"]
    live: list[subprocess.Popen[bytes]] = []
    begin = time.monotonic()
    for number in range(1, tasks + 1):
        while len(live) == at_once:
            live = [each for each in live if each.poll() is None]
            time.sleep(0.002)
        live.append(subprocess.Popen([*step, f"out/{number}.dat"], cwd=folder, stderr=subprocess.DEVNULL))
    for each in live:
        each.wait()
    seconds = time.monotonic() - begin
    check(folder, tasks)
    return tasks / seconds


def run_spawn(tasks: int, nodes: int) -> float:
    """Return the tasks a second of a bare loop on each node."""
    folder = fresh("spawn")
    Path(folder, "spawn.py").write_text(SPAWN, encoding="utf-8")
    step = ["srun", f"-N{nodes}", f"-n{nodes}", "-c64", "--overlap", "--mem=0", "--cpu-bind=none"]
    seconds = timed([*step, sys.executable, "-I", "-S", "spawn.py", "1", str(tasks), "64"], folder)
    check(folder, tasks)
    return tasks / seconds


def run_hyperqueue(tasks: int, nodes: int, python: str) -> float:
    """Return the tasks a second of HyperQueue."""
    folder = fresh("hyperqueue")
    Path(folder, "submit.py").write_text(HYPERQUEUE, encoding="utf-8")
    words = [python, "submit.py", str(tasks), str(nodes)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    check(folder, tasks)
    return tasks / float(done.stdout.split()[-1])


def inside(arguments: argparse.Namespace) -> None:
    """Let all contenders take turns; write their rates."""
    nodes, tasks = arguments.nodes, arguments.tasks
    rates: dict[str, list[float]] = {}
    contenders = {
        "hpcmake, mailbox": lambda: run_hpcmake(tasks, "mailbox"),
        "hpcmake, pipes": lambda: run_hpcmake(tasks, "pipe"),
        "bare loop": lambda: run_spawn(tasks, nodes),
        "srun, 1 at a time": lambda: run_srun(60, 1),
        "srun, 8 at a time": lambda: run_srun(160, 8),
        "srun, 32 at a time": lambda: run_srun(160, 32),
    }
    if arguments.hq:
        contenders["HyperQueue"] = lambda: run_hyperqueue(tasks, nodes, arguments.hq)
    for _ in range(arguments.rounds):
        for name, run in contenders.items():
            try:
                rates.setdefault(name, []).append(run())
            except (SystemExit, subprocess.CalledProcessError) as problem:
                rates.setdefault(f"{name}: {problem}"[:300], []).append(0.0)
            Path("rates.json").write_text(json.dumps(rates), encoding="utf-8")
    Path("done").touch()


def outside(arguments: argparse.Namespace) -> None:
    """Start a cluster and the job; print the medians."""
    sys.path.insert(0, os.path.join(CHECKOUT, "tests"))
    from slurm.cluster import Cluster, until

    cluster = Cluster(nodes=arguments.nodes)
    try:
        folder = cluster.place / "bench"
        folder.mkdir()
        words = [sys.executable, os.path.abspath(__file__), "--inside", "--nodes", str(arguments.nodes)]
        words += ["--tasks", str(arguments.tasks), "--rounds", str(arguments.rounds)]
        words += ["--hq", arguments.hq] if arguments.hq else []
        (folder / "job.sh").write_text("#!/bin/bash\nexec " + " ".join(words) + " >log 2>&1\n", encoding="utf-8")
        cluster.run(
            "sbatch",
            f"--nodes={arguments.nodes}",
            "--exclusive",
            "--time=60",
            f"--export=ALL,PYTHONPATH={CHECKOUT}",
            "job.sh",
            root=folder,
        )
        job_log = folder / "log"
        until(lambda: (folder / "done").exists() or "Traceback" in read(job_log), "the job ends", 3600, pause=1)
        print(read(job_log), end="")
        rates = json.loads(read(folder / "rates.json") or "{}")
        best = statistics.median(rates["hpcmake, mailbox"])
        for name, each in rates.items():
            middle = statistics.median(each)
            ratio = f"hpcmake is {best / middle:.2f} x" if middle else ""
            print(f"{name:<22} {middle:>8.0f} tasks/s   {ratio}   ({', '.join(f'{rate:.0f}' for rate in each)})")
    finally:
        cluster.close()


def read(path: Path) -> str:
    """Return what a file holds; nothing if it is not there."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hq", default="")
    parser.add_argument("--inside", action="store_true")
    arguments = parser.parse_args()
    (inside if arguments.inside else outside)(arguments)


if __name__ == "__main__":
    main()
