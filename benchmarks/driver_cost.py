"""Measures what a whole driver costs for each task that shares a node, in cpu of its one process, records included.

    python benchmarks/driver_cost.py [-n 20000] [--nodes 4]

The job is one of Theta, and its `aprun` a script that starts the program here; so node programs and tasks
(`touch`) are real ones, and share this machine with the driver.  What a run of one task costs is taken off.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

APRUN = """#!/bin/bash
while [ $# -gt 0 ]; do
    case $1 in
        -n | -N | -d | -j | -cc | -e | -m | -L) shift 2 ;;
        -b | -q) shift ;;
        *) break ;;
    esac
done
exec "$@"
"""

PROGRAM = """
import atexit, os, sys, time
from hpcmake.__main__ import main
atexit.register(lambda: os.write(9, str(time.process_time()).encode()))
sys.argv[0] = "hpcmake"
sys.exit(main())
"""


def run(folder, n, nodes):
    """Run so many tasks; return the cpu of the driver's own process, and the seconds."""
    root = os.path.join(folder, str(n))
    os.mkdir(root)
    with open(os.path.join(root, "Wfile"), "w", encoding="utf-8") as file:
        file.write(f'target all: "out/{{i}}.dat" for i in 1..{n}\n\n')
        file.write('rule a:\n    output: "out/{i}.dat"\n    run: touch {output}\n')
    now = int(time.time())
    env = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": CHECKOUT,
        "COBALT_JOBID": "1",
        "COBALT_PARTNAME": f"1-{nodes}" if nodes > 1 else "1",
        "COBALT_PARTSIZE": str(nodes),
        "COBALT_STARTTIME": str(now),
        "COBALT_ENDTIME": str(now + 7200),
    }
    told, tell = os.pipe()
    os.dup2(tell, 9)
    began = time.monotonic()
    status = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=root,
        env=env,
        pass_fds=(9,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode
    if status:
        sys.exit(f"hpcmake ended with {status}")
    return float(os.read(told, 100)), time.monotonic() - began


def main():
    """Measure, and print a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=20_000)
    parser.add_argument("--nodes", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "aprun")
        with open(path, "w", encoding="utf-8") as file:
            file.write(APRUN)
        os.chmod(path, 0o755)
        first, _ = run(folder, 1, chosen.nodes)
        cpu, seconds = run(folder, chosen.n, chosen.nodes)
    print(
        f"{platform.platform()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}: "
        f"{chosen.n:,} tasks, {chosen.n / seconds:,.0f} a second, "
        f"{1000 * (cpu - first) / chosen.n:.3f} ms of the driver's cpu a task"
    )


if __name__ == "__main__":
    main()
